//! Many grants at once: presets, what another agent has, and changes of several.

use prokura_testkit::Agent;
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

async fn classified(scene: &Scene) {
    for (tool, class) in [
        ("list_accounts", "read"),
        ("get_statement", "read"),
        ("categorise", "write"),
        ("send_payment", "destructive"),
    ] {
        let words = ["tools", "classify", "--server", "ledger", tool, "--class", class];
        scene.host.ok(&words).await.unwrap();
    }
}

async fn grants(scene: &Scene) -> Vec<Value> {
    scene.host.ok(&["grants", "list"]).await.unwrap().as_array().unwrap().clone()
}

async fn targets(scene: &Scene, agent: &str) -> Vec<String> {
    let mut found: Vec<String> = grants(scene)
        .await
        .iter()
        .filter(|grant| grant["agent"]["name"] == agent)
        .map(|grant| {
            format!("{} {}", grant["effect"].as_str().unwrap(), grant["target"].as_str().unwrap())
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_preset_is_shown_first_and_then_decides_what_an_agent_may() {
    let scene = Scene::ledger().await;
    classified(&scene).await;
    let preset = |name: &'static str| {
        vec!["grants", "preset", name, "--agent", "clerk", "--server", "ledger"]
    };
    let shown = scene.host.ok(&preset("read-only")).await.unwrap();
    assert_eq!((&shown["added"], &shown["done"]), (&json!(3), &json!(false)), "{shown}");
    assert!(grants(&scene).await.is_empty(), "it was only shown");
    let yes = |name| [preset(name), vec!["--yes"]].concat();
    assert_eq!(scene.host.ok(&yes("read-only")).await.unwrap()["done"], true);
    let agent = scene.agent();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    refused(&agent.call("send_payment", payment("1.00")).await.unwrap(), "unknown tool");
    // An unclassified tool is not one that only reads.
    refused(&agent.call("close_account", json!({ "account": "giro" })).await.unwrap(), "unknown");
    let again = scene.host.ok(&yes("read-only")).await.unwrap();
    assert_eq!((&again["added"], &again["same"]), (&json!(0), &json!(3)), "{again}");
    let wider = [yes("reads-allowed-writes-ask"), vec!["--until", "8h"]].concat();
    let wider = scene.host.ok(&wider).await.unwrap();
    assert_eq!(wider["added"], 4, "with an end they are others: {wider}");
    let call = {
        let agent = scene.agent();
        tokio::spawn(async move { agent.call("send_payment", payment("2.00")).await.unwrap() })
    };
    scene.host.answer(&["deny"]).await.unwrap();
    refused(&call.await.unwrap(), "denied");
    fine(&agent.call("get_statement", json!({ "account": "giro" })).await.unwrap());
    let unknown = scene.host.cli(&preset("everything")).await.unwrap();
    assert_eq!(unknown.code, 1, "{}", unknown.err);
}

#[tokio::test]
async fn what_another_agent_has_is_copied_but_not_what_one_approval_let_through() {
    let scene = Scene::ledger().await;
    let key = scene.host.agent("scribe").await.unwrap();
    scene.grant("list_accounts", "allow").await;
    let words = [
        "grants",
        "add",
        "--agent",
        "clerk",
        "--server",
        "ledger",
        "--tools",
        "send_payment",
        "--effect",
        "ask",
        "--where",
        "/to = Grace",
        "--budget",
        "5/1d",
        "--note",
        "rent",
    ];
    let added = scene.host.ok(&words).await.unwrap();
    let call = {
        let agent = scene.agent();
        tokio::spawn(async move { agent.call("send_payment", payment("2.00")).await.unwrap() })
    };
    scene.host.answer(&["allow", "--for", "15m"]).await.unwrap();
    fine(&call.await.unwrap());
    let level = format!("grant:{}", added["grant"]["id"].as_str().unwrap());
    scene.host.ok(&["approvals", "level", &level, "presence"]).await.unwrap();
    let copy = ["grants", "copy", "--from", "clerk", "--to", "scribe"];
    let shown = scene.host.ok(&copy).await.unwrap();
    assert_eq!((&shown["added"], &shown["left_out"]), (&json!(2), &json!(1)), "{shown}");
    assert!(targets(&scene, "scribe").await.is_empty());
    scene.host.ok(&[&copy[..], &["--yes"]].concat()).await.unwrap();
    let has = targets(&scene, "scribe").await;
    assert_eq!(has, ["allow tool:list_accounts", "ask tool:send_payment"]);
    let copied = grants(&scene).await;
    let copied = copied
        .iter()
        .find(|one| one["agent"]["name"] == "scribe" && one["budget"] == "5/1d")
        .unwrap();
    assert_eq!(
        (&copied["conditions"][0], &copied["note"], &copied["level"]),
        (&json!(r#"/to = "Grace""#), &json!("rent"), &json!("presence"))
    );
    let scribe = Agent::modern(&scene.host.endpoint("ledger"), &key).unwrap();
    fine(&scribe.call("list_accounts", json!({})).await.unwrap());
    // The approval was given to the other one.
    let call = tokio::spawn(async move { scribe.call("send_payment", payment("2.00")).await });
    scene.host.answer(&["deny"]).await.unwrap();
    refused(&call.await.unwrap().unwrap(), "denied");
    let same = ["grants", "copy", "--from", "clerk", "--to", "clerk"];
    assert_eq!(scene.host.cli(&same).await.unwrap().code, 1);
}

#[tokio::test]
async fn several_grants_change_or_end_together_and_where_one_cannot_none_does() {
    let scene = Scene::ledger().await;
    let one = scene.grant("list_accounts", "allow").await;
    let other = scene.grant("get_statement", "allow").await;
    let agent = scene.agent();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let half = ["grants", "change", &one, "grt_nobody", "--effect", "deny"];
    assert_eq!(scene.host.cli(&half).await.unwrap().code, 1);
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let deny = ["grants", "change", &one, &other, "--effect", "deny", "--until", "1h"];
    let changed = scene.host.ok(&deny).await.unwrap();
    let changed = changed.as_array().unwrap();
    assert!(changed.iter().all(|one| one["effect"] == "deny" && !one["until"].is_null()));
    for tool in ["list_accounts", "get_statement"] {
        refused(&agent.call(tool, json!({ "account": "giro" })).await.unwrap(), "denies");
    }
    let allow = ["grants", "change", &one, &other, "--effect", "allow", "--until", "never"];
    let changed = scene.host.ok(&allow).await.unwrap();
    assert!(changed.as_array().unwrap().iter().all(|one| one["until"].is_null()));
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let past = ["grants", "change", &one, "--until", "2001-01-01T00:00:00Z"];
    assert_eq!(scene.host.cli(&past).await.unwrap().code, 1);
    scene.host.ok(&["grants", "revoke", &one, &other]).await.unwrap();
    refused(&agent.call("list_accounts", json!({})).await.unwrap(), "unknown tool");
    assert!(grants(&scene).await.is_empty());
    let kinds = scene.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "grant.changed").count(), 4, "{kinds:?}");
}

#[tokio::test]
async fn a_change_of_a_grant_gives_nothing_of_its_budget_back() {
    let scene = Scene::ledger().await;
    let words = [
        "grants",
        "add",
        "--agent",
        "clerk",
        "--server",
        "ledger",
        "--tools",
        "list_accounts",
        "--effect",
        "allow",
        "--budget",
        "1/1d",
    ];
    let made = scene.host.ok(&words).await.unwrap();
    let id = made["grant"]["id"].as_str().unwrap();
    let agent = scene.agent();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    scene.host.ok(&["grants", "change", id, "--until", "8h"]).await.unwrap();
    refused(&agent.call("list_accounts", json!({})).await.unwrap(), "budget");
    // What denies has no budget.
    let deny = ["grants", "change", id, "--effect", "deny"];
    assert_eq!(scene.host.cli(&deny).await.unwrap().code, 1);
}
