//! What the person chooses: scopes, authorization servers, exceptions, names.

use prokura_account::{AccountError, Exception, Wish};
use prokura_domain::Server;
use serde_json::json;

use crate::authority::{Authority, META, query};
use crate::site::Reply;
use crate::world::World;

#[tokio::test]
async fn what_a_sign_in_asks_for_is_told_before_and_can_be_less() {
    // CA-33, U-17
    let (world, authority) = (World::new(), Authority::open().await);
    authority.challenge("Bearer");
    let server = world.server(&authority.endpoint());
    let plan = world.book.plan_sign_in(&server, &Wish::default()).await.unwrap();
    assert_eq!(plan.scopes, ["read", "write"]);
    assert_eq!((plan.browser, plan.device, plan.bound), (true, false, false));
    assert!(authority.site.asked("/register").is_empty(), "a plan changes nothing");

    let less = Wish { scopes: Some(vec!["read".to_owned(), "more".to_owned()]), ..Wish::default() };
    let sign_in = world.book.begin_sign_in(&server, less).await.unwrap();
    assert_eq!(query(&sign_in.url)["scope"], "read");
    world.book.cancel_sign_in(&sign_in.id);
    assert!(world.book.wait_sign_in(&sign_in.id).await.is_err());
    assert!(world.kinds().is_empty(), "a change of mind is no failure");

    let none = Wish { scopes: Some(Vec::new()), ..Wish::default() };
    let told = world.book.begin_sign_in(&server, none).await;
    assert!(matches!(told, Err(AccountError::NothingAsked)), "{told:?}");
}

#[tokio::test]
async fn of_several_authorization_servers_the_person_chooses_and_it_is_remembered() {
    // CA-08
    let (world, one, two) = (World::new(), Authority::open().await, Authority::open().await);
    one.resource(json!({"authorization_servers": [one.site.base, two.site.base]}));
    let server = world.server(&one.endpoint());
    let plan = world.book.plan_sign_in(&server, &Wish::default()).await.unwrap();
    assert_eq!(plan.issuers, [one.site.base.clone(), two.site.base.clone()]);
    assert_eq!(plan.issuer, one.site.base);
    let chosen = Wish { issuer: Some(two.site.base.clone()), ..Wish::default() };
    let sign_in = world.book.begin_sign_in(&server, chosen).await.unwrap();
    assert_eq!(sign_in.issuer, two.site.base);
    world.book.close();
    let world = world.restarted();
    let plan = world.book.plan_sign_in(&server, &Wish::default()).await.unwrap();
    assert_eq!(plan.issuer, two.site.base);
    let stranger = Wish { issuer: Some("https://evil.example".to_owned()), ..Wish::default() };
    assert!(world.book.begin_sign_in(&server, stranger).await.is_err());
}

#[tokio::test]
async fn missing_pkce_is_excused_at_one_server_by_name_and_that_is_taken_back() {
    // CA-25
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({"code_challenge_methods_supported": null}));
    let server = world.server(&authority.endpoint());
    let other = world.server(&format!("{}?other", authority.endpoint()));
    let start = |server| world.book.start_sign_in(server, None, &[]);
    assert!(matches!(start(&server).await, Err(AccountError::NoPkce { .. })));
    world.book.set_exception(&server, Exception::NoPkce, true).await.unwrap();
    assert_eq!(world.book.exceptions(&server).unwrap(), [Exception::NoPkce]);
    let sign_in = start(&server).await.unwrap();
    assert!(query(&sign_in.url).contains_key("code_challenge"), "it is sent all the same");
    world.book.close();
    assert!(matches!(start(&other).await, Err(AccountError::NoPkce { .. })));
    // Who says what it takes has not been silent.
    authority.metadata(json!({"code_challenge_methods_supported": ["plain"]}));
    assert!(world.book.wait_sign_in(&sign_in.id).await.is_err());
    assert!(matches!(start(&server).await, Err(AccountError::NoPkce { .. })));
    authority.metadata(json!({"code_challenge_methods_supported": null}));
    world.book.set_exception(&server, Exception::NoPkce, false).await.unwrap();
    assert!(matches!(start(&server).await, Err(AccountError::NoPkce { .. })));
    let told = {
        let query = prokura_store::RecordQuery { limit: 100, ..Default::default() };
        world.log.records(&query).unwrap()
    };
    assert_eq!(told.iter().filter(|record| record.kind == "server.exception").count(), 2);
}

#[tokio::test]
async fn another_issuer_is_excused_by_name_only_and_its_answers_are_still_judged() {
    // CA-07, CA-28
    let (world, authority) = (World::new(), Authority::open().await);
    let mut said = authority.usual_metadata();
    said["issuer"] = json!("https://tenant.example/v2");
    authority.site.fixed(META, Reply::json(200, &said));
    let server = world.server(&authority.endpoint());
    let told = world.sign_in(&authority, &server).await;
    assert!(matches!(told, Err(AccountError::IssuerMismatch { .. })), "{told:?}");
    world.book.set_exception(&server, Exception::OtherIssuer, true).await.unwrap();
    for (iss, is_fine) in [("https://tenant.example/v2", true), ("https://evil.example", false)] {
        let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
        let mut answer = authority.approve(&sign_in);
        answer.insert("iss".to_owned(), iss.to_owned());
        crate::world::browse(&sign_in, &answer).await;
        let ended = world.book.wait_sign_in(&sign_in.id).await;
        assert_eq!(ended.is_ok(), is_fine, "{iss}: {ended:?}");
        if let Ok(account) = ended {
            assert_eq!(account.issuer, Some(authority.site.base.clone()));
        }
    }
}

#[tokio::test]
async fn an_account_is_called_as_the_person_likes_unless_that_misleads() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    for bad in ["", "anonymous", "key", "acc_x", "a b", "\u{202e}x", "a/b"] {
        let told = world.book.rename(&account.id, bad).await;
        assert!(matches!(told, Err(AccountError::BadName(_))), "{bad}: {told:?}");
    }
    assert_eq!(world.book.rename(&account.id, "work").await.unwrap().name, "work");
    assert!(world.book.proof(&account.id, None).await.is_ok(), "its tokens open all the same");
}

#[tokio::test]
async fn a_registration_is_deleted_where_it_was_made_when_its_server_goes() {
    // RFC 7592
    let (world, authority) = (World::new(), Authority::open().await);
    let registered = json!({
        "client_id": "c",
        "registration_access_token": "manage",
        "registration_client_uri": authority.site.url("/register/c"),
    });
    authority.site.fixed("/register", Reply::json(201, &registered));
    authority.site.fixed("/register/c", Reply::status(204));
    let (server, _) = world.signed_in(&authority).await;
    let world = world.restarted();
    let leaving = world.book.leaving(&server).unwrap();
    world.store.remove_server(&server.id).unwrap();
    assert_eq!(leaving.delete().await, (1, 0));
    let seen = &authority.site.asked("/register/c")[0];
    assert_eq!(seen.header("authorization"), Some("Bearer manage"));
}

#[tokio::test]
async fn tokens_for_an_address_that_was_edited_meanwhile_are_not_kept() {
    // CA-31
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let moved = Server { endpoint: "http://127.0.0.1:9/elsewhere/mcp".to_owned(), ..server };
    world.store.put_server(&moved).unwrap();
    let outcome = world.finish(&authority, &sign_in).await;
    assert!(matches!(outcome, Err(AccountError::ResourceMismatch { .. })), "{outcome:?}");
    assert!(world.store.accounts(&moved.id).unwrap().is_empty());
    assert!(!world.kinds().contains(&"token.issued".to_owned()));
}
