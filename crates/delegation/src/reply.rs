//! Step 6 of a Call: the answer on its way back, and the record of how it ended.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use prokura_domain::{
    AuditLevel, Call, CallId, Change, Durability, Event, Json, RecordKind, Subject, Timestamp,
};
use prokura_policy::{Approved, Facts, arguments};
use prokura_store::Payload;

use crate::Delegation;
use crate::answers::AskedFor;
use crate::flight::Landing;
use crate::message::{Broken, Inbound, Refusal, RefusalCode, Reply};
use crate::ownership::TaskMaker;
use crate::peek::{Peek, peek};
use crate::relay::Relay;
use crate::rounds::Repeatable;

/// The largest answer, and the largest single event, that is carried.
pub(crate) const LARGEST: usize = 64 * 1024 * 1024;

pub(crate) type Body = BoxStream<'static, Result<Bytes, Broken>>;

/// How a Call that left ends. It is written exactly once, also when everybody stopped waiting.
pub(crate) struct Outcome {
    delegation: Delegation,
    subject: Subject,
    call: CallId,
    keep_result: bool,
    began: Timestamp,
    landing: Landing,
    session: Option<String>,
    asked: AskedFor,
    repeatable: Repeatable,
    maker: TaskMaker,
    /// The largest answer, in bytes.
    most: usize,
    open: bool,
}

/// What the answer was, as far as the record says.
#[derive(Default)]
pub(crate) struct Ending {
    pub result: &'static str,
    pub status: Option<u16>,
    pub told: Option<String>,
    pub body: Option<Bytes>,
}

impl Outcome {
    pub fn begin(
        delegation: &Delegation,
        call: &Call,
        level: AuditLevel,
        landing: Landing,
        inbound: &Inbound,
        (facts, approved): (&Facts, Option<Approved>),
    ) -> Self {
        // Nothing is asked outside of a session, so nothing is copied for it.
        let arguments = inbound.session.as_ref().map(|_| {
            let own = || Arc::new(arguments(call).clone());
            facts.arguments.clone().unwrap_or_else(own)
        });
        let target = Some(call.target.clone());
        let id = Some(call.id.clone());
        let asked = AskedFor { call: id, target, approved, arguments, ping: false };
        delegation.call_runs(inbound.session.as_deref(), &call.id, asked.clone());
        Self {
            session: inbound.session.clone(),
            repeatable: Repeatable::of(call),
            maker: TaskMaker::of(call),
            most: delegation.limits(&call.agent).answer_bytes().min(LARGEST),
            asked,
            delegation: delegation.clone(),
            subject: delegation.subject_of(call),
            call: call.id.clone(),
            keep_result: level == AuditLevel::ArgumentsAndResults,
            began: delegation.now(),
            landing,
            open: true,
        }
    }

    pub fn landing(&self) -> &Landing {
        &self.landing
    }

    /// The Call ended without an answer.
    pub async fn finish(mut self, result: &'static str, told: &str) {
        self.write(Ending { result, told: Some(told.to_owned()), ..Ending::default() }).await;
    }

    /// Hands the answer on and records how it ended before its last byte is released.
    pub async fn follow(self, reply: Reply, inbound: &Inbound) -> Result<Reply, Refusal> {
        if reply.is_stream() {
            let asked = self.asked.clone();
            let relay = Relay::new(&self.delegation, inbound, asked, self.landing.token());
            return Ok(relay.start(reply, Some(self)));
        }
        self.whole(reply).await
    }

    async fn whole(mut self, reply: Reply) -> Result<Reply, Refusal> {
        let token = self.landing.token().clone();
        let collected = tokio::select! {
            biased;
            () = token.cancelled() => Err(Broken::Revoked),
            body = collect(reply.body, self.most) => body,
        };
        let body = match collected {
            Ok(body) => body,
            Err(broken) => {
                self.finish(word(&broken), &broken.to_string()).await;
                return Err(refusal(&broken));
            }
        };
        let result = match peek(&body) {
            Peek::Answer(result) => result,
            Peek::Request { .. } | Peek::Other if reply.status < 300 => "accepted",
            Peek::Request { .. } | Peek::Other => "http_error",
        };
        let ending =
            Ending { result, status: Some(reply.status), body: Some(body.clone()), told: None };
        if !self.write(ending).await {
            return Err(refusal(&Broken::AuditBroken));
        }
        let body = futures::stream::once(async move { Ok(body) }).boxed();
        Ok(Reply { status: reply.status, headers: reply.headers, body })
    }

    pub async fn write(&mut self, ending: Ending) -> bool {
        self.open = false;
        if let ("input_required", Some(body)) = (ending.result, &ending.body) {
            let approved = self.asked.approved.clone();
            let call = (&self.repeatable, &self.call);
            self.delegation.comes_again(call, approved, body);
        }
        if let Some(body) = &ending.body {
            self.delegation.note_task(&self.maker, ending.result, body);
        }
        let (event, payload) = self.record(ending);
        let log = self.delegation.log();
        let written = log.append_call(event, payload, Durability::Logged).await;
        if let Err(error) = &written {
            tracing::error!(%error, "the outcome of a call could not be recorded");
        }
        self.delegation.tell(Change::Audit);
        written.is_ok()
    }

