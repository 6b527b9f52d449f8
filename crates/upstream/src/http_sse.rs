//! Servers that have only the transport of 2024-11-05: one stream of events that never ends, and a place of its own for what
//! is sent. Each stream is a session, so that everything above sees a Server of the sessions' era. It must never send
//! to a place that is not of the Server's own origin.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use prokura_delegation::{Broken, Reply, UpstreamFault};
use prokura_domain::sse::{self, Splitter};
use prokura_domain::{AccountId, Json, Outgoing, ServerId, Verb};
use prokura_policy::{Permit, Spender};
use reqwest::Response;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What every session here is called by.
const PREFIX: &str = "prokura-sse-";
/// How long a Server may take to name the place for messages.
const FIRST_EVENT: Duration = Duration::from_secs(10);
/// The largest event.
const LARGEST: usize = 64 * 1024 * 1024;
/// Messages that wait for one listener, and messages that wait for any.
const AHEAD: usize = 64;
/// A stream that nobody uses for so long is closed; sessions above end sooner.
const IDLE: Duration = Duration::from_secs(35 * 60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(60);

type Item = Result<Bytes, Broken>;
type Chunks = BoxStream<'static, Item>;

/// A request that waits for its answer on the stream.
#[derive(Debug)]
struct Waiting {
    serial: u64,
    id: String,
    token: Option<String>,
    to: mpsc::Sender<Item>,
}

#[derive(Debug)]
struct State {
    waiting: Vec<Waiting>,
    standing: Option<mpsc::Sender<Item>>,
    /// What nobody was there to hear.
    unheard: VecDeque<Bytes>,
    used: Instant,
}

/// Whose a stream is: of this Server, with this Account, begun by this Agent or by the Host. Nobody else finds it (SL-03).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    pub server: ServerId,
    pub account: AccountId,
    pub spender: Spender,
}

impl Whose {
    pub fn of(permit: &Permit) -> Self {
        Self {
            server: permit.server().clone(),
            account: permit.account().clone(),
            spender: permit.spender().clone(),
        }
    }
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Session {
    name: String,
    whose: Whose,
    /// Where messages are sent.
    pub to: Url,
    state: Mutex<State>,
    over: CancellationToken,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    table: Arc<Mutex<HashMap<String, Arc<Session>>>>,
    serial: AtomicU64,
}

/// What a message is for a stream.
pub(crate) enum Found {
    Session(Arc<Session>),
    /// It names a stream that is over.
    Over,
    /// It names none of ours.
    None,
}

/// Whether an answer to a handshake says that the Server may have only this transport.
pub(crate) fn may_be_old(status: u16, outgoing: &Outgoing) -> bool {
    let greets = || {
        let message = Json::read(&outgoing.body).ok();
        let method = message.as_ref().and_then(|message| message.member("method")?.as_str());
        method == Some("initialize")
    };
    matches!(status, 400 | 404 | 405) && outgoing.verb == Verb::Post && greets()
}

/// What opens a stream.
pub(crate) fn opening() -> Outgoing {
    Outgoing { verb: Verb::Get, headers: Vec::new(), body: Bytes::new() }
}

/// The field of an event.
fn field(event: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(event);
    let line = text.split(['\n', '\r']).find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned())
}

/// The place for messages that the first event names, and the rest of the stream; `None` where it is no such stream.
pub(crate) async fn named(
    server: (&str, &Url),
    response: Response,
) -> Result<Option<(Url, Events)>, UpstreamFault> {
    let streams = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"));
    if response.status().as_u16() != 200 || !streams {
        return Ok(None);
    }
    let body = response.bytes_stream().map(|chunk| chunk.map_err(|_| Broken::Upstream)).boxed();
    let mut events = Events { body, splitter: Splitter::new(LARGEST), ready: VecDeque::new() };
    let first = tokio::time::timeout(FIRST_EVENT, events.next()).await;
    let Ok(Some(Ok(first))) = first else { return Ok(None) };
    if field(&first, "event").as_deref() != Some("endpoint") {
        return Ok(None);
    }
    let place = sse::data(&first).and_then(|data| server.1.join(data.trim()).ok());
    match place {
        Some(place) if place.origin() == server.1.origin() => Ok(Some((place, events))),
        Some(place) => Err(UpstreamFault::Unreachable(format!(
            "{} wants its messages sent to {}, which is another place than its own. That is refused.",
            server.0,
            place.origin().ascii_serialization()
        ))),
        None => {
            Err(UpstreamFault::Garbled(format!("{}: its endpoint event names no URL", server.0)))
        }
    }
}

/// The events of a stream, one by one.
pub(crate) struct Events {
    body: Chunks,
    splitter: Splitter,
    ready: VecDeque<Vec<u8>>,
}

impl Events {
    async fn next(&mut self) -> Option<Result<Vec<u8>, Broken>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match self.body.next().await? {
                Ok(chunk) => match self.splitter.push(&chunk) {
                    // Comments are signs of life.
                    Ok(events) => {
                        self.ready.extend(events.into_iter().filter(|e| sse::data(e).is_some()));
                    }
                    Err(_) => return Some(Err(Broken::TooLarge)),
                },
                Err(broken) => return Some(Err(broken)),
            }
        }
    }
}

impl Sessions {
    /// The stream a message names.
    pub fn find(&self, outgoing: &Outgoing, whose: &Whose) -> Found {
        let named = outgoing.headers.iter().find(|(name, _)| name == "mcp-session-id");
        let Some((_, id)) = named.filter(|(_, id)| id.starts_with(PREFIX)) else {
            return Found::None;
        };
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |session: &&Arc<Session>| session.whose == *whose;
        table.get(id).filter(own).map_or(Found::Over, |found| Found::Session(Arc::clone(found)))
    }

