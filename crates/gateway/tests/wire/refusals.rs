//! What is turned away at the door, and how it is said.

use serde_json::{Value, json};

use crate::desk::{BOTH, Desk, body, desk, hello, legacy, modern};
use crate::paths::{EchoPath, KEY_A, KEY_B, agent_a};

fn request(desk: &Desk, host: &str, extra: &str, key: &str) -> String {
    let message = hello().to_string();
    format!(
        "POST /s/files/mcp HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nAccept: {BOTH}\r\n{extra}Content-Length: {}\r\n\r\n{message}",
        message.len()
    )
    .replace("PORT", &desk.port.to_string())
}

#[tokio::test]
async fn only_loopback_names_of_this_machine_are_served() {
    // ST-02, DNS rebinding
    let desk = desk(EchoPath).await;
    for (host, status) in [
        ("127.0.0.1:PORT", 200),
        ("127.0.0.1", 200),
        ("localhost:PORT", 200),
        ("LOCALHOST", 200),
        ("[::1]:PORT", 200),
        ("[::1]", 200),
        ("evil.example", 403),
        ("evil.example:PORT", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:PORT", 403),
        ("localhost:PORT@evil.example", 403),
        ("[::1]evil:80", 403),
        ("0.0.0.0:PORT", 403),
        ("::1", 403),
        ("", 403),
    ] {
        let (got, text) = desk.raw(&request(&desk, host, "", KEY_A)).await;
        assert_eq!(got, status, "Host {host}: {text}");
    }
    let doubled = request(&desk, "localhost", "Host: evil.example\r\n", KEY_A);
    assert!(desk.raw(&doubled).await.0 >= 400);
    assert!(desk.world.noted().iter().all(|why| why == "foreign Host header"));
}

#[tokio::test]
async fn a_web_page_is_turned_away_unless_it_is_of_this_endpoint() {
    // ST-02
    let desk = desk(EchoPath).await;
    for (origin, status) in [
        ("http://localhost:PORT", 200),
        ("http://127.0.0.1:PORT", 200),
        ("http://localhost", 403),
        ("http://localhost:1", 403),
        ("https://localhost:PORT", 403),
        ("http://[::1]:PORT", 403),
        ("http://evil.example:PORT", 403),
        ("http://localhost:PORT.evil.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let extra = format!("Origin: {origin}\r\n");
        let (got, text) = desk.raw(&request(&desk, "localhost:PORT", &extra, KEY_A)).await;
        assert_eq!(got, status, "Origin {origin}: {text}");
    }
    assert!(desk.world.noted().contains(&"foreign Origin header".to_owned()));
}

#[tokio::test]
async fn nobody_comes_in_without_a_known_key() {
    // SA-10
    let desk = desk(EchoPath).await;
    let keys = ["", "Bearer", "Bearer ", "Bearer prk_wrong", "Basic prk_aaaaaaaa", KEY_A];
    for key in keys {
        let sent = desk.http.post(desk.url("/s/files/mcp")).header("authorization", key);
        let sent = sent.header("content-type", "application/json").header("accept", BOTH);
        let answer = sent.body(hello().to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{key}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"Prokura\"");
        let said = body(answer).await;
        assert!(said["error"]["message"].as_str().unwrap().contains("prokura agents add"));
        assert_eq!(said["id"], Value::Null);
        assert!(!said.to_string().contains("prk_"), "the key is not repeated");
    }
    let twice = format!("Authorization: Bearer {KEY_B}\r\n");
    assert_eq!(desk.raw(&request(&desk, "localhost", &twice, KEY_A)).await.0, 401);
    assert_eq!(desk.world.count(), 0);
    assert_eq!(desk.world.noted().len(), keys.len() + 1);
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_its_reason() {
    let desk = desk(EchoPath).await;
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{}}}"#, "[".repeat(500));
    for (text, code, says) in [
        ("", -32700, "Parse error"),
        ("{", -32700, "byte 1"),
        ("\u{feff}{}", -32700, "Parse error"),
        (deep.as_str(), -32700, "nested"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#, -32600, "\"id\" occurs twice"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}"#,
            -32600,
            "\"name\" occurs twice",
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, "batches"),
        (r#""hello""#, -32600, "object"),
        (r#"{"id":1,"method":"ping"}"#, -32600, "jsonrpc"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600, "jsonrpc"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32600, "jsonrpc"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, "id"),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, "id"),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, -32600, "id"),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, "id"),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, -32600, "method"),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600, "no method"),
        (r#"{"jsonrpc":"2.0","result":{}}"#, -32600, "no method"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, -32600, "no method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, -32600, "at once"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32602, "object"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, -32602, "object"),
    ] {
        for place in ["/s/files/mcp", "/mcp"] {
            let answer = desk.post(place, text).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{text}");
            let said = body(answer).await;
            assert_eq!(said["error"]["code"], code, "{text}: {said}");
            let message = said["error"]["message"].as_str().unwrap();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
    assert_eq!(desk.world.count(), 0);
    assert!(desk.world.noted().contains(&"duplicate member".to_owned()));
}

#[tokio::test]
async fn a_request_that_is_not_right_as_http_is_refused() {
    let desk = desk(EchoPath).await;
    let message = hello().to_string();
    let post = |kind: &'static str, accept: &'static str| {
        desk.http
            .post(desk.url("/s/files/mcp"))
            .bearer_auth(KEY_A)
            .header("content-type", kind)
            .header("accept", accept)
            .body(message.clone())
    };
    for (kind, accept, status) in [
        ("application/json", BOTH, 200),
        ("Application/JSON; charset=utf-8", "application/json", 200),
        ("application/json", "text/event-stream", 200),
        ("application/json", "*/*", 200),
        ("text/plain", BOTH, 415),
        ("application/json-patch+json", BOTH, 415),
        ("application/x-www-form-urlencoded", BOTH, 415),
        ("application/json", "text/html", 406),
        ("application/json", "application/json;q=0", 406),
    ] {
        let answer = post(kind, accept).send().await.unwrap();
        assert_eq!(answer.status(), status, "{kind} {accept}");
    }
    let put = desk.http.put(desk.url("/mcp")).bearer_auth(KEY_A).send().await.unwrap();
    assert_eq!((put.status().as_u16(), put.headers()["allow"].to_str().unwrap()), (405, "POST"));
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    // ST-15
    let desk = desk(EchoPath).await;
    let large = legacy(1, "tools/call", json!({"name": "x".repeat(4 * 1024 * 1024)})).to_string();
    let answer = desk.post("/s/files/mcp", large.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let chunks = large.into_bytes().chunks(64 * 1024).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
    let undeclared = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let sent = desk.post("/s/files/mcp", "").body(undeclared).send().await;
    assert!(sent.is_err() || sent.unwrap().status() == 413);

    let long = "x".repeat(9 * 1024);
    let answer = desk.modern("/s/files/mcp", &modern(1, "tools/list", json!({})));
    let answer = answer.header("mcp-param-a", long).send().await.unwrap();
    assert_eq!(answer.status(), 431);
    assert_eq!(desk.world.count(), 0);
}

#[tokio::test]
async fn a_place_that_does_not_exist_says_where_the_endpoints_are() {
    let desk = desk(EchoPath).await;
    let answer = desk.post("/s/nothing/mcp", hello().to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    for place in ["/", "/mcp/", "/s/files", "/s/files/mcp/more", "/S/files/mcp", "/s//mcp"] {
        let answer = desk.post(place, hello().to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{place}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("/s/NAME/mcp"), "{place}: {text}");
    }
    assert_eq!(desk.world.count(), 0);
}

#[tokio::test]
async fn an_agent_is_noted_with_what_it_says_of_itself_once() {
    let desk = desk(EchoPath).await;
    for _ in 0..3 {
        desk.session("/s/files/mcp").await;
    }
    let claims = desk.world.claims.lock().unwrap().clone();
    assert_eq!(claims, [(agent_a(), Some("tester 1".to_owned()))]);
}
