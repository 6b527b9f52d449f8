//! What an agent hears while it waits, and what it hears when an answer breaks.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use prokura_delegation::{Broken, Refusal, RefusalCode, Reply};
use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, messages, modern, read_until};
use crate::paths::{HangingPath, ScriptedPath, events, id_of, json_reply, reaches, reply, result};

fn call() -> Value {
    let mut call = modern(7, "tools/call", json!({"name": "slow", "arguments": {}}));
    call["params"]["_meta"]["progressToken"] = json!("tok");
    call
}

async fn said(desk: &Desk) -> (u16, String, String) {
    let answer = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (
        answer.status().as_u16(),
        kind,
        answer.text().await.unwrap_or_else(|_| "broken off".to_owned()),
    )
}

/// A path that answers late with `reply`.
fn late(
    reply: impl Fn() -> Result<Reply, Refusal> + Send + Sync + 'static,
) -> impl crate::paths::Act {
    struct Late<F>(F);
    #[async_trait::async_trait]
    impl<F: Fn() -> Result<Reply, Refusal> + Send + Sync + 'static> crate::paths::Act for Late<F> {
        async fn act(
            &self,
            _: &crate::paths::World,
            _: prokura_delegation::Inbound,
        ) -> Result<Reply, Refusal> {
            tokio::time::sleep(Duration::from_millis(1700)).await;
            (self.0)()
        }
    }
    Late(reply)
}

#[tokio::test]
async fn a_quick_answer_is_relayed_as_it_is() {
    let path = ScriptedPath::new(|_, _: &_| Some(Ok(json_reply(418, "{ \"odd\" : 1e400 }\n"))));
    let desk = desk(path).await;
    let (status, kind, text) = said(&desk).await;
    assert_eq!(
        (status, kind.as_str(), text.as_str()),
        (418, "application/json", "{ \"odd\" : 1e400 }\n")
    );
}

#[tokio::test]
async fn a_slow_answer_comes_as_an_event_after_signs_of_life() {
    // ST-06, SB-12, V-06
    let path = late(|| {
        Ok(json_reply(200, "{\"jsonrpc\":\"2.0\",\n\"id\":7,\r\n \"result\":{\"n\":0.30}}"))
    });
    let desk = desk(path).await;
    let answer = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let text = answer.text().await.unwrap();
    assert!(text.starts_with(": waiting\n\n"), "{text}");
    assert!(text.matches(": waiting\n\n").count() >= 3, "{text}");
    assert!(text.contains("\"n\":0.30"), "bytes are kept: {text}");
    let mut messages = messages(&text);
    assert_eq!(messages.pop().unwrap()["id"], 7);
    let steps: Vec<f64> =
        messages.iter().map(|note| note["params"]["progress"].as_f64().unwrap()).collect();
    assert!(steps.len() >= 2 && steps.windows(2).all(|pair| pair[0] < pair[1]), "{steps:?}");
    assert!(messages.iter().all(|note| note["params"]["progressToken"] == "tok"));
}

#[tokio::test]
async fn who_takes_no_event_stream_gets_none_unasked() {
    let hanging = HangingPath::new();
    let go = hanging.0.clone();
    let desk = desk(hanging).await;
    let message = call();
    let request = desk.http.post(desk.url("/s/files/mcp")).bearer_auth(crate::paths::KEY_A);
    let request = request
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "slow")
        .body(message.to_string());
    let answer = tokio::spawn(request.send());
    tokio::time::sleep(Duration::from_millis(1400)).await;
    assert!(!answer.is_finished());
    go.send_modify(|count| *count += 1);
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(body(answer).await["result"]["late"], true);
}

#[tokio::test]
async fn a_late_refusal_is_the_last_event() {
    let desk = desk(late(|| Err(Refusal::new(RefusalCode::Unanswered, "Nobody answered.")))).await;
    let (status, _, text) = said(&desk).await;
    assert_eq!(status, 200);
    let last = messages(&text).pop().unwrap();
    assert_eq!((&last["id"], &last["result"]["isError"]), (&json!(7), &json!(true)));
}

#[tokio::test]
async fn a_late_answer_that_is_no_message_becomes_an_error() {
    let odd =
        || Ok(reply(502, "text/html", stream::iter([Ok(Bytes::from("<h1>no</h1>"))]).boxed()));
    let desk = desk(late(odd)).await;
    let (_, _, text) = said(&desk).await;
    let last = messages(&text).pop().unwrap();
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(7), &json!(50200)));
    assert!(!text.contains("<h1>"));
}

