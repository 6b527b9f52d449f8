//! Servers that are programs of this machine: approved before they start, governed like all others, and ended with
//! everything they started.

mod asking;
mod confined;
mod living;
mod secret;

use std::time::Duration;

use prokura_testkit::{Agent, TestHost, eventually};
use prokura_tests::sdk::outcome;
use prokura_tests::{Sdk, SdkAgent, tools};
use serde_json::{Value, json};

use crate::scene::{fine, kinds, refused};

/// A command line of the server without manners.
fn rough(more: &[&str]) -> Vec<String> {
    let script = tools::package().join("python/rough.py").to_string_lossy().into_owned();
    let python = tools::python().unwrap().to_string_lossy().into_owned();
    [python, script].into_iter().chain(more.iter().map(ToString::to_string)).collect()
}

/// Adds a local server; answers with what the command told.
async fn add(host: &TestHost, name: &str, options: &[&str], command: &[String]) -> Value {
    let mut words = vec!["servers", "add-local", name];
    words.extend(options);
    words.push("--");
    words.extend(command.iter().map(String::as_str));
    host.ok(&words).await.unwrap()
}

/// Adds a local server, allows it, and waits until its tools are known.
async fn serving(host: &TestHost, name: &str, options: &[&str], command: &[String]) {
    add(host, name, options, command).await;
    host.answer(&["allow"]).await.unwrap();
    looked_at(host, name).await;
}

async fn looked_at(host: &TestHost, name: &str) {
    eventually("the tools of a local server", Duration::from_secs(60), || async {
        let servers = host.ok(&["servers", "list"]).await.ok()?;
        let server = servers.as_array()?.iter().find(|server| server["name"] == name)?.clone();
        (server["tools"].as_u64()? > 0).then_some(())
    })
    .await
    .unwrap();
}

/// How a local server stands.
async fn standing(host: &TestHost, name: &str) -> Value {
    let servers = host.ok(&["servers", "list"]).await.unwrap();
    let server = servers.as_array().unwrap().iter().find(|server| server["name"] == name);
    server.unwrap()["local"].clone()
}

/// A Host with the rough server and an agent that may use all of it.
async fn world(options: &[&str], more: &[&str]) -> (TestHost, String) {
    let host = TestHost::start().await.unwrap();
    serving(&host, "rough", options, &rough(more)).await;
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "rough", "*", "allow").await.unwrap();
    (host, key)
}

async fn clerk(host: &TestHost, key: &str) -> Agent {
    Agent::legacy(&host.endpoint("rough"), key).await.unwrap()
}

