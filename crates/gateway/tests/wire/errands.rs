//! Tasks on the endpoint of all servers: the agent's own, and those that servers made.

use std::time::Duration;

use async_trait::async_trait;
use prokura_delegation::{Inbound, Kind, Refusal, Reply};
use prokura_domain::Json;
use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, legacy, modern};
use crate::paths::{Act, ScriptedPath, World, handshake, id_of, json_reply, result, said};

async fn ask(desk: &Desk, session: &str, message: Value) -> Value {
    body(desk.in_session("/mcp", session, &message).send().await.unwrap()).await
}

#[tokio::test]
async fn a_tool_that_is_called_as_a_task_only_is_called_so_behind_a_task_of_the_agent() {
    // SL-06
    let desk = desk(ScriptedPath::new(|_, inbound: &Inbound| {
        let Kind::Message { method, params, .. } = &inbound.kind else { return None };
        let text = match method.as_str() {
            "tools/list" => {
                r#"{"tools":[{"name":"long","execution":{"taskSupport":"required"}},{"name":"x","execution":{"taskSupport":"forbidden"}}]}"#
            }
            "tools/call" if params.member("task").is_some() => r#"{"task":{"taskId":"t1","status":"working"}}"#,
            "tasks/result" => {
                r#"{"content":[{"type":"resource_link","uri":"a:b"}],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t1"}}}"#
            }
            _ => return None,
        };
        Some(Ok(json_reply(200, result(&id_of(inbound), text))))
    }))
    .await;
    let session = desk.session("/mcp").await;
    let listed = ask(&desk, &session, legacy(1, "tools/list", json!({}))).await;
    let support = |at: usize| &listed["result"]["tools"][at]["execution"]["taskSupport"];
    assert_eq!((support(0), support(1)), (&json!("required"), &json!("optional")));
    let params = json!({"name": "git__long", "arguments": {}, "task": {"ttl": 60000}});
    let begun = ask(&desk, &session, legacy(2, "tools/call", params)).await;
    let own = begun["result"]["task"]["taskId"].clone();
    assert!(own.as_str().unwrap().starts_with("prokura-task."), "{begun}");
    let done = ask(&desk, &session, legacy(3, "tasks/result", json!({"taskId": own}))).await;
    assert_eq!(done["result"]["content"][0]["uri"], "prokura.git+a:b");
    assert_eq!(done["result"]["_meta"]["io.modelcontextprotocol/related-task"]["taskId"], own);
    let seen = desk.world.last();
    assert_eq!((said(&seen).as_str(), seen.server.as_str()), ("tasks/result", "srv_git"));
    assert!(String::from_utf8_lossy(&seen.outgoing.body).contains(r#""taskId":"t1""#));
    assert!(!desk.world.methods().contains(&"tasks/cancel".to_owned()));
}

/// Makes a task of a call, and never ends it.
struct EndlessTaskPath;

#[async_trait]
impl Act for EndlessTaskPath {
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        let text = match said(&inbound).as_str() {
            "tools/list" => r#"{"tools":[{"name":"long","execution":{"taskSupport":"required"}}]}"#,
            "tools/call" => r#"{"task":{"taskId":"t1","status":"working"}}"#,
            "tasks/result" => std::future::pending().await,
            _ => return Ok(handshake(&inbound).unwrap_or_else(|| json_reply(200, "{}"))),
        };
        Ok(json_reply(200, result(&id_of(&inbound), text)))
    }
}

async fn arrives(desk: &Desk, method: &str) {
    let mut count = desk.world.arrived.subscribe();
    while !desk.world.methods().contains(&method.to_owned()) {
        let next = tokio::time::timeout(Duration::from_secs(10), count.changed());
        next.await.expect("it arrives in time").unwrap();
    }
}

#[tokio::test]
async fn cancelling_the_agents_task_cancels_the_servers() {
    let desk = desk(EndlessTaskPath).await;
    let session = desk.session("/mcp").await;
    ask(&desk, &session, legacy(1, "tools/list", json!({}))).await;
    let params = json!({"name": "git__long", "task": {}});
    let begun = ask(&desk, &session, legacy(2, "tools/call", params)).await;
    arrives(&desk, "tasks/result").await;
    let own = json!({"taskId": begun["result"]["task"]["taskId"]});
    let cancelled = ask(&desk, &session, legacy(3, "tasks/cancel", own)).await;
    assert_eq!(cancelled["result"]["status"], "cancelled");
    arrives(&desk, "tasks/cancel").await;
    let seen = desk.world.last();
    assert!(String::from_utf8_lossy(&seen.outgoing.body).contains(r#""taskId":"t1""#));
}

#[tokio::test]
async fn the_tasks_of_servers_are_told_apart_and_asked_about_where_they_are() {
    // P-22, SB-17
    let desk = desk(ScriptedPath::new(|_, inbound: &Inbound| {
        let Kind::Message { method, params, .. } = &inbound.kind else { return None };
        let text = match method.as_str() {
            "tools/call" => r#"{"resultType":"task","taskId":"t1","status":"working","ttlMs":9007199254740993}"#,
            "tasks/get" if params.member("taskId") == Some(&Json::text("t1")) => {
                r#"{"resultType":"complete","taskId":"t1","status":"completed","result":{"content":[{"type":"resource_link","uri":"a:b"}]}}"#
            }
            "tasks/cancel" | "tasks/update" => r#"{"resultType":"complete"}"#,
            _ => return None,
        };
        Some(Ok(json_reply(200, result(&id_of(inbound), text))))
    }))
    .await;
    let ask = |method: &'static str, params: Value| {
        let mut message = modern(5, method, params);
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        let request = desk.modern("/mcp", &message);
        let named = message["params"]["taskId"].as_str().map(str::to_owned);
        let request = match named {
            Some(named) => request.header("mcp-name", named),
            None => request,
        };
        async move { body(request.send().await.unwrap()).await }
    };
    let made = ask("tools/call", json!({"name": "git__x"})).await;
    assert_eq!(made["result"]["taskId"], "prokura.git+t1");
    assert!(made.to_string().contains("9007199254740993"));
    let task = json!({"taskId": "prokura.git+t1"});
    let got = ask("tasks/get", task.clone()).await;
    assert_eq!(got["result"]["taskId"], "prokura.git+t1");
    assert_eq!(got["result"]["result"]["content"][0]["uri"], "prokura.git+a:b");
    for method in ["tasks/cancel", "tasks/update"] {
        assert_eq!(ask(method, task.clone()).await["result"]["resultType"], "complete");
        let seen = desk.world.last();
        assert_eq!((seen.server.as_str(), said(&seen).as_str()), ("srv_git", method));
        assert!(seen.outgoing.headers.contains(&("mcp-name".to_owned(), "t1".to_owned())));
        assert!(String::from_utf8_lossy(&seen.outgoing.body).contains(r#""taskId":"t1""#));
    }
    for unknown in ["t1", "prokura.nowhere+t1", "prokura-task.aaaa"] {
        let told = ask("tasks/get", json!({"taskId": unknown})).await;
        assert_eq!(told["error"]["code"], -32602, "{unknown}: {told}");
    }
}
