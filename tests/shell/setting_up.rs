//! Everything a person does before the first call, in the main window: a server, a sign-in, an agent, a grant, a pause.

use prokura_testkit::Browser;
use prokura_tests::sdk::outcome;
use serde_json::json;

use crate::stage::{Set, Stage, calling};

async fn add_server_and_sign_in(stage: &Stage) {
    let window = &stage.window;
    window.go("Servers").await;
    window.press("Add server").await;
    window.type_into("Address of its MCP endpoint", &stage.set.ledger.url()).await;
    window.type_into("Name", "ledger").await;
    window.click_on("//dialog//button[normalize-space(.)='Add server']").await;
    window.sees("ledger needs you to sign in.").await;
    window.click_on("//header//button[normalize-space(.)='Sign in…']").await;
    window.sees("and nothing else").await;
    window.press("Open the browser").await;
    let page = stage.opened_page().await;
    Browser::new("ada").unwrap().visit(&page).await.unwrap();
    window.sees("You are signed in as").await;
    window.press("Done").await;
    window.sees("list_accounts").await;
}

/// Adds the agent `clerk`; answers with its key, which the window shows only once.
async fn add_agent(stage: &Stage) -> String {
    let window = &stage.window;
    window.go("Agents").await;
    window.press("Add agent").await;
    window.type_into("Name", "clerk").await;
    window.press("Add agent and show its key").await;
    window.sees("The key is shown only now.").await;
    let key = window
        .script("return document.querySelector('[data-testid=agent-key] code').textContent")
        .await
        .unwrap();
    let key = key.as_str().unwrap().to_owned();
    window.press("I have stored the key").await;
    window.sees_no_more(&key).await;
    window.go("Home").await;
    window.go("Agents").await;
    window.sees("clerk").await;
    let page = window.script("return document.documentElement.outerHTML").await.unwrap();
    assert!(!page.as_str().unwrap().contains(&key), "the key is still in the page");
    key
}

#[tokio::test]
async fn a_server_a_sign_in_an_agent_and_a_grant_are_made_by_clicks() {
    let stage = Set::empty().await.open().await;
    let window = &stage.window;
    window.sees("Get started").await;
    add_server_and_sign_in(&stage).await;
    let key = add_agent(&stage).await;

    window.go("Grants").await;
    window.press("New grant").await;
    window.choose("Tool", "list_accounts").await;
    window.press("Allow").await;
    window.press("Grant without asking").await;
    window.sees("1 of 5 tools 1 allowed").await;
    let mut agent = stage.agent(&key).await;
    assert_eq!(agent.tools().await.unwrap(), ["list_accounts"]);
    let (_agent, answer) = calling(agent, "list_accounts", json!({})).await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(ran && text.contains("giro"), "{text}");
}

#[tokio::test]
async fn the_sidebar_pauses_all_agents_and_lets_them_go_on() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    let (agent, answer) = calling(stage.clerk().await, "list_accounts", json!({})).await.unwrap();
    assert!(outcome(&answer).0, "{answer:?}");

    window.press("Pause all agents").await;
    window.sees("All agents paused").await;
    let (agent, answer) = calling(agent, "list_accounts", json!({})).await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(!ran && text.contains("pause"), "{text}");

    window.press("Resume all agents").await;
    window.sees("Gateway running").await;
    let (_agent, answer) = calling(agent, "list_accounts", json!({})).await.unwrap();
    assert!(outcome(&answer).0, "{answer:?}");
    window.go("Audit").await;
    window.sees("All agents were resumed").await;
}

#[tokio::test]
async fn the_limits_of_a_grant_are_set_in_its_dialog() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    window.go("Grants").await;
    window.press("New grant").await;
    window.choose("Tool", "send_payment").await;
    window.press("Allow").await;
    window.press("Add a condition").await;
    let fill = async |name: &str, text: &str| {
        let input = window.element(&format!("//input[@aria-label='{name}']")).await;
        window.fill(&input, text).await.unwrap();
    };
    fill("Argument of condition 1", "/to").await;
    fill("Value of condition 1", "Grace").await;
    window.click_on("//select[@aria-label='Budget']/option[@value='calls']").await;
    fill("At most", "1").await;
    window.press("Grant without asking").await;
    window.sees("only where /to = \"Grace\"").await;
    window.sees("at most 1/1d").await;
    let agent = stage.clerk().await;
    let to =
        |name: &str| json!({ "from": "giro", "to": name, "amount": "1.00", "currency": "EUR" });
    let (agent, answer) = calling(agent, "send_payment", to("Grace")).await.unwrap();
    assert!(outcome(&answer).0, "{answer:?}");
    let (_agent, answer) = calling(agent, "send_payment", to("Grace")).await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(!ran && text.contains("budget"), "{text}");
}
