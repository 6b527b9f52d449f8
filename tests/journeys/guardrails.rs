//! Guardrails: policies above all grants, checked when they are kept, tried on the past before that.

use prokura_testkit::{Agent, TestHost};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

const NEVER_MALLORY: &str = r#"@reason("not to Mallory")
forbid (principal, action == Action::"ledger/send_payment", resource)
when { context.arguments.to == "Mallory" };"#;
const LOOK_AT_GRACE: &str = r#"@approval("a new payee")
forbid (principal == Agent::"clerk", action == Action::"ledger/send_payment", resource)
when { context.arguments.to == "Grace" };"#;

/// A guardrail from a text on standard input.
async fn guard(host: &TestHost, words: &[&str], text: &str) -> (i32, Value, String) {
    let mut all = vec!["guardrails"];
    all.extend(words);
    all.push("--json");
    let said = host.folder.run_with(&all, text.as_bytes()).await.unwrap();
    (said.code, said.json(), said.err)
}

fn to(name: &str) -> Value {
    let mut payment = payment("1.00");
    payment["to"] = json!(name);
    payment
}

#[tokio::test]
async fn a_guardrail_forbids_whatever_is_granted_and_is_taken_out_of_force_and_back() {
    let scene = Scene::ledger().await;
    scene.grant("send_payment", "allow").await;
    let (code, added, err) = guard(&scene.host, &["add", "mallory"], NEVER_MALLORY).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(added["faults"], json!([]));
    let agent = scene.agent();
    refused(&agent.call("send_payment", to("Mallory")).await.unwrap(), "not to Mallory");
    fine(&agent.call("send_payment", to("Grace")).await.unwrap());
    let mut missing = to("Grace");
    missing.as_object_mut().unwrap().remove("to");
    refused(&agent.call("send_payment", missing).await.unwrap(), "cannot be checked");
    scene.host.ok(&["guardrails", "disable", "mallory"]).await.unwrap();
    fine(&agent.call("send_payment", to("Mallory")).await.unwrap());
    scene.host.ok(&["guardrails", "enable", "mallory"]).await.unwrap();
    refused(&agent.call("send_payment", to("Mallory")).await.unwrap(), "not to Mallory");
    scene.host.ok(&["guardrails", "remove", "mallory"]).await.unwrap();
    fine(&agent.call("send_payment", to("Mallory")).await.unwrap());
    assert_eq!(scene.host.ok(&["guardrails", "list"]).await.unwrap(), json!([]));
    let kinds = scene.kinds().await;
    for kind in ["guardrail.added", "guardrail.changed", "guardrail.removed"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}");
    }
}

#[tokio::test]
async fn a_guardrail_that_wants_approval_asks_once_whatever_was_remembered_also_after_a_restart() {
    let mut scene = Scene::ledger().await;
    scene.grant("send_payment", "allow").await;
    let (code, ..) = guard(&scene.host, &["add", "grace"], LOOK_AT_GRACE).await;
    assert_eq!(code, 0);
    scene.host.restart().await.unwrap();
    let pays = |host: &TestHost| {
        let agent = Agent::modern(&host.endpoint("ledger"), &scene.key).unwrap();
        tokio::spawn(async move { agent.call("send_payment", to("Grace")).await.unwrap() })
    };
    let call = pays(&scene.host);
    let question = scene.host.answer(&["allow"]).await.unwrap();
    assert_eq!(question["only_once"], true);
    assert!(question["why"][0]["text"].as_str().unwrap().contains("a new payee"), "{question}");
    fine(&call.await.unwrap());
    let again = pays(&scene.host);
    scene.host.answer(&["deny"]).await.unwrap();
    refused(&again.await.unwrap(), "denied");
}

#[tokio::test]
async fn a_text_that_is_wrong_is_not_kept_and_says_where() {
    let scene = Scene::ledger().await;
    let wrong = NEVER_MALLORY.replace("arguments.to", "arguments.payee");
    let (code, _, err) = guard(&scene.host, &["add", "wrong"], &wrong).await;
    assert_eq!(code, 1);
    assert!(err.contains("Line 3") && err.contains("payee"), "{err}");
    let (code, faults, _) = guard(&scene.host, &["check"], &wrong).await;
    assert_eq!((code, faults[0]["line"].as_u64()), (1, Some(3)), "{faults}");
    let permit = "permit (principal, action, resource);";
    let (code, _, err) = guard(&scene.host, &["add", "permit"], permit).await;
    assert_eq!(code, 1);
    assert!(err.contains("never permit"), "{err}");
    assert_eq!(scene.host.ok(&["guardrails", "list"]).await.unwrap(), json!([]));
    let words = scene.host.ok(&["guardrails", "words"]).await.unwrap();
    let tools = words["tools"].as_array().unwrap();
    let payment = tools.iter().find(|tool| tool["name"] == "ledger/send_payment").unwrap();
    let to = json!({ "name": "to", "cedar": "String", "required": true });
    assert!(payment["arguments"].as_array().unwrap().contains(&to), "{payment}");
}

#[tokio::test]
async fn changed_rules_are_tried_on_the_past_and_change_nothing() {
    let scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let agent = scene.agent();
    for name in ["Grace", "Mallory"] {
        fine(&agent.call("send_payment", to(name)).await.unwrap());
    }
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let file = scene.host.folder.root().join("tried.cedar");
    std::fs::write(&file, NEVER_MALLORY).unwrap();
    let file = file.to_str().unwrap();
    let tried = scene.host.ok(&["simulate", "--guardrail", file]).await.unwrap();
    assert_eq!(
        (&tried["calls"], &tried["changed"], &tried["unknown"]),
        (&json!(3), &json!(1), &json!(0))
    );
    let call = &tried["shown"][0];
    assert_eq!((&call["before"], &call["after"]), (&json!("allow"), &json!("deny")), "{call}");
    assert!(call["why"][0]["text"].as_str().unwrap().contains("not to Mallory"));
    let asks = ["simulate", "--grant", "clerk/ledger/send_payment=ask"];
    let tried = scene.host.ok(&asks).await.unwrap();
    assert_eq!((&tried["changed"], &tried["shown"][0]["after"]), (&json!(2), &json!("ask")));
    assert_eq!(scene.host.ok(&["guardrails", "list"]).await.unwrap(), json!([]));
    fine(&agent.call("send_payment", to("Mallory")).await.unwrap());
    // Of a refused call no arguments are kept, so a rule that reads them cannot tell.
    let (code, ..) = guard(&scene.host, &["add", "mallory"], NEVER_MALLORY).await;
    assert_eq!(code, 0);
    refused(&agent.call("send_payment", to("Mallory")).await.unwrap(), "not to Mallory");
    let tried = scene.host.ok(&["simulate", "--without-guardrail", "mallory"]).await.unwrap();
    assert_eq!((&tried["unknown"], &tried["changed"]), (&json!(1), &json!(2)), "{tried}");
}
