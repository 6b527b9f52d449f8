//! The Host's own look at what a Server offers, in whichever era the Server speaks (CM-10): modern first, then legacy.

use bytes::Bytes;
use prokura_domain::protocol::{LEGACY, META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN};
use prokura_domain::{AccountId, Json, Outgoing, Server, Verb, sse};
use prokura_policy::housekeeping;

use crate::message::Reply;
use crate::reply::{LARGEST, collect};
use crate::upstream::UpstreamFault;
use crate::{Delegation, DelegationError};

/// Pages of a list that are read at most.
const MOST_PAGES: usize = 200;

/// What one request of the Host came to.
struct Heard {
    status: u16,
    session: Option<String>,
    message: Option<Json>,
}

impl Heard {
    fn result(&self) -> Option<&Json> {
        self.message.as_ref()?.member("result")
    }

    fn error_code(&self) -> Option<&Json> {
        self.message.as_ref()?.at("/error/code")
    }
}

/// One conversation of the Host with a Server.
struct Look<'a> {
    delegation: &'a Delegation,
    server: &'a Server,
    account: &'a AccountId,
    session: Option<String>,
    asked: u64,
}

impl Delegation {
    /// Asks a Server for all its tools and compares them with the pins.
    ///
    /// # Errors
    /// [`UpstreamFault`] when the Server does not answer as it should; store faults.
    pub async fn refresh_tools(
        &self,
        server: &Server,
        account: &AccountId,
    ) -> Result<(), DelegationError> {
        let mut look = Look { delegation: self, server, account, session: None, asked: 0 };
        let tools = match look.tools().await {
            Err(fault @ UpstreamFault::NotApproved(_)) => {
                self.ask_to_start(server).await?;
                return Err(fault.into());
            }
            tools => tools?,
        };
        Ok(self.observe(&server.id, &tools, true).await?)
    }
}

