//! The audit log: no record, no call; nothing lost over a restart, a kill or a full disk; nothing changed unseen.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prokura_testkit::host::Folder;
use prokura_testkit::{
    Agent, Fixture, Gate, Protection, Run, TestHost, ToolSpec, eventually, ledger,
};
use serde_json::json;
use tokio::process::Command;

use crate::scene::{Scene, Two, fine, kinds, payment, refused};

/// Lets files of a process grow to so many bytes and no further; `unlimited` ends that.
async fn limit_files(pid: u32, size: &str) {
    // Only the soft limit, so that it can be raised again.
    let limit = format!("--fsize={size}:");
    let status =
        Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status().await.unwrap();
    assert!(status.success());
}

/// A Host whose writes fail, instead of ending it, when a file may not grow.
async fn on_a_small_disk() -> TestHost {
    let folder = Folder::new(None).unwrap();
    let plain = folder.command(&["serve", "--port", "0", "--vault-key-file"]);
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(plain.as_std().get_program());
    command.args(plain.as_std().get_args()).arg(folder.key_file());
    command.env("HOME", folder.root().join("home")).kill_on_drop(true);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let serving = folder.serve_command(command).await.unwrap();
    TestHost::on(folder, serving).without_flow_rule().await.unwrap()
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_sent() {
    let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    let host = on_a_small_disk().await;
    host.ok(&["servers", "add", &fixture.url(), "--name", "ledger"]).await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "ledger", "*", "allow").await.unwrap();
    host.ok(&["tools", "classify", "--server", "ledger", "list_accounts", "--class", "read"])
        .await
        .unwrap();
    let agent = Agent::modern(&host.endpoint("ledger"), &key).unwrap();
    fine(&agent.call("send_payment", payment("1.00")).await.unwrap());
    let pid = host.serving.as_ref().unwrap().pid().unwrap();
    limit_files(pid, "4096").await;
    for (tool, arguments) in [("send_payment", payment("2.00")), ("list_accounts", json!({}))] {
        let reply = agent.call(tool, arguments).await.unwrap();
        refused(&reply, "audit");
    }
    assert_eq!(fixture.recorder().calls("send_payment").len(), 1);
    assert!(fixture.recorder().calls("list_accounts").is_empty());
    limit_files(pid, "unlimited").await;
    fine(&agent.call("send_payment", payment("3.00")).await.unwrap());
    assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn a_restart_keeps_sign_ins_grants_port_and_chain() {
    let mut two = Two::signed_in().await;
    let key = two.host.agent("clerk").await.unwrap();
    two.host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
    let agent = Agent::modern(&two.host.endpoint("ledger"), &key).unwrap();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let http = two.host.http();
    let before = two.host.audit().await.unwrap();
    two.host.restart().await.unwrap();
    assert_eq!(two.host.http(), http, "the port stays the folder's own");
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    assert_eq!(two.ledger.recorder().calls("list_accounts").len(), 2);
    assert_eq!(two.mailbox.recorder().calls("list_accounts").len(), 0);
    let after = two.host.audit().await.unwrap();
    for record in &before {
        assert!(after.contains(record), "a record was lost or changed: {record}");
    }
    let kinds = kinds(&two.host).await;
    assert!(kinds.contains(&"host.stopped".to_owned()), "{kinds:?}");
    assert_eq!(two.host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn an_access_token_that_ran_out_is_refreshed_after_a_restart() {
    let mut two = Two::signed_in().await;
    let key = two.host.agent("clerk").await.unwrap();
    two.host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
    two.host.restart().await.unwrap();
    two.authorities[1].end_access_tokens();
    let agent = Agent::modern(&two.host.endpoint("ledger"), &key).unwrap();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    assert!(kinds(&two.host).await.contains(&"token.refreshed".to_owned()));
}

#[tokio::test]
async fn a_kill_loses_nothing_and_says_which_call_has_an_unknown_outcome() {
    let gate = Gate::default();
    let mut offer = ledger::offer();
    let run = Run::Wait(gate.clone(), Arc::new(|_: &_| Ok(json!({ "text": "finished" }))));
    offer.tools.push(ToolSpec::new(
        "long_transfer",
        "Takes its time.",
        json!({ "type": "object" }),
        run,
    ));
    let mut scene = Scene::of(offer, "ledger").await;
    scene.grant("*", "allow").await;
    let agent = scene.agent();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let under_way = agent.clone();
    let called = tokio::spawn(async move { under_way.call("long_transfer", json!({})).await });
    eventually("the call to be under way", Duration::from_secs(10), || async {
        (gate.entered() == 1).then_some(())
    })
    .await
    .unwrap();
    let before = scene.host.audit().await.unwrap();
    scene.host.kill().await.unwrap();
    assert!(!called.await.unwrap().is_ok_and(|reply| reply.is_fine()));
    scene.host.restart().await.unwrap();
    let after = scene.host.audit().await.unwrap();
    assert!(before.iter().all(|record| after.contains(record)), "a record was lost");
    let intent = before.iter().find(|record| record["kind"] == "call.intent").unwrap();
    assert_eq!(intent["target"], "long_transfer");
    let kinds = kinds(&scene.host).await;
    assert!(kinds.contains(&"host.recovered".to_owned()), "{kinds:?}");
    let recovered = after.iter().find(|record| record["kind"] == "host.recovered").unwrap();
    assert_eq!(recovered["detail"]["outcome_unknown"], json!([intent["seq"]]));
    assert_eq!(scene.host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
    gate.open();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
}

/// Changes a database behind everybody's back.
async fn change(database: &Path, statements: &str) {
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.executescript(sys.argv[2])\ndb.commit()";
    let python = prokura_tests::tools::python().unwrap();
    let output = Command::new(python)
        .args(["-c", script])
        .arg(database)
        .arg(statements)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Removes whatever forbids changes, then changes.
fn by_force(statement: &str) -> String {
    format!(
        "DROP TRIGGER record_is_never_changed; DROP TRIGGER record_is_never_removed; {statement}"
    )
}

#[tokio::test]
async fn a_changed_or_cut_log_is_noticed_without_a_host() {
    let mut scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    fine(&scene.agent().call("send_payment", payment("1.00")).await.unwrap());
    scene.host.stop().await.unwrap();
    let original = scene.host.folder.data().join("prokura.db");
    let copy = scene.host.folder.root().join("copy.db");
    let verify = async || {
        let path = copy.to_str().unwrap();
        scene.host.cli(&["audit", "verify", path, "--json"]).await.unwrap()
    };
    std::fs::copy(&original, &copy).unwrap();
    let whole = verify().await;
    assert_eq!((whole.code, &whole.json()["ok"]), (0, &json!(true)), "{}{}", whole.out, whole.err);
    for harm in [
        "UPDATE record SET body = replace(body, 'clerk', 'klerk') WHERE seq = (SELECT max(seq) FROM record WHERE body LIKE '%clerk%')",
        "DELETE FROM record WHERE seq = 3",
        "DELETE FROM record WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE record SET at = at + 1 WHERE seq = 2",
    ] {
        std::fs::copy(&original, &copy).unwrap();
        change(&copy, &by_force(harm)).await;
        let said = verify().await;
        assert_eq!(
            (said.code, &said.json()["ok"]),
            (1, &json!(false)),
            "{harm}: {}{}",
            said.out,
            said.err
        );
    }
}

#[tokio::test]
async fn an_older_copy_put_back_is_noticed() {
    let mut scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    scene.host.stop().await.unwrap();
    let database = scene.host.folder.data().join("prokura.db");
    let older = std::fs::read(&database).unwrap();
    scene.host.restart().await.unwrap();
    fine(&scene.agent().call("send_payment", payment("1.00")).await.unwrap());
    scene.host.stop().await.unwrap();
    for name in ["prokura.db-wal", "prokura.db-shm"] {
        let path = scene.host.folder.data().join(name);
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(&database, older).unwrap();
    scene.host.restart().await.unwrap();
    let said = scene.host.cli(&["audit", "verify", "--json"]).await.unwrap();
    assert_eq!((said.code, &said.json()["ok"]), (1, &json!(false)), "{}{}", said.out, said.err);
}

#[tokio::test]
async fn records_cannot_be_changed_by_ordinary_means() {
    let mut scene = Scene::ledger().await;
    scene.host.stop().await.unwrap();
    let database = scene.host.folder.data().join("prokura.db");
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nfor harm in ('UPDATE record SET at = 0', 'DELETE FROM record'):\n    try:\n        db.execute(harm)\n        sys.exit(1)\n    except sqlite3.Error:\n        pass";
    let python = prokura_tests::tools::python().unwrap();
    let status = Command::new(python).args(["-c", script]).arg(&database).status().await.unwrap();
    assert!(status.success());
}
