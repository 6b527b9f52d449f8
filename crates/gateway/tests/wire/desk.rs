//! A gateway on a free port, and an agent that talks to it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use prokura_domain::Entropy;
use prokura_domain::port::Sealer;
use prokura_domain::protocol::MODERN;
use prokura_gateway::{Gateway, GatewayError, Pace};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::paths::{Act, Counting, GlassSealer, KEY_A, Stage, World};

pub const BOTH: &str = "application/json, text/event-stream";

/// Fast enough for tests, slow enough that a quick answer counts as quick.
pub const PACE: Pace = Pace {
    answer_within: Duration::from_millis(1000),
    keep_alive: Duration::from_millis(150),
    idle: Duration::from_secs(30 * 60),
    list_within: Duration::from_millis(400),
};

pub struct Desk {
    pub port: u16,
    pub world: Arc<World>,
    pub http: Client,
    pub stop: Option<oneshot::Sender<()>>,
    pub served: JoinHandle<Result<(), GatewayError>>,
}

pub async fn desk<A: Act>(act: A) -> Desk {
    desk_at_pace(act, PACE).await
}

pub async fn desk_at_pace<A: Act>(act: A, pace: Pace) -> Desk {
    let stage = Stage::set(act);
    let world = Arc::clone(&stage.world);
    let listener = Gateway::bind(0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hands: (Arc<dyn Entropy>, Arc<dyn Sealer>) =
        (Arc::new(Counting(AtomicU64::new(1))), Arc::new(GlassSealer));
    let router = Gateway::router_at_pace(stage, hands, port, pace);
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(Gateway::serve(listener, router, async move {
        let _ = stopped.await;
    }));
    let http = Client::builder().no_proxy().build().unwrap();
    Desk { port, world, http, stop: Some(stop), served }
}

/// A modern message.
pub fn modern(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn legacy(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn hello() -> Value {
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tester", "version": "1"}});
    legacy(0, "initialize", params)
}

impl Desk {
    pub fn url(&self, place: &str) -> String {
        format!("http://127.0.0.1:{}{place}", self.port)
    }

    /// A POST with everything in order but the era's own headers.
    pub fn post(&self, place: &str, body: impl Into<String>) -> RequestBuilder {
        self.http
            .post(self.url(place))
            .bearer_auth(KEY_A)
            .header("content-type", "application/json")
            .header("accept", BOTH)
            .body(body.into())
    }

    /// A modern POST with its mirrored headers.
    pub fn modern(&self, place: &str, message: &Value) -> RequestBuilder {
        let method = message["method"].as_str().unwrap();
        let mut request = self
            .post(place, message.to_string())
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method);
        let named = match method {
            "tools/call" | "prompts/get" => message["params"]["name"].as_str(),
            "resources/read" => message["params"]["uri"].as_str(),
            _ => None,
        };
        if let Some(name) = named {
            request = request.header("mcp-name", name);
        }
        request
    }

    /// Initializes and gives back the session id.
    pub async fn session(&self, place: &str) -> String {
        let answer = self.post(place, hello().to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["mcp-session-id"].to_str().unwrap().to_owned()
    }

    /// A legacy POST in a session.
    pub fn in_session(&self, place: &str, session: &str, message: &Value) -> RequestBuilder {
        self.post(place, message.to_string())
            .header("mcp-session-id", session)
            .header("mcp-protocol-version", "2025-11-25")
    }

    /// Bytes on the wire as they stand here; the status and body that come back.
    pub async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut out = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut out)).await;
        let text = String::from_utf8_lossy(&out).into_owned();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, text)
    }
}

pub async fn body(answer: Response) -> Value {
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

/// The messages in an event stream.
pub fn messages(text: &str) -> Vec<Value> {
    text.split("\n\n")
        .filter_map(|event| {
            let data: Vec<&str> =
                event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            (!data.is_empty()).then(|| serde_json::from_str(&data.join("\n")).unwrap())
        })
        .collect()
}

/// What a stream says until it ends.
pub async fn rest_of(mut stream: BoxStream<'static, reqwest::Result<Bytes>>) -> String {
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap()));
    }
    text
}

/// Reads a stream until its text satisfies `enough`.
pub async fn read_until(
    answer: Response,
    enough: impl Fn(&str) -> bool,
) -> (String, BoxStream<'static, reqwest::Result<Bytes>>) {
    let mut stream = answer.bytes_stream().boxed();
    let mut text = String::new();
    while !enough(&text) {
        let next = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
        let chunk = next.expect("it comes in time").expect("the stream goes on").unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    (text, stream)
}
