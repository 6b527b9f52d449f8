//! A request of a legacy Agent: what its Server asks on the way is taken out of the stream and put before the person, and
//! the answer goes to the Server on the path, in the same session. Everything else is handed on as it came.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use prokura_delegation::{Broken, Inbound, Kind, Refusal, RefusalCode, Reply, Wait};
use prokura_domain::Json;
use prokura_domain::sse::{self, Splitter};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::ask::{ask, elicited};
use super::claims::{can_ask, with_params};
use super::front::{Front, Out};
use super::modern::collected;
use super::pages;
use super::seat::Seat;
use super::standing::{answer, in_session};
use crate::away;
use crate::bridge::json_reply;
use crate::relay::event;

/// The largest event.
const LIMIT: usize = 64 * 1024 * 1024;
/// How often a Server may send to a page before one request.
const ROUNDS: u64 = 5;

type Body = futures::stream::BoxStream<'static, Result<Bytes, Broken>>;

/// What a question came to.
enum Came {
    /// The Server was told.
    Told(Result<(), Refusal>),
    /// The person has been at every page, or not.
    Visited(bool),
}

enum Source {
    Pending(BoxFuture<'static, Result<Reply, Refusal>>),
    Open(Body, Splitter),
    Over,
}

enum Next {
    Aside(Json),
    Came(Came),
    Replied(Result<Reply, Refusal>),
    Chunk(Option<Result<Bytes, Broken>>),
}

/// One request under way.
struct Drive {
    inner: Arc<Inner>,
    seat: Arc<Seat>,
    inbound: Inbound,
    /// The id the Agent gave it, and the one it has at the Server.
    ids: (Json, Json),
    out: mpsc::Sender<Out>,
    source: Source,
    asks: FuturesUnordered<BoxFuture<'static, Came>>,
    /// What the person is asked now, by the Server's id.
    open: HashMap<String, CancellationToken>,
    /// Pages that the Server says were visited.
    visits: pages::Visits,
    /// The error that sent the person to a page, for the Agent where that comes to nothing.
    sent_away: Option<Out>,
    rounds: u64,
    answered: bool,
    spoke: bool,
}

/// Starts one.
pub(super) fn start(inner: &Arc<Inner>, seat: &Arc<Seat>, inbound: Inbound, wait: Wait) -> Front {
    let (out, front) = Front::of(&inbound);
    let Kind::Message { id: Some(id), .. } = &inbound.kind else { return front };
    let (path, sent) = (Arc::clone(&inner.path), inbound.clone());
    let pending = Box::pin(async move { path.pass_within(sent, wait).await });
    let drive = Drive {
        inner: Arc::clone(inner),
        seat: Arc::clone(seat),
        ids: (id.clone(), id.clone()),
        inbound,
        out: out.clone(),
        source: Source::Pending(pending),
        asks: FuturesUnordered::new(),
        open: HashMap::new(),
        visits: pages::Visits::default(),
        sent_away: None,
        rounds: 0,
        answered: false,
        spoke: false,
    };
    tokio::spawn(async move {
        let seat = Arc::clone(&drive.seat);
        let (serial, aside) = seat.enter();
        tokio::select! {
            biased;
            () = out.closed() => {}
            () = drive.run(aside) => {}
        }
        seat.leave(serial);
    });
    front
}

impl Drive {
    async fn run(mut self, mut aside: mpsc::Receiver<Json>) {
        while !matches!(self.source, Source::Over) || self.sent_away.is_some() {
            match self.next(&mut aside).await {
                Next::Aside(message) => {
                    self.looks_at(&message);
                }
                Next::Came(Came::Told(Ok(()))) => {}
                Next::Came(Came::Told(Err(refusal))) => {
                    let code = away::code_of(refusal.code);
                    return self.fault(code, &refusal.message).await;
                }
                Next::Came(Came::Visited(been)) => self.visited(been).await,
                Next::Replied(reply) => self.replied(reply).await,
                Next::Chunk(chunk) => self.chunk(chunk).await,
            }
        }
    }

