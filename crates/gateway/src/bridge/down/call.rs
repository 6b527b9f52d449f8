//! One request of a modern Agent under way in a kept session. When it is dropped before its answer, the Server hears
//! that it is cancelled (ST-07 told as SL-05 wants it).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use prokura_delegation::{Broken, Kind, Refusal, Reply, Wait};
use prokura_domain::{Json, Verb};
use tokio::sync::mpsc;

use super::super::line::{Line, NOT_ASKED, Said, is_change, said};
use super::super::reading::Messages;
use super::super::{Inner, words};
use super::Ear;
use crate::path::Path;

/// Questions within this time are asked together.
const TOGETHER: Duration = Duration::from_millis(30);
/// Questions that are asked together at most.
const QUESTIONS: usize = 16;
/// How often a stream that broke off is taken up again for one request.
const RESUMES: u8 = 20;
/// How long to wait before that, unless the Server says otherwise.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest a Server may make us wait.
const LONGEST: Duration = Duration::from_secs(60);

enum Source {
    /// The path has not answered.
    Pending(BoxFuture<'static, Result<Reply, Refusal>>),
    Open(Messages),
    Over,
}

/// What comes next.
pub(super) enum Turn {
    /// Something for the Agent on the way.
    Note(Json),
    /// The answer.
    Answer(Json),
    /// The Server asks: its id for the question, and the question.
    Question(Json, Json),
    /// The Server no longer knows the session.
    Gone,
    Refused(Refusal),
    Broken(Broken),
    /// It ended without an answer, with this status.
    Ended(u16),
}

/// One request under way.
pub(super) struct Call {
    line: Arc<Line>,
    path: Arc<dyn Path>,
    id: Json,
    source: Source,
    aside: mpsc::Receiver<Json>,
    answered: bool,
    resumes: u8,
    /// What came right behind a question.
    held: Option<Box<Turn>>,
}

impl Call {
    /// Sends the request.
    pub fn start(bridge: &Arc<Inner>, line: &Arc<Line>, ear: &Ear, wait: Wait) -> Self {
        let id = line.next_id();
        let aside = line.enter(&id);
        let mut params = words::params_down(ear.params.clone());
        if let (Some(_), Some(meta)) = (&ear.token, params.member_mut("_meta")) {
            // Unique in the session, where two programs of one Agent may use the same token (CP-06).
            meta.set("progressToken", id.clone());
        }
        let sent = line.sub.message(&ear.method, params, Some(id.clone()));
        let path = Arc::clone(&bridge.path);
        let passing = Arc::clone(&path);
        let pending = Box::pin(async move { passing.pass_within(sent, wait).await });
        Self {
            line: Arc::clone(line),
            path,
            id,
            source: Source::Pending(pending),
            aside,
            answered: false,
            resumes: 0,
            held: None,
        }
    }

    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Answers a question of the Server.
    pub async fn answer(&mut self, id: &Json, result: Json) -> Result<(), Refusal> {
        self.path.pass(self.line.sub.answer(id, Ok(result))).await.map(drop)
    }

    /// Other questions that come at the same time: a Server may ask several things at once.
    pub async fn gather(&mut self, ear: &Ear, asked: &mut Vec<(Json, Json)>) {
        while asked.len() < QUESTIONS {
            match tokio::time::timeout(TOGETHER, self.turn(ear)).await {
                Ok(Turn::Question(id, question)) => asked.push((id, question)),
                Ok(other) => {
                    self.held = Some(Box::new(other));
                    return;
                }
                Err(_) => return,
            }
        }
    }

