//! Agents that start a command: paired by what they are, governed like all others, and kept from governing themselves.

use prokura_testkit::host::{Folder, signal};
use prokura_testkit::{Fixture, Protection, TestHost, eventually, ledger};
use prokura_tests::sdk::outcome;
use prokura_tests::{Sdk, SdkAgent, tools};
use serde_json::{Value, json};
use std::time::Duration;

use crate::scene::payment;

/// A Host with the ledger behind it, whose reading tool is classed.
async fn host() -> (TestHost, Fixture) {
    let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "ledger"]).await.unwrap();
    let read = ["tools", "classify", "--server", "ledger", "list_accounts", "--class", "read"];
    host.ok(&read).await.unwrap();
    (host, fixture)
}

/// The command line of `prokura` on the folder of this Host.
fn prokura(folder: &Folder, words: &[&str]) -> Vec<String> {
    let program = folder.program().to_string_lossy().into_owned();
    let data = folder.data().to_string_lossy().into_owned();
    let mut all = vec![program, "--data".to_owned(), data];
    all.extend(words.iter().map(ToString::to_string));
    all
}

fn stdio(folder: &Folder, name: &str, more: &[&str]) -> Vec<String> {
    let words: Vec<&str> =
        ["stdio", "--agent", name].into_iter().chain(more.iter().copied()).collect();
    prokura(folder, &words)
}

