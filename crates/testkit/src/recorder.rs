//! Everything a fixture received, for assertions. It is the one place where a test may look for a token.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use crate::wait::eventually;

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The HTTP method.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Bytes,
}

impl Seen {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The JSON-RPC method.
    #[must_use]
    pub fn method(&self) -> Option<String> {
        self.json().get("method").and_then(Value::as_str).map(str::to_owned)
    }

    /// The tool it calls.
    #[must_use]
    pub fn tool(&self) -> Option<String> {
        let body = self.json();
        let calls = body.get("method").and_then(Value::as_str) == Some("tools/call");
        let name = body.pointer("/params/name").and_then(Value::as_str);
        if calls { name.map(str::to_owned) } else { None }
    }

    /// Everything in it as one text, to look for what must not be there.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} {}\n", self.verb, self.uri);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&String::from_utf8_lossy(&self.body));
        text
    }
}

/// What came in, in order.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    /// All requests so far.
    #[must_use]
    pub fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The calls of a tool so far.
    #[must_use]
    pub fn calls(&self, tool: &str) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.tool().as_deref() == Some(tool)).collect()
    }

    /// Forgets what came in so far.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Everything as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.all().iter().map(Seen::text).collect::<Vec<_>>().join("\n")
    }

    /// Waits until `tool` was called `times` times.
    ///
    /// # Errors
    /// When that does not happen within ten seconds.
    pub async fn called(&self, tool: &str, times: usize) -> anyhow::Result<()> {
        let what = format!("{times} call(s) of {tool} at the server");
        eventually(&what, Duration::from_secs(10), || async {
            (self.calls(tool).len() >= times).then_some(())
        })
        .await
    }

    fn push(&self, seen: Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

/// The middleware that records a request and passes it on untouched.
pub async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, 64 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    recorder.push(Seen {
        verb: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: bytes.clone(),
    });
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}
