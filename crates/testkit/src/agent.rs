//! A raw MCP agent of either era over plain HTTP: it shows every byte of an answer, where an SDK would tidy it up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prokura_domain::protocol;
use serde_json::{Value, json};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent at one endpoint.
#[derive(Debug, Clone)]
pub struct Agent {
    http: reqwest::Client,
    /// The endpoint.
    pub url: String,
    /// Its bearer key.
    pub key: Option<String>,
    /// The session of a legacy agent.
    pub session: Option<String>,
    /// What a modern agent says it can do.
    pub capabilities: Value,
    modern: bool,
    next: Arc<AtomicU64>,
    heard: Arc<Mutex<String>>,
}

/// An answer with everything in it.
#[derive(Debug, Clone)]
pub struct AgentReply {
    /// The HTTP status.
    pub status: u16,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub raw: String,
    /// The JSON-RPC messages in it, in order.
    pub messages: Vec<Value>,
}

impl AgentReply {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The message that answers the request: the one with `result` or `error`.
    #[must_use]
    pub fn answer(&self) -> Option<&Value> {
        self.messages
            .iter()
            .find(|message| message.get("result").is_some() || message.get("error").is_some())
    }

    /// Its result.
    #[must_use]
    pub fn result(&self) -> Option<&Value> {
        self.answer()?.get("result")
    }

    /// Its error.
    #[must_use]
    pub fn error(&self) -> Option<&Value> {
        self.answer()?.get("error")
    }

    /// Whether the tool ran and did not fail.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        let failed =
            |result: &Value| result.get("isError").and_then(Value::as_bool).unwrap_or(false);
        self.result().is_some_and(|result| !failed(result))
    }

    /// What a person would read: the text of the content, or the message of the error.
    #[must_use]
    pub fn text(&self) -> String {
        if let Some(message) = self.error().and_then(|error| error.get("message")) {
            return message.as_str().unwrap_or_default().to_owned();
        }
        let parts =
            self.result().and_then(|result| result.get("content")).and_then(Value::as_array);
        match parts {
            Some(parts) => {
                let texts =
                    parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
                texts.collect::<Vec<_>>().join("\n")
            }
            None => self.raw.clone(),
        }
    }
}

