//! A session at a legacy server, kept for one modern Agent with one Account and one set of capabilities (V-03). It must
//! never serve two Agents: what a Server asks in it is answered by whom it was opened for.

mod standing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_delegation::{Inbound, Refusal, RefusalCode};
use prokura_domain::protocol::{LEGACY, META_CAPABILITIES, META_CLIENT};
use prokura_domain::{AgentId, Era, Json};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::mirror::Mirror;
use super::{Inner, request};
use crate::path::Path;
use crate::sub::{Spot, Sub, Unopened};

/// How long a session is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Sessions that are kept for one Agent.
const LIMIT: usize = 16;
/// Messages that wait for a call or a watcher.
const BACKLOG: usize = 64;

/// Whose session, and with which claims: capabilities are fixed when it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(Spot, String);

/// What a watcher wants to hear.
pub(super) type Wants = Box<dyn Fn(&Json) -> bool + Send + Sync>;

struct Watcher {
    wants: Wants,
    to: mpsc::Sender<Json>,
}

/// A kept session.
pub(super) struct Line {
    key: Key,
    pub sub: Sub,
    /// What its Agent says it can be asked.
    pub capabilities: Json,
    serial: AtomicU64,
    /// The least severe log message the Server was asked for.
    pub level: tokio::sync::Mutex<Option<usize>>,
    pub mirrored: Mirror,
    /// Requests under way, oldest first, by their id.
    calls: Mutex<Vec<(String, mpsc::Sender<Json>)>>,
    watchers: Mutex<HashMap<u64, Watcher>>,
    subscribed: Mutex<HashMap<String, usize>>,
    stands: tokio::sync::Mutex<bool>,
    used: Mutex<Instant>,
    /// Cancelled when it is over, by us or by the Server.
    pub over: CancellationToken,
}

/// All kept sessions.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<Key, Arc<OnceCell<Arc<Line>>>>>);

/// Whether the handshake of a Server works for the Agent that sent `inbound`.
pub(super) async fn opens(bridge: &Arc<Inner>, inbound: &Inbound) -> bool {
    line_for(bridge, inbound).await.is_ok()
}

/// The session for `inbound`, opened now if there is none yet.
pub(super) async fn line_for(bridge: &Arc<Inner>, inbound: &Inbound) -> Result<Arc<Line>, Refusal> {
    let meta = request(inbound).and_then(|(_, params, _)| params.member("_meta"));
    let claimed = |key: &str| meta.and_then(|meta| meta.member(key)).cloned();
    let capabilities = claimed(META_CAPABILITIES).unwrap_or_else(|| Json::Object(Vec::new()));
    let nobody = || Json::object([("name", Json::text("agent")), ("version", Json::text(""))]);
    let client = claimed(META_CLIENT).unwrap_or_else(nobody);
    let claims = format!("{}{}", capabilities.to_canonical(), client.to_canonical());
    let key = Key(Spot::of(inbound), claims);
    let (cell, dropped) = bridge.lines.cell(&key);
    for line in dropped {
        let path = Arc::clone(&bridge.path);
        tokio::spawn(async move { line.end(&*path).await });
    }
    let line = cell
        .get_or_try_init(|| async {
            let opening = open(bridge, key.clone(), capabilities, client);
            let opened = tokio::time::timeout(HANDSHAKE, opening).await;
            opened.unwrap_or_else(|_| Err(silent()))
        })
        .await?;
    line.touch();
    Ok(Arc::clone(line))
}

async fn open(
    bridge: &Arc<Inner>,
    key: Key,
    capabilities: Json,
    client: Json,
) -> Result<Arc<Line>, Refusal> {
    let params = Json::object([
        ("protocolVersion", Json::text(LEGACY)),
        ("capabilities", capabilities.clone()),
        ("clientInfo", client),
    ]);
    let place = (bridge.mint(), key.0.clone(), Era::Modern);
    let hello = (Json::text("prokura-0"), params);
    let sub = match Sub::open(&*bridge.path, place, hello).await {
        Ok(sub) => sub,
        Err(Unopened::Refused(refusal)) => return Err(refusal),
        Err(Unopened::None) => {
            let text = "The server offers neither 2026-07-28 nor a session of an earlier revision.";
            return Err(Refusal::new(RefusalCode::Unreachable, text));
        }
    };
    let line = Arc::new(Line {
        key,
        sub,
        capabilities,
        serial: AtomicU64::new(1),
        level: tokio::sync::Mutex::new(None),
        mirrored: Mirror::default(),
        calls: Mutex::default(),
        watchers: Mutex::default(),
        subscribed: Mutex::default(),
        stands: tokio::sync::Mutex::new(false),
        used: Mutex::new(Instant::now()),
        over: CancellationToken::new(),
    });
    let asked = ["elicitation", "sampling", "roots"];
    if asked.iter().any(|name| line.capabilities.member(name).is_some()) {
        // Some servers ask on the standing stream; it has to be there first.
        line.stand(&bridge.path).await;
    }
    Ok(line)
}

fn silent() -> Refusal {
    Refusal::new(RefusalCode::Unreachable, "The server did not answer the handshake in time.")
}

impl Line {
    /// An id for a message of our own in this session.
    pub fn next_id(&self) -> Json {
        Json::text(format!("prokura-{}", self.serial.fetch_add(1, Ordering::Relaxed)))
    }

