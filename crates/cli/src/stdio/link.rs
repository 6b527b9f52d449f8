//! What both directions share: the connection there is, what waits for an answer, and what has to be said again on the
//! next connection. A lock is never held while a byte is carried, so neither direction can hold the other up.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::head::{Head, error};

/// How long what the agent says waits for a Prokura that has just gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// Own code: the connection broke while the request was under way.
const WENT_AWAY: i64 = 50_305;

/// Why there is no connection.
#[derive(Debug, Clone)]
pub struct Absence {
    pub code: i64,
    pub text: String,
    /// `None`: there never was one.
    pub since: Option<Instant>,
    /// Only the agent's next request may change it: whoever let us in has thrown us out, or does not let us in.
    pub settled: bool,
}

impl Absence {
    fn lasts(&self) -> Duration {
        self.since.map_or(Duration::MAX, |since| since.elapsed())
    }
}

/// The id of a handshake, and its line.
pub type Greeting = (String, Vec<u8>);

struct State {
    stream: Option<UnixStream>,
    absence: Absence,
    /// How often a connection was tried in vain.
    tries: u64,
    /// The agent waits for one.
    wanted: bool,
    /// Requests of the agent under way, by id, with their method.
    open: HashMap<String, String>,
    greeting: Option<Greeting>,
    ready: Option<Vec<u8>>,
    /// The agent said its last word.
    left: bool,
    was_there: bool,
}

/// See above.
pub struct Link {
    state: Mutex<State>,
    changed: Condvar,
}

impl Link {
    pub fn new(absence: Absence) -> Self {
        let state = State {
            stream: None,
            absence,
            tries: 0,
            wanted: false,
            open: HashMap::new(),
            greeting: None,
            ready: None,
            left: false,
            was_there: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one line of the agent, or answers it where there is nobody to send it to.
    pub fn send(&self, line: &[u8]) -> io::Result<()> {
        let head = Head::of(line);
        let mut state = self.state();
        let tries = state.tries;
        let stream = loop {
            if let Some(stream) = &state.stream {
                break stream.try_clone();
            }
            let over = state.tries > tries && state.absence.lasts() >= PATIENCE;
            if over || (state.tries > tries && state.absence.settled) || state.left {
                state.wanted = false;
                let absence = state.absence.clone();
                drop(state);
                return match head {
                    Head::Request { id, .. } => say(&error(&id, absence.code, &absence.text)),
                    Head::Notification { .. } | Head::Response { .. } | Head::Other => Ok(()),
                };
            }
            state.wanted = true;
            self.changed.notify_all();
            let waited = self.changed.wait_timeout(state, PATIENCE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        match head {
            Head::Request { id, method } => {
                if method == "initialize" {
                    state.greeting = Some((id.clone(), line.to_vec()));
                    state.ready = None;
                }
                state.open.insert(id, method);
            }
            Head::Notification { method } if method == "notifications/initialized" => {
                state.ready = Some(line.to_vec());
            }
            Head::Notification { .. } | Head::Response { .. } | Head::Other => {}
        }
        drop(state);
        // What cannot be written belongs to a connection that is just breaking; its requests are answered there.
        let _ = stream.and_then(|mut stream| stream.write_all(line));
        Ok(())
    }

    /// The agent said its last word.
    pub fn leave(&self) {
        let mut state = self.state();
        state.left = true;
        if let Some(stream) = &state.stream {
            let _ = stream.shutdown(Shutdown::Write);
        }
        self.changed.notify_all();
    }

    pub fn left(&self) -> bool {
        self.state().left
    }

    pub fn was_there(&self) -> bool {
        self.state().was_there
    }

    /// What has to be said before anything else on a new connection: the handshake with its id, and that it is done.
    pub fn opening(&self) -> (Option<Greeting>, Option<Vec<u8>>) {
        let state = self.state();
        (state.greeting.clone(), state.ready.clone())
    }

    /// From now on lines go over this connection.
    pub fn join(&self, stream: UnixStream) {
        let mut state = self.state();
        if state.left {
            let _ = stream.shutdown(Shutdown::Write);
        }
        state.stream = Some(stream);
        state.wanted = false;
        state.was_there = true;
        self.changed.notify_all();
    }

    /// A response arrived; says whether the agent waits for it.
    pub fn answered(&self, id: &str, failed: bool) -> bool {
        let mut state = self.state();
        let method = state.open.remove(id);
        // A handshake that failed opens nothing, so it is not made again.
        if failed && method.as_deref() == Some("initialize") {
            state.greeting = None;
        }
        method.is_some()
    }

    /// The connection broke, or was cut with these words. What waits for an answer gets one; a handshake is made again.
    pub fn broke(&self, cut: Option<String>, not_running: i64) -> io::Result<()> {
        let mut state = self.state();
        state.stream = None;
        let settled = cut.is_some();
        let text = cut.unwrap_or_else(|| "Prokura is not running any more.".to_owned());
        let since = Some(Instant::now());
        state.absence = Absence { code: not_running, text: text.clone(), since, settled };
        let open = std::mem::take(&mut state.open);
        let (again, lost): (HashMap<_, _>, HashMap<_, _>) =
            open.into_iter().partition(|(_, method)| method == "initialize" && !settled);
        state.open = again;
        drop(state);
        let text = match settled {
            true => format!("{text} This was under way, so look first whether it was carried out."),
            false => "Prokura went away before it answered. Send this again, it will be connected anew by itself; where \
                      it changes something, look first whether it was carried out."
                .to_owned(),
        };
        lost.keys().try_for_each(|id| say(&error(id, WENT_AWAY, &text)))
    }

    /// Nobody is there, or nobody lets us in.
    pub fn in_vain(&self, code: i64, text: String, settled: bool) {
        let mut state = self.state();
        state.tries += 1;
        // It is answered with this, and not tried again for the same request.
        state.wanted &= !settled;
        state.absence = Absence { code, text, since: state.absence.since, settled };
        self.changed.notify_all();
    }

    /// Waits until a connection should be tried: after `pause`, or after `soon` where the agent wants one. `None`: the agent
    /// left. Else whether the agent wants it, and for how long there was none.
    pub fn turn(&self, pause: Duration, soon: Duration) -> Option<(bool, Duration)> {
        let began = Instant::now();
        let mut state = self.state();
        loop {
            if state.left {
                return None;
            }
            let due = match (state.wanted, state.absence.settled) {
                (true, true) => Duration::ZERO,
                (true, false) => pause.min(soon),
                (false, true) => Duration::MAX,
                (false, false) => pause,
            };
            let rest = due.saturating_sub(began.elapsed());
            if rest.is_zero() {
                return Some((state.wanted, state.absence.lasts()));
            }
            let waited = self.changed.wait_timeout(state, rest.min(PATIENCE));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Writes one message to the agent.
pub fn say(message: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(message.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}
