//! Tokens at rest: bound to their Account, resource and issuer, and to how often they were written.

use prokura_account::AccountError;
use prokura_domain::{Account, Server};
use prokura_store::Sealed;

use crate::authority::Authority;
use crate::world::{World, bearer};

#[tokio::test]
async fn tokens_put_into_another_row_do_not_open() {
    // promise 1
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, victim) = world.signed_in(&authority).await;
    let (_, thief) = world.signed_in(&authority).await;
    let stolen = world.store.secret(victim.id.as_str(), "tokens").unwrap().unwrap();
    world.store.put_secret(thief.id.as_str(), "tokens", &stolen).unwrap();
    let told = world.book.proof(&thief.id, None).await;
    assert!(matches!(told, Err(AccountError::DoesNotOpen)), "{told:?}");
}

#[tokio::test]
async fn tokens_of_a_changed_resource_or_issuer_do_not_open() {
    // CA-41
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let broader = Account { resource: Some(authority.site.base.clone()), ..account.clone() };
    let other = Account { issuer: Some("https://evil.example".to_owned()), ..account.clone() };
    for changed in [broader, other] {
        world.store.put_account(&changed).unwrap();
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::DoesNotOpen)), "{told:?}");
    }
    world.store.put_account(&account).unwrap();
    assert!(world.book.proof(&account.id, None).await.is_ok());
}

#[tokio::test]
async fn older_tokens_put_back_do_not_open() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let older = world.store.secret(account.id.as_str(), "tokens").unwrap().unwrap();
    world.pass(3600);
    world.book.proof(&account.id, None).await.unwrap();
    for generation in [older.generation, older.generation + 1] {
        let back = Sealed { generation, bytes: older.bytes.clone() };
        world.store.put_secret(account.id.as_str(), "tokens", &back).unwrap();
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::DoesNotOpen)), "{told:?}");
    }
}

#[tokio::test]
async fn a_token_is_not_sent_to_an_endpoint_that_was_edited_since() {
    // promise 1
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    let proof = world.book.proof(&account.id, None).await.unwrap();
    for endpoint in ["https://evil.example/mcp", "http://127.0.0.1:9/mcp"] {
        world
            .store
            .put_server(&Server { endpoint: endpoint.to_owned(), ..server.clone() })
            .unwrap();
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::ResourceMismatch { .. })), "{told:?}");
        assert!(!proof.is_for(&url::Url::parse(endpoint).unwrap()));
    }
    assert!(proof.is_for(&url::Url::parse(&authority.endpoint()).unwrap()));
    let deeper = Server { endpoint: format!("{}/v2", authority.endpoint()), ..server };
    world.store.put_server(&deeper).unwrap();
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-1");
}

#[tokio::test]
async fn nothing_secret_lies_in_the_data_folder_or_in_the_log() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    world.pass(3600);
    world.book.proof(&account.id, None).await.unwrap();
    authority.withdraw();
    world.pass(3600);
    world.book.proof(&account.id, None).await.unwrap_err();
    let said: String = world.records().into_iter().map(|(_, body)| body).collect();
    let World { dir, store, log, book, .. } = world;
    drop(book);
    log.close();
    drop((store, log));
    let mut bytes = said.into_bytes();
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    for secret in ["access-1", "access-2", "refresh-1", "refresh-2", "code-0"] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} lies in the clear");
    }
}
