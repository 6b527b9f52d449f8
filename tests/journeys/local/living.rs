//! How processes live and end.

use std::time::Duration;

use prokura_testkit::{Agent, TestHost, eventually};
use serde_json::{Value, json};

use super::{add, clerk, rough, runs, standing, world};
use crate::scene::{fine, kinds, refused};

#[tokio::test]
async fn a_crash_is_told_and_recorded_and_the_next_session_starts_a_new_process() {
    // CT-14
    let (host, key) = world(&[], &[]).await;
    let agent = clerk(&host, &key).await;
    let crashed = agent.call("crash", json!({})).await.unwrap();
    refused(&crashed, "ended before it answered");
    let told = kinds(&host).await;
    assert!(told.contains(&"server.crashed".to_owned()), "{told:?}");
    let stands = standing(&host, "rough").await;
    assert_eq!(
        (&stands["state"], &stands["why"]),
        (&json!("crashed"), &json!("It ended with exit code 7."))
    );
    // The session went with the process; the agent begins a new one, as over HTTP.
    let gone = agent.call("noise", json!({})).await.unwrap();
    assert_eq!(gone.status, 404, "{}", gone.raw);
    fine(&clerk(&host, &key).await.call("noise", json!({})).await.unwrap());
    assert_eq!(standing(&host, "rough").await["state"], "running");
}

#[tokio::test]
async fn who_crashes_again_and_again_is_given_up_until_the_person_says_otherwise() {
    let host = TestHost::start().await.unwrap();
    add(&host, "dies", &[], &rough(&["--dies"])).await;
    host.answer(&["allow"]).await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    let given_up = eventually("a server that is given up", Duration::from_secs(60), || async {
        let _refused = Agent::legacy(&host.endpoint("dies"), &key).await.is_err();
        let stands = standing(&host, "dies").await;
        (stands["state"] == "given_up").then_some(stands)
    })
    .await
    .unwrap();
    assert_eq!(given_up["why"], "It ended with exit code 3.");
    let refused = Agent::legacy(&host.endpoint("dies"), &key).await.unwrap_err().to_string();
    assert!(refused.contains("ended by itself too often"), "{refused}");
    let crashes = kinds(&host).await.iter().filter(|kind| *kind == "server.crashed").count();
    assert_eq!(crashes, 4);
    let log = host.cli(&["servers", "log", "dies"]).await.unwrap().out;
    assert!(log.contains("something is missing"), "{log}");
    host.ok(&["servers", "stop", "dies"]).await.unwrap();
    assert_eq!(standing(&host, "dies").await["state"], "stopped");
}

async fn offspring(host: &TestHost, key: &str) -> Vec<u64> {
    let agent = clerk(host, key).await;
    let said = agent.call("offspring", json!({})).await.unwrap();
    serde_json::from_str(&said.text()).unwrap()
}

async fn all_gone(pids: &[u64]) {
    eventually("the end of all processes", Duration::from_secs(30), || async {
        pids.iter().all(|pid| !runs(*pid)).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_host_that_is_killed_leaves_no_process_behind_not_even_a_stubborn_one() {
    // CT-14
    let (mut host, key) = world(&[], &["--stubborn"]).await;
    let pids = offspring(&host, &key).await;
    assert!(pids.iter().all(|pid| runs(*pid)) && pids.len() == 3, "{pids:?}");
    host.kill().await.unwrap();
    all_gone(&pids).await;
}

#[tokio::test]
async fn a_host_that_stops_ends_all_and_says_so_in_the_log() {
    let (mut host, key) = world(&[], &[]).await;
    let pids = offspring(&host, &key).await;
    host.stop().await.unwrap();
    all_gone(&pids).await;
    host.restart().await.unwrap();
    let told = kinds(&host).await;
    let stopped = told.iter().rposition(|kind| kind == "server.stopped").unwrap();
    let host_stopped = told.iter().rposition(|kind| kind == "host.stopped").unwrap();
    assert!(stopped < host_stopped, "{told:?}");
    assert_eq!(standing(&host, "rough").await["state"], "stopped");
    // What was approved starts again when it is used, unasked.
    fine(&clerk(&host, &key).await.call("noise", json!({})).await.unwrap());
}

#[tokio::test]
async fn two_agents_at_one_process_get_their_own_answers_and_progress_and_nothing_else() {
    // SL-03, CT-14
    let (host, key) = world(&[], &[]).await;
    let other = host.agent("other").await.unwrap();
    host.grant("other", "rough", "*", "allow").await.unwrap();
    let (first, second) = (clerk(&host, &key).await, clerk(&host, &other).await);
    let stands = standing(&host, "rough").await;
    assert_eq!(stands["pids"].as_array().unwrap().len(), 1, "they share a process: {stands}");
    // The same id and the same progress token on both sides.
    let ask = |name: &str| {
        json!({
            "jsonrpc": "2.0", "id": 77, "method": "tools/call",
            "params": {
                "name": "hold", "arguments": { "name": name, "of": 2 },
                "_meta": { "progressToken": "same" },
            },
        })
        .to_string()
    };
    let version = [("mcp-protocol-version".to_owned(), "2025-11-25".to_owned())];
    let (one, two) =
        tokio::join!(first.post(ask("anna"), &version), second.post(ask("berta"), &version));
    for (reply, own, foreign) in [(one.unwrap(), "anna", "berta"), (two.unwrap(), "berta", "anna")]
    {
        assert_eq!(reply.text(), format!("held {own}"), "{}", reply.raw);
        assert_eq!(reply.answer().unwrap()["id"], 77);
        let progress = |message: &&Value| message["method"] == "notifications/progress";
        let heard: Vec<_> = reply.messages.iter().filter(progress).collect();
        assert_eq!(heard.len(), 1, "{}", reply.raw);
        assert_eq!(heard[0]["params"]["progressToken"], "same");
        assert_eq!(heard[0]["params"]["message"], format!("for {own}"));
        assert!(!reply.raw.contains(foreign), "{}", reply.raw);
    }
    // One's session is nobody else's.
    let mut stranger = second.clone();
    stranger.session.clone_from(&first.session);
    let reply = stranger.call("noise", json!({})).await.unwrap();
    assert_eq!(reply.status, 404, "{}", reply.raw);
}
