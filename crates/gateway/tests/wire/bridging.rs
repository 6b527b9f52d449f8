//! Agents of one era at servers of the other.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use prokura_delegation::{Inbound, Kind, Refusal, Reply};
use prokura_domain::protocol::MODERN;
use prokura_gateway::Pace;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::desk::{
    Desk, PACE, body, desk, desk_at_pace, hello, legacy, messages, modern, read_until,
};
use crate::paths::{
    Act, KEY_B, ScriptedPath, World, handshake, id_of, json_reply, reaches, reply, result, said,
};

const QUESTION: &str = r#"{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"How many?","requestedSchema":{"type":"object","properties":{"n":{"type":"integer","acme":0.30}}}}}"#;

/// A server with sessions only. A call asks one question, and answers when it has its answer.
struct AskingServer(watch::Sender<usize>);

#[async_trait]
impl Act for AskingServer {
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        if inbound.session.is_none() && said(&inbound) != "initialize" {
            return Ok(json_reply(400, "Bad Request: no session"));
        }
        if said(&inbound) == "answer" {
            self.0.send_modify(|count| *count += 1);
        }
        if let Some(greeted) = handshake(&inbound) {
            return Ok(greeted);
        }
        if said(&inbound) != "tools/call" {
            return Ok(json_reply(200, result(&id_of(&inbound), "{}")));
        }
        let mut answered = self.0.subscribe();
        let last = result(&id_of(&inbound), r#"{"content":[],"acme":0.30}"#);
        let question = stream::iter([Ok(Bytes::from(format!("id: 1\ndata: {QUESTION}\n\n")))]);
        let answer = stream::once(async move {
            let _ = answered.wait_for(|count| *count > 0).await;
            Ok(Bytes::from(format!("data: {last}\n\n")))
        });
        Ok(reply(200, "text/event-stream", question.chain(answer).boxed()))
    }
}

fn asking() -> AskingServer {
    AskingServer(watch::channel(0).0)
}

/// A call of an agent that can be asked.
fn call(id: u64, arguments: Value, more: Value) -> Value {
    let mut call = modern(id, "tools/call", json!({"name": "pay", "arguments": arguments}));
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"elicitation": {}});
    for (name, value) in more.as_object().unwrap() {
        call["params"][name] = value.clone();
    }
    call
}

async fn send(desk: &Desk, message: &Value) -> (u16, Value) {
    let answer = desk.modern("/s/files/mcp", message).send().await.unwrap();
    (answer.status().as_u16(), body(answer).await)
}

/// What the agent comes back with.
fn back(asked: &Value) -> Value {
    let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let answer = json!({"action": "accept", "content": {"n": 3}});
    json!({"requestState": asked["result"]["requestState"], "inputResponses": {key: answer}})
}

