//! Which client Prokura is: entered, described, registered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prokura_account::{AccountError, ClientProof, Secret};
use serde_json::json;

use crate::authority::{Authority, query};
use crate::site::Reply;
use crate::world::World;

const DOCUMENT: &str = "https://prokura.example/client.json";

#[tokio::test]
async fn a_registration_is_used_again_and_made_anew_when_its_port_is_taken() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, _) = world.signed_in(&authority).await;
    let world = world.restarted();
    let again = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(authority.site.asked("/register").len(), 1);
    world.finish(&authority, &again).await.unwrap();

    let taken = loop {
        let address = again.redirect.trim_start_matches("http://").trim_end_matches("/callback");
        match tokio::net::TcpListener::bind(address).await {
            Ok(taken) => break taken,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let other = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_ne!(other.redirect, again.redirect);
    assert_eq!(authority.site.asked("/register").len(), 2);
    drop(taken);
    // The port that the newest registration knows is the one that is kept.
    world.finish(&authority, &other).await.unwrap();
    let last = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(last.redirect, other.redirect);
    assert_eq!(authority.site.asked("/register").len(), 2);
}

#[tokio::test]
async fn registrations_are_never_shared_between_servers() {
    // CA-19
    let (world, authority) = (World::new(), Authority::open().await);
    world.signed_in(&authority).await;
    world.signed_in(&authority).await;
    assert_eq!(authority.site.asked("/register").len(), 2);
}

#[tokio::test]
async fn a_client_document_is_used_where_it_is_advertised_only() {
    // CA-11, CA-12, CA-14
    let (world, authority) = (World::with(Some(DOCUMENT)), Authority::open().await);
    let server = world.server(&authority.endpoint());
    authority.metadata(json!({"client_id_metadata_document_supported": true}));
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(query(&sign_in.url)["client_id"], DOCUMENT);
    assert!(authority.site.asked("/register").is_empty());
    world.finish(&authority, &sign_in).await.unwrap();
    assert_eq!(authority.site.asked("/token")[0].form()["client_id"], DOCUMENT);
    authority.metadata(json!({}));
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(query(&sign_in.url)["client_id"], "registered");
}

#[tokio::test]
async fn the_id_of_the_client_document_is_not_taken_as_a_registered_one() {
    // B-13
    let (world, authority) = (World::with(Some(DOCUMENT)), Authority::open().await);
    authority.site.fixed("/register", Reply::json(201, &json!({"client_id": DOCUMENT})));
    let server = world.server(&authority.endpoint());
    let told = world.book.start_sign_in(&server, None, &[]).await;
    assert!(matches!(told, Err(AccountError::RegistrationRefused { .. })), "{told:?}");
}

#[tokio::test]
async fn a_registration_that_does_not_open_is_made_anew() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}));
    let registered = json!({"client_id": "c", "client_secret": "hush"});
    authority.site.fixed("/register", Reply::json(201, &registered));
    let (server, account) = world.signed_in(&authority).await;
    let row = format!("{}/{}", server.id, authority.site.base);
    let sealed = world.store.secret(&row, "client").unwrap().unwrap();
    let broken = prokura_store::Sealed { generation: 9, bytes: vec![0; sealed.bytes.len()] };
    world.store.put_secret(&row, "client", &broken).unwrap();
    world.pass(3600);
    assert!(world.book.proof(&account.id, None).await.is_ok(), "tokens carry their own client");
    world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(authority.site.asked("/register").len(), 2);
}

#[tokio::test]
async fn an_entered_client_comes_before_everything_else() {
    // CA-11, CA-15
    let (world, authority) = (World::with(Some(DOCUMENT)), Authority::open().await);
    let server = world.server(&authority.endpoint());
    authority.metadata(json!({
        "client_id_metadata_document_supported": true,
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }));
    let redirect = world.book.redirect_address(&server).await.unwrap();
    let secret = Secret::new("s:e c%".to_owned());
    world.book.set_client(&server, "my client", ClientProof::Secret(secret)).await.unwrap();
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(sign_in.redirect, redirect, "the address the person was told to enter there");
    assert_eq!(query(&sign_in.url)["client_id"], "my client");
    world.finish(&authority, &sign_in).await.unwrap();
    let request = &authority.site.asked("/token")[0];
    let proof = STANDARD.encode("my+client:s%3Ae+c%25");
    assert_eq!(request.header("authorization"), Some(format!("Basic {proof}").as_str()));
    assert!(!request.form().contains_key("client_secret"));
    assert!(authority.site.asked("/register").is_empty());
}

