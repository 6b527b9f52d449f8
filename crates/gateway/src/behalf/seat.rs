//! Sessions of legacy Agents for which Prokura said that questions can be shown. It must never let an Agent answer what it
//! was not asked itself.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::{AgentId, Json};
use tokio::sync::mpsc;

/// Questions that wait for a call.
const BACKLOG: usize = 16;
/// Requests of a Server that an Agent has not answered.
const MOST: usize = 1024;

/// One such session.
pub(super) struct Seat {
    agent: AgentId,
    /// Whether pages to be visited are among what was said.
    pub pages: bool,
    /// What the Agent itself was asked, by id.
    handed: Mutex<HashSet<String>>,
    /// Requests under way, oldest first.
    running: Mutex<Vec<(u64, mpsc::Sender<Json>)>>,
    serial: AtomicU64,
}

/// All of them, by the gateway's id.
#[derive(Default)]
pub(super) struct Seats(Mutex<HashMap<String, Arc<Seat>>>);

impl Seats {
    pub fn find(&self, session: &str) -> Option<Arc<Seat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(session).map(Arc::clone)
    }

    /// A new one; those of Agents that are gone go.
    pub fn put(
        &self,
        session: &str,
        agent: &AgentId,
        pages: bool,
        gone: impl Fn(&AgentId) -> bool,
    ) {
        let seat = Seat {
            agent: agent.clone(),
            pages,
            handed: Mutex::default(),
            running: Mutex::default(),
            serial: AtomicU64::new(1),
        };
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, seat| !gone(&seat.agent));
        table.insert(session.to_owned(), Arc::new(seat));
    }

    pub fn end(&self, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

impl Seat {
    /// The Agent itself is asked this.
    pub fn hands_out(&self, id: &Json) {
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        if handed.len() < MOST {
            handed.insert(id.to_text());
        }
    }

    /// Whether it was; told once.
    pub fn takes_back(&self, id: &Json) -> bool {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.to_text())
    }

    /// A number that no other has.
    pub fn next(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// A request is under way; what is asked on the standing stream comes out of the receiver.
    pub fn enter(&self) -> (u64, mpsc::Receiver<Json>) {
        let (to, from) = mpsc::channel(BACKLOG);
        let serial = self.next();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push((serial, to));
        (serial, from)
    }

    pub fn leave(&self, serial: u64) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|(own, _)| *own != serial);
    }

    /// A message of the standing stream for the newest request, as the path counts it too.
    pub fn to_newest(&self, message: Json) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.last().is_some_and(|(_, to)| to.try_send(message).is_ok())
    }

    /// A message of the standing stream that concerns whichever request asked.
    pub fn to_all(&self, message: &Json) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, to) in running.iter() {
            let _ = to.try_send(message.clone());
        }
    }
}
