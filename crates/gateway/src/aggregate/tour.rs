//! From Server to Server: lists are put together from all of them, and a call finds the one it is for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::protocol::MODERN;
use prokura_domain::{AccountId, AgentId, Era, Json, Outgoing, Server, Verb};

use super::many::Many;
use super::names::{Meaning, Sort};
use crate::header;
use crate::initialize::greeting;
use crate::session::{Place, Session};
use crate::shared::Shared;
use crate::sub::Sub;

/// How long one Server may take for its whole list.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pages of one list of one Server.
const PAGES: usize = 64;
/// Entries of one list of one Server.
const ENTRIES: usize = 4096;
/// Servers that are asked at once.
const AT_ONCE: usize = 8;

/// How the Servers are talked to.
#[derive(Clone)]
pub(crate) enum Ground {
    /// In sessions.
    Legacy(Arc<Session>),
    /// Message by message, with this `_meta`.
    Modern(Json),
}

/// An Agent's way through its Servers.
#[derive(Clone)]
pub(crate) struct Tour {
    pub shared: Arc<Shared>,
    pub agent: AgentId,
    pub ground: Ground,
}

/// Where a call goes.
pub(crate) struct Goal {
    pub server: Server,
    pub account: AccountId,
    /// The name at that Server.
    pub name: String,
}

impl Sort {
    fn method(self) -> &'static str {
        match self {
            Self::Tool => "tools/list",
            Self::Prompt => "prompts/list",
        }
    }

    pub fn member(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
        }
    }
}

impl Session {
    /// The sessions at the Servers, of a session that is at all of them.
    pub fn many(&self) -> Option<&Many> {
        match &self.place {
            Place::All(many) => Some(many),
            Place::One { .. } => None,
        }
    }
}

impl Tour {
    /// The entries of all Servers, by Server and then in the Server's order (SB-05). A Server that fails is left out.
    pub async fn list(&self, sort: Sort) -> Vec<Json> {
        let servers = self.shared.path.servers_for(&self.agent);
        let lists: Vec<Vec<Json>> = stream::iter(servers)
            .map(|(server, account)| async move { self.entries(sort, &server, &account).await })
            .buffered(AT_ONCE)
            .collect()
            .await;
        lists.into_iter().flatten().collect()
    }

    /// The entries of one Server under their joined names.
    async fn entries(&self, sort: Sort, server: &Server, account: &AccountId) -> Vec<Json> {
        let pages = tokio::time::timeout(PATIENCE, self.pages(sort, server, account));
        let mut entries = match pages.await {
            Ok(Ok(entries)) => entries,
            Ok(Err(why)) => {
                tracing::info!(server = %server.name, code = ?why.code, "left out of a list");
                return Vec::new();
            }
            Err(_) => {
                tracing::info!(server = %server.name, "left out of a list: too slow");
                return Vec::new();
            }
        };
        let mut taken = std::collections::HashSet::new();
        entries.retain_mut(|entry| {
            let Some(name) = entry.member("name").and_then(Json::as_str) else { return false };
            let joined = self.shared.names.join(sort, &server.name, name);
            entry.set("name", Json::text(&joined));
            taken.insert(joined)
        });
        entries
    }

    async fn pages(
        &self,
        sort: Sort,
        server: &Server,
        account: &AccountId,
    ) -> Result<Vec<Json>, Refusal> {
        let mut entries = Vec::new();
        let mut cursor: Option<Json> = None;
        for _ in 0..PAGES {
            let result = self.page(sort, server, account, cursor.take()).await?;
            let Some(Json::Array(items)) = result.member(sort.member()) else { break };
            entries.extend(items.iter().take(ENTRIES.saturating_sub(entries.len())).cloned());
            cursor = result.member("nextCursor").filter(|next| next.as_str().is_some()).cloned();
            if cursor.is_none() || entries.len() >= ENTRIES {
                break;
            }
        }
        Ok(entries)
    }

