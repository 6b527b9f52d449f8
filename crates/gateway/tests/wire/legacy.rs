//! Messages of legacy agents at one server: what goes on without its connection, and how it is cancelled.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use prokura_delegation::{Kind, RefusalCode};
use serde_json::{Value, json};

use crate::desk::{body, desk, legacy, messages, read_until};
use crate::paths::{
    EchoPath, HangingPath, KEY_A, RefusingPath, ScriptedPath, id_of, json_reply, reaches, reply,
    result, said, with_session,
};

const FILES: &str = "/s/files/mcp";

fn call(id: u64) -> Value {
    legacy(id, "tools/call", json!({"name": "x"}))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_dropped_connection_does_not_cancel() {
    // SL-05
    let hanging = HangingPath::new();
    let go = hanging.0.clone();
    let desk = desk(hanging).await;
    let session = desk.session(FILES).await;
    let early = tokio::spawn(desk.in_session(FILES, &session, &call(1)).send());
    reaches(&desk.world.arrived, 2).await;
    early.abort();
    let late = desk.in_session(FILES, &session, &call(2)).send().await.unwrap();
    let (_, stream) = read_until(late, |text| text.contains(": waiting")).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(*desk.world.dropped.borrow(), 0);
    go.send_modify(|count| *count += 1);
    reaches(&desk.world.finished, 3).await;
    assert_eq!(*desk.world.dropped.borrow(), 0);
}

#[tokio::test]
async fn a_body_is_read_to_its_end_for_an_agent_that_went_away() {
    // SL-05
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let script = ScriptedPath::new(move |turn, _: &_| {
        let told = told.clone();
        (turn == 1).then(|| {
            let body = stream::iter(0..200).then(move |n| {
                let told = told.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    told.send(n).unwrap();
                    Ok(Bytes::from(format!(": {n}\n\n")))
                }
            });
            Ok(reply(200, "text/event-stream", body.boxed()))
        })
    });
    let desk = desk(script).await;
    let session = desk.session(FILES).await;
    let answer = desk.in_session(FILES, &session, &call(1)).send().await.unwrap();
    drop(answer);
    let last = async { while heard.recv().await != Some(199) {} };
    tokio::time::timeout(Duration::from_secs(10), last).await.expect("all of it is read");
}

#[tokio::test]
async fn a_cancelled_request_that_waits_is_dropped_and_nobody_is_told() {
    // SL-05, CANC
    let desk = desk(HangingPath::new()).await;
    let session = desk.session(FILES).await;
    let waiting = desk.in_session(FILES, &session, &call(9)).send().await.unwrap();
    let cancel = |id: u64| {
        let params = json!({"requestId": id, "reason": "changed my mind"});
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
    };
    let other = desk.in_session(FILES, &session, &cancel(8)).send().await.unwrap();
    assert_eq!(other.status(), 202);
    assert_eq!(
        desk.world.methods().last().unwrap(),
        "notifications/cancelled",
        "not ours: goes on"
    );
    assert_eq!(*desk.world.dropped.borrow(), 0);

    let answer = desk.in_session(FILES, &session, &cancel(9)).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    reaches(&desk.world.dropped, 1).await;
    assert_eq!(desk.world.count(), 3, "the second cancellation stays here");
    let text = waiting.text().await.unwrap();
    assert!(messages(&text).is_empty(), "a cancelled request is not answered: {text}");
}

#[tokio::test]
async fn a_cancellation_of_what_is_being_answered_goes_on() {
    let script = ScriptedPath::new(|turn, _: &_| {
        (turn == 1).then(|| Ok(reply(200, "text/event-stream", stream::pending().boxed())))
    });
    let desk = desk(script).await;
    let session = desk.session(FILES).await;
    let _open = desk.in_session(FILES, &session, &call(9)).send().await.unwrap();
    let params = json!({"requestId": 9});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    desk.in_session(FILES, &session, &cancel).send().await.unwrap();
    assert_eq!(said(&desk.world.last()), "notifications/cancelled");
}

#[tokio::test]
async fn an_answer_to_a_servers_question_is_passed_as_one() {
    let desk = desk(EchoPath).await;
    let session = desk.session(FILES).await;
    let answer = json!({"jsonrpc": "2.0", "id": "q-1", "result": {"action": "accept"}});
    let sent = desk.in_session(FILES, &session, &answer).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    let seen = desk.world.last();
    let Kind::Answer { id, result } = &seen.kind else { panic!("{seen:?}") };
    assert_eq!(
        (id.to_text(), result.to_text()),
        (r#""q-1""#.to_owned(), r#"{"action":"accept"}"#.to_owned())
    );
    let refused = json!({"jsonrpc": "2.0", "id": 2, "error": {"code": -1, "message": "no"}});
    desk.in_session(FILES, &session, &refused).send().await.unwrap();
    assert!(matches!(
        desk.world.last().kind,
        Kind::Answer { result: prokura_domain::Json::Null, .. }
    ));
}

#[tokio::test]
async fn refusals_are_told_in_the_words_of_the_era() {
    // f2: legacy errors have HTTP 200
    let unknown = desk(RefusingPath(RefusalCode::Unknown)).await;
    let session = unknown.session(FILES).await;
    for (method, params, code) in [
        ("tools/call", json!({"name": "x"}), -32602),
        ("prompts/get", json!({"name": "x"}), -32602),
        ("resources/read", json!({"uri": "a:b"}), -32002),
        ("completion/complete", json!({}), -32602),
        ("vendor/thing", json!({}), -32601),
    ] {
        let message = legacy(3, method, params);
        let answer = unknown.in_session(FILES, &session, &message).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{method}");
        assert_eq!(body(answer).await["error"]["code"], code, "{method}");
    }
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let answer = unknown.in_session(FILES, &session, &note).send().await.unwrap();
    assert_eq!(answer.status(), 202);

    let denied = desk(RefusingPath(RefusalCode::Denied)).await;
    let session = denied.session(FILES).await;
    let said = body(denied.in_session(FILES, &session, &call(3)).send().await.unwrap()).await;
    let result = json!({"content": [{"type": "text", "text": "Because."}], "isError": true});
    assert_eq!(said["result"], result, "no resultType in this era");
}

#[tokio::test]
async fn the_servers_own_session_id_never_reaches_the_agent() {
    let script = ScriptedPath::new(|turn, inbound: &_| {
        (turn >= 1)
            .then(|| Ok(with_session(json_reply(200, result(&id_of(inbound), "{}")), "up-x")))
    });
    let desk = desk(script).await;
    let session = desk.session(FILES).await;
    let answer = desk.in_session(FILES, &session, &call(1)).send().await.unwrap();
    assert_eq!(answer.headers()["mcp-session-id"], session.as_str());
}

#[tokio::test]
async fn resuming_a_stream_names_the_event_it_stopped_at() {
    // SL-04
    let desk = desk(EchoPath).await;
    let session = desk.session(FILES).await;
    let request = desk.http.get(desk.url(FILES)).bearer_auth(KEY_A);
    let request = request.header("accept", "text/event-stream").header("mcp-session-id", &session);
    let answer = request.header("last-event-id", "ev-7").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = desk.world.last();
    assert_eq!(seen.kind, Kind::Stream);
    assert_eq!(header(&seen.outgoing.headers, "last-event-id"), Some("ev-7"));
}
