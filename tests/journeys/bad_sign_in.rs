//! Sign-ins that go wrong: nothing is stored, the person is told why and what to do, and it is recorded.

use prokura_testkit::{Agent, Trouble};
use serde_json::json;

use crate::scene::{Two, fine, kinds, refused};

/// Goes through a sign-in at an issuer with `trouble`, which has to fail with something like `words`.
async fn fails(trouble: Trouble, words: &[&str]) {
    let two = Two::added().await;
    two.authorities[0].trouble(trouble);
    let (page, said) = two.host.try_sign_in("mailbox").await.unwrap();
    assert_ne!(said.code, 0, "{}", said.out);
    let told = format!("{}{}", said.err, said.out).to_lowercase();
    for word in words {
        assert!(told.contains(word), "\"{told}\" does not say \"{word}\"");
    }
    assert!(!page.text.contains("issuer.example"), "the page repeats what a stranger said");
    assert!(page.status >= 200 && !page.text.is_empty());
    let records = kinds(&two.host).await;
    assert!(
        records.contains(&"account.sign_in_failed".to_owned())
            || records.contains(&"token.failed".to_owned()),
        "{records:?}"
    );
    let servers = two.host.ok(&["servers", "list"]).await.unwrap();
    let mailbox =
        servers.as_array().unwrap().iter().find(|server| server["name"] == "mailbox").unwrap();
    assert_eq!(mailbox["state"], "sign_in_needed");
    // What went wrong once does not stand in the way of the next try.
    two.authorities[0].trouble(Trouble::None);
    two.host.sign_in("mailbox").await.unwrap();
}

#[tokio::test]
async fn a_token_endpoint_that_fails() {
    fails(Trouble::TokenEndpointDown, &["500"]).await;
}

#[tokio::test]
async fn a_redirect_from_a_foreign_issuer() {
    fails(Trouble::ForeignIss, &["issuer"]).await;
}

#[tokio::test]
async fn a_redirect_that_hides_its_issuer() {
    fails(Trouble::MissingIss, &["issuer"]).await;
}

#[tokio::test]
async fn a_person_who_says_no() {
    fails(Trouble::PersonDenies, &["denied"]).await;
}

#[tokio::test]
async fn a_tampered_state_is_no_answer_and_the_right_one_still_counts() {
    let two = Two::added().await;
    two.authorities[0].trouble(Trouble::TamperedState);
    let sign_in = two.host.begin_sign_in("mailbox").await.unwrap();
    let browser = prokura_testkit::Browser::new("ada").unwrap();
    let page = browser.visit(&sign_in.url).await.unwrap();
    assert!(page.status >= 400, "{} {}", page.status, page.text);
    let state = two.host.ok(&["servers", "list"]).await.unwrap().to_string();
    assert!(!state.contains("signed_in"), "{state}");
    two.authorities[0].trouble(Trouble::None);
    browser.visit(&sign_in.url).await.unwrap();
    let said = sign_in.end().await.unwrap();
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

#[tokio::test]
async fn an_issuer_without_pkce_is_never_asked() {
    let two = Two::added().await;
    two.authorities[0].trouble(Trouble::NoPkce);
    let said =
        two.host.cli(&["servers", "sign-in", "mailbox", "--print-url", "--json"]).await.unwrap();
    assert_ne!(said.code, 0, "{}", said.out);
    assert!(format!("{}{}", said.err, said.out).contains("PKCE"), "{}{}", said.err, said.out);
    assert!(!two.authorities[0].recorder().text().contains("/authorize"));
}

#[tokio::test]
async fn an_expired_sign_in_is_named_and_signing_in_again_mends_it() {
    let two = Two::signed_in().await;
    let key = two.host.agent("clerk").await.unwrap();
    two.host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&two.host.endpoint("mailbox"), &key).unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    two.authorities[0].end_all_tokens();
    refused(&agent.call("list_messages", json!({})).await.unwrap(), "sign in");
    let servers = two.host.ok(&["servers", "list"]).await.unwrap();
    let mailbox =
        servers.as_array().unwrap().iter().find(|server| server["name"] == "mailbox").unwrap();
    assert_eq!(mailbox["state"], "sign_in_needed");
    two.host.sign_in("mailbox").await.unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
}

#[tokio::test]
async fn a_refresh_that_fails_for_a_moment_costs_no_sign_in() {
    let two = Two::signed_in().await;
    let key = two.host.agent("clerk").await.unwrap();
    two.host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&two.host.endpoint("mailbox"), &key).unwrap();
    two.authorities[0].end_access_tokens();
    two.authorities[0].trouble(Trouble::TokenEndpointDown);
    let reply = agent.call("list_messages", json!({})).await.unwrap();
    assert!(!reply.is_fine(), "{}", reply.raw);
    two.authorities[0].trouble(Trouble::None);
    fine(&agent.call("list_messages", json!({})).await.unwrap());
}

#[tokio::test]
async fn many_calls_at_once_refresh_once() {
    let two = Two::signed_in().await;
    let key = two.host.agent("clerk").await.unwrap();
    two.host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&two.host.endpoint("mailbox"), &key).unwrap();
    two.authorities[0].end_access_tokens();
    let calls = (0..8).map(|_| agent.call("list_messages", json!({})));
    for reply in futures::future::join_all(calls).await {
        fine(&reply.unwrap());
    }
    let refreshes = two.authorities[0].recorder().all().into_iter();
    let refreshes = refreshes.filter(|seen| seen.text().contains("grant_type=refresh_token"));
    assert_eq!(refreshes.count(), 1);
}
