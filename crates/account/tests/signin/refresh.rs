//! Fresh tokens when they are needed: once for all, and never lost over a passing trouble.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prokura_account::AccountError;
use prokura_domain::AccountState;
use serde_json::json;

use crate::authority::{Authority, refused};
use crate::site::Reply;
use crate::world::{World, bearer};

#[tokio::test]
async fn a_token_is_refreshed_before_it_expires_and_the_rotated_one_is_kept() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    world.pass(3600 - 61);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-1");
    world.pass(1);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-2");
    let form = authority.site.asked("/token")[1].form();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], "refresh-1");
    assert_eq!(form["resource"], authority.endpoint()); // CA-31
    assert_eq!(form["client_id"], "registered");
    assert!(!form.contains_key("scope"));

    let world = world.restarted();
    world.pass(3600);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-3");
    assert_eq!(authority.site.asked("/token")[2].form()["refresh_token"], "refresh-2");
    let kept = world.store.account(&account.id).unwrap().unwrap();
    assert_eq!((kept.generation, kept.scopes), (3, vec!["read".to_owned()]));
    assert_eq!(world.kinds()[2..], ["token.refreshed", "token.refreshed"]);
}

#[tokio::test]
async fn a_refresh_token_that_is_not_rotated_stays() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let same = json!({"access_token": "again", "token_type": "Bearer", "expires_in": 3600});
    authority.site.fixed("/token", Reply::json(200, &same));
    for _ in 0..2 {
        world.pass(3600);
        assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer again");
    }
    assert_eq!(authority.site.asked("/token")[2].form()["refresh_token"], "refresh-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_who_ask_at_once_share_one_refresh() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    world.pass(3600);
    let all = (0..200).map(|_| {
        let (book, id) = (world.book.clone(), account.id.clone());
        tokio::spawn(async move { bearer(&book.proof(&id, None).await.unwrap()) })
    });
    for proof in futures::future::join_all(all).await {
        assert_eq!(proof.unwrap(), "Bearer access-2");
    }
    assert_eq!(authority.site.asked("/token").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_who_were_refused_at_once_share_one_refresh() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let mut all = Vec::new();
    for _ in 0..200 {
        // Everybody holds the first token before anybody says that it was refused.
        all.push(world.book.proof(&account.id, None).await.unwrap());
    }
    let all = all.into_iter().map(|refused| {
        let (book, id) = (world.book.clone(), account.id.clone());
        tokio::spawn(async move { bearer(&book.proof(&id, Some(&refused)).await.unwrap()) })
    });
    for proof in futures::future::join_all(all).await {
        assert_eq!(proof.unwrap(), "Bearer access-2");
    }
    assert_eq!(authority.site.asked("/token").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_while_another_writes_gets_a_whole_answer() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let (book, id, over) = (world.book.clone(), account.id.clone(), is_over.clone());
    let reader = tokio::task::spawn(async move {
        while !over.load(Ordering::SeqCst) {
            book.proof(&id, None).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..50 {
        let proof = world.book.proof(&account.id, None).await.unwrap();
        world.book.proof(&account.id, Some(&proof)).await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    reader.await.unwrap();
}

#[tokio::test]
async fn a_proof_refused_late_gets_the_newer_token_without_a_refresh() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let old = world.book.proof(&account.id, None).await.unwrap();
    let new = world.book.proof(&account.id, Some(&old)).await.unwrap();
    assert_eq!(bearer(&new), "Bearer access-2");
    let late = world.book.proof(&account.id, Some(&old)).await.unwrap();
    assert_eq!(bearer(&late), "Bearer access-2");
    assert_eq!(authority.site.asked("/token").len(), 2);
}

#[tokio::test]
async fn a_passing_trouble_loses_nothing() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = broken.clone();
    let good = authority.clone();
    authority.site.route("/token", move |seen| {
        if is_broken.load(Ordering::SeqCst) { Reply::status(500) } else { good.token(seen) }
    });
    // While the token still lives it is used, although it should have been refreshed.
    world.pass(3600 - 30);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-1");
    world.pass(3600);
    for _ in 0..3 {
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::Unreachable { .. })), "{told:?}");
    }
    assert_eq!(world.state(&account), AccountState::SignedIn);
    broken.store(false, Ordering::SeqCst);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-2");
    assert_eq!(authority.site.asked("/token").last().unwrap().form()["refresh_token"], "refresh-1");
}

#[tokio::test]
async fn other_passing_answers_lose_nothing_either() {
    let busy = Reply::json(400, &json!({"error": "temporarily_unavailable"}));
    for reply in [Reply::status(429), Reply::status(502), busy] {
        let (world, authority) = (World::new(), Authority::open().await);
        let (_, account) = world.signed_in(&authority).await;
        authority.site.fixed("/token", reply);
        world.pass(3600);
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::Unreachable { .. })), "{told:?}");
        assert_eq!(world.state(&account), AccountState::SignedIn);
    }
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    authority.site.fixed("/token", refused("invalid_scope"));
    world.pass(3600);
    let told = world.book.proof(&account.id, None).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");
    assert_eq!(world.state(&account), AccountState::SignedIn);
}

