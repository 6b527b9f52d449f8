//! Legacy sessions at one server: their ids, their binding and their end.

use std::time::Duration;

use bytes::Bytes;
use prokura_delegation::{Kind, RefusalCode};
use prokura_domain::Era;
use prokura_gateway::Pace;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, PACE, body, desk, desk_at_pace, hello, legacy};
use crate::paths::{
    EchoPath, KEY_A, KEY_B, RefusingPath, ScriptedPath, agent_a, events, id_of, json_reply,
    reaches, result, said, with_session,
};

const FILES: &str = "/s/files/mcp";

fn call(id: u64) -> Value {
    legacy(id, "tools/call", json!({"name": "x"}))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

async fn verb(desk: &Desk, verb: Method, place: &str, session: Option<&str>) -> reqwest::Response {
    let mut request = desk.http.request(verb, desk.url(place)).bearer_auth(KEY_A);
    request = request.header("accept", "text/event-stream");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_session_has_an_id_of_our_own_that_stands_for_the_servers() {
    // SL-02
    let desk = desk(EchoPath).await;
    let text = hello().to_string().replace(':', ": ");
    let answer = desk.post(FILES, text.clone()).send().await.unwrap();
    let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    assert!(session != "up-srv_files" && session.len() >= 22, "{session}");
    assert!(session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
    let greeting = desk.world.last();
    assert_eq!(greeting.outgoing.body, text.as_bytes(), "the agent's own handshake goes on");
    assert_eq!((greeting.era, greeting.session.as_deref()), (Era::Legacy, Some(session.as_str())));

    let answer = desk.in_session(FILES, &session, &call(1)).send().await.unwrap();
    assert_eq!(body(answer).await["result"]["echo"], "tools/call");
    let seen = desk.world.last();
    assert_eq!(header(&seen.outgoing.headers, "mcp-session-id"), Some("up-srv_files"));
    assert_eq!(header(&seen.outgoing.headers, "mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(seen.session.as_deref(), Some(session.as_str()));
    assert_ne!(desk.session(FILES).await, session);
}

#[tokio::test]
async fn a_session_belongs_to_one_agent_at_one_server_as_one_account() {
    // SL-03
    let desk = desk(EchoPath).await;
    let session = desk.session(FILES).await;
    let thief = desk.http.post(desk.url(FILES)).bearer_auth(KEY_B);
    let thief = thief
        .header("content-type", "application/json")
        .header("accept", crate::desk::BOTH)
        .header("mcp-session-id", &session)
        .body(call(1).to_string());
    assert_eq!(thief.send().await.unwrap().status(), 404);
    for place in ["/s/git/mcp", "/s/files@two/mcp", "/mcp"] {
        let answer = desk.in_session(place, &session, &call(1)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{place}");
        assert_eq!(verb(&desk, Method::GET, place, Some(&session)).await.status(), 404);
        assert_eq!(verb(&desk, Method::DELETE, place, Some(&session)).await.status(), 404);
    }
    assert_eq!(desk.world.count(), 1, "nothing but the handshake went on");
    assert_eq!(desk.in_session(FILES, &session, &call(1)).send().await.unwrap().status(), 200);
    *desk.world.account.lock().unwrap() = "acc_three".to_owned();
    let answer = desk.in_session(FILES, &session, &call(2)).send().await.unwrap();
    assert_eq!(answer.status(), 404, "another account is another session");
}

#[tokio::test]
async fn without_a_session_there_is_only_initialize() {
    // SL-01, SL-02
    let desk = desk(EchoPath).await;
    for place in [FILES, "/mcp"] {
        for message in [call(1), json!({"jsonrpc": "2.0", "method": "notifications/initialized"})] {
            assert_eq!(desk.post(place, message.to_string()).send().await.unwrap().status(), 400);
            let unknown = desk.in_session(place, "nope", &message).send().await.unwrap();
            assert_eq!(unknown.status(), 404);
        }
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(verb(&desk, method.clone(), place, None).await.status(), 400);
            assert_eq!(verb(&desk, method, place, Some("nope")).await.status(), 404);
        }
    }
    assert_eq!(desk.world.count(), 0);
}

#[tokio::test]
async fn the_version_header_of_a_session_is_checked() {
    // SL-01
    let desk = desk(EchoPath).await;
    let session = desk.session(FILES).await;
    for (version, status) in [
        ("2025-11-25", 200),
        ("2025-06-18", 200),
        ("2024-11-05", 200),
        ("2031-01-01", 400),
        ("", 400),
    ] {
        let request = desk.post(FILES, call(1).to_string()).header("mcp-session-id", &session);
        let answer = request.header("mcp-protocol-version", version).send().await.unwrap();
        assert_eq!(answer.status(), status, "{version}");
    }
    let none = desk.post(FILES, call(1).to_string()).header("mcp-session-id", &session);
    assert_eq!(none.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_refused_handshake_makes_no_session() {
    let refusal = |id: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"no"}}}}"#)
    };
    let as_json = ScriptedPath::new(move |_, inbound: &_| {
        Some(Ok(with_session(json_reply(200, refusal(&id_of(inbound).to_text())), "up")))
    });
    let as_event = ScriptedPath::new(move |_, inbound: &_| {
        let event = format!("data: {}\n\n", refusal(&id_of(inbound).to_text()));
        Some(Ok(with_session(events(vec![Ok(Bytes::from(event))]), "up")))
    });
    let as_status =
        ScriptedPath::new(|_, _: &_| Some(Ok(with_session(json_reply(400, "{}"), "up"))));
    for desk in [desk(as_json).await, desk(as_event).await, desk(as_status).await] {
        let answer = desk.post(FILES, hello().to_string()).send().await.unwrap();
        assert!(!answer.headers().contains_key("mcp-session-id"));
    }
    let refused = desk(RefusingPath(RefusalCode::Denied)).await;
    let answer = refused.post("/s/torn/mcp", hello().to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let said = body(answer).await;
    assert_eq!(said["error"]["code"], 40101);
    assert!(said["error"]["message"].as_str().unwrap().contains("Sign in"));
}

#[tokio::test]
async fn a_handshake_as_events_is_relayed_whole() {
    let script = ScriptedPath::new(|_, inbound: &_| {
        (said(inbound) == "initialize").then(|| {
            let greeting = result(&id_of(inbound), r#"{"protocolVersion":"2025-06-18"}"#);
            let chunks = vec![
                Ok(Bytes::from("id: 0\ndata:\n\nid: 1\nda")),
                Ok(Bytes::from(format!("ta: {greeting}\n\n: bye\n\n"))),
            ];
            Ok(events(chunks))
        })
    });
    let desk = desk(script).await;
    let answer = desk.post(FILES, hello().to_string()).send().await.unwrap();
    let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("id: 0\ndata:\n\nid: 1\ndata: {") && text.ends_with(": bye\n\n"));
    // This server has no sessions of its own; ours still binds what follows.
    desk.in_session(FILES, &session, &call(1)).send().await.unwrap();
    assert_eq!(header(&desk.world.last().outgoing.headers, "mcp-session-id"), None);
}

#[tokio::test]
async fn delete_ends_a_session_here_and_there() {
    // SL-02
    let desk = desk(EchoPath).await;
    let session = desk.session(FILES).await;
    let stream = verb(&desk, Method::GET, FILES, Some(&session)).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(desk.world.methods(), ["initialize", "stream"]);
    assert_eq!(verb(&desk, Method::DELETE, FILES, Some(&session)).await.status(), 204);
    assert!(stream.text().await.is_ok(), "the standing stream ends");
    let ending = desk.world.last();
    assert_eq!(ending.kind, Kind::End);
    assert_eq!(header(&ending.outgoing.headers, "mcp-session-id"), Some("up-srv_files"));
    assert_eq!(desk.in_session(FILES, &session, &call(1)).send().await.unwrap().status(), 404);
    assert_eq!(verb(&desk, Method::DELETE, FILES, Some(&session)).await.status(), 404);
}

#[tokio::test]
async fn a_session_its_server_forgot_is_forgotten_here() {
    let script = ScriptedPath::new(|turn, _: &_| (turn == 1).then(|| Ok(json_reply(404, "{}"))));
    let desk = desk(script).await;
    let session = desk.session(FILES).await;
    assert_eq!(desk.in_session(FILES, &session, &call(1)).send().await.unwrap().status(), 404);
    assert_eq!(desk.in_session(FILES, &session, &call(2)).send().await.unwrap().status(), 404);
    assert_eq!(desk.world.count(), 2);
}

#[tokio::test]
async fn a_revoked_agent_loses_its_sessions_at_once() {
    let desk = desk(EchoPath).await;
    let session = desk.session(FILES).await;
    let stream = verb(&desk, Method::GET, FILES, Some(&session)).await;
    let many = desk.session("/mcp").await;
    let both = verb(&desk, Method::GET, "/mcp", Some(&many)).await;
    desk.world.revoke(&agent_a());
    for stream in [stream, both] {
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.text()).await;
        assert!(ended.is_ok(), "its streams end");
    }
    assert_eq!(desk.in_session(FILES, &session, &call(1)).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn an_agent_has_a_limit_of_sessions_and_loses_the_one_idle_longest() {
    let desk = desk(EchoPath).await;
    let mut sessions = Vec::new();
    for _ in 0..64 {
        sessions.push(desk.session(FILES).await);
    }
    let _busy = verb(&desk, Method::GET, FILES, Some(&sessions[0])).await;
    desk.session("/mcp").await;
    let status =
        async |id: &str| desk.in_session(FILES, id, &call(1)).send().await.unwrap().status();
    assert_eq!(status(&sessions[0]).await, 200, "a busy session stays");
    assert_eq!(status(&sessions[1]).await, 404, "the one idle longest goes");
    assert_eq!(status(&sessions[2]).await, 200);
}

#[tokio::test]
async fn an_idle_session_ends() {
    let pace = Pace { idle: Duration::from_millis(50), ..PACE };
    let desk = desk_at_pace(EchoPath, pace).await;
    let (idle, busy) = (desk.session(FILES).await, desk.session(FILES).await);
    let _stream = verb(&desk, Method::GET, FILES, Some(&busy)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = desk.world.count();
    desk.world.changes.send(prokura_domain::Change::State).unwrap();
    reaches(&desk.world.arrived, before + 1).await;
    assert_eq!(desk.world.last().kind, Kind::End, "its server is told");
    assert_eq!(desk.in_session(FILES, &idle, &call(1)).send().await.unwrap().status(), 404);
    assert_eq!(desk.in_session(FILES, &busy, &call(1)).send().await.unwrap().status(), 200);
}
