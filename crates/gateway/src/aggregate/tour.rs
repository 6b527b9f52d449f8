//! From Server to Server: where a message of the Agent leads, and under which names it arrives there.

use std::sync::Arc;

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode};
use prokura_domain::{AccountId, AgentId, Era, Json, Outgoing, Server, ServerId, Verb};

use super::many::Many;
use super::names::{Meaning, Sort};
use super::{address, ears, mapping};
use crate::letter::Letter;
use crate::session::{Place, Session};
use crate::shared::Shared;
use crate::sub::Sub;

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

/// Where a message goes.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    pub server: Server,
    pub account: AccountId,
    /// What that Server calls it.
    pub named: String,
}

impl Session {
    /// The sessions at the Servers, of a session that is at all of them.
    pub fn many(&self) -> Option<&Many> {
        match &self.place {
            Place::All(many) => Some(many.as_ref()),
            Place::One { .. } => None,
        }
    }
}

impl Tour {
    /// The Agent's session, where it has one.
    pub fn session(&self) -> Option<&Arc<Session>> {
        match &self.ground {
            Ground::Legacy(session) => Some(session),
            Ground::Modern(_) => None,
        }
    }

    /// Where a request leads, and its parameters as that Server knows them. What leads nowhere is unknown, whatever the
    /// reason.
    pub async fn lead(&self, letter: &Letter) -> Result<(Goal, Json), Refusal> {
        let mut params = letter.params();
        let at = |pointer: &str| {
            let text = letter.json.at(pointer).and_then(Json::as_str);
            text.map(str::to_owned).unwrap_or_default()
        };
        let goal = match letter.method() {
            Some("tools/call") => self.called(Sort::Tool, &at("/params/name")).await?,
            Some("prompts/get") => self.called(Sort::Prompt, &at("/params/name")).await?,
            Some("completion/complete") if at("/params/ref/type") == "ref/prompt" => {
                self.called(Sort::Prompt, &at("/params/ref/name")).await?
            }
            Some("completion/complete") => self.addressed(&at("/params/ref/uri"))?,
            _ => self.addressed(&at("/params/uri"))?,
        };
        let (server, named) = (goal.server.name.as_str(), Json::text(&goal.named));
        match letter.method() {
            Some("tools/call" | "prompts/get") => {
                params.set("name", named);
                if let Some(arguments) = params.member_mut("arguments") {
                    mapping::arguments(server, arguments);
                }
            }
            Some("completion/complete") => {
                let prompt = at("/params/ref/type") == "ref/prompt";
                if let Some(referred) = params.member_mut("ref") {
                    referred.set(if prompt { "name" } else { "uri" }, named);
                }
            }
            _ => params.set("uri", named),
        }
        Ok((goal, params))
    }

    /// Where a joined name leads.
    async fn called(&self, sort: Sort, joined: &str) -> Result<Goal, Refusal> {
        let mut meaning = self.shared.names.meaning(sort, joined);
        if let Meaning::Cut { server } = &meaning {
            let (server, account) = self.reached(server).ok_or_else(unknown)?;
            self.learn(sort, &server, &account).await;
            meaning = self.shared.names.meaning(sort, joined);
        }
        let Meaning::Name { server, name } = meaning else { return Err(unknown()) };
        let (server, account) = self.reached(&server).ok_or_else(unknown)?;
        Ok(Goal { server, account, named: name })
    }

    /// Where an address leads.
    pub fn addressed(&self, address: &str) -> Result<Goal, Refusal> {
        let (server, named) = address::behind(address).ok_or_else(unknown)?;
        let (server, account) = self.reached(server).ok_or_else(unknown)?;
        Ok(Goal { server, account, named })
    }

    /// Where the id of a task leads.
    pub fn task(&self, id: &str) -> Option<Goal> {
        let (server, named) = address::task_behind(id)?;
        let (server, account) = self.reached(server)?;
        Some(Goal { server, account, named: named.to_owned() })
    }

    fn reached(&self, name: &str) -> Option<(Server, AccountId)> {
        let servers = self.shared.path.servers_for(&self.agent);
        servers.into_iter().find(|(server, _)| server.name == name)
    }

    /// What a Server is called now, as long as the Agent may use something of it.
    pub fn name_of(&self, server: &ServerId) -> Option<String> {
        let servers = self.shared.path.servers_for(&self.agent);
        servers.into_iter().find(|(one, _)| one.id == *server).map(|(one, _)| one.name)
    }

    /// A modern message to a Server.
    pub fn modern(
        &self,
        (server, account): (&Server, &AccountId),
        kind: Kind,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> Inbound {
        Inbound {
            agent: self.agent.clone(),
            server: server.id.clone(),
            account: account.clone(),
            era: Era::Modern,
            session: None,
            kind,
            outgoing: Outgoing { verb: Verb::Post, headers, body },
        }
    }

    /// The session at a Server, opened now if it is not yet.
    pub async fn sub(
        &self,
        session: &Arc<Session>,
        to: (&Server, &AccountId),
    ) -> Result<Arc<Sub>, Refusal> {
        let many = session.many().ok_or_else(|| unanswered(to.0))?;
        let sub = many.sub(&self.shared, &self.agent, to.0, to.1).await?;
        ears::attend(self, session, &sub).await;
        Ok(sub)
    }
}

/// What an Agent has no Grant for does not exist for it.
pub(crate) fn unknown() -> Refusal {
    Refusal::new(RefusalCode::Unknown, "unknown")
}

pub(crate) fn unanswered(server: &Server) -> Refusal {
    let text = format!("The server {} gave no list.", server.name);
    Refusal::new(RefusalCode::Unreachable, text)
}
