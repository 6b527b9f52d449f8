//! One event stream to an Agent: signs of life while it waits, then the events of the Server, each whole.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use prokura_delegation::{Broken, Reply};
use prokura_domain::Json;
use prokura_domain::sse::{self, Splitter};
use tokio::time::{Instant, timeout_at};

use super::{Ended, Errand, Passing, refused, sentence};
use crate::away::{self, code_of_break, own};
use crate::shared::Pace;

/// The largest event, and the largest message that becomes one.
const LIMIT: usize = 16 * 1024 * 1024;

type Chunks = BoxStream<'static, Result<Bytes, Broken>>;

enum Phase {
    /// The path has not answered.
    Waiting(Passing),
    /// The path answers with one message, which becomes one event.
    Gathering {
        body: Chunks,
        text: Vec<u8>,
        status: u16,
    },
    /// The path answers with events.
    Events {
        body: Chunks,
        splitter: Splitter,
    },
    Done,
}

enum Step {
    Passed(Result<Reply, Ended>),
    Chunk(Option<Result<Bytes, Broken>>),
}

/// The state of one event stream.
pub(crate) struct Flow {
    pace: Pace,
    errand: Errand,
    phase: Phase,
    out: VecDeque<Bytes>,
    /// When the Agent has to hear something again.
    due: Instant,
    signs: u32,
    answered: bool,
}

impl Flow {
    /// A stream that begins before there is an answer.
    pub fn waiting(pace: Pace, errand: Errand, passing: Passing) -> Self {
        let mut flow = Self::new(pace, errand, Phase::Waiting(passing));
        flow.sign();
        flow
    }

    /// A stream of the Server's events.
    pub fn events(pace: Pace, errand: Errand, body: Chunks) -> Self {
        Self::new(pace, errand, Phase::Events { body, splitter: Splitter::new(LIMIT) })
    }

    fn new(pace: Pace, errand: Errand, phase: Phase) -> Self {
        let due = Instant::now() + pace.keep_alive;
        Self { pace, errand, phase, out: VecDeque::new(), due, signs: 0, answered: false }
    }