    async fn next(&mut self, aside: &mut mpsc::Receiver<Json>) -> Next {
        let source = &mut self.source;
        let coming = async {
            match source {
                Source::Pending(pending) => Next::Replied(pending.await),
                Source::Open(body, _) => Next::Chunk(body.next().await),
                Source::Over => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(came) = self.asks.next(), if !self.asks.is_empty() => Next::Came(came),
            Some(message) = aside.recv() => Next::Aside(message),
            next = coming => next,
        }
    }

    async fn say(&mut self, out: Out) {
        self.spoke |= matches!(out, Out::Event(_));
        // Nobody listening ends this from outside.
        let _ = self.out.send(out).await;
    }

    async fn fault(&mut self, code: i64, text: &str) {
        let message = away::error(Some(&self.ids.0), code, text, None);
        self.last(message).await;
    }

    /// The last word, as an event where the Agent has heard one.
    async fn last(&mut self, message: Json) {
        let out = match self.spoke {
            true => Out::Event(event(&message.to_text()).to_vec()),
            false => Out::Whole(json_reply(200, &message)),
        };
        self.say(out).await;
        self.source = Source::Over;
    }

    async fn replied(&mut self, reply: Result<Reply, Refusal>) {
        let reply = match reply {
            Ok(reply) => reply,
            Err(refusal) if self.spoke || self.rounds > 0 => {
                return self.fault(away::code_of(refusal.code), &refusal.message).await;
            }
            Err(refusal) => {
                self.answered = true;
                self.source = Source::Over;
                return self.say(Out::Refused(refusal)).await;
            }
        };
        if reply.is_stream() && reply.status < 300 {
            self.source = Source::Open(reply.body, Splitter::new(LIMIT));
            return;
        }
        self.source = Source::Over;
        self.answered = true;
        let (status, headers) = (reply.status, reply.headers);
        match collected(reply.body).await {
            Err(broken) => self.say(Out::Broken(broken)).await,
            Ok(body) => {
                let message = Json::read(&body).ok();
                let pages = message.as_ref().and_then(|message| self.pages_in(message));
                let renamed = message
                    .filter(|_| self.ids.0 != self.ids.1)
                    .map(|message| Bytes::from(self.under_its_id(message).to_text()));
                let body = renamed.unwrap_or(body);
                let whole = body.clone();
                let stream = futures::stream::once(async move { Ok(body) }).boxed();
                let out = match self.spoke {
                    true => Out::Event(event(&String::from_utf8_lossy(&whole)).to_vec()),
                    false => Out::Whole(Reply { status, headers, body: stream }),
                };
                self.leaves(out, pages).await;
            }
        }
    }

    async fn chunk(&mut self, chunk: Option<Result<Bytes, Broken>>) {
        let Source::Open(_, splitter) = &mut self.source else { return };
        let events = match chunk {
            Some(Ok(chunk)) => splitter.push(&chunk).map_err(|_| Broken::TooLarge),
            Some(Err(broken)) => Err(broken),
            None => {
                let rest = std::mem::replace(splitter, Splitter::new(LIMIT)).rest();
                self.source = Source::Over;
                Ok(if rest.is_empty() { Vec::new() } else { vec![rest] })
            }
        };
        match events {
            Ok(events) => {
                for event in events {
                    self.event(event).await;
                }
            }
            Err(broken) => {
                self.source = Source::Over;
                self.say(Out::Broken(broken)).await;
            }
        }
    }

    async fn event(&mut self, event: Vec<u8>) {
        let message = sse::data(&event).and_then(|data| Json::read(data.as_bytes()).ok());
        let Some(message @ Json::Object(_)) = message else {
            return self.say(Out::Event(event)).await;
        };
        if self.looks_at(&message) {
            return;
        }
        let answer = message.member("method").is_none()
            && (message.member("id") == Some(&self.ids.1)
                || (message.member("id").is_none() && message.member("error").is_some()));
        if !answer {
            return self.say(Out::Event(event)).await;
        }
        self.answered = true;
        let pages = self.pages_in(&message);
        let event = match self.ids.0 == self.ids.1 {
            true => event,
            false => sse::with_data(&event, &self.under_its_id(message).to_text()),
        };
        self.leaves(Out::Event(event), pages).await;
    }

    /// The answer goes to the Agent, unless it sends the person to a page first.
    async fn leaves(&mut self, out: Out, pages: Option<Vec<Json>>) {
        let Some(pages) = pages else {
            self.say(out).await;
            self.source = Source::Over;
            return;
        };
        self.rounds += 1;
        self.sent_away = Some(out);
        self.source = Source::Over;
        let path = Arc::clone(&self.inner.path);
        let asking =
            pages::visit(path, self.inbound.clone(), pages, self.visits.clone(), self.out.clone());
        self.asks.push(Box::pin(async move { Came::Visited(asking.await) }));
    }

    /// The pages that have to be visited first, where the person can be shown them.
    fn pages_in(&self, message: &Json) -> Option<Vec<Json>> {
        (self.seat.pages && self.rounds < ROUNDS).then(|| pages::first(message)).flatten()
    }

    fn under_its_id(&self, mut message: Json) -> Json {
        if message.member("id").is_some() {
            message.set("id", self.ids.0.clone());
        }
        message
    }

    async fn visited(&mut self, been: bool) {
        let error = self.sent_away.take();
        if !been {
            if let Some(error) = error {
                self.say(error).await;
            }
            return;
        }
        // The Server has ended it, so it begins anew, under an id of its own.
        let id = Json::text(format!("prokura-behalf-{}", self.seat.next()));
        let Kind::Message { params, .. } = &self.inbound.kind else { return };
        let Some(again) = with_params(&self.inbound, params.clone(), Some(id.clone())) else {
            return;
        };
        self.ids.1 = id;
        self.answered = false;
        let path = Arc::clone(&self.inner.path);
        self.source = Source::Pending(Box::pin(async move { path.pass(again).await }));
    }

    /// A message of the Server on its way to the Agent: whether it stays here.
    fn looks_at(&mut self, message: &Json) -> bool {
        let method = message.member("method").and_then(Json::as_str).unwrap_or_default();
        match (method, message.member("id")) {
            ("elicitation/create", Some(id)) => {
                let params = message.member("params").cloned().unwrap_or(Json::Object(Vec::new()));
                self.asked(id.clone(), params);
                true
            }
            ("notifications/elicitation/complete", None) => {
                self.visits.over(message.at("/params/elicitationId").and_then(Json::as_str));
                true
            }
            ("notifications/cancelled", None) => {
                let of = message.at("/params/requestId").map(Json::to_text).unwrap_or_default();
                match self.open.remove(&of) {
                    Some(gone) => {
                        gone.cancel();
                        true
                    }
                    None => false,
                }
            }
            ("", _) => false,
            (_, Some(id)) => {
                self.seat.hands_out(id);
                false
            }
            (_, None) => false,
        }
    }

    /// The person is asked; the Server gets the answer, or is told why there is none.
    fn asked(&mut self, id: Json, params: Json) {
        if !matches!(&self.inbound.kind, Kind::Message { method, .. } if can_ask(method)) {
            let text = "The client does not answer this here.";
            let refusal = Refusal::new(RefusalCode::Unknown, text);
            let (path, told) =
                (Arc::clone(&self.inner.path), answer(&self.inbound, &id, Err(refusal)));
            self.asks.push(Box::pin(async move {
                // The path has nothing it could rest on, and may say so.
                let _ = path.pass(told).await;
                Came::Told(Ok(()))
            }));
            return;
        }
        let gone = CancellationToken::new();
        self.open.insert(id.to_text(), gone.clone());
        let path = Arc::clone(&self.inner.path);
        let asking =
            ask(Arc::clone(&path), elicited(&self.inbound, params, false), self.out.clone());
        let within = self.inbound.clone();
        self.asks.push(Box::pin(async move {
            let reaction = tokio::select! {
                biased;
                () = gone.cancelled() => return Came::Told(Ok(())),
                reaction = asking => reaction,
            };
            let told = path.pass(answer(&within, &id, reaction)).await;
            Came::Told(told.map(drop))
        }));
    }
}

impl Drop for Drive {
    /// The Server hears that nobody waits any more: the Agent's own word does not reach a call that was held.
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let params = Json::object([
            ("requestId", self.ids.1.clone()),
            ("reason", Json::text("The agent stopped waiting.")),
        ]);
        let method = "notifications/cancelled";
        let body = crate::bridge::words::message(None, method, params.clone());
        let kind = Kind::Message { method: method.to_owned(), params, id: None };
        let cancelled = in_session(&self.inbound, kind, &body);
        let path = Arc::clone(&self.inner.path);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = path.pass(cancelled).await;
            });
        }
    }
}
