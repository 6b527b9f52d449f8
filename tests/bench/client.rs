//! An agent of 2025-11-25 that does nothing but send and read to the end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
    session: Option<String>,
}

impl Client {
    /// After its handshake.
    pub async fn new(url: String, key: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut client = Self { http, url, key: key.to_owned(), session: None };
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "bench", "version": "1.0.0" },
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let answer = client.post(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}: {}", client.url, answer.status());
        let session = answer.headers().get("mcp-session-id");
        client.session = session.map(|value| value.to_str().unwrap().to_owned());
        answer.bytes().await.unwrap();
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized", "params": {} });
        client.post(note.to_string()).send().await.unwrap();
        client
    }

    fn post(&self, body: String) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .post(&self.url)
            .bearer_auth(&self.key)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body);
        if let Some(session) = &self.session {
            request = request
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", "2025-11-25");
        }
        request
    }

    /// Sends a request and reads its answer to the end; `holds` is in it.
    pub async fn request(&self, method: &str, params: Value, holds: &str) -> Duration {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let body = body.to_string();
        let start = Instant::now();
        let answer = self.post(body).send().await.unwrap();
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap();
        let took = start.elapsed();
        let found = memchr(&bytes, holds.as_bytes());
        assert!(found, "{status} {}", String::from_utf8_lossy(&bytes[..bytes.len().min(400)]));
        took
    }

    pub async fn call(&self, tool: &str, arguments: Value, holds: &str) -> Duration {
        let meta = json!({ "progressToken": "p" });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        self.request("tools/call", params, holds).await
    }

    /// A hundred bytes there and back.
    pub async fn echo(&self, tool: &str) -> Duration {
        self.call(tool, json!({ "text": "e".repeat(100) }), "eeeeeeee").await
    }
}

/// Whether the end of a long answer holds the words; all of a short one.
fn memchr(bytes: &[u8], words: &[u8]) -> bool {
    let from = bytes.len().saturating_sub(4096);
    bytes[from..].windows(words.len()).any(|window| window == words)
}
