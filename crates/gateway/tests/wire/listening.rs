//! What several servers tell one agent, on one stream: news of what it subscribed to, changed lists, log and questions.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::Era;
use reqwest::Response;
use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, legacy, messages, modern, read_until};
use crate::paths::{Act, KEY_A, KEY_B, ScriptedPath, reaches, reply, said};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// Events, and then silence.
fn telling(messages: &[String]) -> Reply {
    let text: String = messages.iter().map(|message| format!("data: {message}\n\n")).collect();
    let first = stream::iter([Ok(Bytes::from(text))]);
    reply(200, "text/event-stream", first.chain(stream::pending()).boxed())
}

fn note(method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

fn updated(uri: &str) -> String {
    note("notifications/resources/updated", json!({"uri": uri, "n": 1.5}))
}

/// Tells of two resources, a list, a log message, another's task; and asks something.
fn talkative() -> impl Act {
    ScriptedPath::new(|_, inbound: &Inbound| match &inbound.kind {
        Kind::Stream if inbound.server.as_str() == "srv_git" => {
            let question =
                json!({"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}});
            let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
            let forged = json!({"jsonrpc": "2.0", "id": 7, "result": {"forged": true}});
            Some(Ok(telling(&[
                ping.to_string(),
                forged.to_string(),
                updated("file:///other"),
                updated("file:///a/below"),
                note("notifications/progress", json!({"progressToken": 1, "progress": 1})),
                note("notifications/tasks/status", json!({"taskId": "t"})),
                note("notifications/message", json!({"level": "info", "data": "hello"})),
                question.to_string(),
                note("notifications/tools/list_changed", json!({})),
            ])))
        }
        Kind::Message { method, params, .. } if method == "subscriptions/listen" => {
            let filter: Value = serde_json::from_str(&params.to_text()).unwrap();
            let filter = &filter["notifications"];
            let stamp = |mut params: Value| {
                params["_meta"] = json!({SUBSCRIPTION: "prokura-listen"});
                params
            };
            let ack = note(
                "notifications/subscriptions/acknowledged",
                stamp(json!({"notifications": filter})),
            );
            if filter.get("resourceSubscriptions").is_none() {
                let changed = note("notifications/prompts/list_changed", stamp(json!({})));
                return Some(Ok(telling(&[ack, changed])));
            }
            if filter["resourceSubscriptions"] == json!(["file:///denied"]) {
                return Some(Err(Refusal::new(RefusalCode::Unknown, "unknown")));
            }
            let own = note("notifications/resources/updated", stamp(json!({"uri": "file:///a"})));
            Some(Ok(telling(&[ack, updated("file:///other"), own])))
        }
        _ => None,
    })
}

async fn open(desk: &Desk, session: &str) -> Response {
    let request = desk.http.get(desk.url("/mcp")).bearer_auth(KEY_A);
    let request = request.header("accept", "text/event-stream").header("mcp-session-id", session);
    request.send().await.unwrap()
}

async fn ask(desk: &Desk, session: &str, message: Value) -> Value {
    body(desk.in_session("/mcp", session, &message).send().await.unwrap()).await
}

#[tokio::test]
async fn what_servers_tell_in_a_session_comes_on_its_stream_and_nothing_else_does() {
    // P-15, P-22, SL-04
    let desk = desk(talkative()).await;
    let session = desk.session("/mcp").await;
    let subscribe = legacy(1, "resources/subscribe", json!({"uri": "prokura.git+file:///a"}));
    assert_eq!(ask(&desk, &session, subscribe).await["result"], json!({}));
    assert!(String::from_utf8_lossy(&desk.world.last().outgoing.body).contains("\"file:///a\""));
    let stream = open(&desk, &session).await;
    let (text, _rest) = read_until(stream, |text| text.contains("tools/list_changed")).await;
    let told = messages(&text);
    let methods: Vec<_> = told.iter().map(|one| one["method"].as_str().unwrap()).collect();
    assert_eq!(
        methods,
        [
            "notifications/resources/updated",
            "notifications/message",
            "elicitation/create",
            "notifications/tools/list_changed"
        ]
    );
    assert_eq!(told[0]["params"], json!({"uri": "prokura.git+file:///a/below", "n": 1.5}));
    let asked = &told[2]["id"];
    assert_ne!(*asked, json!(1), "a question has an id of its own");
    let answer = json!({"jsonrpc": "2.0", "id": asked, "result": {"action": "decline"}});
    let before = desk.world.count();
    desk.in_session("/mcp", &session, &answer).send().await.unwrap();
    reaches(&desk.world.arrived, before + 1).await;
    let seen = desk.world.last();
    assert!(matches!(&seen.kind, Kind::Answer { id, .. } if id.to_text() == "1"));
    let pong = |one: &&Inbound| matches!(&one.kind, Kind::Answer { id, .. } if id.to_text() == "2");
    assert_eq!(desk.world.seen.lock().unwrap().iter().filter(pong).count(), 1);
}

#[tokio::test]
async fn nothing_of_one_agent_can_be_used_by_another() {
    // SL-03, SL-06, P-15
    let desk = desk(talkative()).await;
    let session = desk.session("/mcp").await;
    let subscribe = legacy(1, "resources/subscribe", json!({"uri": "prokura.git+file:///a"}));
    ask(&desk, &session, subscribe).await;
    let params = json!({"name": "git__x", "task": {}});
    let begun = ask(&desk, &session, legacy(2, "tools/call", params)).await;
    let task = json!({"taskId": begun["result"]["task"]["taskId"]});
    assert!(task["taskId"].is_string(), "{begun}");
    let as_b = |request: reqwest::RequestBuilder| {
        let mut request = request.build().unwrap();
        let key = format!("Bearer {KEY_B}").parse().unwrap();
        request.headers_mut().insert("authorization", key);
        desk.http.execute(request)
    };
    // The session itself, its stream, and its tasks from a session of the other's own.
    let message = legacy(3, "tasks/get", task.clone());
    let taken = as_b(desk.in_session("/mcp", &session, &message)).await.unwrap();
    assert_eq!(taken.status(), 404);
    let stream = desk.http.get(desk.url("/mcp")).header("accept", "text/event-stream");
    let stream = as_b(stream.header("mcp-session-id", &session)).await.unwrap();
    assert_eq!(stream.status(), 404);
    let hello = as_b(desk.post("/mcp", crate::desk::hello().to_string())).await.unwrap();
    let other = hello.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let looked = as_b(desk.in_session("/mcp", &other, &message)).await.unwrap();
    assert_eq!(body(looked).await["error"]["code"], -32602);
    // The same resource is news to who subscribed to it only.
    let used = legacy(4, "prompts/get", json!({"name": "git__x"}));
    as_b(desk.in_session("/mcp", &other, &used)).await.unwrap();
    let stream = desk.http.get(desk.url("/mcp")).header("accept", "text/event-stream");
    let stream = as_b(stream.header("mcp-session-id", &other)).await.unwrap();
    let (text, _rest) = read_until(stream, |text| text.contains("tools/list_changed")).await;
    assert!(!text.contains("resources/updated"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_used_later_is_heard_too_and_an_ended_subscription_is_not() {
    let desk = desk(talkative()).await;
    let session = desk.session("/mcp").await;
    let stream = open(&desk, &session).await;
    let about = |id: u64, what: &str| {
        legacy(id, &format!("resources/{what}"), json!({"uri": "prokura.git+file:///a"}))
    };
    ask(&desk, &session, about(1, "unsubscribe")).await;
    let (text, _rest) = read_until(stream, |text| text.contains("tools/list_changed")).await;
    assert!(!text.contains("resources/updated"), "{text}");
}

#[tokio::test]
async fn a_server_that_cannot_be_heard_for_a_while_is_heard_again() {
    let refused = AtomicBool::new(false);
    let desk = desk(ScriptedPath::new(move |_, inbound: &Inbound| match &inbound.kind {
        Kind::Stream if !refused.swap(true, Ordering::SeqCst) => {
            Some(Err(Refusal::new(RefusalCode::Paused, "All agents are paused.")))
        }
        Kind::Stream => {
            Some(Ok(telling(&[note("notifications/message", json!({"level": "info"}))])))
        }
        _ => None,
    }))
    .await;
    let session = desk.session("/mcp").await;
    let stream = open(&desk, &session).await;
    ask(&desk, &session, legacy(1, "prompts/get", json!({"name": "git__x"}))).await;
    let (_, _rest) = read_until(stream, |text| text.contains("notifications/message")).await;
}

#[tokio::test]
async fn a_log_level_is_told_to_every_server_also_to_those_used_later() {
    let desk = desk(talkative()).await;
    let session = desk.session("/mcp").await;
    ask(&desk, &session, legacy(1, "prompts/get", json!({"name": "git__x"}))).await;
    let set = legacy(2, "logging/setLevel", json!({"level": "warning"}));
    assert_eq!(ask(&desk, &session, set).await["result"], json!({}));
    let levels = |server: &str| {
        let seen = desk.world.seen.lock().unwrap();
        let of = |one: &&Inbound| one.server.as_str() == server && said(one) == "logging/setLevel";
        seen.iter().filter(of).count()
    };
    assert_eq!((levels("srv_git"), levels("srv_files")), (1, 0));
    let before = desk.world.count();
    ask(&desk, &session, legacy(3, "prompts/get", json!({"name": "files__x"}))).await;
    reaches(&desk.world.arrived, before + 4).await;
    assert_eq!((levels("srv_git"), levels("srv_files")), (1, 1));
    let wrong = legacy(4, "logging/setLevel", json!({"level": "loud"}));
    assert_eq!(ask(&desk, &session, wrong).await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_subscription_over_servers_is_agreed_to_first_and_tells_what_was_asked() {
    // SB-10, CP-05, P-22
    let desk = desk(talkative()).await;
    let uris =
        json!(["prokura.git+file:///a", "prokura.files+file:///denied", "prokura.nowhere+a", "b"]);
    let filter =
        json!({"notifications": {"resourceSubscriptions": uris, "promptsListChanged": true}});
    let listen = modern(11, "subscriptions/listen", filter);
    let stream = desk.modern("/mcp", &listen).send().await.unwrap();
    let enough = |text: &str| text.contains("updated") && text.contains("list_changed");
    let (text, _rest) = read_until(stream, enough).await;
    let told = messages(&text);
    assert_eq!(told[0]["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        told[0]["params"]["notifications"],
        json!({"resourceSubscriptions": ["prokura.git+file:///a"], "promptsListChanged": true})
    );
    assert!(told.iter().all(|one| one["params"]["_meta"][SUBSCRIPTION] == 11), "{text}");
    let news = told.iter().find(|one| one["method"] == "notifications/resources/updated").unwrap();
    assert_eq!(news["params"]["uri"], "prokura.git+file:///a");
    assert!(!text.contains("other") && !text.contains("prokura-listen"), "{text}");
    let seen = desk.world.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|one| one.era == Era::Modern && one.session.is_none()));
    let asked = seen.iter().filter(|one| said(one) == "subscriptions/listen");
    let bodies: Vec<String> =
        asked.map(|one| String::from_utf8_lossy(&one.outgoing.body).into_owned()).collect();
    assert!(
        bodies.iter().all(|body| !body.contains("prokura.")),
        "servers hear their own URIs: {bodies:?}"
    );
}

#[tokio::test]
async fn a_subscription_to_nothing_the_agent_may_use_is_refused() {
    let desk = desk(talkative()).await;
    for uris in [json!(["prokura.git+file:///denied"]), json!(["file:///a"])] {
        let filter = json!({"notifications": {"resourceSubscriptions": uris}});
        let listen = modern(11, "subscriptions/listen", filter);
        let answer = desk.modern("/mcp", &listen).send().await.unwrap();
        assert_eq!(answer.status(), 404);
    }
}

#[tokio::test]
async fn a_subscription_ends_gracefully_when_a_servers_part_of_it_ends() {
    let desk = desk(ScriptedPath::new(|_, inbound: &Inbound| {
        (said(inbound) == "subscriptions/listen").then(|| {
            let filter = json!({"resourceSubscriptions": ["file:///a"]});
            let ack =
                note("notifications/subscriptions/acknowledged", json!({"notifications": filter}));
            let events = vec![Ok(Bytes::from(format!("data: {ack}\n\n")))];
            Ok(crate::paths::events(events))
        })
    }))
    .await;
    let filter = json!({"notifications": {"resourceSubscriptions": ["prokura.git+file:///a"]}});
    let stream =
        desk.modern("/mcp", &modern(11, "subscriptions/listen", filter)).send().await.unwrap();
    let text = stream.text().await.unwrap();
    let told = messages(&text);
    assert_eq!(told.len(), 2, "{text}");
    assert_eq!(
        (&told[1]["id"], &told[1]["result"]["resultType"]),
        (&json!(11), &json!("complete"))
    );
}