    pub fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(self, |mut flow| async move {
            let bytes = flow.next().await?;
            Some((Ok::<_, Infallible>(bytes), flow))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                self.due = Instant::now() + self.pace.keep_alive;
                return Some(bytes);
            }
            let step = match &mut self.phase {
                Phase::Done => return None,
                Phase::Waiting(passing) => {
                    let step = async { Step::Passed(passing.await) };
                    turn(&self.errand, self.due, step).await
                }
                Phase::Gathering { body, .. } | Phase::Events { body, .. } => {
                    let step = async { Step::Chunk(body.next().await) };
                    turn(&self.errand, self.due, step).await
                }
            };
            match step {
                Turn::Over => self.phase = Phase::Done,
                Turn::Silent => self.sign(),
                Turn::Step(Step::Passed(result)) => self.passed(result),
                Turn::Step(Step::Chunk(chunk)) => self.chunk(chunk),
            }
        }
    }

    /// A sign of life: a comment, and progress while nothing has left yet.
    fn sign(&mut self) {
        self.out.push_back(Bytes::from_static(b": waiting\n\n"));
        self.signs = self.signs.saturating_add(1);
        let waiting = matches!(self.phase, Phase::Waiting(_) | Phase::Gathering { .. });
        if let (true, Some(token)) = (waiting && self.signs > 1, &self.errand.progress) {
            // Tiny steps, so that what the Server reports later is still an increase (SB-12).
            let params = Json::object([
                ("progressToken", token.clone()),
                ("progress", Json::Number(format!("0.{:06}", self.signs))),
                ("message", Json::text("Waiting for an approval or for the server")),
            ]);
            let note = Json::object([
                ("jsonrpc", Json::text("2.0")),
                ("method", Json::text("notifications/progress")),
                ("params", params),
            ]);
            self.out.push_back(event(&note.to_text()));
        }
    }

    fn passed(&mut self, result: Result<Reply, Ended>) {
        self.phase = match result {
            Ok(reply) if reply.is_stream() && reply.status < 300 => {
                Phase::Events { body: reply.body, splitter: Splitter::new(LIMIT) }
            }
            Ok(reply) => {
                Phase::Gathering { body: reply.body, text: Vec::new(), status: reply.status }
            }
            Err(Ended::Refused(refusal)) => {
                let (_, body) = refused(&self.errand, &refusal);
                self.out.push_back(event(&body.to_text()));
                Phase::Done
            }
            Err(Ended::Cancelled) => Phase::Done,
        };
    }

    fn chunk(&mut self, chunk: Option<Result<Bytes, Broken>>) {
        match chunk {
            Some(Err(broken)) => self.fail(code_of_break(&broken), &sentence(&broken)),
            Some(Ok(bytes)) => self.bytes(&bytes),
            None => match std::mem::replace(&mut self.phase, Phase::Done) {
                Phase::Gathering { text, status, .. } => self.whole(&text, status),
                Phase::Events { splitter, .. } => {
                    let rest = splitter.rest();
                    if !rest.is_empty() {
                        self.out.push_back(Bytes::from(rest));
                    }
                }
                Phase::Waiting(_) | Phase::Done => {}
            },
        }
    }

    fn bytes(&mut self, bytes: &Bytes) {
        match &mut self.phase {
            Phase::Gathering { text, .. } => {
                text.extend_from_slice(bytes);
                if text.len() > LIMIT {
                    self.fail(own::TOO_LARGE, &sentence(&Broken::TooLarge));
                }
            }
            Phase::Events { splitter, .. } => match splitter.push(bytes) {
                Ok(events) => events.into_iter().for_each(|event| self.relay(event)),
                Err(_) => self.fail(own::TOO_LARGE, &sentence(&Broken::TooLarge)),
            },
            Phase::Waiting(_) | Phase::Done => {}
        }
    }

    fn relay(&mut self, event: Vec<u8>) {
        self.answered = self.answered || self.is_answer(&event);
        self.out.push_back(Bytes::from(event));
    }

    /// One message that came as JSON, as an event.
    fn whole(&mut self, text: &[u8], status: u16) {
        match Json::read(text) {
            Ok(Json::Object(_)) => {
                self.out.push_back(event(&String::from_utf8_lossy(text)));
            }
            _ if self.errand.id.is_some() => {
                let said = format!("The server answered with HTTP {status} and no message.");
                self.fail(own::BROKEN, &said);
            }
            _ => {}
        }
    }

    /// The last word where the Server has none.
    fn fail(&mut self, code: i64, text: &str) {
        self.phase = Phase::Done;
        if let (Some(id), false) = (&self.errand.id, self.answered) {
            let fault = away::error(Some(id), code, text, None);
            self.out.push_back(event(&fault.to_text()));
        }
    }

    fn is_answer(&self, event: &[u8]) -> bool {
        let Some(id) = &self.errand.id else { return false };
        let holds = |word: &[u8]| event.windows(word.len()).any(|window| window == word);
        if !holds(b"\"result\"") && !holds(b"\"error\"") {
            return false;
        }
        let message = sse::data(event).and_then(|data| Json::read(data.as_bytes()).ok());
        message.is_some_and(|message| {
            message.member("id") == Some(id) && message.member("method").is_none()
        })
    }
}

enum Turn {
    Over,
    Silent,
    Step(Step),
}

async fn turn(errand: &Errand, due: Instant, step: impl Future<Output = Step>) -> Turn {
    tokio::select! {
        biased;
        () = errand.over.cancelled() => Turn::Over,
        step = timeout_at(due, step) => step.map_or(Turn::Silent, Turn::Step),
    }
}

/// A message as an event. JSON holds no line breaks inside strings, so lines can be cut anywhere they stand.
pub(crate) fn event(text: &str) -> Bytes {
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split(['\n', '\r']).filter(|line| !line.is_empty()) {
        out.push_str("data: ");
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
    Bytes::from(out)
}