    async fn page(
        &self,
        sort: Sort,
        server: &Server,
        account: &AccountId,
        cursor: Option<Json>,
    ) -> Result<Json, Refusal> {
        let mut params = Json::Object(Vec::new());
        if let Some(cursor) = cursor {
            params.set("cursor", cursor);
        }
        match &self.ground {
            Ground::Modern(meta) => {
                params.set("_meta", meta.clone());
                let id = Json::text("prokura-list");
                let body = super::message(sort.method(), &params, Some(&id));
                let headers = vec![
                    (header::VERSION.to_owned(), MODERN.to_owned()),
                    (header::METHOD.to_owned(), sort.method().to_owned()),
                ];
                let kind = Kind::Message {
                    method: sort.method().to_owned(),
                    params,
                    id: Some(id.clone()),
                };
                let to = (server, account);
                let reply = self.shared.path.pass(self.modern(to, kind, headers, body)).await?;
                answered(server, reply, &id).await
            }
            Ground::Legacy(session) => {
                self.page_in_session(session, sort, (server, account), params).await
            }
        }
    }

    /// One page in a session. A session that its Server no longer knows is opened once more: the list did not run.
    async fn page_in_session(
        &self,
        session: &Session,
        sort: Sort,
        to: (&Server, &AccountId),
        params: Json,
    ) -> Result<Json, Refusal> {
        let many = session.many().ok_or_else(|| unanswered(to.0))?;
        for _ in 0..2 {
            let sub = many.sub(&self.shared, &self.agent, to.0, to.1).await?;
            if !sub.offers(sort.member()) {
                return Ok(Json::Null);
            }
            let id = many.next_id();
            let asked = sub.message(sort.method(), params.clone(), Some(id.clone()));
            let reply = self.shared.path.pass(asked).await?;
            if reply.status == 404 && sub.upstream.is_some() {
                many.forget(&sub);
                continue;
            }
            return answered(to.0, reply, &id).await;
        }
        Err(unanswered(to.0))
    }

    /// Where a joined name leads. What leads nowhere is unknown, whatever the reason.
    pub async fn goal(&self, sort: Sort, joined: &str) -> Result<Goal, Refusal> {
        let unknown = || Refusal::new(RefusalCode::Unknown, "unknown");
        let mut meaning = self.shared.names.meaning(sort, joined);
        if let Meaning::Cut { server } = &meaning {
            let (server, account) = self.reached(server).ok_or_else(unknown)?;
            self.entries(sort, &server, &account).await;
            meaning = self.shared.names.meaning(sort, joined);
        }
        let Meaning::Name { server, name } = meaning else { return Err(unknown()) };
        let (server, account) = self.reached(&server).ok_or_else(unknown)?;
        Ok(Goal { server, account, name })
    }

    fn reached(&self, name: &str) -> Option<(Server, AccountId)> {
        let servers = self.shared.path.servers_for(&self.agent);
        servers.into_iter().find(|(server, _)| server.name == name)
    }

    /// A modern message to a Server.
    pub fn modern(
        &self,
        to: (&Server, &AccountId),
        kind: Kind,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> Inbound {
        Inbound {
            agent: self.agent.clone(),
            server: to.0.id.clone(),
            account: to.1.clone(),
            era: Era::Modern,
            session: None,
            kind,
            outgoing: Outgoing { verb: Verb::Post, headers, body },
        }
    }

    /// The session at the Server a call goes to.
    pub async fn sub(&self, session: &Session, goal: &Goal) -> Result<Arc<Sub>, Refusal> {
        let many = session.many().ok_or_else(|| unanswered(&goal.server))?;
        many.sub(&self.shared, &self.agent, &goal.server, &goal.account).await
    }
}

/// The result in a reply.
async fn answered(server: &Server, reply: Reply, id: &Json) -> Result<Json, Refusal> {
    let (_, message) = greeting(reply, Some(id)).await.map_err(|_| unanswered(server))?;
    let mut message = message.ok_or_else(|| unanswered(server))?;
    message.remove("result").ok_or_else(|| unanswered(server))
}

fn unanswered(server: &Server) -> Refusal {
    let text = format!("The server {} gave no list.", server.name);
    Refusal::new(RefusalCode::Unreachable, text)
}
