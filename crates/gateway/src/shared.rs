//! What all requests share, and the one background task: it ends sessions of revoked Agents and idle ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prokura_delegation::{Inbound, Kind};
use prokura_domain::registry::AgentRegistry;
use prokura_domain::{AgentId, Change, Entropy, Era, Outgoing, Verb};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::aggregate::{Cursors, Driven, Late, Names, Sort};
use crate::bridge::mirror::Mirror;
use crate::header;
use crate::load::Load;
use crate::path::Path;
use crate::session::{Place, Session, Sessions};
use crate::tasks::Tasks;
use crate::wait::Waits;

/// How often sessions are looked through.
const SWEEP: Duration = Duration::from_secs(60);
/// How often "seen now" is told of one Agent that says nothing new of itself.
const SEEN: Duration = Duration::from_secs(60);
/// News of late Servers that a stream may be behind with.
const NEWS: usize = 64;
/// How long the goodbye to a Server may take.
const GOODBYE: Duration = Duration::from_secs(10);

/// The waiting times an Agent notices.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// An answer within this time is relayed as it is; later ones come as an event stream.
    pub answer_within: Duration,
    /// The longest silence on an event stream.
    pub keep_alive: Duration,
    /// How long a session may be idle.
    pub idle: Duration,
    /// How long the first page of a list over all Servers waits for the slowest of them.
    pub list_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_millis(500),
            keep_alive: Duration::from_secs(3),
            idle: Duration::from_secs(30 * 60),
            list_within: Duration::from_secs(5),
        }
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub path: Arc<dyn Path>,
    pub registry: Option<Arc<dyn AgentRegistry>>,
    pub entropy: Arc<dyn Entropy>,
    pub port: u16,
    pub pace: Pace,
    pub sessions: Sessions,
    pub load: Load,
    pub names: Names,
    pub driven: Driven,
    /// What the tools that were found by searching want repeated in headers.
    pub mirrored: Mirror,
    pub cursors: Cursors,
    pub late: Late,
    /// A list of an Agent that is longer than it was told, because a Server was slow.
    pub news: broadcast::Sender<(AgentId, Sort)>,
    pub waits: Waits,
    pub tasks: Tasks,
    seen: Mutex<HashMap<AgentId, (Option<String>, Instant)>>,
}

impl Shared {
    pub fn start(
        path: Arc<dyn Path>,
        entropy: Arc<dyn Entropy>,
        port: u16,
        pace: Pace,
    ) -> Arc<Self> {
        let changes = path.changes();
        let registry = path.registry();
        let shared = Arc::new(Self {
            path,
            registry,
            entropy,
            port,
            pace,
            sessions: Sessions::default(),
            load: Load::default(),
            names: Names::default(),
            driven: Driven::default(),
            mirrored: Mirror::default(),
            cursors: Cursors::default(),
            late: Late::default(),
            news: broadcast::channel(NEWS).0,
            waits: Waits::default(),
            tasks: Tasks::default(),
            seen: Mutex::default(),
        });
        tokio::spawn(look_after(Arc::downgrade(&shared), changes));
        shared
    }

    /// Tells that the Agent was seen, not more often than anybody needs.
    pub fn seen(&self, agent: &AgentId, claim: Option<String>) {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let news = match seen.get(agent) {
                Some((told, at)) => at.elapsed() > SEEN || (claim.is_some() && *told != claim),
                None => true,
            };
            if !news {
                return;
            }
            seen.insert(agent.clone(), (claim.clone(), Instant::now()));
        }
        self.path.claim(agent, claim.as_deref());
    }

    /// Tells the Server that a session is over.
    pub fn say_goodbye(self: &Arc<Self>, session: &Session) {
        for ending in self.endings(session) {
            let path = Arc::clone(&self.path);
            tokio::spawn(async move {
                let _ = tokio::time::timeout(GOODBYE, path.pass(ending)).await;
            });
        }
    }

    /// The messages that end a session at its Servers.
    pub fn endings(&self, session: &Session) -> Vec<Inbound> {
        match &session.place {
            Place::One { server, account, upstream } => {
                let mut headers = Vec::new();
                if let Some(id) = upstream {
                    headers.push((header::SESSION.to_owned(), id.clone()));
                }
                if let Some(version) = &session.version {
                    headers.push((header::VERSION.to_owned(), version.clone()));
                }
                vec![Inbound {
                    agent: session.agent.clone(),
                    server: server.clone(),
                    account: account.clone(),
                    era: Era::Legacy,
                    session: Some(session.id.clone()),
                    kind: Kind::End,
                    outgoing: Outgoing { verb: Verb::Delete, headers, body: bytes::Bytes::new() },
                }]
            }
            Place::All(many) => many.endings(),
        }
    }
}

async fn look_after(shared: Weak<Shared>, mut changes: broadcast::Receiver<Change>) {
    let mut listening = true;
    let mut due = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            change = changes.recv(), if listening => match change {
                Ok(Change::Agents | Change::State) | Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
                Err(RecvError::Closed) => listening = false,
            },
        }
        let Some(shared) = shared.upgrade() else { return };
        for session in shared.sessions.sweep(shared.pace.idle, |agent| shared.path.gone(agent)) {
            if !shared.path.gone(&session.agent) {
                shared.say_goodbye(&session);
            }
        }
    }
}
