//! Limits of a grant: conditions on arguments, and budgets. They hold for calls at once, across a restart, and say why.

use prokura_testkit::{Agent, Fixture, Protection, TestHost, ledger};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

/// A grant for `clerk` at `ledger` with more words.
async fn grant(host: &TestHost, tools: &str, more: &[&str]) -> Value {
    let mut words =
        vec!["grants", "add", "--agent", "clerk", "--server", "ledger", "--tools", tools];
    words.extend(more);
    host.ok(&words).await.unwrap()
}

#[tokio::test]
async fn a_grant_with_a_condition_lets_only_those_arguments_through() {
    let scene = Scene::ledger().await;
    let words =
        ["--effect", "allow", "--where", "/to = Grace", "--where", r#"/currency in ["EUR"]"#];
    grant(&scene.host, "send_payment", &words).await;
    let agent = scene.agent();
    fine(&agent.call("send_payment", payment("1.00")).await.unwrap());
    let mut other = payment("1.00");
    other["to"] = json!("Mallory");
    refused(&agent.call("send_payment", other).await.unwrap(), "/to");
    let mut missing = payment("1.00");
    missing.as_object_mut().unwrap().remove("to");
    refused(&agent.call("send_payment", missing).await.unwrap(), "/to");
    assert_eq!(scene.fixture.recorder().calls("send_payment").len(), 1);
    let records = scene.host.audit().await.unwrap();
    let said = records.iter().map(Value::to_string).collect::<String>();
    assert!(!said.contains("Mallory"), "an argument stands in the log in clear");
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_says_what_to_write_and_makes_no_grant() {
    let scene = Scene::ledger().await;
    for bad in ["/to", "to = x", "/to ~ x", "/amount < abc", "/to matches ("] {
        let words = [
            "grants", "add", "--agent", "clerk", "--server", "ledger", "--tools", "*", "--effect",
            "allow", "--where", bad,
        ];
        let said = scene.host.cli(&words).await.unwrap();
        assert_ne!(said.code, 0, "{bad}");
        assert!(!said.err.is_empty(), "{bad}");
    }
    assert_eq!(scene.host.ok(&["grants", "list"]).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_budget_is_never_overdrawn_by_calls_at_once_and_survives_a_restart() {
    let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    let mut host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "ledger"]).await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    grant(&host, "send_payment", &["--effect", "allow", "--budget", "3/1d"]).await;
    let agent = Agent::modern(&host.endpoint("ledger"), &key).unwrap();
    let calls = (0..12).map(|n| agent.call("send_payment", payment(&format!("{n}.00"))));
    let replies = futures::future::join_all(calls).await;
    let carried = replies.iter().filter(|reply| reply.as_ref().unwrap().is_fine()).count();
    assert_eq!(carried, 3);
    assert_eq!(fixture.recorder().calls("send_payment").len(), 3);
    host.restart().await.unwrap();
    let agent = Agent::modern(&host.endpoint("ledger"), &key).unwrap();
    refused(&agent.call("send_payment", payment("9.00")).await.unwrap(), "budget");
    let grants = host.ok(&["grants", "list"]).await.unwrap();
    assert_eq!(grants[0]["budget"], "3/1d", "{grants}");
}
