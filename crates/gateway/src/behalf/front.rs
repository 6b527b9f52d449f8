//! What an Agent gets of a request that a Server asks within: what comes of it, or, before its patience ends, that it
//! should call again; then the same call finds the request where it stands, once. It must never hand one Agent's request to
//! another.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Broken, Inbound, Kind, Refusal, RefusalCode, Reply, Wait};
use prokura_domain::{Digest, Json, QuestionId, sse};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Inner;
use super::handed::digest;
use crate::sub::Spot;

/// A little longer than a Question can be answered.
const KEPT_FOR: Duration = Duration::from_secs(660);
/// Requests of one Agent that are held at once; the oldest goes first.
const MOST: usize = 32;
/// What waits for a slow Agent.
const BACKLOG: usize = 16;

/// What comes of a request.
pub(super) enum Out {
    /// The person is asked.
    Asking(QuestionId),
    Refused(Refusal),
    /// The whole answer.
    Whole(Reply),
    /// One event of it.
    Event(Vec<u8>),
    Broken(Broken),
}

/// The Agent's side of a request under way.
pub(super) struct Front {
    from: mpsc::Receiver<Out>,
    /// The last question that was put before the person.
    question: Option<QuestionId>,
    /// The id and the progress token it began with.
    began: (Option<Json>, Option<Json>),
}

/// One that its Agent was told to call again for.
struct Held {
    spot: Spot,
    session: Option<String>,
    digest: Digest,
    since: Instant,
    front: Front,
}

/// All of them.
#[derive(Default)]
pub(super) struct Holds(Mutex<Vec<Held>>);

impl Holds {
    fn put(&self, inbound: &Inbound, front: Front) {
        let Some(digest) = digest(inbound) else { return };
        let spot = Spot::of(inbound);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|held| held.since.elapsed() < KEPT_FOR);
        let own = |held: &Held| held.spot.agent == spot.agent;
        if table.iter().filter(|held| own(held)).count() >= MOST
            && let Some(oldest) = table.iter().position(own)
        {
            table.remove(oldest);
        }
        let session = inbound.session.clone();
        table.push(Held { spot, session, digest, since: Instant::now(), front });
    }

    /// The request that waits for this very call of this very Agent.
    pub fn take(&self, inbound: &Inbound, resumes: Option<&QuestionId>) -> Option<Front> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.is_empty() {
            return None;
        }
        table.retain(|held| held.since.elapsed() < KEPT_FOR);
        let (digest, spot) = (digest(inbound)?, Spot::of(inbound));
        let at = table.iter().position(|held| {
            held.spot == spot
                && held.session == inbound.session
                && held.digest == digest
                // A session has nothing to name it by but the call itself.
                && (inbound.session.is_some() || held.front.question.as_ref() == resumes)
        })?;
        Some(table.remove(at).front)
    }
}

fn names(inbound: &Inbound) -> (Option<Json>, Option<Json>) {
    let Kind::Message { params, id, .. } = &inbound.kind else { return (None, None) };
    (id.clone(), params.at("/_meta/progressToken").cloned())
}

impl Front {
    /// For a request that begins with `inbound`; what comes of it goes into the sender.
    pub fn of(inbound: &Inbound) -> (mpsc::Sender<Out>, Self) {
        let (to, from) = mpsc::channel(BACKLOG);
        (to, Self { from, question: None, began: names(inbound) })
    }

