//! An MCP server of 2026-07-28 that says what it is told to, byte for byte, and remembers what it heard.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::CONTENT_TYPE;
use prokura_domain::Json;

use crate::recorder::{Recorder, record};

/// A running parrot. It stops when it is dropped.
#[derive(Debug)]
pub struct Parrot {
    base: String,
    script: Arc<Mutex<Script>>,
    recorder: Recorder,
    task: tokio::task::JoinHandle<()>,
}

/// What it says next.
#[derive(Debug, Clone, Default)]
struct Script {
    tools: String,
    /// Members of the answer beside `jsonrpc` and `id`, as JSON text.
    answer: String,
    /// Messages before the answer, each JSON text; with any, the answer comes as a stream.
    before: Vec<String>,
}

impl Drop for Parrot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Parrot {
    /// Starts one that lists `tools`, a JSON array.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn start(tools: &str) -> anyhow::Result<Self> {
        let (listener, port) = crate::loopback().await?;
        let script = Script { tools: tools.to_owned(), ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let recorder = Recorder::default();
        let router = Router::new()
            .route("/mcp", post(answer))
            .with_state(script.clone())
            .layer(axum::middleware::from_fn_with_state(recorder.clone(), record));
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        Ok(Self { base: format!("http://127.0.0.1:{port}"), script, recorder, task })
    }

    /// The URL of its MCP endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    /// What came in.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// From now on it answers with these members, such as `"result":{}`, after these messages.
    pub fn say(&self, answer: &str, before: &[&str]) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.answer = answer.to_owned();
        script.before = before.iter().map(|&text| text.to_owned()).collect();
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, body: Bytes) -> Response {
    const DISCOVERED: &str = r#""result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"resources":{},"prompts":{},"completions":{}},"serverInfo":{"name":"parrot","version":"1"},"ttlMs":0,"cacheScope":"private"}"#;
    let Script { tools, answer, before } =
        script.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let message = Json::read(&body).unwrap_or(Json::Null);
    let id = message.member("id").map(Json::to_text).unwrap_or_else(|| "null".to_owned());
    let method = message.member("method").and_then(Json::as_str).unwrap_or_default();
    let (answer, before) = match method {
        "server/discover" => (DISCOVERED.to_owned(), Vec::new()),
        "tools/list" => {
            let list = r#""resultType":"complete","ttlMs":0,"cacheScope":"private""#;
            (format!(r#""result":{{{list},"tools":{tools}}}"#), Vec::new())
        }
        _ => (answer, before),
    };
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#);
    if before.is_empty() {
        return ([(CONTENT_TYPE, "application/json")], answer).into_response();
    }
    let all = before.iter().chain([&answer]);
    let events: String = all.map(|text| format!("event: message\ndata: {text}\n\n")).collect();
    ([(CONTENT_TYPE, "text/event-stream")], events).into_response()
}
