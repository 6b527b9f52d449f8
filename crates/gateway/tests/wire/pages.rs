//! Lists over several servers, page by page: bound to whom they were given, and not held up by anybody.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::Json;
use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, legacy, messages, modern, read_until};
use crate::paths::{
    Act, KEY_A, KEY_B, ScriptedPath, World, handshake, id_of, json_reply, result, said,
};

/// `files` has many pages of 600 tools, `git` one tool.
fn long() -> impl Act {
    ScriptedPath::new(|_, inbound: &Inbound| {
        let Kind::Message { method, params, .. } = &inbound.kind else { return None };
        if method != "tools/list" {
            return None;
        }
        let (from, next) =
            match (inbound.server.as_str(), params.member("cursor").and_then(Json::as_str)) {
                ("srv_files", None) => (0, Some("one")),
                ("srv_files", Some("one")) => (600, Some("two")),
                ("srv_files", Some("two")) => (1200, None),
                ("srv_git", None) => (9999, None),
                other => panic!("{other:?}"),
            };
        let count = if from == 9999 { 1 } else { 600 };
        let tools: Vec<Value> =
            (from..from + count).map(|n| json!({"name": format!("t{n}")})).collect();
        let mut page = json!({"tools": tools});
        if let Some(next) = next {
            page["nextCursor"] = json!(next);
        }
        Some(Ok(json_reply(200, result(&id_of(inbound), &page.to_string()))))
    })
}

async fn list(desk: &Desk, key: &str, params: Value) -> Value {
    let message = modern(1, "tools/list", params);
    let request = desk
        .http
        .post(desk.url("/mcp"))
        .bearer_auth(key)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/list");
    body(request.body(message.to_string()).send().await.unwrap()).await
}

fn count(page: &Value) -> usize {
    page["result"]["tools"].as_array().unwrap_or_else(|| panic!("{page}")).len()
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_each_entry_once() {
    // SB-05, P-22
    let desk = desk(long()).await;
    let first = list(&desk, KEY_A, json!({})).await;
    assert_eq!(count(&first), 1201);
    assert_eq!(first["result"]["tools"][1200]["name"], "git__t9999");
    let cursor = &first["result"]["nextCursor"];
    assert!(
        cursor.as_str().is_some_and(|text| !text.contains("two") && text.len() > 20),
        "{cursor}"
    );
    for _ in 0..2 {
        let last = list(&desk, KEY_A, json!({"cursor": cursor})).await;
        assert_eq!(count(&last), 600);
        assert_eq!(last["result"]["tools"][0]["name"], "files__t1200");
        assert!(last["result"].get("nextCursor").is_none());
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_agent_its_list_and_its_session_only() {
    let desk = desk(long()).await;
    let cursor = list(&desk, KEY_A, json!({})).await["result"]["nextCursor"].clone();
    let refused = |told: &Value| {
        assert_eq!(told["error"]["code"], -32602, "{told}");
        assert!(told["error"]["message"].as_str().unwrap().contains("Invalid cursor"), "{told}");
    };
    refused(&list(&desk, KEY_B, json!({"cursor": cursor})).await);
    for wrong in [json!("two"), json!(""), json!(7)] {
        refused(&list(&desk, KEY_A, json!({"cursor": wrong})).await);
    }
    let prompts = modern(2, "prompts/list", json!({"cursor": cursor}));
    refused(&body(desk.modern("/mcp", &prompts).send().await.unwrap()).await);
    let session = desk.session("/mcp").await;
    let message = legacy(3, "tools/list", json!({"cursor": cursor}));
    refused(&body(desk.in_session("/mcp", &session, &message).send().await.unwrap()).await);
    assert_eq!(count(&list(&desk, KEY_A, json!({"cursor": cursor})).await), 600);
}

/// `git` answers lists after a while, `files` at once.
struct SlowPath(Duration);

#[async_trait]
impl Act for SlowPath {
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        if let Some(reply) = handshake(&inbound) {
            return Ok(reply);
        }
        if said(&inbound) == "tools/list" && inbound.server.as_str() == "srv_git" {
            tokio::time::sleep(self.0).await;
        }
        Ok(json_reply(200, result(&id_of(&inbound), r#"{"tools":[{"name":"x"}]}"#)))
    }
}

#[tokio::test]
async fn a_slow_server_is_on_the_next_page_and_the_agent_is_told_when_it_came() {
    let desk = desk(SlowPath(Duration::from_millis(1200))).await;
    let session = desk.session("/mcp").await;
    let request = desk.http.get(desk.url("/mcp")).bearer_auth(KEY_A);
    let request = request.header("accept", "text/event-stream").header("mcp-session-id", &session);
    let stream = request.send().await.unwrap();
    let since = Instant::now();
    let message = legacy(1, "tools/list", json!({}));
    let first = body(desk.in_session("/mcp", &session, &message).send().await.unwrap()).await;
    assert!(since.elapsed() < Duration::from_millis(1100), "{:?}", since.elapsed());
    assert_eq!((count(&first), &first["result"]["tools"][0]["name"]), (1, &json!("files__x")));
    let cursor = &first["result"]["nextCursor"];
    assert!(cursor.is_string(), "{first}");
    let (text, _) = read_until(stream, |text| text.contains("list_changed")).await;
    assert_eq!(messages(&text)[0]["method"], "notifications/tools/list_changed");
    let message = legacy(2, "tools/list", json!({"cursor": cursor}));
    let answer = desk.in_session("/mcp", &session, &message).send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("git__x") && !text.contains("files__x"), "{text}");
}

#[tokio::test]
async fn a_server_that_fails_is_named_and_one_without_such_a_list_is_not() {
    let desk = desk(ScriptedPath::new(|_, inbound: &Inbound| {
        let down = || Refusal::new(RefusalCode::Unreachable, "The server git cannot be reached.");
        let none = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"no"}}"#;
        match (said(inbound).as_str(), inbound.server.as_str()) {
            ("resources/list", "srv_git") => Some(Err(down())),
            ("resources/list", _) => Some(Ok(json_reply(
                200,
                result(&id_of(inbound), r#"{"resources":[{"uri":"a:b"}]}"#),
            ))),
            ("prompts/list", _) => {
                Some(Ok(json_reply(404, none.replace("ID", &id_of(inbound).to_text()))))
            }
            _ => None,
        }
    }))
    .await;
    let message = modern(1, "resources/list", json!({}));
    let listed = body(desk.modern("/mcp", &message).send().await.unwrap()).await;
    assert_eq!(listed["result"]["resources"][0]["uri"], "prokura.files+a:b");
    let missing = json!([{"server": "git", "reason": "The server git cannot be reached."}]);
    assert_eq!(listed["result"]["_meta"]["prokura/missing"], missing);
    let message = modern(2, "prompts/list", json!({}));
    let listed = body(desk.modern("/mcp", &message).send().await.unwrap()).await;
    assert_eq!(listed["result"]["prompts"], json!([]));
    assert!(listed["result"]["_meta"].get("prokura/missing").is_none(), "{listed}");
}