    /// Begins a session over a stream, and hears it until it ends.
    pub fn begin(
        &self,
        whose: Whose,
        (to, events): (Url, Events),
        wanted: impl Fn(&Whose) -> bool + Send + Sync + 'static,
    ) -> Arc<Session> {
        let name = format!("{PREFIX}{}", self.serial.fetch_add(1, Ordering::Relaxed));
        let state = State {
            waiting: Vec::new(),
            standing: None,
            unheard: VecDeque::new(),
            used: Instant::now(),
        };
        let (over, state) = (CancellationToken::new(), Mutex::new(state));
        let session = Arc::new(Session { name, whose, to, state, over });
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(session.name.clone(), Arc::clone(&session));
        let (own, table) = (Arc::clone(&session), Arc::clone(&self.table));
        tokio::spawn(async move {
            tokio::select! {
                () = own.over.cancelled() => {}
                () = own.hear(events) => {}
                () = own.unwanted(wanted) => {}
            }
            table.lock().unwrap_or_else(PoisonError::into_inner).remove(&own.name);
            own.end();
        });
        session
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The headers by which the session is known above.
    pub fn headers(&self) -> Vec<(String, String)> {
        let kind = ("content-type".to_owned(), "text/event-stream".to_owned());
        vec![kind, ("mcp-session-id".to_owned(), self.name.clone())]
    }

    /// Ends it; who waits is told that it broke off.
    pub fn end(&self) {
        self.over.cancel();
        let mut state = self.state();
        state.standing = None;
        for waiting in state.waiting.drain(..) {
            // Who is too slow to hear this sees the stream end.
            let _ = waiting.to.try_send(Err(Broken::Upstream));
        }
    }

    async fn unwanted(&self, wanted: impl Fn(&Whose) -> bool) {
        loop {
            tokio::time::sleep(LOOK).await;
            let idle = {
                let state = self.state();
                state.waiting.is_empty() && state.used.elapsed() > IDLE
            };
            if idle || !wanted(&self.whose) {
                return;
            }
        }
    }

    async fn hear(&self, mut events: Events) {
        while let Some(Ok(event)) = events.next().await {
            let kind = field(&event, "event");
            if kind.as_deref().is_none_or(|kind| kind == "message")
                && let Some(data) = sse::data(&event)
                && let Ok(message) = Json::read(data.as_bytes())
            {
                self.route(&message, Bytes::from(event)).await;
            }
        }
    }

    /// Hands a message to whom it is for: an answer to its request, progress to what it is about, everything else to the
    /// standing stream, or to the newest request where there is none.
    async fn route(&self, message: &Json, event: Bytes) {
        let to = {
            let mut state = self.state();
            state.used = Instant::now();
            let id = message.member("id").map(Json::to_text);
            let method = message.member("method").is_some();
            let token = message.at("/params/progressToken").map(Json::to_text);
            let newest = state.waiting.last().map(|waiting| waiting.to.clone());
            if let (Some(id), false) = (&id, method) {
                let at = state.waiting.iter().position(|waiting| waiting.id == *id);
                at.map(|at| state.waiting.remove(at).to)
            } else if let Some(of) = token.and_then(|token| {
                state.waiting.iter().find(|waiting| waiting.token.as_ref() == Some(&token))
            }) {
                Some(of.to.clone())
            } else {
                let standing = state.standing.clone().filter(|to| !to.is_closed());
                let asks = id.is_some();
                let to = if asks { newest.or(standing) } else { standing.or(newest) };
                if to.is_none() && state.unheard.len() < AHEAD {
                    state.unheard.push_back(event.clone());
                }
                to
            }
        };
        if let Some(to) = to {
            // Who stopped listening hears nothing.
            let _ = to.send(Ok(event)).await;
        }
    }

    /// Registers a request before it is sent.
    pub fn wait_for(self: &Arc<Self>, id: &Json, params: Option<&Json>) -> Chunks {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let token = params.and_then(|params| params.at("/_meta/progressToken")).map(Json::to_text);
        let (to, from) = mpsc::channel(AHEAD);
        let mut state = self.state();
        flush(&mut state, &to);
        state.waiting.push(Waiting { serial, id: id.to_text(), token, to });
        state.used = Instant::now();
        drop(state);
        let listening = Listening { session: Arc::clone(self), serial, from };
        stream::unfold(listening, |mut listening| async move {
            let item = listening.from.recv().await?;
            Some((item, listening))
        })
        .boxed()
    }

    /// The standing stream. A newer one takes the place of an older.
    pub fn stand(self: &Arc<Self>) -> Reply {
        let (to, from) = mpsc::channel(AHEAD);
        let mut state = self.state();
        flush(&mut state, &to);
        state.standing = Some(to);
        drop(state);
        let body = stream::unfold(from, |mut from| async move { Some((from.recv().await?, from)) });
        let kind = ("content-type".to_owned(), "text/event-stream".to_owned());
        Reply { status: 200, headers: vec![kind], body: body.boxed() }
    }
}

/// What came while nobody listened comes first.
fn flush(state: &mut State, to: &mpsc::Sender<Item>) {
    for event in state.unheard.drain(..) {
        // There is room for all of it: both are as long.
        let _ = to.try_send(Ok(event));
    }
}

/// Somebody waits for an answer; nobody does when this is dropped.
struct Listening {
    session: Arc<Session>,
    serial: u64,
    from: mpsc::Receiver<Item>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.session.state().waiting.retain(|waiting| waiting.serial != self.serial);
    }
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: stream::empty().boxed() }
}
