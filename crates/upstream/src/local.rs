//! Outbound MCP over standard input and output: Servers that are programs of this machine. To the path they look like a
//! Server over HTTP: a Permit goes in, status, headers and a body come out.
//! It must never start what the person has not approved exactly so, hand a line of one Agent to another, or write a
//! secret anywhere but into the environment of its own process.

mod confine;
mod door;
mod envelope;
mod find;
mod journal;
mod lines;
mod outlet;
mod pending;
mod process;
mod slot;
mod talk;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use prokura_account::AccountBook;
use prokura_delegation::{Programs, Reply, Upstream, UpstreamFault};
use prokura_domain::{AccountId, Entropy, Incident, Launch, Plan, Running, ServerId};
use prokura_policy::Permit;

use journal::Journal;
use slot::Slot;

/// How long all programs together may take to end when the Host stops.
const GOODBYE: Duration = Duration::from_secs(10);

/// A local Server as it is to be started.
#[derive(Debug, Clone)]
pub struct Launched {
    /// Its name.
    pub name: String,
    /// How it is started.
    pub launch: Launch,
    /// What the person approved.
    pub approved: Option<Plan>,
}

/// Which Servers are local. `host` reads it from the store, so that this crate needs none.
pub trait Launches: Send + Sync {
    /// How a Server is started, if it is a local one and the Account belongs to it.
    fn launched(&self, server: &ServerId, account: &AccountId) -> Option<Launched>;
}

/// Hears what happens to processes.
pub type Told = Arc<dyn Fn(&ServerId, Incident) + Send + Sync>;

/// What `host` hands in.
pub struct LocalParts {
    /// Which Servers are local.
    pub launches: Arc<dyn Launches>,
    /// Where the secrets of their environments are.
    pub accounts: AccountBook,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The program that stands between this one and a started one, and ends it when this one is gone; with its first
    /// words.
    pub keeper: Vec<PathBuf>,
    /// The folder for what they write to standard error.
    pub journals: PathBuf,
    /// Masks what looks like a secret; `None` where nothing does.
    pub mask: fn(&str) -> Option<String>,
    /// Hears at once what happens to their processes.
    pub told: Told,
}

impl std::fmt::Debug for LocalParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalParts")
    }
}

/// The way out to programs of this machine.
#[derive(Clone)]
pub struct LocalUpstream(Arc<Inner>);

struct Inner {
    parts: LocalParts,
    slots: Mutex<HashMap<ServerId, Arc<Slot>>>,
    /// Whether a Server is local: it never changes, and every Call asks.
    kinds: Mutex<HashMap<ServerId, bool>>,
}

impl std::fmt::Debug for LocalUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalUpstream")
    }
}

impl LocalUpstream {
    /// The way out with these parts. Nothing is started yet.
    #[must_use]
    pub fn new(parts: LocalParts) -> Self {
        Self(Arc::new(Inner { parts, slots: Mutex::default(), kinds: Mutex::default() }))
    }

    /// Whether this Server is a program of this machine.
    #[must_use]
    pub fn serves(&self, server: &ServerId, account: &AccountId) -> bool {
        let mut kinds = self.0.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kinds.get(server) {
            return *known;
        }
        let local = self.0.parts.launches.launched(server, account).is_some();
        kinds.insert(server.clone(), local);
        local
    }

    /// Stops everything and waits for it.
    pub async fn close(&self) {
        let slots: Vec<Arc<Slot>> = self.0.slots().values().cloned().collect();
        let all = slots.iter().map(|slot| slot.stop("Prokura stops."));
        let _ended = tokio::time::timeout(GOODBYE, futures::future::join_all(all)).await.is_ok();
    }

    fn slot(&self, server: &ServerId) -> Arc<Slot> {
        let mut slots = self.0.slots();
        let journal = || Journal::at(self.0.journal(server), self.0.parts.mask);
        let fresh = || Arc::new(Slot::new(server.clone(), journal()));
        Arc::clone(slots.entry(server.clone()).or_insert_with(fresh))
    }

    fn known(&self, server: &ServerId) -> Option<Arc<Slot>> {
        self.0.slots().get(server).map(Arc::clone)
    }
}

impl Inner {
    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<ServerId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self, server: &ServerId) -> PathBuf {
        self.parts.journals.join(format!("{server}.log"))
    }
}

#[async_trait]
impl Upstream for LocalUpstream {
    async fn send(&self, permit: Permit) -> Result<Reply, UpstreamFault> {
        let gone = || UpstreamFault::Unreachable("The server was removed.".to_owned());
        let launched = self.0.parts.launches.launched(permit.server(), permit.account());
        let launched = launched.ok_or_else(gone)?;
        let slot = self.slot(permit.server());
        door::enter(&self.0.parts, &slot, &launched, &permit).await
    }
}

#[async_trait]
impl Programs for LocalUpstream {
    fn plan(&self, launch: &Launch) -> Result<Plan, String> {
        find::plan(launch)
    }

    fn running(&self, server: &ServerId) -> Running {
        self.known(server).map_or(Running::Stopped, |slot| slot.running())
    }

    async fn stop(&self, server: &ServerId, why: &str) {
        if let Some(slot) = self.known(server) {
            slot.stop(why).await;
            slot.forgive();
        }
    }

    fn said(&self, server: &ServerId) -> String {
        journal::newest(&self.0.journal(server))
    }

    fn forget(&self, server: &ServerId) {
        self.0.slots().remove(server);
        self.0.kinds.lock().unwrap_or_else(PoisonError::into_inner).remove(server);
        journal::remove(&self.0.journal(server));
    }
}