#[tokio::test]
async fn an_entered_client_is_not_quietly_replaced_when_the_issuer_changes() {
    // CA-20, CA-21
    let (world, old, new) = (World::new(), Authority::open().await, Authority::open().await);
    let server = world.server(&old.endpoint());
    world.book.set_client(&server, "mine", ClientProof::None).await.unwrap();
    old.resource(json!({"authorization_servers": [new.site.base]}));
    let told = world.book.start_sign_in(&server, None, &[]).await;
    assert!(
        matches!(&told, Err(AccountError::ClientElsewhere { entered, now, .. })
        if *entered == old.site.base && *now == new.site.base),
        "{told:?}"
    );
    world.book.forget_client(&server).unwrap();
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(query(&sign_in.url)["client_id"], "registered");
    assert_eq!(new.site.asked("/register").len(), 1);
}

#[tokio::test]
async fn an_entered_client_whose_port_is_taken_is_told_so() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    world.book.set_client(&server, "mine", ClientProof::None).await.unwrap();
    let redirect = world.book.redirect_address(&server).await.unwrap();
    let address = redirect.trim_start_matches("http://").trim_end_matches("/callback");
    let _taken = tokio::net::TcpListener::bind(address).await.unwrap();
    let told = world.book.start_sign_in(&server, None, &[]).await;
    assert!(matches!(told, Err(AccountError::PortTaken { .. })), "{told:?}");
}

#[tokio::test]
async fn without_any_way_the_person_is_told_what_to_create_and_where() {
    // CA-10, CA-11, U-19
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({"registration_endpoint": null}));
    let server = world.server(&authority.endpoint());
    let told = world.book.start_sign_in(&server, None, &[]).await;
    let expected = world.book.redirect_address(&server).await.unwrap();
    assert!(
        matches!(&told, Err(AccountError::ClientNeeded { redirect, .. })
        if *redirect == expected),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_refused_registration_is_told_with_its_reason() {
    // CA-18
    let denied = json!({"error": "invalid_redirect_uri", "error_description": "no\u{7} loopback"});
    let id = |id: &str| json!({"client_id": id, "redirect_uris": ["https://evil.example/"]});
    let table = [
        (Reply::json(400, &denied), "invalid_redirect_uri: no loopback"),
        (Reply::status(403), "it gave no reason"),
        (Reply::status(302).with("location", "/register2"), "it gave no reason"),
        (Reply::json(201, &json!({})), "its answer is not a registration"),
        (Reply::json(201, &id("x")), "it did not accept the redirect address of this machine"),
        (
            Reply::json(201, &json!({"client_id": ""})),
            "a client id is 1 to 2048 printable characters",
        ),
        (
            Reply::json(
                201,
                &json!({"client_id": "x", "token_endpoint_auth_method": "private_key_jwt"}),
            ),
            "it wants clients to prove themselves in a way Prokura cannot",
        ),
    ];
    for (reply, reason) in table {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.site.fixed("/register", reply);
        let server = world.server(&authority.endpoint());
        let told = world.book.start_sign_in(&server, None, &[]).await;
        assert!(
            matches!(&told, Err(AccountError::RegistrationRefused { said, .. })
            if said == reason),
            "{told:?}"
        );
        assert!(authority.site.asked("/register2").is_empty());
    }
}

#[tokio::test]
async fn a_registered_secret_is_used_as_the_server_wants_and_survives_a_restart() {
    for (method, in_header) in [("client_secret_basic", true), ("client_secret_post", false)] {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.metadata(json!({"token_endpoint_auth_methods_supported": [method]}));
        let registered =
            json!({"client_id": "c", "client_secret": "hush", "client_secret_expires_at": 0});
        authority.site.fixed("/register", Reply::json(201, &registered));
        let (_, account) = world.signed_in(&authority).await;
        let world = world.restarted();
        world.pass(3600);
        world.book.proof(&account.id, None).await.unwrap();
        let asked = authority.site.asked("/token");
        assert_eq!(asked.len(), 2);
        for request in asked {
            let form = request.form();
            if in_header {
                let proof = format!("Basic {}", STANDARD.encode("c:hush"));
                assert_eq!(request.header("authorization"), Some(proof.as_str()));
            } else {
                assert_eq!(
                    (form["client_id"].as_str(), form["client_secret"].as_str()),
                    ("c", "hush")
                );
            }
            assert_eq!(form.contains_key("client_secret"), !in_header, "{method}");
        }
    }
}

#[tokio::test]
async fn a_client_that_the_issuer_no_longer_knows_is_registered_anew() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    let dead = Reply::json(401, &json!({"error": "invalid_client"}));
    authority.site.fixed("/token", dead);
    world.pass(3600);
    let told = world.book.proof(&account.id, None).await;
    assert!(matches!(told, Err(AccountError::SignInNeeded { .. })), "{told:?}");
    world.book.start_sign_in(&server, Some(account.id), &[]).await.unwrap();
    assert_eq!(authority.site.asked("/register").len(), 2);
}

