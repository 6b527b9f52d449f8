//! What comes back for one message of an Agent, or on the standing stream of one session: a bounded queue, and the reply
//! it becomes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use prokura_delegation::{Broken, Reply};
use tokio::sync::mpsc;

use super::envelope;
use super::pending::Ticket;

/// What may wait for a slow Agent, in bytes. More ends the answer: the process serves others too.
const ROOM: usize = 64 * 1024 * 1024;

/// One message for an Agent.
#[derive(Debug)]
pub(super) enum Said {
    /// Something on the way.
    Event(String),
    /// The answer.
    Last(String),
}

/// Where messages go in.
#[derive(Debug, Clone)]
pub(super) struct Inlet {
    sender: mpsc::UnboundedSender<Said>,
    held: Arc<AtomicUsize>,
}

/// Where they come out.
#[derive(Debug)]
pub(super) struct Outlet {
    receiver: mpsc::UnboundedReceiver<Said>,
    held: Arc<AtomicUsize>,
}

pub(super) fn pair() -> (Inlet, Outlet) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let held = Arc::new(AtomicUsize::new(0));
    (Inlet { sender, held: Arc::clone(&held) }, Outlet { receiver, held })
}

impl Inlet {
    /// Hands a message on; `false` where nobody takes it, or too much waits already.
    pub fn put(&self, said: Said) -> bool {
        let (Said::Event(text) | Said::Last(text)) = &said;
        let size = text.len();
        if self.held.fetch_add(size, Ordering::SeqCst) > ROOM {
            return false;
        }
        self.sender.send(said).is_ok()
    }

    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

impl Outlet {
    pub async fn next(&mut self) -> Option<Said> {
        let said = self.receiver.recv().await?;
        let (Said::Event(text) | Said::Last(text)) = &said;
        self.held.fetch_sub(text.len(), Ordering::SeqCst);
        Some(said)
    }

    /// The reply to a request: one message where the answer comes first, else a stream. `None`: the process ended.
    pub async fn reply(mut self, ticket: Ticket) -> Option<Reply> {
        match self.next().await? {
            Said::Last(text) => {
                ticket.done();
                Some(whole(text))
            }
            Said::Event(first) => Some(self.stream(Some(first), Some(ticket))),
        }
    }

    /// A stream of events, which ends with the answer where there is to be one.
    pub fn stream(self, first: Option<String>, ticket: Option<Ticket>) -> Reply {
        let answers = ticket.is_some();
        let head = stream::iter(first.map(|text| Ok(event(&text))));
        let rest = stream::unfold(Some((self, ticket)), move |state| async move {
            let (mut outlet, ticket) = state?;
            match outlet.next().await {
                Some(Said::Event(text)) => Some((Ok(event(&text)), Some((outlet, ticket)))),
                Some(Said::Last(text)) => {
                    ticket.into_iter().for_each(Ticket::done);
                    Some((Ok(event(&text)), None))
                }
                None if answers => Some((Err(Broken::Upstream), None)),
                None => None,
            }
        });
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        Reply { status: 200, headers, body: head.chain(rest).boxed() }
    }
}

/// One message as a reply, with the status a Server over HTTP gives it (ST-11).
pub(super) fn whole(text: String) -> Reply {
    let status = match envelope::error_code(&text) {
        Some("-32601") => 404,
        Some("-32020" | "-32021" | "-32022") => 400,
        Some(_) | None => 200,
    };
    said(status, text)
}

/// One message as a reply with this status.
pub(super) fn said(status: u16, text: String) -> Reply {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let body = stream::once(async move { Ok(Bytes::from(text)) }).boxed();
    Reply { status, headers, body }
}

/// A reply without a body.
pub(super) fn empty(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: stream::empty().boxed() }
}

/// A message in one line as an event.
fn event(text: &str) -> Bytes {
    Bytes::from(format!("event: message\ndata: {text}\n\n"))
}
