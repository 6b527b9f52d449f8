//! Pages that a server wants the person to visit: shown with their real host, agreed to or not, never opened by the host.

use std::time::Duration;

use prokura_testkit::{Agent, eventually};
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};

use crate::asked_attacks::desk;

fn page(url: &str) -> Value {
    json!({ "params": { "mode": "url", "elicitationId": "v", "url": url, "message": "Go there." } })
}

#[tokio::test]
async fn a_page_is_shown_with_its_real_host_and_only_a_safe_one_is_agreed_to() {
    // U-09, U-10, U-12
    let (host, _server, key) = desk().await;
    let agent = Agent::legacy(&host.endpoint("desk"), &key).await.unwrap();
    let call = agent.call("ask", page("https://p\u{430}ypal.example/confirm?id=7"));
    let (reply, question) = tokio::join!(call, host.answer(&["allow"]));
    assert_eq!(reply.unwrap().text(), r#"{"action":"accept"}"#);
    let page_seen = &question.unwrap()["elicitation"]["page"];
    assert_eq!(page_seen["host"][0]["text"], "xn--pypal-4ve.example");
    assert_eq!(page_seen["opens"], "https://xn--pypal-4ve.example/confirm?id=7");
    assert!(page_seen["warning"].as_str().unwrap().contains("not plain"), "{page_seen}");
    for url in ["http://pay.example/", "https://bank.example@evil.example/", "file:///etc/passwd"] {
        let caller = agent.clone();
        let asked = page(url);
        let asking = tokio::spawn(async move { caller.call("ask", asked).await });
        let question = host.pending().await.unwrap();
        assert_eq!(question["elicitation"]["page"]["opens"], Value::Null, "{url}");
        let id = question["id"].as_str().unwrap();
        let said = host.cli(&["approvals", "answer", id, "allow"]).await.unwrap();
        assert!(said.code != 0 && said.err.contains("not opened"), "{url}: {}", said.err);
        host.ok(&["approvals", "answer", id, "deny"]).await.unwrap();
        assert_eq!(asking.await.unwrap().unwrap().text(), r#"{"action":"decline"}"#);
    }
}

#[tokio::test]
async fn a_page_that_has_to_be_visited_first_is_visited_and_the_call_goes_on() {
    // U-13, −32042
    let (host, server, key) = desk().await;
    let agent = Agent::legacy(&host.endpoint("desk"), &key).await.unwrap();
    let visit = |agent: &Agent| {
        let agent = agent.clone();
        tokio::spawn(async move { agent.call("visit", json!({})).await })
    };
    // The person says when it is over.
    let asking = visit(&agent);
    let asked = host.answer(&["allow"]).await.unwrap();
    assert_eq!(asked["elicitation"]["mode"], "url");
    let done = eventually("the end of the visit is asked for", Duration::from_secs(20), || async {
        let list = host.ok(&["approvals", "list"]).await.ok()?;
        list.as_array()?.iter().find(|one| one["elicitation"]["mode"] == "done").cloned()
    });
    let done = done.await.unwrap();
    assert_eq!(server.calls(), 1, "the call does not go again before");
    server.visited(false);
    host.ok(&["approvals", "answer", done["id"].as_str().unwrap(), "allow"]).await.unwrap();
    let reply = asking.await.unwrap().unwrap();
    assert_eq!(reply.text(), "You have been there.");
    assert_eq!(server.calls(), 2);
    // A no leaves the agent with the server's own word.
    let (host, _server, key) = desk().await;
    let agent = Agent::legacy(&host.endpoint("desk"), &key).await.unwrap();
    let asking = visit(&agent);
    host.answer(&["deny"]).await.unwrap();
    let reply = asking.await.unwrap().unwrap();
    assert_eq!(reply.error().unwrap()["code"], -32042, "{}", reply.raw);
}

#[tokio::test]
async fn the_server_may_say_itself_that_a_visit_is_over() {
    let (host, server, key) = desk().await;
    let options = json!({ "url": host.endpoint("desk"), "key": key, "era": "legacy" });
    let mut agent = SdkAgent::connect_as(Sdk::TypeScript, options).await.unwrap();
    let visited = async {
        host.answer(&["allow"]).await.unwrap();
        let waits =
            eventually("the end of the visit is asked for", Duration::from_secs(20), || async {
                let list = host.ok(&["approvals", "list"]).await.ok()?;
                list.as_array()?
                    .iter()
                    .any(|one| one["elicitation"]["mode"] == "done")
                    .then_some(())
            });
        waits.await.unwrap();
        server.visited(true);
    };
    let (said, ()) = tokio::join!(agent.call("visit", json!({})), visited);
    assert!(said.unwrap().to_string().contains("You have been there."));
    assert_eq!(host.ok(&["approvals", "list"]).await.unwrap(), json!([]), "nothing waits");
}
