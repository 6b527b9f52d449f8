//! Signing out: revoked where that is offered, forgotten in any case.

use prokura_account::AccountError;
use prokura_domain::AccountState;
use prokura_domain::port::Accounts;
use serde_json::json;

use crate::authority::{Authority, refused};
use crate::site::Reply;
use crate::world::World;

#[tokio::test]
async fn signing_out_revokes_the_refresh_token_then_the_access_token() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let out = world.book.sign_out(&account.id).await.unwrap();
    assert!(out.revoked, "{out:?}");
    assert_eq!(out.told, "The tokens were revoked at the server.");
    let asked: Vec<(String, String, String)> = authority
        .site
        .asked("/revoke")
        .iter()
        .map(|seen| seen.form())
        .map(|f| (f["token"].clone(), f["token_type_hint"].clone(), f["client_id"].clone()))
        .collect();
    let expected = |token: &str, hint: &str| (token.into(), hint.into(), "registered".into());
    assert_eq!(
        asked,
        [expected("refresh-1", "refresh_token"), expected("access-1", "access_token")]
    );
    assert!(world.store.secret(account.id.as_str(), "tokens").unwrap().is_none());
    assert_eq!(world.state(&account), AccountState::SignedOut);
    let told = world.book.proof(&account.id, None).await;
    assert!(matches!(told, Err(AccountError::SignInNeeded { .. })), "{told:?}");
    assert_eq!(world.kinds()[2..], ["account.signed_out", "token.revoked"]);
}

#[tokio::test]
async fn whatever_the_server_answers_nothing_usable_stays_here() {
    let not_offered = json!({"revocation_endpoint": null});
    let table = [
        (Reply::status(500), json!({}), false, "did not revoke"),
        (Reply::status(302).with("location", "/elsewhere"), json!({}), false, "did not revoke"),
        (refused("unsupported_token_type"), json!({}), false, "because[31m of it"),
        (
            Reply::status(200),
            not_offered,
            false,
            "The server offers no revocation: the access token expires at 2027-01-15T09:00:00Z.",
        ),
    ];
    for (reply, metadata, revoked, told) in table {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.metadata(metadata);
        authority.site.fixed("/revoke", reply);
        let (_, account) = world.signed_in(&authority).await;
        let out = world.book.sign_out(&account.id).await.unwrap();
        assert!(out.revoked == revoked && out.told.contains(told), "{out:?}");
        assert!(world.store.secret(account.id.as_str(), "tokens").unwrap().is_none());
        assert_eq!(world.state(&account), AccountState::SignedOut);
        assert!(authority.site.asked("/elsewhere").is_empty());
    }
}

#[tokio::test]
async fn an_access_token_that_cannot_be_revoked_is_told() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.site.route("/revoke", |seen| match seen.form()["token_type_hint"].as_str() {
        "refresh_token" => Reply::status(200),
        _ => refused("unsupported_token_type"),
    });
    let (_, account) = world.signed_in(&authority).await;
    let out = world.book.sign_out(&account.id).await.unwrap();
    assert!(out.revoked && out.told.contains("the access token expires at"), "{out:?}");
}

#[tokio::test]
async fn the_port_signs_out_and_an_open_sign_in_of_the_account_ends() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    let id = Some(account.id.clone());
    let open = world.book.start_sign_in(&server, id, &[]).await.unwrap();
    let port: &dyn Accounts = &world.book;
    assert!(port.sign_out(&account.id).await.unwrap().revoked);
    let outcome = world.book.wait_sign_in(&open.id).await;
    assert!(matches!(outcome, Err(AccountError::Cancelled)), "{outcome:?}");
    world.store.remove_account(&account.id).unwrap();
    assert!(port.sign_out(&account.id).await.unwrap_err().contains("no such account"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_on_its_way_does_not_sign_in_again() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let (gate, opened) = (std::sync::mpsc::channel::<()>(), authority.clone());
    let wait = std::sync::Mutex::new(gate.1);
    authority.site.route("/token", move |seen| {
        let _ = wait.lock().unwrap().recv();
        opened.token(seen)
    });
    world.pass(3600);
    let (book, id) = (world.book.clone(), account.id.clone());
    let refreshing = tokio::spawn(async move { book.proof(&id, None).await.map(|_| ()) });
    while authority.site.asked("/token").len() < 2 {
        tokio::task::yield_now().await;
    }
    let (book, id) = (world.book.clone(), account.id.clone());
    let leaving = tokio::spawn(async move { book.sign_out(&id).await });
    gate.0.send(()).unwrap();
    assert!(leaving.await.unwrap().unwrap().revoked);
    let _ = refreshing.await.unwrap();
    assert_eq!(world.state(&account), AccountState::SignedOut);
    let revoked = authority.site.asked("/revoke");
    assert_eq!(revoked[0].form()["token"], "refresh-2", "the rotated token is the one revoked");
}
