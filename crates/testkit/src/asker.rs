//! A server of 2025-11-25 with sessions that asks whatever a test wants asked: a call of `ask` is answered with the answer
//! to its `params`, and `visit` wants a page visited first (−32042). It asks on the stream of the call, under ids that are
//! easy to guess.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// A running one. It stops when it is dropped.
#[derive(Debug)]
pub struct Asker {
    url: String,
    desk: Desk,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Clone, Default)]
struct Desk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    sessions: u32,
    asked: HashMap<String, oneshot::Sender<Value>>,
    told: Vec<Value>,
    calls: u32,
    been: bool,
    standing: Vec<mpsc::UnboundedSender<Value>>,
}

impl Desk {
    fn with<T>(&self, use_it: impl FnOnce(&mut Inner) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Asker {
    /// Starts one.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn start() -> anyhow::Result<Self> {
        let (listener, port) = crate::loopback().await?;
        let desk = Desk::default();
        let router = Router::new().route("/mcp", any(message)).with_state(desk.clone());
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        Ok(Self { url: format!("http://127.0.0.1:{port}/mcp"), desk, task })
    }

    /// The URL of its MCP endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Every message that came in, oldest first.
    #[must_use]
    pub fn told(&self) -> Vec<Value> {
        self.desk.with(|inner| inner.told.clone())
    }

    /// How often a tool was called.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.desk.with(|inner| inner.calls)
    }

    /// The person has been at the page; where `tells` is set, everybody who listens is told.
    pub fn visited(&self, tells: bool) {
        let note = json!({
            "jsonrpc": "2.0", "method": "notifications/elicitation/complete",
            "params": { "elicitationId": "visit-1" },
        });
        self.desk.with(|inner| {
            inner.been = true;
            if tells {
                inner.standing.retain(|to| to.send(note.clone()).is_ok());
            }
        });
    }
}

async fn message(
    State(desk): State<Desk>,
    method: axum::http::Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == axum::http::Method::GET {
        let (to, from) = mpsc::unbounded_channel();
        desk.with(|inner| inner.standing.push(to));
        return events(from);
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let modern = said
        .pointer("/params/_meta")
        .is_some_and(|meta| meta.get(prokura_domain::protocol::META_VERSION).is_some());
    if modern {
        let error = json!({ "code": -32000, "message": "Bad Request: no session" });
        let body = json!({ "jsonrpc": "2.0", "id": said.get("id"), "error": error });
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    }
    desk.with(|inner| inner.told.push(said.clone()));
    let id = said.get("id").cloned();
    match (said.get("method").and_then(Value::as_str), id) {
        (Some("initialize"), Some(id)) => greet(&desk, &id),
        (Some("tools/list"), Some(id)) => result(&id, &json!({ "tools": tools() })),
        (Some("tools/call"), Some(id)) => call(&desk, id, &said),
        (Some("ping"), Some(id)) => result(&id, &json!({})),
        (None, Some(id)) => {
            let waiting = desk.with(|inner| inner.asked.remove(&id.to_string()));
            if let Some(waiting) = waiting {
                // Nobody waiting any more is fine.
                let _gone = waiting.send(said);
            }
            StatusCode::ACCEPTED.into_response()
        }
        (Some(_), Some(id)) => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            let session = headers.get("mcp-session-id").is_some();
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            let status = if session { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            (status, axum::Json(body)).into_response()
        }
        (_, None) => StatusCode::ACCEPTED.into_response(),
    }
}

fn greet(desk: &Desk, id: &Value) -> Response {
    let session = desk.with(|inner| {
        inner.sessions += 1;
        inner.sessions
    });
    let said = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "asker", "version": "1.0.0" },
    });
    let mut response = result(id, &said);
    if let Ok(value) = format!("session-{session}").parse() {
        response.headers_mut().insert("mcp-session-id", value);
    }
    response
}

fn tools() -> Value {
    let open = json!({ "type": "object", "properties": { "params": { "type": "object" } } });
    json!([
        { "name": "ask", "description": "Asks the person.", "inputSchema": open },
        { "name": "visit", "description": "Wants a page visited first.", "inputSchema": { "type": "object" } },
    ])
}

fn result(id: &Value, result: &Value) -> Response {
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

fn text(id: &Value, text: &str) -> Value {
    let content = json!([{ "type": "text", "text": text }]);
    json!({ "jsonrpc": "2.0", "id": id, "result": { "content": content } })
}

fn call(desk: &Desk, id: Value, said: &Value) -> Response {
    let serial = desk.with(|inner| {
        inner.calls += 1;
        inner.calls
    });
    let (to, from) = mpsc::unbounded_channel();
    let params = said.pointer("/params/arguments/params").cloned().unwrap_or_default();
    match said.pointer("/params/name").and_then(Value::as_str) {
        Some("ask") => {
            let asked = json!(serial);
            let (tell, told) = oneshot::channel();
            desk.with(|inner| inner.asked.insert(asked.to_string(), tell));
            let question = json!({
                "jsonrpc": "2.0", "id": asked, "method": "elicitation/create", "params": params,
            });
            let _open = to.send(question);
            tokio::spawn(async move {
                let Ok(answer) = told.await else { return };
                let said = answer.get("result").or(answer.get("error"));
                let _gone = to.send(text(&id, &said.cloned().unwrap_or_default().to_string()));
            });
            events(from)
        }
        Some("visit") if desk.with(|inner| inner.been) => {
            axum::Json(text(&id, "You have been there.")).into_response()
        }
        _ => {
            let page = json!({
                "mode": "url", "elicitationId": "visit-1", "url": "https://pay.example/confirm?id=7",
                "message": "Confirm it at our page.",
            });
            let data = json!({ "elicitations": [page] });
            let error = json!({ "code": -32042, "message": "A page first.", "data": data });
            axum::Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
        }
    }
}

fn events(from: mpsc::UnboundedReceiver<Value>) -> Response {
    let body = stream::unfold(from, |mut from| async move {
        let message = from.recv().await?;
        Some((Ok::<_, Infallible>(Bytes::from(format!("data: {message}\n\n"))), from))
    });
    let mut response = Response::new(Body::from_stream(body));
    let value = axum::http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert("content-type", value);
    response
}
