//! An answer that streams: its events are handed on one by one, and what the Server asks in them is remembered.

use bytes::Bytes;
use futures::StreamExt as _;
use prokura_domain::sse;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Delegation;
use crate::answers::AskedFor;
use crate::message::{Broken, Inbound, Reply};
use crate::peek::{Peek, peek};
use crate::reply::{Body, Ending, LARGEST, Outcome, word};

/// Events that may wait for a slow Agent.
const BACKLOG: usize = 16;

/// Hands a stream of events on, one by one, and remembers what the Server asks in it.
pub(crate) struct Relay {
    delegation: Delegation,
    session: Option<String>,
    asked: AskedFor,
    token: CancellationToken,
    /// The largest answer, and the largest event of a stream that is none, in bytes.
    most: usize,
}

impl Relay {
    pub fn new(
        delegation: &Delegation,
        inbound: &Inbound,
        asked: AskedFor,
        token: &CancellationToken,
    ) -> Self {
        Self {
            delegation: delegation.clone(),
            session: inbound.session.clone(),
            asked,
            token: token.clone(),
            most: delegation.limits(&inbound.agent).answer_bytes().min(LARGEST),
        }
    }

    pub fn start(self, reply: Reply, outcome: Option<Outcome>) -> Reply {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let status = reply.status;
        tokio::spawn(self.run(reply.body, status, sender, outcome));
        let body = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|item| (item, receiver))
        });
        Reply { status, headers: reply.headers, body: body.fuse().boxed() }
    }

    async fn run(
        self,
        mut body: Body,
        status: u16,
        sender: mpsc::Sender<Result<Bytes, Broken>>,
        mut outcome: Option<Outcome>,
    ) {
        let mut splitter = sse::Splitter::new(self.most);
        // What belongs to no Call may go on for days.
        let (counts, mut came) = (outcome.is_some(), 0usize);
        let broken = loop {
            let chunk = tokio::select! {
                biased;
                () = self.token.cancelled() => break Broken::Revoked,
                () = sender.closed() => return,
                chunk = body.next() => chunk,
            };
            let events = match chunk {
                Some(Ok(chunk)) => {
                    came = came.saturating_add(chunk.len());
                    match splitter.push(&chunk) {
                        Ok(events) if !counts || came <= self.most => events,
                        Ok(_) | Err(_) => break Broken::TooLarge,
                    }
                }
                Some(Err(broken)) => break broken,
                None => {
                    self.last(splitter.rest(), status, &sender, outcome).await;
                    return;
                }
            };
            for event in events {
                if !self.event(&event, status, &mut outcome).await {
                    let _ = sender.send(Err(Broken::AuditBroken)).await;
                    return;
                }
                if sender.send(Ok(Bytes::from(event))).await.is_err() {
                    return;
                }
            }
        };
        if let Some(outcome) = outcome {
            outcome.finish(word(&broken), &broken.to_string()).await;
        }
        let _ = sender.send(Err(broken)).await;
    }

    /// The stream ended. What is left of it is an event that was not ended, and is looked at like any other.
    async fn last(
        &self,
        rest: Vec<u8>,
        status: u16,
        sender: &mpsc::Sender<Result<Bytes, Broken>>,
        mut outcome: Option<Outcome>,
    ) {
        if !rest.is_empty() {
            let item = match self.event(&rest, status, &mut outcome).await {
                true => Ok(Bytes::from(rest)),
                false => Err(Broken::AuditBroken),
            };
            // Nobody reading any more is fine.
            let _ = sender.send(item).await;
        }
        if let Some(outcome) = outcome {
            outcome.finish("no_answer", "The stream ended without an answer.").await;
        }
    }

    /// Looks at one event before it is handed on. `false`: it is the answer, and its record could not be written.
    async fn event(&self, event: &[u8], status: u16, outcome: &mut Option<Outcome>) -> bool {
        let Some(data) = sse::data(event) else { return true };
        match peek(data.as_bytes()) {
            Peek::Answer(result) => {
                let Some(mut outcome) = outcome.take() else { return true };
                let body = Some(Bytes::from(data));
                outcome.write(Ending { result, status: Some(status), body, told: None }).await
            }
            Peek::Request { id, method } => {
                let asked = AskedFor { ping: method == "ping", ..self.asked.clone() };
                self.delegation.server_asked(self.session.as_deref(), &id, asked);
                true
            }
            Peek::Other => true,
        }
    }
}