    pub fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Registers a request under way; what the Server asks for it on the standing stream comes out of the receiver.
    pub fn enter(&self, id: &Json) -> mpsc::Receiver<Json> {
        let (to, from) = mpsc::channel(BACKLOG);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((id.to_text(), to));
        from
    }

    pub fn leave(&self, id: &Json) {
        let id = id.to_text();
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).retain(|(own, _)| *own != id);
        self.touch();
    }

    /// A message of the standing stream for the request it belongs to: by progress token, else the newest.
    fn to_call(&self, message: Json) -> bool {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let token = message.at("/params/progressToken").map(Json::to_text);
        let to = match token {
            Some(token) => calls.iter().find(|(id, _)| *id == token),
            None => calls.last(),
        };
        to.is_some_and(|(_, to)| to.try_send(message).is_ok())
    }

    /// Hears of changes from now on. A watcher that is too slow misses some.
    pub fn watch(&self, wants: Wants) -> (u64, mpsc::Receiver<Json>) {
        let (to, from) = mpsc::channel(BACKLOG);
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.insert(serial, Watcher { wants, to });
        (serial, from)
    }

    pub fn unwatch(&self, serial: u64) {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).remove(&serial);
        self.touch();
    }

    /// A change the Server told of, on whichever stream.
    pub fn changed(&self, message: &Json) {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.values().filter(|watcher| (watcher.wants)(message)) {
            let _ = watcher.to.try_send(message.clone());
        }
    }

    /// Counts one more who is subscribed to `uri`; says whether it is the first.
    pub fn subscribed(&self, uri: &str) -> bool {
        let mut table = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.entry(uri.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// Counts one less; says whether nobody is left.
    pub fn unsubscribed(&self, uri: &str) -> bool {
        let mut table = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = table.get_mut(uri) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            table.remove(uri);
        }
        last
    }

    /// Ends it at the Server.
    pub async fn end(&self, path: &dyn Path) {
        self.over.cancel();
        let goodbye = path.pass(self.sub.ending());
        let _ = tokio::time::timeout(Duration::from_secs(5), goodbye).await;
    }
}

impl Lines {
    /// The place of a session, and the sessions that had to go to make room for it.
    fn cell(&self, key: &Key) -> (Arc<OnceCell<Arc<Line>>>, Vec<Arc<Line>>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dropped = Vec::new();
        if table.get(key).and_then(|cell| cell.get()).is_some_and(|line| line.over.is_cancelled()) {
            table.remove(key);
        }
        if !table.contains_key(key) {
            let own = table.iter().filter(|(other, _)| other.0.agent == key.0.agent);
            if own.clone().count() >= LIMIT {
                let idle =
                    own.filter_map(|(other, cell)| Some((cell.get()?.idle()?, other.clone())));
                let oldest = idle.min_by_key(|(since, _)| *since).map(|(_, other)| other);
                let gone = oldest.and_then(|other| table.remove(&other));
                dropped.extend(gone.and_then(|cell| cell.get().map(Arc::clone)));
            }
        }
        (Arc::clone(table.entry(key.clone()).or_default()), dropped)
    }

    /// Forgets a session that its Server no longer knows.
    pub fn forget(&self, line: &Arc<Line>) {
        line.over.cancel();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table
            .get(&line.key)
            .and_then(|cell| cell.get())
            .is_some_and(|own| Arc::ptr_eq(own, line))
        {
            table.remove(&line.key);
        }
    }

    /// Takes out what is idle for long, and what belongs to Agents that are gone.
    pub fn sweep(&self, gone: impl Fn(&AgentId) -> bool) -> Vec<Arc<Line>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut swept = Vec::new();
        table.retain(|key, cell| {
            let Some(line) = cell.get() else { return !gone(&key.0.agent) };
            let idle = line.idle().is_some_and(|since| since.elapsed() > IDLE);
            let over = idle || line.over.is_cancelled() || gone(&key.0.agent);
            if over {
                swept.push(Arc::clone(line));
            }
            !over
        });
        swept
    }
}

impl Line {
    /// Since when nobody uses it; `None` while somebody does.
    fn idle(&self) -> Option<Instant> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let watched = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        (calls && watched).then(|| *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The name of a notification that says something has changed.
pub(super) fn is_change(method: &str) -> bool {
    method.ends_with("/list_changed") || method == "notifications/resources/updated"
}

/// What a Server's message is.
pub(super) enum Said {
    /// A request: id, method, parameters.
    Request(Json, String, Json),
    Notification(String),
    Response,
}

pub(super) fn said(message: &Json) -> Said {
    let method = message.member("method").and_then(Json::as_str).map(str::to_owned);
    match (method, message.member("id")) {
        (Some(method), Some(id)) => {
            let params = message.member("params").cloned();
            Said::Request(id.clone(), method, params.unwrap_or_else(|| Json::Object(Vec::new())))
        }
        (Some(method), None) => Said::Notification(method),
        (None, _) => Said::Response,
    }
}

/// The text that tells a Server why its question has no answer.
pub(super) const NOT_ASKED: (i64, &str) =
    (crate::away::METHOD_NOT_FOUND, "The client does not answer this here.");