#[tokio::test]
async fn a_client_that_is_refused_at_the_end_of_a_sign_in_is_registered_anew() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    authority.site.fixed("/token", Reply::json(401, &json!({"error": "invalid_client"})));
    let told = world.finish(&authority, &sign_in).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");
    world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(authority.site.asked("/register").len(), 2);
}

#[tokio::test]
async fn a_client_that_the_person_entered_stays_when_it_is_refused() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    world.book.set_client(&server, "mine", ClientProof::None).await.unwrap();
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    authority.site.fixed("/token", Reply::json(401, &json!({"error": "invalid_client"})));
    world.finish(&authority, &sign_in).await.unwrap_err();
    let again = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(query(&again.url)["client_id"], "mine");
    assert!(authority.site.asked("/register").is_empty());
}

#[tokio::test]
async fn tokens_under_a_status_that_is_no_success_are_no_tokens() {
    // RFC 6749 §5.1
    for status in [202, 400, 418] {
        let (world, authority) = (World::new(), Authority::open().await);
        let tokens = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60});
        authority.site.fixed("/token", Reply::json(status, &tokens));
        let server = world.server(&authority.endpoint());
        let told = world.sign_in(&authority, &server).await;
        assert!(matches!(told, Err(AccountError::Refused { .. })), "{status}: {told:?}");
        assert!(world.store.accounts(&server.id).unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_expired_registration_is_not_used_again() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}));
    let ends = world.clock_now().0 / 1000 + 60;
    let registered =
        json!({"client_id": "c", "client_secret": "s", "client_secret_expires_at": ends});
    authority.site.fixed("/register", Reply::json(201, &registered));
    let (server, _) = world.signed_in(&authority).await;
    world.pass(61);
    world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_eq!(authority.site.asked("/register").len(), 2);
}

#[tokio::test]
async fn where_clients_prove_themselves_by_key_one_is_registered_and_used() {
    // RFC 7591 §2, RFC 7523
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}));
    world.signed_in(&authority).await;
    let wish = authority.site.asked("/register")[0].json();
    let key = &wish["jwks"]["keys"][0];
    assert_eq!((&wish["token_endpoint_auth_signing_alg"], key.get("d")), (&json!("ES256"), None));
    let form = authority.site.asked("/token")[0].form();
    assert!(crate::jwt::is_signed_by(&form["client_assertion"], key));
    authority.metadata(json!({
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["PS512"],
    }));
    let server = world.server(&authority.endpoint());
    let told = world.book.start_sign_in(&server, None, &[]).await;
    assert!(matches!(told, Err(AccountError::RegistrationRefused { .. })), "{told:?}");
}
