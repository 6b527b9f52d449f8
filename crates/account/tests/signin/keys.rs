//! Accounts without an authorization server: static keys, and nobody.

use prokura_account::{AccountError, Challenge, Secret};
use prokura_domain::{AccountKind, AccountState, Server};

use crate::authority::Authority;
use crate::world::World;

#[tokio::test]
async fn a_key_is_sealed_sent_as_entered_and_asked_for_again_when_refused() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let key = |text: &str| Secret::new(text.to_owned());
    let account = world.book.set_key(&server, "X-Api-Key", key("k-1")).await.unwrap();
    assert_eq!((account.name.as_str(), account.kind), ("key", AccountKind::Key));
    let proof = world.book.proof(&account.id, None).await.unwrap();
    let (name, value) = proof.header().unwrap();
    assert_eq!((name, value.expose()), ("x-api-key", "k-1"));
    let told = world.book.proof(&account.id, Some(&proof)).await;
    assert!(matches!(told, Err(AccountError::KeyRefused { .. })), "{told:?}");
    assert_eq!(world.state(&account), AccountState::NeedsSignIn);

    let again = world.book.set_key(&server, "X-Api-Key", key("k-2")).await.unwrap();
    assert_eq!(again.id, account.id);
    let proof = world.book.proof(&account.id, Some(&proof)).await.unwrap();
    assert_eq!(proof.header().unwrap().1.expose(), "k-2");
    let out = world.book.sign_out(&account.id).await.unwrap();
    assert!(!out.revoked && out.told.contains("withdraw it at the server"), "{out:?}");
    assert!(world.store.secret(account.id.as_str(), "key").unwrap().is_none());
}

#[tokio::test]
async fn a_key_stays_with_the_origin_it_was_entered_for() {
    // promise 1
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let key = Secret::new("k".to_owned());
    let account = world.book.set_key(&server, "Authorization", key).await.unwrap();
    let other = Server { endpoint: "https://evil.example/mcp".to_owned(), ..server };
    world.store.put_server(&other).unwrap();
    let told = world.book.proof(&account.id, None).await;
    assert!(matches!(told, Err(AccountError::ResourceMismatch { .. })), "{told:?}");
}

#[tokio::test]
async fn an_open_server_has_one_anonymous_account_that_proves_nothing() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let account = world.book.ensure_anonymous(&server).await.unwrap();
    assert_eq!(world.book.ensure_anonymous(&server).await.unwrap(), account);
    assert_eq!(account.name, "anonymous");
    let proof = world.book.proof(&account.id, None).await.unwrap();
    assert!(proof.header().is_none());
    let meant = world.book.on_challenge(&account.id, 401, &[]).await.unwrap();
    assert_eq!(meant, Challenge::SignInNeeded);
    let told = world.book.proof(&account.id, Some(&proof)).await;
    assert!(matches!(told, Err(AccountError::SignInNeeded { .. })), "{told:?}");
}
