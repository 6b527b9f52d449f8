//! What a Server over HTTP would say, said for a process: sessions with ids of our own, status codes, streams. A session
//! belongs to the Agent that began it.

use std::sync::Arc;
use std::time::Duration;

use prokura_delegation::{Reply, UpstreamFault};
use prokura_domain::id::base32;
use prokura_domain::protocol::{META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN};
use prokura_domain::{Json, Outgoing, Verb};
use prokura_policy::{Permit, Spender};

use super::envelope::{self, Kind, value, with};
use super::outlet::{Said, empty, said, whole};
use super::slot::Slot;
use super::talk::{From, Talk};
use super::{Launched, LocalParts};

/// How long a process may take to begin its answer (CT-11).
const FIRST_LINE: Duration = Duration::from_secs(600);
/// How long the handshake may take. Some fetch themselves from the internet first.
const HANDSHAKE: Duration = Duration::from_secs(120);
/// How long a process may take to say what it speaks; whoever takes longer does not speak the modern era.
const PROBE: Duration = Duration::from_secs(10);

/// One message, at one Server.
struct Visit<'a> {
    parts: &'a LocalParts,
    slot: &'a Arc<Slot>,
    launched: &'a Launched,
    agent: &'a Spender,
}

/// Sends what a Permit holds.
pub(super) async fn enter(
    parts: &LocalParts,
    slot: &Arc<Slot>,
    launched: &Launched,
    permit: &Permit,
) -> Result<Reply, UpstreamFault> {
    let visit = Visit { parts, slot, launched, agent: permit.spender() };
    let outgoing = permit.outgoing();
    let session = header(outgoing, "mcp-session-id");
    match outgoing.verb {
        Verb::Post => visit.post(outgoing, session).await,
        Verb::Get => {
            let listening = session.and_then(|id| slot.session(id, visit.agent)?.listen(id));
            Ok(listening.map_or_else(no_session, |outlet| outlet.stream(None, None)))
        }
        Verb::Delete => {
            let Some(id) = session.filter(|id| slot.session(id, visit.agent).is_some()) else {
                return Ok(no_session());
            };
            slot.close(id);
            Ok(empty(200))
        }
    }
}