/// Whether a process runs.
fn runs(pid: u64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

fn everything() -> Vec<String> {
    let script = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    let script = tools::node_folder().join(script).to_string_lossy().into_owned();
    vec![tools::node().unwrap().to_string_lossy().into_owned(), script, "stdio".to_owned()]
}

fn counter() -> Vec<String> {
    let script = tools::package().join("python/server.py").to_string_lossy().into_owned();
    vec![tools::python().unwrap().to_string_lossy().into_owned(), script]
}

#[tokio::test]
async fn a_local_server_runs_after_the_person_allowed_it_and_is_governed_like_any_other() {
    // U-17
    let host = TestHost::start().await.unwrap();
    let added = add(&host, "every", &["--env", "LEVEL=1"], &everything()).await;
    assert_eq!(added["state"], "approval_needed");
    assert_eq!(added["local"]["state"], "unapproved");
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "every", "echo", "allow").await.unwrap();
    host.grant("clerk", "every", "get-sum", "ask").await.unwrap();

    // Nothing runs before, whoever asks for it.
    let early = Agent::legacy(&host.endpoint("every"), &key).await.unwrap_err().to_string();
    assert!(early.contains("has not approved to start"), "{early}");
    let early = host.cli(&["tools", "list", "--server", "every", "--refresh"]).await.unwrap();
    assert!(early.code != 0 && early.err.contains("has not approved"), "{}", early.err);
    assert!(!kinds(&host).await.contains(&"server.started".to_owned()));
    let questions = host.ok(&["approvals", "list"]).await.unwrap();
    assert_eq!(questions.as_array().unwrap().len(), 1, "it is asked once: {questions}");

    let question = host.answer(&["allow"]).await.unwrap();
    let start = &question["start"];
    assert_eq!((&question["kind"], &start["reason"]), (&json!("local_start"), &json!("first")));
    assert_eq!(start["launch"]["arguments"].as_array().unwrap().len(), 2);
    assert_eq!(start["launch"]["environment"][0]["name"], "LEVEL");
    looked_at(&host, "every").await;

    let agent = Agent::legacy(&host.endpoint("every"), &key).await.unwrap();
    assert_eq!(agent.tools().await.unwrap(), ["echo", "get-sum"]);
    let said = agent.call("echo", json!({ "message": "Grüße" })).await.unwrap();
    fine(&said);
    assert_eq!(said.text(), "Echo: Grüße");
    refused(&agent.call("get-env", json!({})).await.unwrap(), "unknown tool");
    let (sum, asked) =
        tokio::join!(agent.call("get-sum", json!({ "a": 2, "b": 3 })), host.answer(&["allow"]));
    assert_eq!(asked.unwrap()["kind"], "call");
    fine(&sum.unwrap());

    let told = kinds(&host).await;
    for kind in ["server.added", "server.start_approved", "server.started", "call.intent"] {
        assert!(told.contains(&kind.to_owned()), "{kind} in {told:?}");
    }
    assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn official_clients_of_both_eras_use_official_local_servers_of_both_eras() {
    // CM-10, CT-14
    let host = TestHost::start().await.unwrap();
    serving(&host, "every", &[], &everything()).await;
    serving(&host, "counter", &[], &counter()).await;
    for (name, sdk, era) in [
        ("typescript-modern", Sdk::TypeScript, "2026-07-28"),
        ("typescript-legacy", Sdk::TypeScript, "legacy"),
        ("python-modern", Sdk::Python, "2026-07-28"),
        ("python-legacy", Sdk::Python, "legacy"),
    ] {
        let key = host.agent(name).await.unwrap();
        host.grant(name, "every", "echo", "allow").await.unwrap();
        host.grant(name, "counter", "*", "allow").await.unwrap();
        let url = host.endpoint("every");
        let mut agent = SdkAgent::connect(sdk, &url, &key, era).await.unwrap();
        let said = agent.call("echo", json!({ "message": name })).await;
        assert!(outcome(&said).0, "{name}: {said:?}");
        let url = host.endpoint("counter");
        let mut agent = SdkAgent::connect(sdk, &url, &key, era).await.unwrap();
        assert_eq!(agent.tools().await.unwrap(), ["add", "count"], "{name}");
        let sum = agent.call("add", json!({ "first": 2, "second": 40 })).await.unwrap();
        assert_eq!(sum["content"][0]["text"], "42", "{name}");
    }
    // Both together, under one address.
    let key = host.agent("both").await.unwrap();
    host.grant("both", "every", "echo", "allow").await.unwrap();
    host.grant("both", "counter", "add", "allow").await.unwrap();
    let agent = Agent::modern(&format!("{}/mcp", host.http()), &key).unwrap();
    assert_eq!(agent.tools().await.unwrap(), ["counter__add", "every__echo"]);
    fine(&agent.call("every__echo", json!({ "message": "x" })).await.unwrap());
}

#[tokio::test]
async fn lines_that_are_no_messages_are_kept_for_the_person_and_harm_nothing() {
    let (host, key) = world(&[], &[]).await;
    let agent = clerk(&host, &key).await;
    fine(&agent.call("noise", json!({})).await.unwrap());
    fine(&agent.call("noise", json!({})).await.unwrap());
    let log = host.cli(&["servers", "log", "rough"]).await.unwrap().out;
    assert!(log.contains("ready") && log.contains("[stdout] Server listening on nothing"), "{log}");
}
