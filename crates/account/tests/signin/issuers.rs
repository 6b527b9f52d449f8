//! Several authorization servers, and one that moves: nothing of one is ever shown to another.

use prokura_account::{AccountError, Challenge};
use prokura_domain::AccountState;
use serde_json::json;

use crate::authority::{Authority, META, PRM, query};
use crate::world::{World, bearer};

#[tokio::test]
async fn the_first_authorization_server_that_works_is_taken_and_kept() {
    // CA-08
    let (world, weak, good) = (World::new(), Authority::open().await, Authority::open().await);
    weak.metadata(json!({"code_challenge_methods_supported": null}));
    weak.resource(json!({"authorization_servers": [weak.site.base, good.site.base]}));
    good.site
        .route("/register", |_| crate::site::Reply::json(201, &json!({"client_id": "of-good"})));
    let server = world.server(&weak.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(sign_in.issuer, good.site.base);
    assert_eq!(query(&sign_in.url)["client_id"], "of-good");
    assert!(weak.site.asked("/register").is_empty());
}

#[tokio::test]
async fn a_moved_issuer_never_sees_the_old_client_or_tokens() {
    // CA-19, CA-20, CA-41
    let (world, old, new) = (World::new(), Authority::open().await, Authority::open().await);
    let (server, account) = world.signed_in(&old).await;
    let proof = world.book.proof(&account.id, None).await.unwrap();
    new.site.route("/register", |_| crate::site::Reply::json(201, &json!({"client_id": "of-new"})));
    let resource = old.endpoint();
    new.site.route("/token", move |seen| {
        assert_eq!(seen.form()["resource"], resource);
        crate::site::Reply::json(200, &json!({"access_token": "new", "token_type": "Bearer"}))
    });
    old.resource(json!({"authorization_servers": [new.site.base]}));

    let fields = [format!(r#"Bearer resource_metadata="{}""#, old.site.url(PRM))];
    let meant = world.book.on_challenge(&account.id, 401, &fields).await.unwrap();
    assert_eq!(meant, Challenge::SignInNeeded);
    assert_eq!(world.state(&account), AccountState::NeedsSignIn);
    assert!(world.book.proof(&account.id, Some(&proof)).await.is_err());

    let id = Some(account.id.clone());
    let sign_in = world.book.start_sign_in(&server, id, &[]).await.unwrap();
    assert_eq!(query(&sign_in.url)["client_id"], "of-new");
    let moved = world.finish(&new, &sign_in).await.unwrap();
    assert_eq!((&moved.id, moved.issuer), (&account.id, Some(new.site.base.clone())));
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer new");
    for path in ["/register", "/token", "/authorize"] {
        for seen in new.site.asked(path) {
            let body = String::from_utf8_lossy(&seen.body).into_owned();
            assert!(
                !body.contains("refresh-1") && !body.contains("client_id=registered"),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn trouble_with_the_metadata_does_not_sign_anybody_out() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let fields = [format!(r#"Bearer resource_metadata="{}""#, authority.site.url(PRM))];
    for status in [404, 500] {
        authority.site.fixed(PRM, crate::site::Reply::status(status));
        let meant = world.book.on_challenge(&account.id, 401, &fields).await.unwrap();
        assert_eq!(meant, Challenge::InvalidToken, "{status}");
    }
    assert_eq!(world.state(&account), AccountState::SignedIn);
}

#[tokio::test]
async fn an_account_stays_with_its_issuer_while_that_is_still_named() {
    let (world, own, other) = (World::new(), Authority::open().await, Authority::open().await);
    let (server, account) = world.signed_in(&own).await;
    own.resource(json!({"authorization_servers": [other.site.base, own.site.base]}));
    let id = Some(account.id);
    let sign_in = world.book.start_sign_in(&server, id, &[]).await.unwrap();
    assert_eq!(sign_in.issuer, own.site.base);
    world.book.close();
    assert!(world.book.wait_sign_in(&sign_in.id).await.is_err());
    // Nor does it change its issuer because that does not answer just now.
    own.site.fixed(META, crate::site::Reply::status(503));
    let told = world.book.start_sign_in(&server, sign_in.account, &[]).await;
    assert!(matches!(told, Err(AccountError::Unreachable { .. })), "{told:?}");
    assert!(other.site.asked("/register").is_empty());
}
