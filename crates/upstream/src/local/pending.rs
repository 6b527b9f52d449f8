//! Who waits for what of one process. Ids and progress tokens of Agents are replaced by numbers of our own, so that no
//! two Agents can have the same; a number leads back to the one request it was given to, and to no other.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use prokura_domain::protocol::META_SUBSCRIPTION;
use prokura_policy::Spender;

use super::envelope::{value, with};
use super::outlet::{Inlet, Said};
use super::talk::Talk;

/// Messages that wait for the standing stream of a session at most.
const BACKLOG: usize = 256;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    /// The Agent's own id, as JSON text.
    pub id: String,
    /// The Agent's own progress token, as JSON text.
    pub progress: Option<String>,
    pub session: Option<String>,
    pub agent: Spender,
    pub method: String,
    pub inlet: Inlet,
}

/// What a legacy session hears outside of its requests.
#[derive(Debug, Default)]
pub(super) struct Standing {
    inlet: Option<Inlet>,
    backlog: VecDeque<String>,
    /// Resources it wants to hear of, as JSON text.
    pub uris: HashSet<String>,
}

impl Standing {
    pub fn put(&mut self, text: String) {
        match self.inlet.as_ref().filter(|inlet| inlet.is_open()) {
            Some(inlet) => {
                inlet.put(Said::Event(text));
            }
            None => {
                self.inlet = None;
                self.backlog.push_back(text);
                if self.backlog.len() > BACKLOG {
                    self.backlog.pop_front();
                }
            }
        }
    }

    /// Somebody listens from now on; an earlier listener is over.
    pub fn listen(&mut self, inlet: Inlet) {
        self.backlog.drain(..).for_each(|text| {
            inlet.put(Said::Event(text));
        });
        self.inlet = Some(inlet);
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Table {
    next: u64,
    pub waiting: BTreeMap<u64, Pending>,
    pub sessions: HashMap<String, Standing>,
}

/// Whom a message without a number of ours is for.
enum Whom {
    Nobody,
    /// A request under way.
    Request(u64),
    /// The standing streams of these sessions.
    Sessions(Vec<String>),
}

impl Table {
    /// A request goes out: its number, and the text with numbers of ours in it.
    pub fn enter(&mut self, pending: Pending, text: String) -> (u64, String) {
        self.next += 1;
        let number = self.next;
        let own = number.to_string();
        let text = with(text, &["id"], &own);
        let text = with(text, &["params", "_meta", "progressToken"], &own);
        self.waiting.insert(number, pending);
        (number, text)
    }

    /// An answer came; `false` where nobody waits for it.
    pub fn answered(&mut self, id: &str, text: String) -> bool {
        let Some(pending) = id.parse().ok().and_then(|number| self.waiting.remove(&number)) else {
            return false;
        };
        let path = ["result", "_meta", META_SUBSCRIPTION];
        let text = match value(&text, &path) {
            Some(of) if of == id => with(text, &path, &pending.id),
            _ => text,
        };
        pending.inlet.put(Said::Last(with(text, &["id"], &pending.id)));
        true
    }

    /// A notification came; `false` where it cannot be told whose it is.
    pub fn noted(&mut self, method: &str, text: String) -> bool {
        let number = |path: &[&str]| value(&text, path).and_then(|of| of.parse::<u64>().ok());
        if method == "notifications/progress" {
            let path = ["params", "progressToken"];
            let pending = number(&path).and_then(|number| self.waiting.get(&number));
            let Some(pending) = pending else { return false };
            let Some(token) = &pending.progress else { return false };
            return pending.inlet.put(Said::Event(with(text, &path, token)));
        }
        let path = ["params", "_meta", META_SUBSCRIPTION];
        if let Some(pending) = number(&path).and_then(|number| self.waiting.get(&number)) {
            return pending.inlet.put(Said::Event(with(text, &path, &pending.id)));
        }
        let whom = match method {
            "notifications/resources/updated" => {
                let uri = value(&text, &["params", "uri"]).unwrap_or_default().to_owned();
                let wants = |standing: &&Standing| standing.uris.contains(&uri);
                self.all(|standing| wants(&standing))
            }
            _ if method.ends_with("/list_changed") => self.all(|_| true),
            _ => self.only(),
        };
        self.hand(whom, &text)
    }

    /// A request of the Server came; `false` where it cannot be told whom it asks.
    pub fn asked(&mut self, text: &str) -> bool {
        let whom = match self.sessions.len() {
            1 => self.only(),
            _ => Whom::Nobody,
        };
        self.hand(whom, text)
    }

    fn all(&self, wants: impl Fn(&Standing) -> bool) -> Whom {
        let wanting = self.sessions.iter().filter(|(_, standing)| wants(standing));
        Whom::Sessions(wanting.map(|(session, _)| session.clone()).collect())
    }

    /// The newest request, where all that wait are of one Agent; the only session, where none waits.
    fn only(&self) -> Whom {
        let mut waiting = self.waiting.iter().rev();
        match waiting.next() {
            Some((number, newest)) => {
                let one = waiting.all(|(_, other)| {
                    (&other.agent, &other.session) == (&newest.agent, &newest.session)
                });
                if one { Whom::Request(*number) } else { Whom::Nobody }
            }
            None if self.sessions.len() == 1 => self.all(|_| true),
            None => Whom::Nobody,
        }
    }

    fn hand(&mut self, whom: Whom, text: &str) -> bool {
        match whom {
            Whom::Nobody => false,
            Whom::Request(number) => self
                .waiting
                .get(&number)
                .is_some_and(|pending| pending.inlet.put(Said::Event(text.to_owned()))),
            Whom::Sessions(sessions) => {
                for session in &sessions {
                    if let Some(standing) = self.sessions.get_mut(session) {
                        standing.put(text.to_owned());
                    }
                }
                !sessions.is_empty()
            }
        }
    }

    /// The number of a request by the Agent's own id.
    pub fn number(&self, session: Option<&str>, agent: &Spender, id: &str) -> Option<u64> {
        let own = |pending: &Pending| {
            pending.id == id && pending.session.as_deref() == session && pending.agent == *agent
        };
        self.waiting.iter().rev().find(|(_, pending)| own(pending)).map(|(number, _)| *number)
    }
}

/// Somebody waits for the answer to a request. Dropped before it came, the request is cancelled.
#[derive(Debug)]
pub(super) struct Ticket {
    pub talk: Arc<Talk>,
    pub number: u64,
    pub open: bool,
}

impl Ticket {
    /// The answer came.
    pub fn done(mut self) {
        self.open = false;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            self.talk.give_up(self.number);
        }
    }
}

#[cfg(test)]
mod tests;