    fn record(&self, ending: Ending) -> (Event, Option<Payload>) {
        let size = ending.body.as_ref().map(|body| body.len() as u64);
        let detail = Json::object([
            ("result", Json::text(ending.result)),
            ("status", Json::from(ending.status.map(i64::from))),
            ("told", Json::from(ending.told)),
            ("bytes", Json::from(size)),
            ("ms", Json::from(self.delegation.now().millis_since(self.began))),
        ]);
        let payload = ending.body.map(|body| Payload {
            call: self.call.clone(),
            part: "result",
            bytes: body.to_vec(),
            keep: self.keep_result,
        });
        (Event::new(RecordKind::CallOutcome, detail).about(self.subject.clone()), payload)
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.delegation.call_ended(self.session.as_deref(), &self.call);
        if !self.open {
            return;
        }
        let told = Some("The agent stopped waiting for the answer.".to_owned());
        let ending = Ending { result: "cancelled", told, ..Ending::default() };
        let (event, payload) = self.record(ending);
        let delegation = self.delegation.clone();
        tokio::spawn(async move {
            let written = delegation.log().append_call(event, payload, Durability::Logged).await;
            if let Err(error) = written {
                tracing::error!(%error, "the outcome of a call could not be recorded");
            }
            delegation.tell(Change::Audit);
        });
    }
}

impl Delegation {
    /// Hands on the answer to a message that is no Call; it ends when the Agent, the Server or the Account goes.
    pub(crate) fn watched(&self, reply: Reply, inbound: &Inbound, landing: Landing) -> Reply {
        let asked = AskedFor::nothing();
        if reply.is_stream() {
            let relay = Relay::new(self, inbound, asked, landing.token());
            let mut reply = relay.start(reply, None);
            reply.body = held(reply.body, landing);
            return reply;
        }
        let token = landing.token().clone();
        let body = reply.body.take_until(async move { token.cancelled().await }).boxed();
        Reply { status: reply.status, headers: reply.headers, body: held(body, landing) }
    }

    /// Records a Call that its Agent gave up before it was decided, unless defused.
    pub(crate) fn cancellation(&self, call: &Call) -> Cancellation {
        Cancellation(std::cell::Cell::new(true), self.clone(), call.clone())
    }
}

/// Writes "cancelled" when it is dropped before the Call was decided.
pub(crate) struct Cancellation(std::cell::Cell<bool>, Delegation, Call);

impl Cancellation {
    pub fn defuse(&self) {
        self.0.set(false);
    }

    pub fn arm(&self) {
        self.0.set(true);
    }
}

impl Drop for Cancellation {
    fn drop(&mut self) {
        if self.0.get() {
            let (delegation, call) = (self.1.clone(), self.2.clone());
            tokio::spawn(async move {
                let text = "The agent cancelled the call while it waited; it was not sent.";
                let refusal = Refusal::new(RefusalCode::Unanswered, text);
                delegation.note_refusal(&call, &refusal).await;
            });
        }
    }
}

/// Keeps a Call registered as under way for as long as its body is read.
fn held(body: Body, landing: Landing) -> Body {
    let hold = futures::stream::unfold((body, landing), |(mut body, landing)| async move {
        body.next().await.map(|item| (item, (body, landing)))
    });
    hold.fuse().boxed()
}

/// Reads a body to its end.
pub(crate) async fn collect(mut body: Body, most: usize) -> Result<Bytes, Broken> {
    let mut whole: Vec<u8> = Vec::new();
    let mut first: Option<Bytes> = None;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        let held = whole.len() + first.as_ref().map_or(0, Bytes::len);
        if held + chunk.len() > most {
            return Err(Broken::TooLarge);
        }
        match (&first, whole.is_empty()) {
            (None, true) => first = Some(chunk),
            _ => {
                if let Some(first) = first.take() {
                    whole.extend_from_slice(&first);
                }
                whole.extend_from_slice(&chunk);
            }
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(whole)))
}

pub(crate) fn word(broken: &Broken) -> &'static str {
    match broken {
        Broken::Upstream => "broken_off",
        Broken::Revoked => "revoked",
        Broken::AuditBroken => "not_recorded",
        Broken::TooLarge => "too_large",
    }
}

pub(crate) fn refusal(broken: &Broken) -> Refusal {
    let code = match broken {
        Broken::Upstream | Broken::TooLarge => RefusalCode::Unreachable,
        Broken::Revoked => RefusalCode::Changed,
        Broken::AuditBroken => RefusalCode::AuditBroken,
    };
    Refusal::new(code, format!("{broken}."))
}
