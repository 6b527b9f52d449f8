//! Legacy sessions. A session id is random and bound to one Agent at one place as one Account; it proves nothing by
//! itself (SL-02, SL-03): whoever shows it has to be that Agent first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_domain::id::base32;
use prokura_domain::{AccountId, AgentId, Entropy, Json, ServerId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aggregate::Many;

/// Sessions of one Agent.
const LIMIT: usize = 64;
/// Standing streams of one session.
const STREAMS: usize = 4;

/// Where a session is.
#[derive(Debug)]
pub(crate) enum Place {
    /// At one Server, as one Account.
    One { server: ServerId, account: AccountId, upstream: Option<String> },
    /// At all Servers of the Agent.
    All(Box<Many>),
}

/// A legacy session.
#[derive(Debug)]
pub(crate) struct Session {
    pub id: String,
    pub agent: AgentId,
    pub place: Place,
    /// The version that was agreed on.
    pub version: Option<String>,
    /// Cancelled when the session is over.
    pub over: CancellationToken,
    open: Mutex<HashMap<String, (u64, CancellationToken)>>,
    used: Mutex<Instant>,
    busy: AtomicUsize,
    streams: AtomicUsize,
}

/// Something of a session under way: it is not idle while this lives.
#[derive(Debug)]
pub(crate) struct Busy {
    session: Arc<Session>,
    stream: bool,
}

/// A request that can be cancelled by its id while this lives.
#[derive(Debug)]
pub(crate) struct Open {
    session: Arc<Session>,
    key: String,
    serial: u64,
    pub cancelled: CancellationToken,
}

impl Session {
    pub fn new(id: String, agent: AgentId, place: Place, version: Option<String>) -> Arc<Self> {
        Arc::new(Self {
            id,
            agent,
            place,
            version,
            over: CancellationToken::new(),
            open: Mutex::default(),
            used: Mutex::new(Instant::now()),
            busy: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
        })
    }

    /// Marks it as used.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy { session: Arc::clone(self), stream: false }
    }

    /// The same for a standing stream; `None` where it has enough of them.
    pub fn stream(self: &Arc<Self>) -> Option<Busy> {
        let taken = self.streams.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
            (count < STREAMS).then_some(count + 1)
        });
        taken.ok()?;
        self.busy.fetch_add(1, Ordering::SeqCst);
        Some(Busy { session: Arc::clone(self), stream: true })
    }

    /// Registers a request, so that `notifications/cancelled` finds it.
    pub fn open(self: &Arc<Self>, id: &Json) -> Open {
        static SERIAL: AtomicUsize = AtomicUsize::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed) as u64;
        let (key, cancelled) = (id.to_text(), self.over.child_token());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(key.clone(), (serial, cancelled.clone()));
        Open { session: Arc::clone(self), key, serial, cancelled }
    }

    /// Cancels a request that still waits; says whether there was one.
    pub fn cancel(&self, id: &Json) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&id.to_text()).is_some_and(|(_, token)| {
            token.cancel();
            true
        })
    }

    fn idle_since(&self) -> Option<Instant> {
        let idle = self.busy.load(Ordering::SeqCst) == 0;
        idle.then(|| *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.session.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.session.busy.fetch_sub(1, Ordering::SeqCst);
        if self.stream {
            self.session.streams.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.session.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&self.key).is_some_and(|(serial, _)| *serial == self.serial) {
            open.remove(&self.key);
        }
    }
}

/// All legacy sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Sessions {
    /// A new id: 128 unpredictable bits in visible ASCII (SL-02).
    pub fn mint(entropy: &dyn Entropy) -> String {
        let mut bytes = [0u8; 16];
        entropy.fill(&mut bytes);
        base32(&bytes)
    }

    /// The session with this id, if it is this Agent's.
    pub fn find(&self, id: &str, agent: &AgentId) -> Option<Arc<Session>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(id).filter(|session| session.agent == *agent).map(Arc::clone)
    }

    /// Makes room for one more session of the Agent: drops the one that is idle longest. `Err` where none is idle.
    pub fn make_room(&self, agent: &AgentId) -> Result<Option<Arc<Session>>, ()> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = table.values().filter(|session| session.agent == *agent);
        if own.clone().count() < LIMIT {
            return Ok(None);
        }
        let idle = own.filter_map(|session| Some((session.idle_since()?, session.id.clone())));
        let oldest = idle.min().ok_or(())?;
        Ok(table.remove(&oldest.1).inspect(|session| session.over.cancel()))
    }

    pub fn put(&self, session: &Arc<Session>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(session.id.clone(), Arc::clone(session));
    }

    /// Forgets a session and ends what is under way in it.
    pub fn forget(&self, id: &str) -> Option<Arc<Session>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(id).inspect(|session| session.over.cancel())
    }

    /// Forgets every session that has been idle for longer than `limit`, and those of Agents that are gone.
    pub fn sweep(&self, limit: Duration, gone: impl Fn(&AgentId) -> bool) -> Vec<Arc<Session>> {
        let now = Instant::now();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |session: &Arc<Session>| {
            let idle = session.idle_since();
            idle.is_some_and(|since| now.duration_since(since) > limit) || gone(&session.agent)
        };
        let ids: Vec<String> =
            table.values().filter(|s| over(s)).map(|session| session.id.clone()).collect();
        let swept: Vec<_> = ids.iter().filter_map(|id| table.remove(id)).collect();
        swept.iter().for_each(|session| session.over.cancel());
        swept
    }
}
