//! What the Servers of a session say outside of their answers: their standing streams, opened once the Agent listens, and
//! brought together on the Agent's own. Also what has to be said again to a Server whose session is new: the log level and
//! the subscriptions. It must never let one Server speak of what belongs to another.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use prokura_delegation::{Kind, RefusalCode};
use prokura_domain::{AccountId, Json, ServerId, Verb};
use tokio::sync::{mpsc, oneshot};

use super::screen::{self, Seen};
use super::tour::Tour;
use crate::bridge::reading::Messages;
use crate::session::Session;
use crate::sub::{Spot, Sub};

/// Messages that wait for a slow Agent; what comes then is lost.
const BACKLOG: usize = 256;
/// What counts as large, in bytes, and from how many waiting messages on such a one is lost.
const LARGE: (usize, usize) = (64 * 1024, 4);
/// Resources one session may be subscribed to.
const MOST: usize = 256;
/// How long a Server may take to open its stream before it is used without.
const OPENING: Duration = Duration::from_secs(2);
/// The shortest and the longest wait before a stream is opened again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long the Servers may take to hear of a log level.
const TELLING: Duration = Duration::from_secs(5);

/// What an Agent hears in a session, beside answers.
#[derive(Debug)]
pub(crate) struct Ears {
    /// The Agent has opened a stream.
    open: AtomicBool,
    /// The sessions at Servers that were told everything, and those whose streams are heard.
    settled: Mutex<HashSet<String>>,
    heard: Mutex<HashSet<String>>,
    level: Mutex<Option<Json>>,
    subscribed: Mutex<BTreeSet<(ServerId, AccountId, String)>>,
    to: mpsc::Sender<Json>,
    /// Each message goes to exactly one of the Agent's streams (SL-04).
    pub from: Arc<tokio::sync::Mutex<mpsc::Receiver<Json>>>,
}

impl Default for Ears {
    fn default() -> Self {
        let (to, from) = mpsc::channel(BACKLOG);
        Self {
            open: AtomicBool::new(false),
            settled: Mutex::default(),
            heard: Mutex::default(),
            level: Mutex::default(),
            subscribed: Mutex::default(),
            to,
            from: Arc::new(tokio::sync::Mutex::new(from)),
        }
    }
}

fn first(table: &Mutex<HashSet<String>>, sub: &Sub) -> bool {
    table.lock().unwrap_or_else(PoisonError::into_inner).insert(sub.id.clone())
}

impl Ears {
    /// The Agent listens from now on.
    pub fn begin(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    /// Whether news of `uri` belong to a subscription at this Server: to the resource itself, or to one above it.
    pub fn hears_of(&self, spot: &Spot, uri: &str) -> bool {
        let table = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = table
            .iter()
            .filter(|(server, account, _)| *server == spot.server && *account == spot.account);
        own.any(|(.., known)| covers(known, uri))
    }

    /// Notes a subscription; `false` where there are enough.
    pub fn subscribe(&self, spot: &Spot, uri: &str) -> bool {
        let mut table = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (spot.server.clone(), spot.account.clone(), uri.to_owned());
        table.contains(&key) || (table.len() < MOST && table.insert(key))
    }

    pub fn unsubscribe(&self, spot: &Spot, uri: &str) {
        let mut table = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&(spot.server.clone(), spot.account.clone(), uri.to_owned()));
    }

    fn subscriptions(&self, spot: &Spot) -> Vec<String> {
        let table = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        let own = table
            .iter()
            .filter(|(server, account, _)| *server == spot.server && *account == spot.account);
        own.map(|(.., uri)| uri.clone()).collect()
    }

    fn level(&self) -> Option<Json> {
        self.level.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether news of `uri` belong to a subscription to `own`: the resource itself, or one below it.
pub(crate) fn covers(own: &str, uri: &str) -> bool {
    uri == own || uri.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a refusal of a stream is one for now only.
pub(crate) fn passes_by(code: RefusalCode) -> bool {
    use RefusalCode::{Changed, Paused, SignInNeeded, Unreachable, VaultLocked};
    matches!(code, Paused | Changed | Unreachable | SignInNeeded | VaultLocked)
}

/// Whether a message may wait for a slow Agent: small ones as many as there are places, large ones a few.
pub(crate) fn has_room<T>(to: &mpsc::Sender<T>, message: &Json) -> bool {
    let waiting = to.max_capacity() - to.capacity();
    waiting < LARGE.1 || message.to_text().len() <= LARGE.0
}

/// Opens the streams of the Servers that were used already.
pub(crate) async fn open(tour: &Tour, session: &Arc<Session>) {
    let Some(many) = session.many() else { return };
    for sub in many.open_subs() {
        attend(tour, session, &sub).await;
    }
}

/// Sees to a session at a Server: what it has to be told again, and its stream.
pub(crate) async fn attend(tour: &Tour, session: &Arc<Session>, sub: &Arc<Sub>) {
    let Some(many) = session.many() else { return };
    if first(&many.ears.settled, sub) {
        settle(tour, session, sub);
    }
    if !many.ears.open.load(Ordering::SeqCst) || !first(&many.ears.heard, sub) {
        return;
    }
    let (opened, opening) = oneshot::channel();
    let (tour, own, sub) = (tour.clone(), Arc::clone(session), Arc::clone(sub));
    let over = session.over.clone();
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = over.cancelled() => {}
            () = hear(&tour, &own, &sub, opened) => {}
        }
    });
    if many.can_be_asked() {
        // Some Servers ask on this stream; it has to be there first.
        let _ = tokio::time::timeout(OPENING, opening).await;
    }
}