#[tokio::test]
async fn a_withdrawn_refresh_token_asks_for_the_person_and_is_not_tried_again() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    authority.withdraw();
    world.pass(3600);
    for _ in 0..2 {
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::SignInNeeded { .. })), "{told:?}");
    }
    assert_eq!(authority.site.asked("/token").len(), 2);
    assert_eq!(world.state(&account), AccountState::NeedsSignIn);
    assert_eq!(world.kinds().last().unwrap(), "token.failed");
    let id = Some(account.id.clone());
    let sign_in = world.book.start_sign_in(&server, id, &[]).await.unwrap();
    assert_eq!(world.finish(&authority, &sign_in).await.unwrap().id, account.id);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-2");
}

#[tokio::test]
async fn without_a_refresh_token_the_token_is_used_to_its_end() {
    // CA-38
    let (world, authority) = (World::new(), Authority::open().await);
    authority.also(json!({"refresh_token": null, "expires_in": 100}));
    let (_, account) = world.signed_in(&authority).await;
    world.pass(99);
    assert!(world.book.proof(&account.id, None).await.is_ok());
    world.pass(1);
    let told = world.book.proof(&account.id, None).await;
    assert!(matches!(told, Err(AccountError::SignInNeeded { .. })), "{told:?}");
    assert_eq!(world.state(&account), AccountState::NeedsSignIn);
}

#[tokio::test]
async fn tokens_that_live_shortly_are_not_refreshed_at_every_request() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.also(json!({"expires_in": 60}));
    let (_, account) = world.signed_in(&authority).await;
    for _ in 0..3 {
        world.book.proof(&account.id, None).await.unwrap();
    }
    assert_eq!(authority.site.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_refresh_is_finished_even_when_nobody_waits_any_more() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    world.pass(3600);
    {
        let waiting = world.book.proof(&account.id, None);
        tokio::pin!(waiting);
        // Polled until the request is on its way, then dropped.
        while authority.site.asked("/token").len() < 2 {
            assert!(futures::poll!(&mut waiting).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-2");
    assert_eq!(authority.site.asked("/token").len(), 2);
}

#[tokio::test]
async fn a_copied_data_folder_never_spends_a_refresh_token_of_the_original() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    world.book.doubt().unwrap();
    // The access token is good for as long as it lives, and is used.
    world.pass(3600 - 30);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-1");
    world.pass(30);
    for _ in 0..2 {
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::Copied { .. })), "{told:?}");
    }
    assert_eq!(authority.site.asked("/token").len(), 1, "the refresh token was sent");
    assert_eq!(world.book.doubtful().unwrap(), [(server.name.clone(), account.name.clone())]);
    assert_eq!(world.state(&account), AccountState::SignedIn);

    // It holds over a restart, until the person signs in here.
    let world = world.restarted();
    assert!(world.book.proof(&account.id, None).await.is_err());
    let id = Some(account.id.clone());
    let sign_in = world.book.start_sign_in(&server, id, &[]).await.unwrap();
    world.finish(&authority, &sign_in).await.unwrap();
    assert!(world.book.doubtful().unwrap().is_empty());
    world.pass(3600);
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-3");
}

#[tokio::test]
async fn a_copied_data_folder_goes_on_when_the_person_says_that_the_original_is_gone() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    world.book.doubt().unwrap();
    world.pass(3600);
    assert!(world.book.proof(&account.id, None).await.is_err());
    world.book.adopt().unwrap();
    assert!(world.book.doubtful().unwrap().is_empty());
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer access-2");
}

#[tokio::test]
async fn a_refresh_token_that_is_none_is_not_kept() {
    // RFC 6749 appendix A.17
    for refresh in ["", "two words", "line\nbreak", "ü"] {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.also(json!({ "refresh_token": refresh, "expires_in": 3600 }));
        let (_, account) = world.signed_in(&authority).await;
        world.pass(7200);
        let told = world.book.proof(&account.id, None).await;
        assert!(matches!(told, Err(AccountError::SignInNeeded { .. })), "{refresh:?}: {told:?}");
        assert_eq!(authority.site.asked("/token").len(), 1, "{refresh:?}");
    }
}
