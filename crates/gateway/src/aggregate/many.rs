//! A legacy session at all Servers of an Agent: one session at each Server, opened when it is first needed with the
//! Agent's own parameters, and the questions that Servers ask back, told apart by ids of our own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_delegation::{Inbound, Refusal, RefusalCode};
use prokura_domain::{AccountId, AgentId, Era, Json, Server, ServerId};
use tokio::sync::OnceCell;

use super::ears::Ears;
use crate::session::Sessions;
use crate::shared::Shared;
use crate::sub::{Spot, Sub, Unopened};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Questions of one Server that wait for an answer.
const ASKED: usize = 64;

type Key = (ServerId, AccountId);

/// A question of a Server.
#[derive(Debug)]
struct Question {
    key: Key,
    /// The id it has there.
    id: Json,
    serial: u64,
}

/// Where a request is, and its progress token.
type Under = (Arc<Sub>, Option<Json>);

/// The sessions at the Servers.
#[derive(Debug)]
pub(crate) struct Many {
    params: Json,
    subs: Mutex<HashMap<Key, Arc<OnceCell<Arc<Sub>>>>>,
    asked: Mutex<HashMap<String, Question>>,
    /// Requests under way, with their progress tokens.
    routes: Mutex<HashMap<String, Under>>,
    serial: AtomicU64,
    pub ears: Ears,
}

/// A request that is with one Server while this lives.
#[derive(Debug)]
pub(crate) struct Route(Arc<crate::session::Session>, String);

impl Many {
    pub fn new(params: Json) -> Self {
        Self {
            params,
            subs: Mutex::default(),
            asked: Mutex::default(),
            routes: Mutex::default(),
            serial: AtomicU64::new(1),
            ears: Ears::default(),
        }
    }

    /// Whether the Agent says that Servers may ask it something.
    pub fn can_be_asked(&self) -> bool {
        let asked = ["elicitation", "sampling", "roots"];
        let said = self.params.member("capabilities");
        said.is_some_and(|said| asked.iter().any(|name| said.member(name).is_some()))
    }

    /// The sessions that are open now.
    pub fn open_subs(&self) -> Vec<Arc<Sub>> {
        let subs = self.subs.lock().unwrap_or_else(PoisonError::into_inner);
        subs.values().filter_map(|cell| cell.get()).map(Arc::clone).collect()
    }

    /// An id for a message of our own in these sessions.
    pub fn next_id(&self) -> Json {
        Json::text(format!("prokura-{}", self.serial.fetch_add(1, Ordering::Relaxed)))
    }

    /// The session at a Server, opened now if it is not yet.
    pub async fn sub(
        &self,
        shared: &Shared,
        agent: &AgentId,
        server: &Server,
        account: &AccountId,
    ) -> Result<Arc<Sub>, Refusal> {
        let key = (server.id.clone(), account.clone());
        let cell = {
            let mut subs = self.subs.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(subs.entry(key).or_default())
        };
        let opening = || async {
            let opened = tokio::time::timeout(HANDSHAKE, self.open(shared, agent, server, account));
            opened.await.unwrap_or_else(|_| Err(unreachable(server, "it did not answer in time")))
        };
        cell.get_or_try_init(opening).await.map(Arc::clone)
    }

    /// The session at a Server, where there is one.
    fn known(&self, key: &Key) -> Option<Arc<Sub>> {
        let subs = self.subs.lock().unwrap_or_else(PoisonError::into_inner);
        subs.get(key).and_then(|cell| cell.get()).map(Arc::clone)
    }

    /// Forgets a session that its Server no longer knows.
    pub fn forget(&self, sub: &Sub) {
        let key = (sub.spot.server.clone(), sub.spot.account.clone());
        let mut subs = self.subs.lock().unwrap_or_else(PoisonError::into_inner);
        if subs.get(&key).and_then(|cell| cell.get()).is_some_and(|known| known.id == sub.id) {
            subs.remove(&key);
        }
    }

    async fn open(
        &self,
        shared: &Shared,
        agent: &AgentId,
        server: &Server,
        account: &AccountId,
    ) -> Result<Arc<Sub>, Refusal> {
        let spot =
            Spot { agent: agent.clone(), server: server.id.clone(), account: account.clone() };
        let place = (Sessions::mint(&*shared.entropy), spot, Era::Legacy);
        let hello = (self.next_id(), self.params.clone());
        match Sub::open(&*shared.path, place, hello).await {
            Ok(sub) => Ok(Arc::new(sub)),
            Err(Unopened::Refused(refusal)) => Err(refusal),
            Err(Unopened::None) => {
                let text = format!("The server {} does not answer as an MCP server.", server.name);
                Err(Refusal::new(RefusalCode::Unreachable, text))
            }
        }
    }

    /// Notes that a request is with one Server, so that a cancellation can follow it.
    pub fn route(
        session: &Arc<crate::session::Session>,
        many: &Self,
        (id, progress): (&Json, Option<Json>),
        sub: &Arc<Sub>,
    ) -> Route {
        let mut routes = many.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.insert(id.to_text(), (Arc::clone(sub), progress));
        Route(Arc::clone(session), id.to_text())
    }

    /// Whether a request that is with this Server asked for progress under this token.
    pub fn expects(&self, sub: &Sub, token: &Json) -> bool {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.values().any(|(to, own)| to.id == sub.id && own.as_ref() == Some(token))
    }

    /// Where a request is.
    pub fn routed(&self, id: &Json) -> Option<Arc<Sub>> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(&id.to_text()).map(|(sub, _)| Arc::clone(sub))
    }

    /// A question of a Server as the Agent gets it: with an id that no other Server's question has. A Server's word
    /// that it no longer asks names that id too; about anything else it has no word.
    pub fn told_apart(&self, sub: &Sub, mut message: Json) -> Option<Json> {
        let key = (sub.spot.server.clone(), sub.spot.account.clone());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = message.member("id").cloned() {
            let serial = self.serial.fetch_add(1, Ordering::Relaxed);
            let theirs = |question: &&Question| question.key == key;
            if asked.values().filter(theirs).count() >= ASKED {
                let oldest = asked.values().filter(theirs).map(|question| question.serial).min();
                asked.retain(|_, question| Some(question.serial) != oldest);
            }
            let own = Json::text(format!("prokura-{serial}"));
            asked.insert(own.to_text(), Question { key, id, serial });
            message.set("id", own);
        } else {
            let theirs = message.at("/params/requestId")?;
            let (own, _) = asked.iter().find(|(_, one)| one.key == key && one.id == *theirs)?;
            let own = Json::read(own.as_bytes()).ok()?;
            message.member_mut("params")?.set("requestId", own);
        }
        Some(message)
    }

    /// Whose question an answer answers, and the id it has there.
    pub fn asker(&self, id: &Json) -> Option<(Arc<Sub>, Json)> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let question = asked.remove(&id.to_text())?;
        Some((self.known(&question.key)?, question.id))
    }

    /// The messages that end the sessions.
    pub fn endings(&self) -> Vec<Inbound> {
        self.open_subs().iter().map(|sub| sub.ending()).collect()
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        if let crate::session::Place::All(many) = &self.0.place {
            many.routes.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
        }
    }
}

fn unreachable(server: &Server, why: &str) -> Refusal {
    let text = format!("The server {} cannot be reached: {why}.", server.name);
    Refusal::new(RefusalCode::Unreachable, text)
}