/// Tells a new session at a Server what an earlier one knew.
fn settle(tour: &Tour, session: &Arc<Session>, sub: &Arc<Sub>) {
    let Some(many) = session.many() else { return };
    let (level, uris) = (many.ears.level(), many.ears.subscriptions(&sub.spot));
    let level = level.filter(|_| sub.offers("logging"));
    if level.is_none() && uris.is_empty() {
        return;
    }
    let (path, own, sub) = (Arc::clone(&tour.shared.path), Arc::clone(session), Arc::clone(sub));
    tokio::spawn(async move {
        let Some(many) = own.many() else { return };
        if let Some(level) = level {
            let params = Json::object([("level", level)]);
            let _ = path.pass(sub.message("logging/setLevel", params, Some(many.next_id()))).await;
        }
        for uri in uris {
            let params = Json::object([("uri", Json::text(&uri))]);
            let sent = sub.message("resources/subscribe", params, Some(many.next_id()));
            if path.pass(sent).await.is_err() {
                many.ears.unsubscribe(&sub.spot, &uri);
            }
        }
    });
}

/// `logging/setLevel`: told to every Server that has a log, now or when it is first used.
pub(crate) async fn set_level(tour: &Tour, session: &Session, level: &Json) {
    let Some(many) = session.many() else { return };
    *many.ears.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(level.clone());
    let subs = many.open_subs().into_iter().filter(|sub| sub.offers("logging"));
    let told = subs.map(|sub| {
        let params = Json::object([("level", level.clone())]);
        let sent = sub.message("logging/setLevel", params, Some(many.next_id()));
        let path = Arc::clone(&tour.shared.path);
        async move {
            let _ = path.pass(sent).await;
        }
    });
    let _ = tokio::time::timeout(TELLING, join_all(told)).await;
}

/// Hears one Server until the session is over; a stream that ends is opened again.
async fn hear(tour: &Tour, session: &Arc<Session>, sub: &Sub, opened: oneshot::Sender<()>) {
    let (mut opened, mut after, mut wait) = (Some(opened), None::<String>, AGAIN.0);
    loop {
        let mut asked = sub.inbound(Kind::Stream, Verb::Get, Bytes::new());
        if let Some(after) = &after {
            asked.outgoing.headers.push(("last-event-id".to_owned(), after.clone()));
        }
        let reply = match tour.shared.path.pass(asked).await {
            // A Server that has none, or has it no more, is left alone.
            Ok(reply) if reply.status != 200 || !reply.is_stream() => return,
            Ok(reply) => reply,
            Err(refusal) if passes_by(refusal.code) => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
                continue;
            }
            Err(_) => return,
        };
        if let Some(opened) = opened.take() {
            let _ = opened.send(());
        }
        let mut messages = Messages::of(reply);
        while let Some(Ok(message)) = messages.next().await {
            wait = AGAIN.0;
            heard(tour, session, sub, message).await;
        }
        after = messages.last_event.take().or(after);
        tokio::time::sleep(messages.retry.unwrap_or(wait).clamp(AGAIN.0, AGAIN.1)).await;
        wait = (wait * 2).min(AGAIN.1);
    }
}

async fn heard(tour: &Tour, session: &Arc<Session>, sub: &Sub, message: Json) {
    let Some(many) = session.many() else { return };
    if let (Some("ping"), Some(id)) =
        (message.member("method").and_then(Json::as_str), message.member("id"))
    {
        let _ = tour.shared.path.pass(sub.answer(id, Ok(Json::Object(Vec::new())))).await;
        return;
    }
    let Some(server) = tour.name_of(&sub.spot.server) else { return };
    let (Seen::AsItIs(message) | Seen::Changed(message)) =
        screen::aside(session, sub, &server, message)
    else {
        return;
    };
    if !has_room(&many.ears.to, &message) || many.ears.to.try_send(message).is_err() {
        tracing::info!(%server, "an agent does not listen, so what a server said is lost");
    }
}
