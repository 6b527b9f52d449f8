//! Bad requests of agents: each is answered with what is wrong and what to do, and recorded where it matters.

use std::time::Duration;

use prokura_testkit::{Agent, AgentReply, Fixture, Protection, ledger};
use serde_json::json;

use crate::scene::{Scene, fine, refused};

fn pair(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

/// A refusal with this status, and a sentence that says something.
#[track_caller]
fn turned_away(reply: &AgentReply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.raw);
    let text = reply.text();
    assert!(text.len() > 15 && text.contains(' '), "it says only {text:?}");
}

fn modern(method: &str) -> Vec<(String, String)> {
    [pair("mcp-protocol-version", "2026-07-28"), pair("mcp-method", method)].concat()
}

fn list() -> String {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/list",
        "params": { "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        } },
    })
    .to_string()
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_turned_away_and_recorded() {
    let scene = Scene::ledger().await;
    scene.grant("list_accounts", "allow").await;
    let agent = scene.agent();
    for bad in [
        pair("origin", "https://evil.example"),
        pair("origin", "null"),
        pair("host", "evil.example"),
        pair("host", "evil.example:80"),
    ] {
        let headers = [modern("tools/list"), bad].concat();
        turned_away(&agent.post(list(), &headers).await.unwrap(), 403);
    }
    let own = format!("http://127.0.0.1:{}", scene.host.http().rsplit(':').next().unwrap());
    let headers = [modern("tools/list"), pair("origin", &own)].concat();
    assert_eq!(agent.post(list(), &headers).await.unwrap().status, 200);
    assert!(scene.kinds().await.contains(&"request.refused".to_owned()));
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_turned_away_and_recorded() {
    let scene = Scene::ledger().await;
    let mut agent = scene.agent();
    for key in
        [None, Some("wrong".to_owned()), Some(format!("{}x", scene.key)), Some(String::new())]
    {
        agent.key = key;
        let reply = agent.post(list(), &modern("tools/list")).await.unwrap();
        turned_away(&reply, 401);
        assert!(
            reply.header("www-authenticate").unwrap().starts_with("Bearer"),
            "{:?}",
            reply.headers
        );
    }
    assert!(scene.kinds().await.contains(&"request.refused".to_owned()));
    assert!(
        scene.fixture.recorder().all().iter().all(|seen| seen.header("authorization").is_none())
    );
}

#[tokio::test]
async fn a_key_in_the_address_is_no_key() {
    let scene = Scene::ledger().await;
    let mut agent = scene.agent();
    agent.key = None;
    agent.url = format!("{}?access_token={}", agent.url, scene.key);
    turned_away(&agent.post(list(), &modern("tools/list")).await.unwrap(), 401);
    assert!(!scene.host.logs().contains(&scene.key));
}

#[tokio::test]
async fn an_unknown_session_is_not_found_and_another_agent_s_session_is_unknown() {
    let scene = Scene::ledger().await;
    scene.grant("list_accounts", "allow").await;
    let mut agent = scene.legacy().await;
    let session = agent.session.clone().unwrap();
    let other = scene.host.agent("other").await.unwrap();
    let own = agent.key.replace(other);
    turned_away(&agent.request("tools/list", json!({})).await.unwrap(), 404);
    agent.key = own;
    agent.session = Some("00000000-0000-4000-8000-000000000000".to_owned());
    turned_away(&agent.request("tools/list", json!({})).await.unwrap(), 404);
    agent.session = Some(session);
    assert_eq!(agent.tools().await.unwrap(), ["list_accounts"]);
    assert!(agent.end().await.unwrap().status < 300);
    turned_away(&agent.request("tools/list", json!({})).await.unwrap(), 404);
}

#[tokio::test]
async fn what_is_not_a_message_is_refused_with_the_reason() {
    let scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let agent = scene.agent();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_accounts","arguments":{"#;
    for (body, status, code) in [
        ("{".to_owned(), 400, -32700),
        ("\u{feff}{}".to_owned(), 400, -32700),
        (format!(r#"{call}"a":1,"a":2}}}}}}"#), 400, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#.to_owned(),
            400,
            -32600,
        ),
        ("[]".to_owned(), 400, -32600),
        (format!("[{}]", list()), 400, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#.to_owned(), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#.to_owned(), 400, -32600),
        ("[".repeat(100_000), 400, -32700),
    ] {
        let reply = agent.post(body.as_str(), &modern("tools/list")).await.unwrap();
        let shown: String = body.chars().take(60).collect();
        assert_eq!(reply.status, status, "{shown}: {}", reply.raw);
        assert_eq!(reply.error().unwrap()["code"], code, "{shown}: {}", reply.raw);
        turned_away(&reply, status);
    }
    assert!(scene.fixture.recorder().calls("list_accounts").is_empty());
}

#[tokio::test]
async fn an_oversized_body_is_refused_without_being_carried() {
    let scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let text = "x".repeat(20 << 20);
    let sent = scene.agent().call("categorise", json!({ "entry": text, "category": "x" })).await;
    // A server may also close the connection while the rest still comes in.
    if let Ok(reply) = sent {
        turned_away(&reply, 413);
    }
    assert!(scene.fixture.recorder().calls("categorise").is_empty());
}

#[tokio::test]
async fn a_header_that_contradicts_the_body_is_refused() {
    let scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let agent = scene.agent();
    let reply = agent.post(list(), &modern("prompts/list")).await.unwrap();
    turned_away(&reply, 400);
    assert_eq!(reply.error().unwrap()["code"], -32020);
    let old =
        [pair("mcp-protocol-version", "2031-01-01"), pair("mcp-method", "tools/list")].concat();
    assert_eq!(agent.post(list(), &old).await.unwrap().status, 400);
}

#[tokio::test]
async fn an_unknown_server_or_place_is_not_found() {
    let scene = Scene::ledger().await;
    let http = scene.host.http();
    for place in ["/s/nowhere/mcp", "/elsewhere"] {
        let agent = Agent::modern(&format!("{http}{place}"), &scene.key).unwrap();
        turned_away(&agent.request("tools/list", json!({})).await.unwrap(), 404);
    }
    scene.grant("list_accounts", "allow").await;
    let agent = Agent::modern(&format!("{http}/s/ledger@nobody/mcp"), &scene.key).unwrap();
    refused(&agent.call("list_accounts", json!({})).await.unwrap(), "nobody");
}

#[tokio::test]
async fn a_server_that_is_down_is_named_and_works_again_when_it_is_back() {
    let scene = Scene::ledger().await;
    scene.grant("list_accounts", "allow").await;
    let agent = scene.agent();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let port: u16 = url::Url::parse(&scene.fixture.url()).unwrap().port().unwrap();
    let Scene { host, fixture, .. } = scene;
    drop(fixture);
    let reply = agent.call("list_accounts", json!({})).await.unwrap();
    refused(&reply, "reach");
    let records = host.audit().await.unwrap();
    assert_eq!(records[0]["kind"], "call.outcome", "{}", records[0]);
    let again =
        prokura_testkit::eventually("the port to be free", Duration::from_secs(10), || async {
            Fixture::start_at(port, ledger::offer(), Protection::Open).await.ok()
        });
    let _again = again.await.unwrap();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
}

#[tokio::test]
async fn a_server_that_wants_a_sign_in_now_is_not_called_without_one() {
    let scene = Scene::ledger().await;
    scene.grant("list_accounts", "allow").await;
    let agent = scene.agent();
    let port: u16 = url::Url::parse(&scene.fixture.url()).unwrap().port().unwrap();
    let Scene { host, fixture, .. } = scene;
    drop(fixture);
    let protected =
        prokura_testkit::eventually("the port to be free", Duration::from_secs(10), || async {
            Fixture::start_at(port, ledger::offer(), Protection::Key("k".into())).await.ok()
        });
    let _protected = protected.await.unwrap();
    refused(&agent.call("list_accounts", json!({})).await.unwrap(), "");
    assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
}
