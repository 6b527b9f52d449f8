//! One session at one Server, held for an Agent: by the aggregate endpoint, and for agents of the modern era. No Agent
//! ever sees its id.

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal};
use prokura_domain::{AccountId, AgentId, Era, Json, Outgoing, ServerId, Verb};

use crate::entrance::went_well;
use crate::header;
use crate::initialize::greeting;
use crate::path::Path;

/// Whose session it is, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    pub agent: AgentId,
    pub server: ServerId,
    pub account: AccountId,
}

impl Spot {
    pub fn of(inbound: &Inbound) -> Self {
        Self {
            agent: inbound.agent.clone(),
            server: inbound.server.clone(),
            account: inbound.account.clone(),
        }
    }
}

/// One session at one Server.
#[derive(Debug)]
pub(crate) struct Sub {
    /// The gateway's id of it.
    pub id: String,
    pub spot: Spot,
    /// The era of the Agent it is held for.
    pub era: Era,
    pub upstream: Option<String>,
    pub version: String,
    /// What the Server said of itself.
    pub greeting: Json,
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum Unopened {
    Refused(Refusal),
    /// The Server offers none.
    None,
}

impl Sub {
    /// Opens a session: greets with `params`, and says that it is ready.
    pub async fn open(
        path: &dyn Path,
        (id, spot, era): (String, Spot, Era),
        (hello, params): (Json, Json),
    ) -> Result<Self, Unopened> {
        let mut sub =
            Self { id, spot, era, upstream: None, version: String::new(), greeting: Json::Null };
        let said = sub.message("initialize", params, Some(hello.clone()));
        let reply = path.pass(said).await.map_err(Unopened::Refused)?;
        let status = reply.status;
        sub.upstream = reply.header(header::SESSION).map(str::to_owned);
        let read = greeting(reply, Some(&hello)).await;
        let message = read.ok().and_then(|(_, message)| message).filter(|_| went_well(status));
        let result = message.and_then(|mut message| message.remove("result"));
        sub.greeting = result.ok_or(Unopened::None)?;
        let version = sub.greeting.member("protocolVersion").and_then(Json::as_str);
        sub.version = version.unwrap_or(prokura_domain::protocol::LEGACY).to_owned();
        let ready = sub.message("notifications/initialized", Json::Object(Vec::new()), None);
        path.pass(ready).await.map_err(Unopened::Refused)?;
        Ok(sub)
    }

    /// Something for this session.
    pub fn inbound(&self, kind: Kind, verb: Verb, body: Bytes) -> Inbound {
        let mut headers = Vec::new();
        if !self.version.is_empty() {
            headers.push((header::VERSION.to_owned(), self.version.clone()));
        }
        if let Some(id) = &self.upstream {
            headers.push((header::SESSION.to_owned(), id.clone()));
        }
        Inbound {
            agent: self.spot.agent.clone(),
            server: self.spot.server.clone(),
            account: self.spot.account.clone(),
            era: self.era,
            session: Some(self.id.clone()),
            kind,
            outgoing: Outgoing { verb, headers, body },
        }
    }

    /// A message of our own in this session.
    pub fn message(&self, method: &str, params: Json, id: Option<Json>) -> Inbound {
        let message = crate::bridge::words::message(id.as_ref(), method, params.clone());
        let body = Bytes::from(message.to_text());
        self.inbound(Kind::Message { method: method.to_owned(), params, id }, Verb::Post, body)
    }

    /// An answer to a question of the Server.
    pub fn answer(&self, id: &Json, answer: Result<Json, (i64, &str)>) -> Inbound {
        let mut message = Json::object([("jsonrpc", Json::text("2.0")), ("id", id.clone())]);
        let result = match answer {
            Ok(result) => {
                message.set("result", result.clone());
                result
            }
            Err((code, text)) => {
                let fault =
                    Json::object([("code", Json::from(code)), ("message", Json::text(text))]);
                message.set("error", fault);
                Json::Null
            }
        };
        let body = Bytes::from(message.to_text());
        self.inbound(Kind::Answer { id: id.clone(), result }, Verb::Post, body)
    }

    /// The end of this session.
    pub fn ending(&self) -> Inbound {
        self.inbound(Kind::End, Verb::Delete, Bytes::new())
    }

    /// Whether the Server says it has this.
    pub fn offers(&self, capability: &str) -> bool {
        self.greeting.at("/capabilities").is_some_and(|all| all.member(capability).is_some())
    }
}
