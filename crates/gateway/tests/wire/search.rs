//! Search mode: two tools instead of all of them, and every call the call of the tool it names.

use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode};
use prokura_domain::{Change, Json};
use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, legacy, messages, modern, read_until};
use crate::paths::{Act, KEY_A, ScriptedPath, agent_a, agent_b, id_of, json_reply, result, said};

/// Each server has a tool to send mail; what the path cut away of its list is not there.
fn mail() -> impl Act {
    ScriptedPath::new(|_, inbound: &Inbound| {
        let Kind::Message { method, params, .. } = &inbound.kind else { return None };
        match method.as_str() {
            "tools/list" => {
                let tools = r#"{"tools":[
                    {"name":"send_mail","description":"Sends a mail.","inputSchema":{"type":"object","properties":{"n":{"maximum":12345678901234567890},"r":{"type":"string","x-mcp-header":"R"}}},"_meta":{"x":1},"icons":[]},
                    {"name":"count","description":"Counts.","inputSchema":{"type":"object"}}]}"#;
                Some(Ok(json_reply(200, result(&id_of(inbound), tools))))
            }
            "tools/call" if params.member("name") == Some(&Json::text("secret")) => {
                Some(Err(Refusal::new(RefusalCode::Unknown, "unknown")))
            }
            "tools/call" => Some(Ok(json_reply(200, result(&id_of(inbound), r#"{"content":[]}"#)))),
            _ => None,
        }
    })
}

async fn searching() -> Desk {
    let desk = desk(mail()).await;
    desk.world.searching.lock().unwrap().push(agent_a());
    desk
}

async fn both(desk: &Desk, method: &str, params: Value) -> [Value; 2] {
    let session = desk.session("/mcp").await;
    let message = legacy(7, method, params.clone());
    let one = body(desk.in_session("/mcp", &session, &message).send().await.unwrap()).await;
    let other = desk.modern("/mcp", &modern(7, method, params)).send().await.unwrap();
    [one, body(other).await]
}

fn call(name: &str, arguments: Value) -> Value {
    json!({"name": name, "arguments": arguments})
}

#[tokio::test]
async fn an_agent_in_search_mode_is_given_two_tools_and_finds_the_others() {
    let desk = searching().await;
    for listed in both(&desk, "tools/list", json!({})).await {
        let tools = listed["result"]["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["call_tool", "find_tools"], "{listed}");
    }
    assert!(!desk.world.methods().contains(&"tools/list".to_owned()));
    let find = call("find_tools", json!({"query": "send a mail", "limit": 2}));
    for found in both(&desk, "tools/call", find).await {
        let told = &found["result"]["structuredContent"];
        assert_eq!(told["of"], 4);
        let names: Vec<_> = told["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["files__send_mail", "git__send_mail"]);
        assert!(told["tools"][0].get("_meta").is_none() && told["tools"][0].get("icons").is_none());
        let text = found["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("12345678901234567890"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *told);
    }
    for wrong in [
        call("find_tools", json!({})),
        call("call_tool", json!({})),
        call("call_tool", json!({"name": "x", "arguments": 1})),
    ] {
        for told in both(&desk, "tools/call", wrong).await {
            assert_eq!(told["error"]["code"], -32602, "{told}");
        }
    }
}

#[tokio::test]
async fn a_call_by_call_tool_is_the_very_call_of_the_tool() {
    // The record names the tool, a question shows it, and the same rules decide.
    let desk = searching().await;
    both(&desk, "tools/call", call("find_tools", json!({"query": "mail"}))).await;
    let session = desk.session("/mcp").await;
    let arguments = json!({"n": 1, "r": "eu", "name": "call_tool"});
    let seen = |direct: bool, modern_era: bool| {
        let (desk, session, arguments) = (&desk, &session, arguments.clone());
        async move {
            let params = match direct {
                true => call("git__send_mail", arguments),
                false => call(
                    "call_tool",
                    json!({"name": "git__send_mail", "arguments": arguments, "x": 1}),
                ),
            };
            let request = match modern_era {
                true => desk
                    .modern("/mcp", &modern(9, "tools/call", params))
                    .header("mcp-param-other", "1"),
                false => desk.in_session("/mcp", session, &legacy(9, "tools/call", params)),
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            desk.world.last()
        }
    };
    for modern_era in [false, true] {
        let (one, other) = (seen(true, modern_era).await, seen(false, modern_era).await);
        assert_eq!(one.kind, other.kind, "what is decided is the same");
        assert_eq!(one.outgoing.body, other.outgoing.body, "and so is what leaves");
        assert_eq!((one.server, one.account), (other.server, other.account));
        assert_eq!(one.outgoing.headers, other.outgoing.headers);
        let repeated = ("mcp-param-r".to_owned(), "eu".to_owned());
        assert_eq!(other.outgoing.headers.contains(&repeated), modern_era);
    }
}

#[tokio::test]
async fn searching_gives_nothing_that_the_agent_could_not_call() {
    let desk = searching().await;
    for name in ["git__secret", "hidden__x", "call_tool", "find_tools", "send_mail"] {
        let params = call("call_tool", json!({"name": name, "arguments": {}}));
        for told in both(&desk, "tools/call", params).await {
            assert_eq!(told["error"]["message"], format!("Unknown tool: {name}"));
        }
    }
    let passed =
        desk.world.seen.lock().unwrap().iter().filter(|one| said(one) == "tools/call").count();
    assert_eq!(passed, 2, "only a tool of a server it has is decided about");
}

#[tokio::test]
async fn agents_that_do_not_search_have_no_such_tools() {
    let desk = desk(mail()).await;
    desk.world.searching.lock().unwrap().push(agent_b());
    for name in ["call_tool", "find_tools"] {
        let params = call(name, json!({"name": "git__send_mail", "query": "mail"}));
        for told in both(&desk, "tools/call", params).await {
            assert_eq!(told["error"]["message"], format!("Unknown tool: {name}"));
        }
    }
    let listed = both(&desk, "tools/list", json!({})).await;
    assert!(listed.iter().all(|one| one["result"]["tools"].as_array().unwrap().len() == 4));
}

#[tokio::test]
async fn the_agent_is_told_when_it_begins_to_search() {
    let desk = desk(mail()).await;
    let session = desk.session("/mcp").await;
    let request = desk.http.get(desk.url("/mcp")).bearer_auth(KEY_A);
    let request = request.header("accept", "text/event-stream").header("mcp-session-id", &session);
    let stream = request.send().await.unwrap();
    desk.world.changes.send(Change::Agents).unwrap();
    desk.world.searching.lock().unwrap().push(agent_a());
    desk.world.changes.send(Change::Agents).unwrap();
    let (text, _) = read_until(stream, |text| text.contains("list_changed")).await;
    let told = messages(&text);
    assert_eq!((told.len(), &told[0]["method"]), (1, &json!("notifications/tools/list_changed")));
}