impl Agent {
    /// An agent of 2026-07-28.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn modern(url: &str, key: &str) -> anyhow::Result<Self> {
        Self::new(url, key, true)
    }

    /// An agent of 2025-11-25, after its handshake.
    ///
    /// # Errors
    /// When the handshake does not succeed.
    pub async fn legacy(url: &str, key: &str) -> anyhow::Result<Self> {
        let mut agent = Self::new(url, key, false)?;
        let params = json!({
            "protocolVersion": protocol::LEGACY,
            "capabilities": agent.capabilities,
            "clientInfo": { "name": "raw-agent", "version": "1.0.0" },
        });
        let reply = agent.request("initialize", params).await?;
        reply.result().with_context(|| format!("initialize: {} {}", reply.status, reply.raw))?;
        agent.session = reply.header("mcp-session-id").map(str::to_owned);
        agent.notify("notifications/initialized", json!({})).await?;
        Ok(agent)
    }

    fn new(url: &str, key: &str, modern: bool) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?,
            url: url.to_owned(),
            key: Some(key.to_owned()),
            session: None,
            capabilities: json!({}),
            modern,
            next: Arc::new(AtomicU64::new(1)),
            heard: Arc::default(),
        })
    }

    /// Everything this agent and its copies ever received, as one text.
    #[must_use]
    pub fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lists the names of the tools.
    ///
    /// # Errors
    /// When the answer is no list.
    pub async fn tools(&self) -> anyhow::Result<Vec<String>> {
        let reply = self.request("tools/list", json!({})).await?;
        let tools = reply.result().and_then(|result| result.get("tools")).and_then(Value::as_array);
        let tools = tools.with_context(|| format!("tools/list: {} {}", reply.status, reply.raw))?;
        Ok(tools.iter().filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())).collect())
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn call(&self, tool: &str, arguments: Value) -> anyhow::Result<AgentReply> {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn request(&self, method: &str, params: Value) -> anyhow::Result<AgentReply> {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        self.message(method, params, Some(json!(id))).await
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn notify(&self, method: &str, params: Value) -> anyhow::Result<AgentReply> {
        self.message(method, params, None).await
    }

    async fn message(
        &self,
        method: &str,
        params: Value,
        id: Option<Value>,
    ) -> anyhow::Result<AgentReply> {
        let mut params = params;
        if let (true, Some(members)) = (self.modern, params.as_object_mut()) {
            let meta = members.entry("_meta").or_insert_with(|| json!({}));
            if let Some(meta) = meta.as_object_mut() {
                let client = json!({ "name": "raw-agent", "version": "1.0.0" });
                meta.insert(protocol::META_VERSION.to_owned(), json!(protocol::MODERN));
                meta.insert(protocol::META_CAPABILITIES.to_owned(), self.capabilities.clone());
                meta.insert(protocol::META_CLIENT.to_owned(), client);
            }
        }
        let body = match id {
            Some(id) => json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
            None => json!({ "jsonrpc": "2.0", "method": method, "params": params }),
        };
        self.post(body.to_string(), &self.headers(method, &body)).await
    }

    fn headers(&self, method: &str, body: &Value) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if self.modern {
            add("mcp-protocol-version", protocol::MODERN);
            add("mcp-method", method);
            let target = match method {
                "resources/read" => "/params/uri",
                "tasks/get" | "tasks/update" | "tasks/cancel" => "/params/taskId",
                _ => "/params/name",
            };
            if let Some(name) = body.pointer(target).and_then(Value::as_str) {
                // Everything but visible ASCII goes encoded.
                if name.bytes().all(|byte| byte.is_ascii_graphic()) {
                    add("mcp-name", name);
                } else {
                    add("mcp-name", &format!("=?base64?{}?=", BASE64_STANDARD.encode(name)));
                }
            }
        } else if method != "initialize" {
            add("mcp-protocol-version", protocol::LEGACY);
        }
        headers
    }

    /// Posts exactly `body`, with the usual headers and `extra` ones.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn post(
        &self,
        body: impl Into<String>,
        extra: &[(String, String)],
    ) -> anyhow::Result<AgentReply> {
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.into());
        self.send(request, extra).await
    }

    /// Ends the session of a legacy agent.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn end(&self) -> anyhow::Result<AgentReply> {
        self.send(self.http.delete(&self.url), &[]).await
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        extra: &[(String, String)],
    ) -> anyhow::Result<AgentReply> {
        let mut request = request;
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        for (name, value) in extra {
            request = request.header(name, value);
        }
        let answer =
            request.send().await.with_context(|| format!("no answer from {}", self.url))?;
        let status = answer.status().as_u16();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<(String, String)> =
            answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let raw = answer.text().await.context("the answer broke off")?;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in &headers {
            heard.push_str(&format!("{name}: {value}\n"));
        }
        heard.push_str(&raw);
        drop(heard);
        let messages = messages(&raw);
        Ok(AgentReply { status, headers, raw, messages })
    }
}

/// The JSON-RPC messages in a body: plain JSON, or the data of server-sent events.
fn messages(raw: &str) -> Vec<Value> {
    if let Ok(message) = serde_json::from_str(raw) {
        return vec![message];
    }
    let raw = raw.replace("\r\n", "\n");
    let event = |block: &str| {
        let data: Vec<&str> = block
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        serde_json::from_str(&data.join("\n")).ok()
    };
    raw.split("\n\n").filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_of_json_and_of_events() {
        assert_eq!(messages(r#"{"a":1}"#), [json!({ "a": 1 })]);
        let events = ": ping\n\nid: 1\ndata:\n\ndata: {\"a\":\ndata: 1}\n\ndata: {\"b\":2}\n\n";
        assert_eq!(messages(events), [json!({ "a": 1 }), json!({ "b": 2 })]);
    }
}