    /// What the Agent hears next.
    pub async fn turn(&mut self, ear: &Ear) -> Turn {
        if let Some(held) = self.held.take() {
            return *held;
        }
        loop {
            let message = match self.next().await {
                Ok(message) => message,
                Err(turn) => return turn,
            };
            match said(&message) {
                Said::Response if self.is_answer(&message) => {
                    self.answered = true;
                    self.source = Source::Over;
                    return Turn::Answer(message);
                }
                Said::Response => {}
                Said::Request(id, method, params) => {
                    if let Some(question) = self.question(ear, &id, &method, params).await {
                        return Turn::Question(id, question);
                    }
                }
                Said::Notification(method) => {
                    if let Some(note) = self.note(ear, &method, message) {
                        return Turn::Note(note);
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Json, Turn> {
        loop {
            match &mut self.source {
                Source::Pending(pending) => {
                    let replied = tokio::select! {
                        biased;
                        Some(message) = self.aside.recv() => return Ok(message),
                        replied = pending => replied,
                    };
                    let reply = match replied {
                        Ok(reply) => reply,
                        Err(refusal) => {
                            // Nothing left, or the path has told the Server itself.
                            self.answered = true;
                            self.source = Source::Over;
                            return Err(Turn::Refused(refusal));
                        }
                    };
                    if reply.status == 404 && self.line.sub.upstream.is_some() {
                        self.answered = true;
                        return Err(Turn::Gone);
                    }
                    self.source = Source::Open(Messages::of(reply));
                }
                Source::Open(messages) => {
                    let next = tokio::select! {
                        biased;
                        Some(message) = self.aside.recv() => return Ok(message),
                        next = messages.next() => next,
                    };
                    match next {
                        Some(Ok(message)) => return Ok(message),
                        Some(Err(Broken::Upstream)) | None => self.resume(next.is_some()).await?,
                        Some(Err(broken)) => {
                            self.source = Source::Over;
                            return Err(Turn::Broken(broken));
                        }
                    }
                }
                Source::Over => return Err(Turn::Ended(0)),
            }
        }
    }

    /// A stream that ended before the answer is taken up where it ended (2025-11-25 Resumability).
    async fn resume(&mut self, broke: bool) -> Result<(), Turn> {
        let Source::Open(messages) = std::mem::replace(&mut self.source, Source::Over) else {
            return Err(Turn::Ended(0));
        };
        let ended =
            if broke { Turn::Broken(Broken::Upstream) } else { Turn::Ended(messages.status) };
        let Some(last) = messages.last_event.filter(|_| self.resumes < RESUMES) else {
            return Err(ended);
        };
        self.resumes += 1;
        tokio::time::sleep(messages.retry.unwrap_or(AGAIN).min(LONGEST)).await;
        let mut asked = self.line.sub.inbound(Kind::Stream, Verb::Get, Bytes::new());
        asked.outgoing.headers.push(("last-event-id".to_owned(), last));
        match self.path.pass(asked).await {
            Ok(reply) if reply.status == 200 && reply.is_stream() => {
                self.source = Source::Open(Messages::of(reply));
                Ok(())
            }
            Ok(_) => Err(ended),
            Err(refusal) => Err(Turn::Refused(refusal)),
        }
    }

    /// The response to this request; an error without an id is about nothing else.
    fn is_answer(&self, message: &Json) -> bool {
        match message.member("id") {
            Some(Json::Null) | None => message.member("error").is_some(),
            id => id == Some(&self.id),
        }
    }

    /// A question of the Server as the Agent is asked it; `None` where it was answered here.
    async fn question(
        &mut self,
        ear: &Ear,
        id: &Json,
        method: &str,
        mut params: Json,
    ) -> Option<Json> {
        if method == "ping" {
            let _ = self.path.pass(self.line.sub.answer(id, Ok(Json::Object(Vec::new())))).await;
            return None;
        }
        let asking = words::ASKING.contains(&ear.method.as_str());
        if !asking || !words::answers(&self.line.capabilities, method, &params) {
            let _ = self.path.pass(self.line.sub.answer(id, Err(NOT_ASKED))).await;
            return None;
        }
        // The modern revision has no id for a visit to a page, and tells nobody when it is over.
        params.remove("elicitationId");
        Some(Json::object([("method", Json::text(method)), ("params", params)]))
    }

    /// A notification as the Agent gets it, where it wanted it.
    fn note(&self, ear: &Ear, method: &str, mut message: Json) -> Option<Json> {
        match method {
            "notifications/progress" => {
                let token = ear.token.as_ref()?;
                let params = message.member_mut("params")?;
                if params.member("progressToken") != Some(&self.id) {
                    return None;
                }
                params.set("progressToken", token.clone());
                Some(message)
            }
            "notifications/message" => {
                let level = message.at("/params/level").and_then(Json::as_str);
                let heard = level.and_then(words::severity)? >= ear.level?;
                heard.then_some(message)
            }
            "notifications/cancelled" | "notifications/elicitation/complete" => None,
            method if is_change(method) => {
                self.line.changed(&message);
                None
            }
            _ => Some(message),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.line.leave(&self.id);
        if self.answered {
            return;
        }
        let params = Json::object([
            ("requestId", self.id.clone()),
            ("reason", Json::text("The agent stopped waiting.")),
        ]);
        let cancelled = self.line.sub.message("notifications/cancelled", params, None);
        let path = Arc::clone(&self.path);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = path.pass(cancelled).await;
            });
        }
    }
}