#[tokio::test]
async fn events_are_relayed_byte_for_byte_with_signs_of_life_between_them() {
    let script = ScriptedPath::new(|_, inbound: &_| {
        let first = Bytes::from("id: 1\r\nretry: 500\r\ndata:\r\n\r\nevent: mess");
        let last = format!("age\ndata: {}\n\n", result(&id_of(inbound), "{}"));
        let quiet = stream::once(async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Ok(Bytes::new())
        });
        let body =
            stream::iter([Ok(first)]).chain(quiet).chain(stream::iter([Ok(Bytes::from(last))]));
        Some(Ok(reply(200, "text/event-stream", body.boxed())))
    });
    let desk = desk(script).await;
    let (status, kind, text) = said(&desk).await;
    assert_eq!((status, kind.as_str()), (200, "text/event-stream"));
    assert!(text.contains(": waiting\n\n"), "{text}");
    let relayed = text.replace(": waiting\n\n", "");
    assert_eq!(
        relayed,
        "id: 1\r\nretry: 500\r\ndata:\r\n\r\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n"
    );
}

#[tokio::test]
async fn a_broken_answer_ends_with_an_error_for_that_request() {
    for (broken, code) in [
        (Broken::Upstream, 50200),
        (Broken::Revoked, 40304),
        (Broken::AuditBroken, 50301),
        (Broken::TooLarge, 41300),
    ] {
        let first = broken.clone();
        let path = ScriptedPath::new(move |_, _: &_| {
            Some(Ok(json_reply(200, "")).map(|_: Reply| {
                reply(200, "application/json", stream::iter([Err(first.clone())]).boxed())
            }))
        });
        let (status, _, text) = said(&desk(path).await).await;
        let said_json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (status, &said_json["error"]["code"], &said_json["id"]),
            (502, &json!(code), &json!(7))
        );

        let path = ScriptedPath::new(move |_, _: &_| {
            let note = Bytes::from(
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":\"\\\"result\\\"\"}}\n\ndata: {\"half",
            );
            Some(Ok(events(vec![Ok(note), Err(broken.clone())])))
        });
        let (status, _, text) = said(&desk(path).await).await;
        let last = messages(&text).pop().unwrap();
        assert_eq!((status, &last["error"]["code"], &last["id"]), (200, &json!(code), &json!(7)));
        assert!(!text.contains("half"), "an unfinished event is not passed on");
    }
}

#[tokio::test]
async fn nobody_answers_twice() {
    let path = ScriptedPath::new(|_, inbound: &_| {
        let answer = format!("data: {}\n\n", result(&id_of(inbound), "{\"ok\":1}"));
        Some(Ok(events(vec![Ok(Bytes::from(answer)), Err(Broken::Upstream)])))
    });
    let (_, _, text) = said(&desk(path).await).await;
    assert_eq!(messages(&text).len(), 1, "{text}");
}

#[tokio::test]
async fn an_endless_event_is_cut_off() {
    let path = ScriptedPath::new(|_, _: &_| {
        let chunk = Bytes::from(vec![b'x'; 1024 * 1024]);
        Some(Ok(reply(
            200,
            "text/event-stream",
            stream::repeat_with(move || Ok(chunk.clone())).boxed(),
        )))
    });
    let (_, _, text) = said(&desk(path).await).await;
    assert_eq!(messages(&text).pop().unwrap()["error"]["code"], 41300);
    assert!(text.len() < 1000);
}

#[tokio::test]
async fn a_sign_in_that_the_server_refuses_is_not_taken_for_the_agents_own() {
    let path = ScriptedPath::new(|_, _: &_| Some(Ok(json_reply(401, "{}"))));
    let desk = desk(path).await;
    let answer = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(body(answer).await["result"]["isError"], true);
}

#[tokio::test]
async fn stopping_ends_open_streams() {
    let mut desk = desk(HangingPath::new()).await;
    let answer = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    let (_, stream) = read_until(answer, |text| text.contains(": waiting")).await;
    desk.stop.take().unwrap().send(()).unwrap();
    reaches(&desk.world.dropped, 1).await;
    let done = tokio::time::timeout(Duration::from_secs(10), desk.served).await;
    assert!(done.expect("it ends in time").unwrap().is_ok());
    drop(stream);
}

#[tokio::test]
async fn a_taken_port_says_what_to_do() {
    let first = prokura_gateway::Gateway::bind(0).await.unwrap();
    let port = first.local_addr().unwrap().port();
    assert!(first.local_addr().unwrap().ip().is_loopback()); // ST-03
    let second = prokura_gateway::Gateway::bind(port).await.unwrap_err().to_string();
    assert!(second.contains(&port.to_string()) && second.contains("--new-port"), "{second}");
}
