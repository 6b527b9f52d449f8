//! The floor: a relay that parses a message, checks a key, and passes it on. No policy, no approvals, no log.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::serve::ListenerExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

/// What a relay has to know of a message.
#[derive(Deserialize)]
struct Envelope<'a> {
    jsonrpc: &'a str,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

struct Relay {
    http: reqwest::Client,
    to: String,
}

pub async fn serve(to: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let relay = Arc::new(Relay { http, to: to.to_owned() });
    let app = Router::new().fallback(pass_on).with_state(relay);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, app).await.unwrap();
}

async fn pass_on(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.headers.get("authorization").is_none_or(|key| key != "Bearer bench") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(body) = axum::body::to_bytes(body, 8 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let known = serde_json::from_slice::<Envelope>(&body).is_ok_and(|envelope| {
        let named = envelope.method.is_some() && envelope.params.is_some();
        envelope.jsonrpc == "2.0" && (named || envelope.id.is_some())
    });
    if !known {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut onwards = relay.http.post(format!("{}{}", relay.to, parts.uri.path())).body(body);
    for name in ["content-type", "accept", "mcp-session-id", "mcp-protocol-version"] {
        if let Some(value) = parts.headers.get(name) {
            onwards = onwards.header(name, value);
        }
    }
    let answer = onwards.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for name in ["content-type", "mcp-session-id"] {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from_stream(answer.bytes_stream())).unwrap()
}