fn text(pieces: &Value) -> String {
    let pieces = pieces.as_array().cloned().unwrap_or_default();
    pieces.iter().filter_map(|piece| piece["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_official_client_comes_in_by_a_command_and_makes_a_governed_call() {
    // V-05, ST-14
    let (host, fixture) = host().await;
    for (name, sdk, era) in [
        ("typescript-modern", Sdk::TypeScript, "2026-07-28"),
        ("typescript-legacy", Sdk::TypeScript, "legacy"),
        ("python-modern", Sdk::Python, "2026-07-28"),
        ("python-legacy", Sdk::Python, "legacy"),
    ] {
        let command = stdio(&host.folder, name, &["--server", "ledger"]);
        let options = json!({ "command": command, "era": era });
        let mut agent = SdkAgent::start(sdk, None).unwrap();
        let (joined, question) = tokio::join!(agent.join(options), host.answer(&["allow"]));
        joined.unwrap();
        let question = question.unwrap();
        assert_eq!(
            (&question["kind"], &question["agent"]["name"]),
            (&json!("pairing"), &json!(name))
        );
        let found = &question["pairing"];
        let script = text(&found["script"]["path"]);
        assert!(script.ends_with("agent.mjs") || script.ends_with("agent.py"), "{script}");
        assert_eq!(found["executable"]["digest"].as_str().unwrap().len(), 64);
        assert!(found["chain"].as_array().unwrap().len() >= 3, "{found}");
        assert!(agent.tools().await.unwrap().is_empty(), "{name} was granted nothing yet");

        host.grant(name, "ledger", "class:read", "allow").await.unwrap();
        host.grant(name, "ledger", "send_payment", "ask").await.unwrap();
        assert_eq!(agent.tools().await.unwrap(), ["list_accounts", "send_payment"], "{name}");
        let read = agent.call("list_accounts", json!({})).await.unwrap();
        assert_eq!(read["structuredContent"]["accounts"][0]["account"], "giro", "{name}");
        let (paid, question) =
            tokio::join!(agent.call("send_payment", payment("1.00")), host.answer(&["allow"]));
        assert_eq!(question.unwrap()["agent"]["name"], name);
        assert!(outcome(&paid).0, "{name}: {paid:?}");

        host.ok(&["agents", "revoke", name]).await.unwrap();
        let (ran, said) = outcome(&agent.call("list_accounts", json!({})).await);
        assert!(!ran && said.contains("revoked"), "{name}: {said}");
        let _closed = agent.ask("close", json!({})).await;
    }
    assert_eq!(fixture.recorder().calls("list_accounts").len(), 4);
    assert_eq!(fixture.recorder().calls("send_payment").len(), 4);
    assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn a_paired_program_comes_back_unasked_and_a_changed_one_asks_again() {
    let (mut host, _fixture) = host().await;
    let script = host.folder.root().join("agent.py");
    std::fs::copy(tools::package().join("python/agent.py"), &script).unwrap();
    let options = json!({ "command": stdio(&host.folder, "coder", &[]), "era": "legacy" });
    let mut first = SdkAgent::start(Sdk::Python, Some(&script)).unwrap();
    let (joined, question) = tokio::join!(first.join(options.clone()), host.answer(&["allow"]));
    joined.unwrap();
    assert_eq!(question.unwrap()["pairing"]["reason"], "first");
    host.grant("coder", "ledger", "class:read", "allow").await.unwrap();

    host.restart().await.unwrap();
    let mut again = SdkAgent::start(Sdk::Python, Some(&script)).unwrap();
    again.join(options.clone()).await.unwrap();
    assert_eq!(
        again.tools().await.unwrap(),
        ["ledger__list_accounts"],
        "the aggregate has prefixes"
    );
    again.call("ledger__list_accounts", json!({})).await.unwrap();

    let mut changed = std::fs::read_to_string(&script).unwrap();
    changed.push_str("\n# one more line\n");
    std::fs::write(&script, changed).unwrap();
    let mut other = SdkAgent::start(Sdk::Python, Some(&script)).unwrap();
    let (refused, question) =
        tokio::join!(other.join(options.clone()), host.answer(&["deny", "--note", "not this one"]));
    let question = question.unwrap();
    assert_eq!(
        (&question["pairing"]["reason"], &question["pairing"]["grants"]),
        (&json!("changed"), &json!(1))
    );
    // The Python client tells of a refused handshake in a group of errors, without its text.
    refused.unwrap_err();
    let questions = host.ok(&["approvals", "list", "--all"]).await.unwrap();
    assert_eq!(questions[0]["note"], "not this one");

    // Another program under the same name.
    let mut stranger = SdkAgent::start(Sdk::TypeScript, None).unwrap();
    let (joined, question) = tokio::join!(stranger.join(options), host.answer(&["allow"]));
    joined.unwrap();
    assert_eq!(question.unwrap()["pairing"]["reason"], "another");
    let agents = host.ok(&["agents", "list"]).await.unwrap();
    assert_eq!(agents[0]["pairings"].as_array().unwrap().len(), 2);
    assert_eq!(agents[0]["credential"], "pairing");
}

#[tokio::test]
async fn without_a_host_the_agent_is_told_what_to_do_or_one_is_started() {
    let folder = Folder::new(None).unwrap();
    let mut agent = SdkAgent::start(Sdk::TypeScript, None).unwrap();
    let options = json!({ "command": stdio(&folder, "coder", &[]), "era": "legacy" });
    let said = agent.join(options).await.unwrap_err().to_string();
    assert!(said.contains("No Prokura is running") && said.contains("prokura serve"), "{said}");

    let key = folder.key_file().to_string_lossy().into_owned();
    let more = ["--start", "headless", "--vault-key-file", key.as_str()];
    let options = json!({ "command": stdio(&folder, "coder", &more), "era": "legacy" });
    let mut agent = SdkAgent::start(Sdk::TypeScript, None).unwrap();
    let answer = async {
        let question = eventually("a question", Duration::from_secs(60), || async {
            let said = folder.run(&["approvals", "list", "--json"]).await.ok()?;
            said.json().as_array()?.first().cloned()
        })
        .await
        .unwrap();
        let id = question["id"].as_str().unwrap().to_owned();
        folder.run(&["approvals", "answer", &id, "allow"]).await.unwrap()
    };
    let (joined, answered) = tokio::join!(agent.join(options), answer);
    joined.unwrap();
    assert_eq!(answered.code, 0, "{}", answered.err);
    assert!(agent.tools().await.unwrap().is_empty());
    // The Host it started outlives the agent, and is ended here by its own lock.
    let pid = host_on(&folder).await;
    signal(pid, "TERM").await.unwrap();
}

/// The process that serves this folder, by its command line.
async fn host_on(folder: &Folder) -> u32 {
    let data = folder.data().to_string_lossy().into_owned();
    let serves = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(&data) && line.contains("\0serve\0")
    };
    let pids = std::fs::read_dir("/proc").unwrap();
    let mut pids = pids.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.find(serves).unwrap()
}

/// How an agent comes in for the ledger alone.
fn ledger_options(host: &TestHost) -> Value {
    let command = stdio(&host.folder, "coder", &["--server", "ledger"]);
    json!({ "command": command, "era": "legacy" })
}

/// An agent that was let in.
async fn coder(host: &TestHost) -> SdkAgent {
    let mut agent = SdkAgent::start(Sdk::TypeScript, None).unwrap();
    let (joined, question) =
        tokio::join!(agent.join(ledger_options(host)), host.answer(&["allow"]));
    joined.unwrap();
    question.unwrap();
    agent
}

#[tokio::test]
async fn an_agents_own_child_may_look_and_deny_but_not_allow_itself_anything() {
    // Invariant 8
    let (host, _fixture) = host().await;
    let mut agent = coder(&host).await;
    let run = |words: &[&str]| json!({ "command": prokura(&host.folder, words) });
    let deny = host.grant("coder", "ledger", "close_account", "deny").await.unwrap();

    let grant = [
        "grants", "add", "--agent", "coder", "--server", "ledger", "--tools", "*", "--effect",
        "allow",
    ];
    let widening: [&[&str]; 7] = [
        &grant,
        &["agents", "add", "another", "--key"],
        &["servers", "add", "http://127.0.0.1:9/mcp", "--name", "mine"],
        &["tools", "classify", "--server", "ledger", "send_payment", "--class", "read"],
        &["resume"],
        &["grants", "revoke", &deny],
        &["approvals", "level", "class:destructive", "click"],
    ];
    for words in widening {
        let said = agent.ask("run", run(words)).await.unwrap();
        let err = said["err"].as_str().unwrap();
        assert!(
            said["code"] != 0 && err.contains("process of the agent \"coder\""),
            "{words:?}: {said}"
        );
    }
    let records = host.audit().await.unwrap();
    let refused: Vec<&str> = records
        .iter()
        .filter(|record| record["kind"] == "wish.refused")
        .filter_map(|record| record["detail"]["wish"].as_str())
        .collect();
    let words = [
        "asking",
        "grant_revoke",
        "resume",
        "tool_classify",
        "server_add",
        "agent_add",
        "grant_add",
    ];
    assert_eq!(refused, words, "newest first");
}

#[tokio::test]
async fn an_agents_own_child_may_deny_revoke_and_pause_and_is_known_after_it_left() {
    let (host, _fixture) = host().await;
    let mut agent = coder(&host).await;
    let run = |words: &[&str]| json!({ "command": prokura(&host.folder, words) });
    let allow = host.grant("coder", "ledger", "class:read", "allow").await.unwrap();
    host.grant("coder", "ledger", "send_payment", "ask").await.unwrap();

    // Answering: allow is refused, deny is not; nor are looking, revoking an allowance, and pausing.
    let mut answering = SdkAgent::start(Sdk::TypeScript, None).unwrap();
    answering.join(ledger_options(&host)).await.unwrap();
    let refused = async {
        let question = host.pending().await.unwrap();
        let id = question["id"].as_str().unwrap().to_owned();
        let allow = agent.ask("run", run(&["approvals", "answer", &id, "allow"])).await.unwrap();
        let err = allow["err"].as_str().unwrap();
        assert!(allow["code"] != 0 && err.contains("process of the agent \"coder\""), "{allow}");
        let records = host.audit().await.unwrap();
        let record = records.iter().find(|record| record["kind"] == "wish.refused").unwrap();
        assert_eq!(record["detail"]["wish"], "approval_answer", "{record}");
        let deny = agent.ask("run", run(&["approvals", "answer", &id, "deny"])).await.unwrap();
        assert_eq!(deny["code"], 0, "{deny}");
    };
    let (paid, ()) = tokio::join!(answering.call("send_payment", payment("1.00")), refused);
    assert!(!outcome(&paid).0);
    let narrowing: [&[&str]; 3] = [&["agents", "list"], &["grants", "revoke", &allow], &["pause"]];
    for words in narrowing {
        let said = agent.ask("run", run(words)).await.unwrap();
        assert_eq!(said["code"], 0, "{words:?}: {said}");
    }

    // It has left, and still runs: what it was is not forgotten.
    agent.ask("close", json!({})).await.unwrap();
    let said = agent.ask("run", run(&["resume"])).await.unwrap();
    assert_ne!(said["code"], 0, "{said}");
    // A script outside is not hindered by any of this, and an agent with a key alone concerns nobody.
    host.ok(&["resume"]).await.unwrap();
    host.agent("keyed").await.unwrap();
}