    /// The answer to `inbound`, or, where the person takes longer than its Agent waits, the word to call again.
    pub async fn respond(
        mut self,
        inner: &Arc<Inner>,
        inbound: &Inbound,
        wait: &Wait,
    ) -> Result<Reply, Refusal> {
        let since = Instant::now();
        loop {
            let next = match (wait.within, &self.question) {
                (Some(within), Some(question)) => {
                    let left = within.saturating_sub(since.elapsed());
                    match tokio::time::timeout(left, self.from.recv()).await {
                        Ok(next) => next,
                        Err(_) => {
                            let refusal = again(question);
                            inner.held.put(inbound, self);
                            return Err(refusal);
                        }
                    }
                }
                _ => self.from.recv().await,
            };
            match next {
                Some(Out::Asking(question)) => self.question = Some(question),
                Some(Out::Refused(refusal)) => return Err(refusal),
                Some(Out::Whole(reply)) => return Ok(self.whole(reply, inbound)),
                Some(Out::Event(event)) => return Ok(self.events(event, inbound)),
                Some(Out::Broken(broken)) => {
                    let text = crate::relay::sentence(&broken);
                    return Err(Refusal::new(RefusalCode::Unreachable, text));
                }
                None => {
                    let text = "The message was lost in Prokura.";
                    return Err(Refusal::new(RefusalCode::Internal, text));
                }
            }
        }
    }

    fn whole(&self, reply: Reply, inbound: &Inbound) -> Reply {
        let renaming = self.renaming(inbound);
        if renaming.is_none() {
            return reply;
        }
        let body = reply.body.map(move |chunk| {
            chunk.map(|bytes| match Json::read(&bytes) {
                Ok(message) => Bytes::from(renamed(&renaming, message).to_text()),
                Err(_) => bytes,
            })
        });
        Reply { status: reply.status, headers: reply.headers, body: body.boxed() }
    }

    fn events(self, first: Vec<u8>, inbound: &Inbound) -> Reply {
        let renaming = self.renaming(inbound);
        let rest = stream::unfold(self.from, |mut from| async move {
            loop {
                return match from.recv().await? {
                    Out::Asking(_) => continue,
                    Out::Event(event) => Some((Ok(event), from)),
                    Out::Broken(broken) => Some((Err(broken), from)),
                    // Whole answers and refusals come before any event, or not at all.
                    Out::Whole(_) | Out::Refused(_) => None,
                };
            }
        });
        let body = stream::once(async move { Ok(first) })
            .chain(rest.fuse())
            .map(move |event| event.map(|event| Bytes::from(renamed_event(&renaming, event))));
        crate::bridge::stream_reply(body.boxed())
    }

    /// The names it began with and those it has now, where they differ.
    fn renaming(&self, inbound: &Inbound) -> Option<Renaming> {
        let now = names(inbound);
        (now != self.began).then(|| Renaming { from: self.began.clone(), to: now })
    }
}

/// A call that came again has another id, and perhaps another progress token.
struct Renaming {
    from: (Option<Json>, Option<Json>),
    to: (Option<Json>, Option<Json>),
}

fn renamed(renaming: &Option<Renaming>, mut message: Json) -> Json {
    let Some(Renaming { from, to }) = renaming else { return message };
    let answers = message.member("method").is_none();
    if let (true, Some(id)) = (answers && message.member("id") == from.0.as_ref(), &to.0) {
        message.set("id", id.clone());
    }
    let token = message.at("/params/progressToken").cloned();
    if let (true, Some(token), Some(params)) =
        (token.is_some() && token == from.1, &to.1, message.member_mut("params"))
    {
        params.set("progressToken", token.clone());
    }
    message
}

fn renamed_event(renaming: &Option<Renaming>, event: Vec<u8>) -> Vec<u8> {
    if renaming.is_none() {
        return event;
    }
    let message = sse::data(&event).and_then(|data| Json::read(data.as_bytes()).ok());
    match message {
        Some(message @ Json::Object(_)) => {
            sse::with_data(&event, &renamed(renaming, message).to_text())
        }
        _ => event,
    }
}

fn again(question: &QuestionId) -> Refusal {
    let text = "The server asks the person something, who has been asked in Prokura and has not answered yet. Call \
                again with the same arguments to get the result: the call goes on where it stands, it does not begin \
                anew.";
    Refusal { question: Some(question.clone()), ..Refusal::new(RefusalCode::Waiting, text) }
}
