//! The conversation with one process: what goes to its standard input and what comes from its standard output. It must
//! never let a line of one Agent reach another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use prokura_policy::Spender;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::envelope::{self, Kind, value, with};
use super::outlet::{self, Outlet};
use super::pending::{Pending, Standing, Table, Ticket};

/// Lines that may wait for a process that does not read.
const INPUT: usize = 256;

/// Who sends something.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    pub agent: &'a Spender,
    pub session: Option<&'a str>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Talk {
    pub pid: u32,
    input: mpsc::Sender<String>,
    table: Mutex<Table>,
    /// Cancelled when the process is to end.
    pub stop: CancellationToken,
    /// Cancelled when it has ended.
    pub over: CancellationToken,
    /// Why it was stopped.
    why: OnceLock<String>,
    /// What it said to `initialize`, where sessions may share it: the version, and the result as text.
    pub greeting: OnceLock<(String, String)>,
    initialized: AtomicBool,
    used: Mutex<Instant>,
}

impl Talk {
    /// A conversation, and the lines that go in.
    pub fn new(pid: u32) -> (Arc<Self>, mpsc::Receiver<String>) {
        let (input, lines) = mpsc::channel(INPUT);
        let talk = Self {
            pid,
            input,
            table: Mutex::default(),
            stop: CancellationToken::new(),
            over: CancellationToken::new(),
            why: OnceLock::new(),
            greeting: OnceLock::new(),
            initialized: AtomicBool::new(false),
            used: Mutex::new(Instant::now()),
        };
        (Arc::new(talk), lines)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it can still be used.
    pub fn lives(&self) -> bool {
        !self.stop.is_cancelled() && !self.over.is_cancelled()
    }

    /// Asks the process to end, and waits for that.
    pub async fn end(&self, why: &str) {
        // The first reason counts.
        let _ = self.why.set(why.to_owned());
        self.stop.cancel();
        self.over.cancelled().await;
    }

    /// The same without waiting.
    pub fn end_soon(&self, why: &str) {
        let _ = self.why.set(why.to_owned());
        self.stop.cancel();
    }

    /// Why it was asked to end; `None` where it was not.
    pub fn why(&self) -> Option<String> {
        self.stop.is_cancelled().then(|| self.why.get().cloned().unwrap_or_default())
    }

    /// Since when nobody uses it; `None` while somebody does.
    pub fn idle(&self) -> Option<Instant> {
        let table = self.table();
        let idle = table.waiting.is_empty() && table.sessions.is_empty();
        idle.then(|| *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// A legacy session begins.
    pub fn open(&self, session: &str) {
        self.table().sessions.insert(session.to_owned(), Standing::default());
    }

    /// A legacy session ends; how many are left. What it still waits for is cancelled.
    pub fn close(&self, session: &str) -> usize {
        self.touch();
        let (left, waiting): (usize, Vec<u64>) = {
            let mut table = self.table();
            table.sessions.remove(session);
            let own = table.waiting.iter();
            let own = own.filter(|(_, pending)| pending.session.as_deref() == Some(session));
            (table.sessions.len(), own.map(|(number, _)| *number).collect())
        };
        waiting.into_iter().for_each(|number| self.give_up(number));
        left
    }

    /// A message for the standing stream of a session.
    pub fn keep(&self, session: &str, text: String) {
        if let Some(standing) = self.table().sessions.get_mut(session) {
            standing.put(text);
        }
    }

    /// The standing stream of a legacy session.
    pub fn listen(&self, session: &str) -> Option<Outlet> {
        let (inlet, outlet) = outlet::pair();
        self.table().sessions.get_mut(session)?.listen(inlet);
        Some(outlet)
    }

    /// Sends a request. What comes back comes out of the outlet.
    pub async fn ask(
        self: &Arc<Self>,
        from: From<'_>,
        (id, method): (&str, &str),
        text: String,
    ) -> Option<(Outlet, Ticket)> {
        self.touch();
        let progress = value(&text, &["params", "_meta", "progressToken"]).map(str::to_owned);
        let (inlet, outlet) = outlet::pair();
        let pending = Pending {
            id: id.to_owned(),
            progress,
            session: from.session.map(str::to_owned),
            agent: from.agent.clone(),
            method: method.to_owned(),
            inlet,
        };
        let (number, text) = {
            let mut table = self.table();
            if let ("resources/subscribe", Some(session)) = (method, from.session)
                && let Some(uri) = value(&text, &["params", "uri"]).map(str::to_owned)
                && let Some(standing) = table.sessions.get_mut(session)
            {
                standing.uris.insert(uri);
            }
            table.enter(pending, text)
        };
        let ticket = Ticket { talk: Arc::clone(self), number, open: true };
        self.line(text).await.then_some((outlet, ticket))
    }

    /// Whether another session still wants to hear of the resource that this message unsubscribes from.
    pub fn unsubscribes_alone(&self, session: &str, text: &str) -> bool {
        let Some(uri) = value(text, &["params", "uri"]) else { return true };
        let mut table = self.table();
        if let Some(standing) = table.sessions.get_mut(session) {
            standing.uris.remove(uri);
        }
        !table.sessions.values().any(|standing| standing.uris.contains(uri))
    }

    /// Sends a notification, or an answer to the Server. Some need no sending.
    pub async fn tell(&self, from: From<'_>, method: Option<&str>, text: String) -> bool {
        self.touch();
        match method {
            Some("notifications/cancelled") => {
                let path = ["params", "requestId"];
                let number = value(&text, &path)
                    .and_then(|id| self.table().number(from.session, from.agent, id));
                match number {
                    Some(number) => self.line(with(text, &path, &number.to_string())).await,
                    // It was answered meanwhile, or is not this Agent's.
                    None => true,
                }
            }
            // Sessions that share a process are one session to it.
            Some("notifications/initialized") if self.initialized.swap(true, Ordering::SeqCst) => {
                true
            }
            Some(_) | None => self.line(text).await,
        }
    }

    /// One line to the process; `false` where it has ended.
    async fn line(&self, text: String) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = self.over.cancelled() => false,
            sent = self.input.send(envelope::one_line(text)) => sent.is_ok(),
        }
    }

    /// Nobody waits for a request any more.
    pub fn give_up(&self, number: u64) {
        let Some(pending) = self.table().waiting.remove(&number) else { return };
        // CT-10: a handshake cannot be cancelled.
        if pending.method != "initialize" {
            let text = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{number}}}}}"#
            );
            // A process that reads nothing hears nothing.
            let _ = self.input.try_send(text);
        }
    }

    /// A line came from the process; `false` where nothing could be done with it.
    pub fn heard(&self, text: String) -> bool {
        match envelope::kind(&text) {
            None => false,
            Some(Kind::Answer { id }) => self.table().answered(&id, text),
            Some(Kind::Note { method }) => self.table().noted(&method, text),
            Some(Kind::Request { id, method }) if method == "ping" => {
                let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
                self.input.try_send(text).is_ok()
            }
            Some(Kind::Request { id, .. }) => {
                let taken = self.table().asked(&text);
                if !taken {
                    let why = r#"{"code":-32601,"message":"Nobody here can be asked this now."}"#;
                    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{why}}}"#);
                    let _ = self.input.try_send(text);
                }
                taken
            }
        }
    }

    /// The process has ended: nobody waits any longer.
    pub fn ended(&self) {
        let mut table = self.table();
        table.waiting.clear();
        table.sessions.clear();
        drop(table);
        self.over.cancel();
    }
}