#[tokio::test]
async fn a_question_of_a_legacy_server_waits_for_the_agents_next_request() {
    // V-03, CP-01, SB-07
    let desk = desk(asking()).await;
    let (status, asked) = send(&desk, &call(1, json!({"n": 1}), json!({}))).await;
    assert_eq!(
        (status, &asked["result"]["resultType"]),
        (200, &json!("input_required")),
        "{asked}"
    );
    let request = asked["result"]["inputRequests"].as_object().unwrap().values().next().unwrap();
    assert_eq!(request["method"], "elicitation/create");
    assert!(request.to_string().contains("How many?"), "{request}");
    let (status, last) = send(&desk, &call(2, json!({"n": 1}), back(&asked))).await;
    assert_eq!((status, &last["id"]), (200, &json!(2)), "{last}");
    assert_eq!(last["result"]["resultType"], "complete");
    let methods = desk.world.methods();
    assert_eq!(methods.iter().filter(|method| *method == "tools/call").count(), 1, "{methods:?}");
    let answer = desk.world.seen.lock().unwrap().iter().find_map(|inbound| match &inbound.kind {
        Kind::Answer { id, result } => Some((id.to_text(), result.to_text())),
        _ => None,
    });
    let expected = ("\"q\"".to_owned(), r#"{"action":"accept","content":{"n":3}}"#.to_owned());
    assert_eq!(answer, Some(expected));
}

#[tokio::test]
async fn a_request_state_opens_for_its_agent_and_its_request_and_once() {
    // SB-08
    let desk = desk(asking()).await;
    let (_, asked) = send(&desk, &call(1, json!({"n": 1}), json!({}))).await;
    let good = back(&asked);
    let mut tampered = good.clone();
    let state = good["requestState"].as_str().unwrap();
    tampered["requestState"] = json!(format!("A{}", &state[1..]));
    for (arguments, more, key) in [
        (json!({"n": 1}), &tampered, None),
        (json!({"n": 2}), &good, None),
        (json!({"n": 1}), &good, Some(KEY_B)),
    ] {
        let message = call(2, arguments, more.clone());
        let mut request = desk.modern("/s/files/mcp", &message).build().unwrap();
        if let Some(key) = key {
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        let answer = desk.http.execute(request).await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(body(answer).await["error"]["code"], json!(-32602));
    }
    assert!(!desk.world.methods().contains(&"answer".to_owned()));
    let (status, _) = send(&desk, &call(3, json!({"n": 1}), good.clone())).await;
    assert_eq!(status, 200);
    let (status, _) = send(&desk, &call(4, json!({"n": 1}), good)).await;
    assert_eq!(status, 400, "a state is used once");
}

#[tokio::test]
async fn what_is_missing_in_the_answers_is_asked_again() {
    // SB-09
    let desk = desk(asking()).await;
    let (_, asked) = send(&desk, &call(1, json!({}), json!({}))).await;
    let nothing =
        json!({"requestState": asked["result"]["requestState"], "inputResponses": {"x": {}}});
    let (_, again) = send(&desk, &call(2, json!({}), nothing)).await;
    assert_eq!(again["result"]["inputRequests"], asked["result"]["inputRequests"], "{again}");
    let (_, last) = send(&desk, &call(3, json!({}), back(&again))).await;
    assert_eq!(last["result"]["resultType"], "complete", "{last}");
}

#[tokio::test]
async fn a_server_is_told_when_its_modern_agent_hangs_up() {
    // ST-07, SL-05, CT-10
    let pace = Pace { answer_within: std::time::Duration::from_millis(50), ..PACE };
    let hanging = ScriptedPath::new(|_, inbound: &Inbound| match &inbound.session {
        None => Some(Ok(json_reply(400, "no session"))),
        Some(_) if said(inbound) == "tools/call" => {
            Some(Ok(reply(200, "text/event-stream", stream::pending().boxed())))
        }
        Some(_) => None,
    });
    let desk = desk_at_pace(hanging, pace).await;
    let message = modern(1, "tools/call", json!({"name": "slow"}));
    let answer = desk.modern("/s/files/mcp", &message).send().await.unwrap();
    let (_, open) = read_until(answer, |text| text.contains("waiting")).await;
    let before = desk.world.count();
    drop(open);
    reaches(&desk.world.arrived, before + 1).await;
    let last = desk.world.last();
    assert_eq!(said(&last), "notifications/cancelled");
    let sent: Value = serde_json::from_slice(&last.outgoing.body).unwrap();
    let calls = desk.world.seen.lock().unwrap();
    let call = calls.iter().find(|inbound| said(inbound) == "tools/call").unwrap();
    assert_eq!(sent["params"]["requestId"].to_string(), id_of(call).to_text());
}

#[tokio::test]
async fn two_agents_never_share_a_session_at_a_legacy_server() {
    // V-03, SL-03
    let desk = desk(asking()).await;
    let listed = modern(1, "tools/list", json!({}));
    for key in [None, Some(KEY_B), None] {
        let mut request = desk.modern("/s/files/mcp", &listed).build().unwrap();
        if let Some(key) = key {
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        assert_eq!(desk.http.execute(request).await.unwrap().status(), 200);
    }
    let seen = desk.world.seen.lock().unwrap();
    let greeted: Vec<_> = seen.iter().filter(|inbound| said(inbound) == "initialize").collect();
    assert_eq!(greeted.len(), 2);
    assert_ne!(greeted[0].agent, greeted[1].agent);
    for inbound in seen.iter().filter(|inbound| said(inbound) == "tools/list") {
        let own = greeted.iter().find(|greeted| greeted.agent == inbound.agent).unwrap();
        assert_eq!(inbound.session, own.session);
    }
}

/// A server of the modern revision only, whose tool needs a name first.
fn needs_a_name(_: usize, inbound: &Inbound) -> Option<Result<Reply, Refusal>> {
    let id = id_of(inbound);
    let sent: Value = serde_json::from_slice(&inbound.outgoing.body).unwrap_or(Value::Null);
    Some(Ok(match said(inbound).as_str() {
        "initialize" => json_reply(404, "no"),
        "server/discover" => {
            let found = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete"}"#;
            json_reply(200, result(&id, found))
        }
        "tools/call" if sent["params"]["inputResponses"].is_null() => {
            let request = r#"{"resultType":"input_required","requestState":"s\u00e4","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"Who?","acme":0.30}}}}"#;
            json_reply(200, result(&id, request))
        }
        "tools/call" => json_reply(200, result(&id, r#"{"resultType":"complete","content":[]}"#)),
        _ => return None,
    }))
}

#[tokio::test]
async fn a_modern_server_asks_a_legacy_agent_on_the_stream_of_its_request() {
    // V-02, CP-02, CP-03
    let desk = desk(ScriptedPath::new(needs_a_name)).await;
    let mut greeting = hello();
    greeting["params"]["capabilities"] = json!({"elicitation": {}});
    let greeted = desk.post("/s/files/mcp", greeting.to_string()).send().await.unwrap();
    let session = greeted.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    assert_eq!(body(greeted).await["result"]["protocolVersion"], "2025-11-25");
    let call = legacy(7, "tools/call", json!({"name": "greet", "arguments": {"n": 1}}));
    let answer = desk.in_session("/s/files/mcp", &session, &call).send().await.unwrap();
    let (text, open) = read_until(answer, |text| text.contains("Who?")).await;
    assert!(text.contains("0.30"), "{text}");
    let question = messages(&text)[0].clone();
    let said_back = json!({"action": "accept", "content": {"name": "Ada"}});
    let reply = json!({"jsonrpc": "2.0", "id": question["id"], "result": said_back});
    let sent = desk.in_session("/s/files/mcp", &session, &reply).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    let rest = crate::desk::rest_of(open).await;
    assert_eq!(messages(&rest)[0], json!({"jsonrpc": "2.0", "id": 7, "result": {"content": []}}));
    let last: Value = serde_json::from_slice(&desk.world.last().outgoing.body).unwrap();
    assert_eq!(last["params"]["inputResponses"], json!({"who": said_back}));
    assert_eq!(last["params"]["requestState"], "s\u{e4}");
    assert_eq!(last["params"]["arguments"], json!({"n": 1}));
    assert_eq!(last["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], MODERN);
    assert_ne!(last["id"], 7);
}

#[tokio::test]
async fn what_an_agent_did_not_say_it_can_answer_is_not_asked() {
    // CP-14
    let desk = desk(ScriptedPath::new(needs_a_name)).await;
    let session = desk.session("/s/files/mcp").await;
    let call = legacy(7, "tools/call", json!({"name": "greet"}));
    let answer = desk.in_session("/s/files/mcp", &session, &call).send().await.unwrap();
    let said = messages(&answer.text().await.unwrap());
    assert_eq!((said.len(), &said[0]["id"]), (1, &json!(7)), "{said:?}");
    assert!(said[0]["error"]["message"].as_str().unwrap().contains("did not say"), "{said:?}");
}
