//! More scopes, when a Server asks for them: with what was there before, and not for ever.

use prokura_account::{AccountError, Challenge};
use serde_json::json;

use crate::authority::{Authority, query};
use crate::world::World;

fn missing(scope: &str) -> [String; 1] {
    [format!(r#"Bearer error="insufficient_scope", scope="{scope}""#)]
}

#[tokio::test]
async fn a_step_up_asks_for_what_was_there_and_what_is_missing() {
    // CA-34, CA-43
    let (world, authority) = (World::new(), Authority::open().await);
    authority.also(json!({"scope": "read profile"}));
    let (server, account) = world.signed_in(&authority).await;
    let world = world.restarted();
    let meant = world.book.on_challenge(&account.id, 403, &missing("write admin")).await.unwrap();
    let Challenge::InsufficientScope { scopes } = meant else { panic!("{meant:?}") };
    let id = Some(account.id.clone());
    let sign_in = world.book.start_sign_in(&server, id, &scopes).await.unwrap();
    assert_eq!(query(&sign_in.url)["scope"], "read profile write admin");
    authority.also(json!({}));
    let account = world.finish(&authority, &sign_in).await.unwrap();
    assert_eq!(account.scopes, ["read", "profile", "write", "admin"]);
}

#[tokio::test]
async fn a_server_that_is_never_satisfied_is_not_asked_for_ever() {
    // CA-44
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    let mut rounds = 1;
    loop {
        match world.book.on_challenge(&account.id, 403, &missing("b a")).await.unwrap() {
            Challenge::InsufficientScope { scopes } => {
                let id = Some(account.id.clone());
                let sign_in = world.book.start_sign_in(&server, id, &scopes).await.unwrap();
                world.finish(&authority, &sign_in).await.unwrap();
                rounds += 1;
            }
            other => {
                assert!(matches!(other, Challenge::StepUpExhausted { .. }), "{other:?}");
                break;
            }
        }
    }
    assert_eq!(rounds, 3);
    let scopes = ["a".to_owned(), "b".to_owned()];
    let told = world.book.start_sign_in(&server, Some(account.id.clone()), &scopes).await;
    assert!(matches!(told, Err(AccountError::StepUpExhausted { .. })), "{told:?}");
    let other = world.book.on_challenge(&account.id, 403, &missing("c")).await.unwrap();
    assert!(matches!(other, Challenge::InsufficientScope { .. }), "{other:?}");
    world.pass(3601);
    let later = world.book.on_challenge(&account.id, 403, &missing("a b")).await.unwrap();
    assert!(matches!(later, Challenge::InsufficientScope { .. }), "{later:?}");
}

#[tokio::test]
async fn a_challenge_says_only_what_its_grammar_says() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let table = [
        (401, "Bearer error=\"invalid_token\"", Challenge::InvalidToken),
        (401, "", Challenge::InvalidToken),
        (403, "Bearer error=\"insufficient_scope\"", Challenge::Other),
        (
            403,
            "Bearer error=\"other\", error_description=\"error=insufficient_scope, scope=admin\"",
            Challenge::Other,
        ),
        (403, "Bearer error=\"insufficient_scope\", scope=\"x", Challenge::Other),
        (404, "Bearer error=\"insufficient_scope\", scope=\"x\"", Challenge::Other),
    ];
    for (status, field, expected) in table {
        let meant = world.book.on_challenge(&account.id, status, &[field.to_owned()]).await;
        assert_eq!(meant.unwrap(), expected, "{status} {field}");
    }
}

#[tokio::test]
async fn a_resource_that_turns_into_another_is_an_error_not_a_sign_in() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    authority.resource(json!({"resource": "https://evil.example/mcp"}));
    let told = world.book.on_challenge(&account.id, 401, &[]).await;
    assert!(matches!(told, Err(AccountError::ResourceMismatch { .. })), "{told:?}");
}