impl Look<'_> {
    async fn tools(&mut self) -> Result<Vec<Json>, UpstreamFault> {
        match self.modern().await? {
            Some(tools) => Ok(tools),
            None => self.legacy().await,
        }
    }

    /// All tools in the modern era; `None` when the Server does not speak it.
    async fn modern(&mut self) -> Result<Option<Vec<Json>>, UpstreamFault> {
        let mut tools = Vec::new();
        let mut cursor: Option<Json> = None;
        let mut retried = false;
        for page in 0..MOST_PAGES {
            let meta = Json::object([
                (META_VERSION, Json::text(MODERN)),
                (META_CLIENT, client_info()),
                (META_CAPABILITIES, Json::object::<String>([])),
            ]);
            let mut params = Json::object([("_meta", meta)]);
            if let Some(cursor) = cursor.take() {
                params.set("cursor", cursor);
            }
            let heard = self.ask("tools/list", Some(params), MODERN).await?;
            let Some(result) = heard.result() else {
                let modern = speaks_modern(&heard);
                if modern && !retried {
                    retried = true;
                    continue;
                }
                let none = heard.error_code() == Some(&Json::from(-32601i64));
                return if page > 0 {
                    Err(self.garbled("the list of tools broke off"))
                } else if none && modern_shape(&heard) {
                    Ok(Some(tools))
                } else {
                    Ok(None)
                };
            };
            // Legacy servers may answer without a session, but never with a result type.
            if result.member("resultType").is_none() && result.member("tools").is_none() {
                return Ok(None);
            }
            cursor = gather(result, &mut tools);
            if cursor.is_none() {
                return Ok(Some(tools));
            }
        }
        Err(self.garbled("the list of tools does not end"))
    }

    async fn legacy(&mut self) -> Result<Vec<Json>, UpstreamFault> {
        let params = Json::object([
            ("protocolVersion", Json::text(LEGACY)),
            ("capabilities", Json::object::<String>([])),
            ("clientInfo", client_info()),
        ]);
        let opened = self.ask("initialize", Some(params), LEGACY).await?;
        let version = opened
            .result()
            .and_then(|result| result.member("protocolVersion"))
            .and_then(Json::as_str)
            .map(str::to_owned);
        let Some(version) = version else {
            return Err(
                self.garbled(&format!("it does not speak MCP (HTTP status {})", opened.status))
            );
        };
        self.session = opened.session;
        self.ask("notifications/initialized", None, &version).await?;
        let tools = self.legacy_tools(&version).await;
        self.end(&version).await;
        tools
    }

    async fn legacy_tools(&mut self, version: &str) -> Result<Vec<Json>, UpstreamFault> {
        let mut tools = Vec::new();
        let mut cursor: Option<Json> = None;
        for _ in 0..MOST_PAGES {
            let params = match cursor.take() {
                Some(cursor) => Json::object([("cursor", cursor)]),
                None => Json::object::<String>([]),
            };
            let heard = self.ask("tools/list", Some(params), version).await?;
            let Some(result) = heard.result() else {
                return match heard.error_code() {
                    Some(_) => Ok(tools),
                    None => Err(self.garbled("the list of tools cannot be read")),
                };
            };
            cursor = gather(result, &mut tools);
            if cursor.is_none() {
                return Ok(tools);
            }
        }
        Err(self.garbled("the list of tools does not end"))
    }

    async fn end(&mut self, version: &str) {
        let headers = self.headers(None, version);
        let outgoing = Outgoing { verb: Verb::Delete, headers, body: Bytes::new() };
        let permit = housekeeping(&self.server.id, self.account, None, outgoing);
        if let (Some(permit), true) = (permit, self.session.is_some()) {
            // A server that does not know DELETE is fine.
            let _ = self.delegation.0.parts.upstream.send(permit).await;
        }
    }

    async fn ask(
        &mut self,
        method: &str,
        params: Option<Json>,
        version: &str,
    ) -> Result<Heard, UpstreamFault> {
        let mut message =
            Json::object([("jsonrpc", Json::text("2.0")), ("method", Json::text(method))]);
        if !method.starts_with("notifications/") {
            self.asked += 1;
            message.set("id", Json::text(format!("prokura-{}", self.asked)));
        }
        if let Some(params) = params {
            message.set("params", params);
        }
        let outgoing = Outgoing {
            verb: Verb::Post,
            headers: self.headers(Some(method), version),
            body: Bytes::from(message.to_text()),
        };
        let permit = housekeeping(&self.server.id, self.account, Some(method), outgoing)
            .ok_or_else(|| self.garbled("this is not for the host to ask"))?;
        let reply = self.delegation.0.parts.upstream.send(permit).await?;
        self.heard(reply).await
    }

    fn headers(&self, method: Option<&str>, version: &str) -> Vec<(String, String)> {
        let mut headers = vec![("mcp-protocol-version".to_owned(), version.to_owned())];
        if let (Some(method), MODERN) = (method, version) {
            headers.push(("mcp-method".to_owned(), method.to_owned()));
        }
        if let Some(session) = &self.session {
            headers.push(("mcp-session-id".to_owned(), session.clone()));
        }
        headers
    }

    async fn heard(&self, reply: Reply) -> Result<Heard, UpstreamFault> {
        let (status, stream) = (reply.status, reply.is_stream());
        let session = reply.header("mcp-session-id").map(str::to_owned);
        let body = collect(reply.body, crate::reply::LARGEST)
            .await
            .map_err(|broken| self.garbled(&broken.to_string()))?;
        let message = if stream {
            let mut splitter = sse::Splitter::new(LARGEST);
            let events = splitter.push(&body).map_err(|error| self.garbled(&error.to_string()))?;
            events
                .iter()
                .filter_map(|event| Json::read(sse::data(event)?.as_bytes()).ok())
                .find(|message| message.member("method").is_none())
        } else {
            Json::read(&body).ok()
        };
        Ok(Heard { status, session, message })
    }

    fn garbled(&self, what: &str) -> UpstreamFault {
        let hint = match &self.server.launch {
            None => "Check the URL.",
            Some(_) => "Look at what it wrote with `prokura servers log`.",
        };
        UpstreamFault::Garbled(format!(
            "{} ({}) did not answer as an MCP server: {what}. {hint}",
            self.server.name, self.server.endpoint
        ))
    }
}

fn client_info() -> Json {
    Json::object([
        ("name", Json::text("Prokura")),
        ("version", Json::text(env!("CARGO_PKG_VERSION"))),
    ])
}

/// A version error that still offers the modern revision: worth a second try (CM-07).
fn speaks_modern(heard: &Heard) -> bool {
    heard.error_code() == Some(&Json::from(-32022i64))
        && heard
            .message
            .as_ref()
            .and_then(|message| message.at("/error/data/supported"))
            .and_then(Json::items)
            .is_some_and(|versions| versions.contains(&Json::text(MODERN)))
}

/// Only a modern server answers an unknown method with 404 and a JSON-RPC error (ST-11).
fn modern_shape(heard: &Heard) -> bool {
    heard.status == 404
}

fn gather(result: &Json, tools: &mut Vec<Json>) -> Option<Json> {
    tools.extend(result.member("tools").and_then(Json::items).unwrap_or_default().iter().cloned());
    result.member("nextCursor").filter(|cursor| cursor.as_str().is_some()).cloned()
}
