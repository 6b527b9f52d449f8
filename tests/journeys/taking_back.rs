//! Taking back works at once: for the next call, for calls under way, and at the authorization server.

use std::sync::Arc;
use std::time::Duration;

use prokura_testkit::{Gate, Offer, Run, ToolSpec, eventually, ledger};
use serde_json::json;

use crate::scene::{Scene, Two, fine, payment, refused};

/// A ledger with a tool that waits at a gate.
fn slow() -> (Offer, Gate) {
    let gate = Gate::default();
    let mut offer = ledger::offer();
    let answer = Arc::new(|_: &_| Ok(json!({ "text": "finished" })));
    let run = Run::Wait(gate.clone(), answer);
    offer.tools.push(ToolSpec::new(
        "long_transfer",
        "Takes its time.",
        json!({ "type": "object" }),
        run,
    ));
    (offer, gate)
}

/// Starts the slow call, takes something back while it is under way, and looks at what came of it.
async fn taken_back_mid_call(command: impl AsyncFnOnce(&Scene, &str)) {
    let (offer, gate) = slow();
    let scene = Scene::of(offer, "ledger").await;
    let grant = scene.grant("long_transfer", "allow").await;
    let agent = scene.agent();
    let called = tokio::spawn({
        let agent = agent.clone();
        async move { agent.call("long_transfer", json!({})).await }
    });
    eventually("the call to be under way", Duration::from_secs(10), || async {
        (gate.entered() == 1).then_some(())
    })
    .await
    .unwrap();
    command(&scene, &grant).await;
    let reply = tokio::time::timeout(Duration::from_secs(10), called).await.unwrap().unwrap();
    if let Ok(reply) = &reply {
        assert!(!reply.is_fine(), "{}", reply.raw);
    }
    eventually("the server to be told", Duration::from_secs(10), || async {
        (gate.abandoned() == 1).then_some(())
    })
    .await
    .unwrap();
    gate.open();
    let next = agent.call("long_transfer", json!({})).await.unwrap();
    assert!(!next.is_fine(), "{}", next.raw);
    assert_eq!(scene.fixture.recorder().calls("long_transfer").len(), 1);
    let kinds = scene.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "call.outcome").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn a_revoked_grant_ends_its_call_under_way_and_the_next() {
    taken_back_mid_call(async |scene, grant| {
        scene.host.ok(&["grants", "revoke", grant]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_revoked_agent_ends_its_call_under_way_and_the_next() {
    taken_back_mid_call(async |scene, _| {
        scene.host.ok(&["agents", "revoke", "clerk"]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_pause_ends_the_call_under_way_and_the_next() {
    taken_back_mid_call(async |scene, _| {
        scene.host.ok(&["pause"]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_removed_server_ends_the_call_under_way_and_the_next() {
    taken_back_mid_call(async |scene, _| {
        scene.host.ok(&["servers", "remove", "ledger"]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_person_is_never_sent_after_its_grant_is_revoked() {
    let scene = Scene::ledger().await;
    let grant = scene.grant("send_payment", "ask").await;
    let agent = scene.agent();
    let called = tokio::spawn(async move { agent.call("send_payment", payment("9.00")).await });
    let question = scene.host.pending().await.unwrap();
    scene.host.ok(&["grants", "revoke", &grant]).await.unwrap();
    let reply =
        tokio::time::timeout(Duration::from_secs(10), called).await.unwrap().unwrap().unwrap();
    assert!(!reply.is_fine(), "{}", reply.raw);
    let late = scene
        .host
        .cli(&["approvals", "answer", question["id"].as_str().unwrap(), "allow"])
        .await
        .unwrap();
    assert_ne!(late.code, 0, "{}", late.out);
    assert!(scene.fixture.recorder().calls("send_payment").is_empty());
}

#[tokio::test]
async fn a_cancelled_call_is_never_sent_and_a_late_yes_serves_one_identical_repeat() {
    let scene = Scene::ledger().await;
    scene.grant("send_payment", "ask").await;
    let agent = scene.agent();
    let impatient = tokio::spawn({
        let agent = agent.clone();
        async move { agent.call("send_payment", payment("3.00")).await }
    });
    let question = scene.host.pending().await.unwrap();
    impatient.abort();
    let id = question["id"].as_str().unwrap().to_owned();
    eventually("the cancellation to be noticed", Duration::from_secs(10), || async {
        scene.kinds().await.contains(&"call.refused".to_owned()).then_some(())
    })
    .await
    .unwrap();
    scene.host.ok(&["approvals", "answer", &id, "allow"]).await.unwrap();
    assert!(scene.fixture.recorder().calls("send_payment").is_empty());
    fine(&agent.call("send_payment", payment("3.00")).await.unwrap());
    let (again, denied) =
        tokio::join!(agent.call("send_payment", payment("3.00")), scene.host.answer(&["deny"]));
    denied.unwrap();
    refused(&again.unwrap(), "denied");
    assert_eq!(scene.fixture.recorder().calls("send_payment").len(), 1);
}

#[tokio::test]
async fn an_answered_question_cannot_be_answered_again() {
    let scene = Scene::ledger().await;
    scene.grant("send_payment", "ask").await;
    let agent = scene.agent();
    let (paid, question) =
        tokio::join!(agent.call("send_payment", payment("4.00")), scene.host.answer(&["allow"]));
    fine(&paid.unwrap());
    let id = question.unwrap()["id"].as_str().unwrap().to_owned();
    for answer in ["allow", "deny"] {
        let again = scene.host.cli(&["approvals", "answer", &id, answer]).await.unwrap();
        assert_ne!(again.code, 0, "{}", again.out);
    }
    let unknown =
        scene.host.cli(&["approvals", "answer", "no-such-question", "allow"]).await.unwrap();
    assert_ne!(unknown.code, 0);
}

#[tokio::test]
async fn signing_out_revokes_the_tokens_where_they_were_issued() {
    let two = Two::signed_in().await;
    let key = two.host.agent("clerk").await.unwrap();
    two.host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = prokura_testkit::Agent::modern(&two.host.endpoint("mailbox"), &key).unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    two.host.ok(&["servers", "sign-out", "mailbox"]).await.unwrap();
    assert_eq!(
        (two.authorities[0].live_tokens(), two.authorities[0].live_refresh_tokens()),
        (0, 0)
    );
    assert_eq!(two.authorities[1].live_tokens(), 1, "the other server's tokens are untouched");
    refused(&agent.call("list_messages", json!({})).await.unwrap(), "sign in");
    assert_eq!(two.mailbox.recorder().calls("list_messages").len(), 1);
}

#[tokio::test]
async fn a_revoked_agent_cannot_come_back_under_its_key() {
    let scene = Scene::ledger().await;
    scene.grant("list_accounts", "allow").await;
    let agent = scene.legacy().await;
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    scene.host.ok(&["agents", "revoke", "clerk"]).await.unwrap();
    let reply = agent.call("list_accounts", json!({})).await.unwrap();
    assert_eq!(reply.status, 401, "{}", reply.raw);
    assert_eq!(scene.agent().request("tools/list", json!({})).await.unwrap().status, 401);
}
