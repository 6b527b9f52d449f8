//! Limits of a grant: conditions on arguments, and budgets. They hold for calls at once, across a restart, and say why.

use std::sync::Arc;

use prokura_testkit::fixture::{Offer, Run, ToolSpec};
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

/// Sixty-four calls at once; says how many were carried, and that the server saw just these.
async fn at_once(scene: &Scene, tool: &str, arguments: impl Fn(u32) -> Value) -> Vec<Value> {
    let agent = scene.agent();
    let calls = (0..64).map(|number| agent.call(tool, arguments(number)));
    let replies = futures::future::join_all(calls).await;
    let carried = replies.iter().filter(|reply| reply.as_ref().unwrap().is_fine()).count();
    for reply in replies.iter().map(|reply| reply.as_ref().unwrap()).filter(|it| !it.is_fine()) {
        refused(reply, "budget");
    }
    let seen = scene.fixture.recorder().calls(tool);
    assert_eq!(seen.len(), carried, "the server saw others than were carried");
    seen.iter().map(|seen| seen.json()["params"]["arguments"].clone()).collect()
}

#[tokio::test]
async fn sixty_four_calls_at_once_never_take_one_too_many() {
    let scene = Scene::ledger().await;
    grant(&scene.host, "send_payment", &["--effect", "allow", "--budget", "23/1d"]).await;
    let pays = |number: u32| payment(&format!("{number}.00"));
    assert_eq!(at_once(&scene, "send_payment", pays).await.len(), 23);
    let grants = scene.host.ok(&["grants", "list"]).await.unwrap();
    assert_eq!(grants[0]["budget_left"], "0", "{grants}");
}

#[tokio::test]
async fn sixty_four_amounts_at_once_never_come_to_more_than_the_budget() {
    let run = Run::Answer(Arc::new(|_| Ok(json!({ "text": "done" }))));
    let tool = ToolSpec::new("transfer", "Moves money.", json!({ "type": "object" }), run);
    let offer = Offer { name: "Bank".into(), tools: vec![tool], ..Offer::default() };
    let scene = Scene::of(offer, "ledger").await;
    let budget = ["--effect", "allow", "--budget", "sum(/amount)<=200/1d"];
    grant(&scene.host, "transfer", &budget).await;
    // Cents of which binary fractions have none; the numbers differ, so that which calls go does matter.
    let cents = |number: u32| 510 + number * 10;
    let amount = |number: u32| format!("{}.{:02}", cents(number) / 100, cents(number) % 100);
    let seen = at_once(
        &scene,
        "transfer",
        |number| json!({ "amount": amount(number).parse::<serde_json::Number>().unwrap() }),
    );
    let taken: u32 = seen
        .await
        .iter()
        .map(|arguments| (arguments["amount"].as_f64().unwrap() * 100.0).round())
        .map(|cents| format!("{cents}").parse::<u32>().unwrap())
        .sum();
    assert!(taken <= 20_000, "{taken} cents went");
    // What is left is less than the smallest of those that were refused would have needed.
    assert!(taken > 20_000 - cents(63), "only {taken} cents went");
    let grants = scene.host.ok(&["grants", "list"]).await.unwrap();
    let left: f64 = grants[0]["budget_left"].as_str().unwrap().parse().unwrap();
    assert!((left * 100.0).round() + f64::from(taken) == 20_000.0, "{left} left, {taken} went");
    let too_much = json!({ "amount": 200.01 });
    refused(&scene.agent().call("transfer", too_much).await.unwrap(), "budget");
    for uncounted in [json!({}), json!({ "amount": "1" }), json!({ "amount": -1 })] {
        let reply = scene.agent().call("transfer", uncounted).await.unwrap();
        refused(&reply, "cannot be counted");
    }
}