impl Visit<'_> {
    async fn post(
        &self,
        outgoing: &Outgoing,
        session: Option<&str>,
    ) -> Result<Reply, UpstreamFault> {
        let Ok(text) = String::from_utf8(outgoing.body.to_vec()) else {
            return Ok(refused(400, None, -32700, "This is not JSON."));
        };
        let Some(kind) = envelope::kind(&text) else {
            return Ok(refused(400, None, -32600, "This is not a message."));
        };
        if let Kind::Request { id, method } = &kind
            && method == "initialize"
        {
            return self.initialize(id, text).await;
        }
        let version = header(outgoing, "mcp-protocol-version");
        let (talk, session) = match session {
            Some(id) => match self.slot.session(id, self.agent) {
                Some(talk) => (talk, Some(id)),
                None => return Ok(no_session()),
            },
            None if version == Some(MODERN) => match self.modern().await? {
                Some(talk) => (talk, None),
                None => return Ok(refused(400, id_of(&kind), -32000, ONLY_SESSIONS)),
            },
            None => return Ok(refused(400, id_of(&kind), -32000, ONLY_SESSIONS)),
        };
        let from = From { agent: self.agent, session };
        match kind {
            Kind::Request { id, method } => self.request(&talk, from, (&id, &method), text).await,
            Kind::Note { method } => self.accepted(talk.tell(from, Some(&method), text).await),
            Kind::Answer { .. } => self.accepted(talk.tell(from, None, text).await),
        }
    }

    fn accepted(&self, sent: bool) -> Result<Reply, UpstreamFault> {
        if sent { Ok(empty(202)) } else { Err(self.ended()) }
    }

    async fn request(
        &self,
        talk: &Arc<Talk>,
        from: From<'_>,
        (id, method): (&str, &str),
        text: String,
    ) -> Result<Reply, UpstreamFault> {
        if let ("resources/unsubscribe", Some(session)) = (method, from.session)
            && !talk.unsubscribes_alone(session, &text)
        {
            return Ok(whole(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)));
        }
        let asked = talk.ask(from, (id, method), text).await;
        let (outlet, ticket) = asked.ok_or_else(|| self.ended())?;
        match tokio::time::timeout(FIRST_LINE, outlet.reply(ticket)).await {
            Ok(reply) => reply.ok_or_else(|| self.ended()),
            Err(_) => Err(UpstreamFault::Unreachable(format!(
                "{} did not answer within {} minutes.",
                self.launched.name,
                FIRST_LINE.as_secs() / 60
            ))),
        }
    }

    /// The process for messages without a session; `None` where the program knows only sessions.
    async fn modern(&self) -> Result<Option<Arc<Talk>>, UpstreamFault> {
        if self.slot.speaks_modern() == Some(false) {
            return Ok(None);
        }
        let _one = self.slot.turn.lock().await;
        if let Some(talk) = self.slot.modern() {
            return Ok(Some(talk));
        }
        if self.slot.speaks_modern() == Some(false) {
            return Ok(None);
        }
        let talk = self.slot.start(self.parts, self.launched).await?;
        match self.probe(&talk).await {
            Some(true) => {
                self.slot.spoke(true);
                self.slot.keep_modern(&talk);
                Ok(Some(talk))
            }
            Some(false) => {
                self.slot.spoke(false);
                self.slot.keep_spare(talk);
                Ok(None)
            }
            // It may not have understood the question at all: a fresh one for the first session.
            None if talk.lives() => {
                talk.end_soon("It did not say what it speaks.");
                self.slot.spoke(false);
                Ok(None)
            }
            None => {
                // Some end at what they do not know. That is an answer too, and no second try is worth a crash.
                self.slot.spoke(false);
                Ok(None)
            }
        }
    }

    /// Whether a process speaks the modern era (CM-10: never keyed to one code); `None` without an answer.
    async fn probe(&self, talk: &Arc<Talk>) -> Option<bool> {
        let meta = Json::object([
            (META_VERSION, Json::text(MODERN)),
            (
                META_CLIENT,
                Json::object([
                    ("name", Json::text("Prokura")),
                    ("version", Json::text(env!("CARGO_PKG_VERSION"))),
                ]),
            ),
            (META_CAPABILITIES, Json::Object(Vec::new())),
        ]);
        let message = Json::object([
            ("jsonrpc", Json::text("2.0")),
            ("id", Json::text("prokura-probe")),
            ("method", Json::text("server/discover")),
            ("params", Json::object([("_meta", meta)])),
        ]);
        let from = From { agent: &Spender::Host, session: None };
        let named = ("\"prokura-probe\"", "server/discover");
        let (mut outlet, ticket) = talk.ask(from, named, message.to_text()).await?;
        let answer = tokio::time::timeout(PROBE, async {
            loop {
                match outlet.next().await? {
                    Said::Event(_) => {}
                    Said::Last(text) => return Some(text),
                }
            }
        });
        let answer = answer.await.ok().flatten()?;
        ticket.done();
        let versions = value(&answer, &["result", "supportedVersions"]).unwrap_or_default();
        let code = envelope::error_code(&answer);
        Some(
            versions.contains(&format!("\"{MODERN}\""))
                || matches!(code, Some("-32020" | "-32021" | "-32022")),
        )
    }

    /// The start of a session. Sessions of one revision that can be asked nothing share a process; any other has its own,
    /// for nothing in a Server's question says which session it is for.
    async fn initialize(&self, id: &str, text: String) -> Result<Reply, UpstreamFault> {
        let params = Json::read(text.as_bytes()).ok();
        let params = params.as_ref().and_then(|message| message.member("params"));
        let shares = params
            .and_then(|params| params.member("capabilities"))
            .is_none_or(|able| able.members().is_some_and(<[_]>::is_empty));
        let version = params
            .and_then(|params| params.member("protocolVersion"))
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned();
        let session = self.mint();
        let _one = match shares {
            true => Some(self.slot.turn.lock().await),
            false => None,
        };
        if shares && let Some(talk) = self.slot.shared(&version) {
            let greeting = talk.greeting.get().map(|(_, greeting)| greeting.as_str());
            let greeting = greeting.unwrap_or("{}");
            talk.open(&session);
            self.slot.open(&session, self.agent, &talk);
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{greeting}}}"#);
            return Ok(greeted(text, session));
        }
        let talk = match self.slot.take_spare() {
            Some(talk) => talk,
            None => self.slot.start(self.parts, self.launched).await?,
        };
        talk.open(&session);
        let Some(answer) = self.handshake(&talk, &session, id, text).await else {
            talk.end_soon("It did not answer the handshake.");
            return Err(UpstreamFault::Unreachable(format!(
                "{} was started, but did not answer as an MCP server. What it wrote is in Prokura, Servers, {}.",
                self.launched.name, self.launched.name
            )));
        };
        let Some(greeting) = value(&answer, &["result"]).map(str::to_owned) else {
            talk.end_soon("It refused the handshake.");
            return Ok(whole(answer));
        };
        if shares {
            let _first = talk.greeting.set((version, greeting)).is_ok();
            self.slot.keep_shared(&talk);
        }
        self.slot.open(&session, self.agent, &talk);
        Ok(greeted(answer, session))
    }

    async fn handshake(
        &self,
        talk: &Arc<Talk>,
        session: &str,
        id: &str,
        text: String,
    ) -> Option<String> {
        let from = From { agent: self.agent, session: Some(session) };
        let (mut outlet, ticket) = talk.ask(from, (id, "initialize"), text).await?;
        let answered = tokio::time::timeout(HANDSHAKE, async {
            loop {
                match outlet.next().await? {
                    // What comes before the answer is for the standing stream.
                    Said::Event(text) => talk.keep(session, text),
                    Said::Last(text) => return Some(text),
                }
            }
        });
        let answer = answered.await.ok().flatten()?;
        ticket.done();
        Some(answer)
    }

    fn mint(&self) -> String {
        let mut bytes = [0u8; 16];
        self.parts.entropy.fill(&mut bytes);
        base32(&bytes)
    }

    fn ended(&self) -> UpstreamFault {
        let name = &self.launched.name;
        UpstreamFault::Unreachable(format!(
            "{name} ended before it answered. Try again; what it wrote is in Prokura, Servers, {name}."
        ))
    }
}

const ONLY_SESSIONS: &str = "This server knows only sessions: begin with initialize.";

fn header<'a>(outgoing: &'a Outgoing, name: &str) -> Option<&'a str> {
    outgoing.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn id_of(kind: &Kind) -> Option<&str> {
    match kind {
        Kind::Request { id, .. } => Some(id),
        Kind::Note { .. } | Kind::Answer { .. } => None,
    }
}

fn greeted(text: String, session: String) -> Reply {
    let mut reply = said(200, text);
    reply.headers.push(("mcp-session-id".to_owned(), session));
    reply
}

fn no_session() -> Reply {
    refused(404, None, -32001, "There is no such session.")
}

fn refused(status: u16, id: Option<&str>, code: i64, message: &str) -> Reply {
    let text =
        format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#);
    said(status, with(text, &["id"], id.unwrap_or("null")))
}
