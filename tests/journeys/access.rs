//! Effective access: what is said of an agent beforehand is what comes of its calls.

use prokura_testkit::{Fixture, TestHost, ledger};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

async fn access(host: &TestHost, words: &[&str]) -> Vec<Value> {
    let words: Vec<&str> = ["access"].iter().chain(words).copied().collect();
    host.ok(&words).await.unwrap().as_array().unwrap().clone()
}

fn row<'a>(rows: &'a [Value], target: &str) -> &'a Value {
    let found = rows.iter().find(|row| row["target"] == target);
    found.unwrap_or_else(|| panic!("nothing is said of {target}: {rows:?}"))
}

fn said(row: &Value) -> String {
    let why = row["why"].as_array().unwrap().iter();
    why.map(|why| why["text"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Grants of every kind, one limited, and one whose tool was changed by its server.
async fn grants_of_every_kind(scene: &Scene) {
    scene.grant("list_accounts", "allow").await;
    scene.grant("get_statement", "allow").await;
    scene.grant("categorise", "ask").await;
    scene.grant("close_account", "deny").await;
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
        "allow",
        "--where",
        "/to = Grace",
    ];
    scene.host.ok(&words).await.unwrap();
    let words = [
        "grants",
        "add",
        "--agent",
        "clerk",
        "--server",
        "ledger",
        "--resources",
        "ledger://*",
        "--effect",
        "allow",
    ];
    scene.host.ok(&words).await.unwrap();
    scene
        .fixture
        .change_tools(|tools| {
            let tool = tools.iter_mut().find(|tool| tool.name() == "get_statement").unwrap();
            tool.definition["description"] = json!("Something else.");
        })
        .await;
    scene.host.ok(&["tools", "list", "--server", "ledger", "--refresh"]).await.unwrap();
}

#[tokio::test]
async fn what_is_said_of_an_agent_is_what_comes_of_its_calls() {
    let scene = Scene::ledger().await;
    assert_eq!(access(&scene.host, &["clerk"]).await, Vec::<Value>::new());
    grants_of_every_kind(&scene).await;
    let rows = access(&scene.host, &["clerk"]).await;
    assert_eq!(rows.len(), 6, "{rows:?}");
    let effect = |target: &str| row(&rows, target)["effect"].as_str().unwrap().to_owned();
    assert_eq!(effect("tool:list_accounts"), "allow");
    assert_eq!(effect("tool:categorise"), "ask");
    assert_eq!(effect("tool:close_account"), "deny");
    assert_eq!(effect("resource:ledger://*"), "allow");
    let quarantined = row(&rows, "tool:get_statement");
    assert_eq!((&quarantined["effect"], &quarantined["pin"]), (&json!("deny"), &json!("changed")));
    let payment_row = row(&rows, "tool:send_payment");
    assert_eq!(
        (&payment_row["effect"], &payment_row["outcomes"]),
        (&json!("partly"), &json!(["allow", "deny"]))
    );
    assert!(said(payment_row).contains("/to = \"Grace\""), "{payment_row}");
    let agent = scene.agent();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    fine(&agent.call("send_payment", payment("1.00")).await.unwrap());
    let mut other = payment("1.00");
    other["to"] = json!("Mallory");
    refused(&agent.call("send_payment", other).await.unwrap(), "only where");
    refused(&agent.call("get_statement", json!({ "account": "giro" })).await.unwrap(), "changed");
    let closing = json!({ "account": "giro" });
    refused(&agent.call("close_account", closing).await.unwrap(), "denies");
}

#[tokio::test]
async fn guardrails_budgets_and_pauses_are_told_as_they_are_now() {
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
    scene.host.ok(&words).await.unwrap();
    scene.grant("send_payment", "allow").await;
    scene.host.agent("other").await.unwrap();
    let who = ["--tool", "ledger", "send_payment"];
    let rows = access(&scene.host, &who).await;
    assert_eq!((rows.len(), &rows[0]["agent"]["name"]), (1, &json!("clerk")), "{rows:?}");
    assert_eq!((&rows[0]["effect"], &rows[0]["stopped"]), (&json!("allow"), &json!(null)));
    // What reads arguments may be true of some calls; what does not is told as it is.
    let text = r#"@reason("not to Mallory")
forbid (principal, action == Action::"ledger/send_payment", resource)
when { context.arguments.to == "Mallory" };"#;
    let add = ["guardrails", "add", "mallory", "--json"];
    assert_eq!(scene.host.folder.run_with(&add, text.as_bytes()).await.unwrap().code, 0);
    let rows = access(&scene.host, &who).await;
    assert_eq!(rows[0]["outcomes"], json!(["allow", "deny"]), "{rows:?}");
    assert!(said(&rows[0]).contains("not to Mallory"), "{rows:?}");
    let text = r#"@approval("money") forbid (principal, action == Action::"ledger/send_payment", resource);"#;
    let add = ["guardrails", "add", "money", "--json"];
    assert_eq!(scene.host.folder.run_with(&add, text.as_bytes()).await.unwrap().code, 0);
    scene.host.ok(&["guardrails", "disable", "mallory"]).await.unwrap();
    let rows = access(&scene.host, &who).await;
    assert_eq!(rows[0]["effect"], "ask", "{rows:?}");
    // A budget that is used up is used up.
    let rows = access(&scene.host, &["clerk"]).await;
    assert_eq!(row(&rows, "tool:list_accounts")["effect"], "allow");
    fine(&scene.agent().call("list_accounts", json!({})).await.unwrap());
    let rows = access(&scene.host, &["clerk"]).await;
    let used_up = row(&rows, "tool:list_accounts");
    assert_eq!(used_up["effect"], "deny", "{used_up}");
    assert!(said(used_up).contains("1/1d"), "{used_up}");
    scene.host.ok(&["pause"]).await.unwrap();
    assert_eq!(access(&scene.host, &who).await[0]["stopped"], "all paused");
    scene.host.ok(&["resume"]).await.unwrap();
    let unknown = scene.host.cli(&["access", "--tool", "ledger", "nothing"]).await.unwrap();
    assert_eq!(unknown.code, 1, "{}", unknown.err);
    let nobody = scene.host.cli(&["access"]).await.unwrap();
    assert_eq!(nobody.code, 2, "{}", nobody.err);
}

#[tokio::test]
async fn a_token_that_could_do_more_than_any_grant_allows_is_told_of() {
    let (fixture, _authority) = Fixture::with_authority(ledger::offer()).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "ledger"]).await.unwrap();
    host.sign_in("ledger").await.unwrap();
    host.agent("clerk").await.unwrap();
    let unneeded = async || {
        let servers = host.ok(&["servers", "list"]).await.unwrap();
        servers[0]["accounts"][0]["scopes_unneeded"].clone()
    };
    let said = async || {
        let checks = host.cli(&["doctor", "--json"]).await.unwrap().json();
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["id"] == "server ledger").unwrap()["message"].clone()
    };
    assert_eq!(unneeded().await, json!(["use"]));
    assert!(said().await.as_str().unwrap().contains("more than any grant allows: use"));
    host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
    assert_eq!(unneeded().await, json!([]));
    assert!(!said().await.as_str().unwrap().contains("more than"));
}
