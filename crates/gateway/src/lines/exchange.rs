//! One message of a line Agent and what comes back for it: a JSON answer, an event stream, or nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures::StreamExt as _;
use prokura_domain::Json;
use prokura_domain::sse::{self, Splitter};

use super::wire::{Own, Wire};
use crate::away::{self, INTERNAL_ERROR};
use crate::header::SESSION;
use crate::letter::{Letter, Shape};

/// The largest answer that is written as one line.
const LARGEST: usize = 256 * 1024 * 1024;
/// How often a broken stream of a session is taken up again.
const AGAIN: u32 = 5;
/// How long to wait before a stream is opened again, at first and at most.
const PAUSE: Duration = Duration::from_millis(500);
const LONG_PAUSE: Duration = Duration::from_secs(30);
/// Events larger than this are answers: nothing else is that large, and reading them twice costs.
const SURELY_ANSWER: usize = 64 * 1024;

/// Carries one message from its line to the last line of its answer.
pub(crate) async fn run(wire: Arc<Wire>, letter: Letter) {
    match &letter.shape {
        Shape::Request { id, .. } => {
            let cancelled = wire.open(id);
            cancelled.run_until_cancelled(request(&wire, &letter, id)).await;
            wire.closed(id);
        }
        Shape::Notification { method } => {
            if method == "notifications/cancelled"
                && let Some(id) = letter.json.at("/params/requestId")
            {
                wire.cancel(id);
            }
            wire.post(&letter).await;
            if method == "notifications/initialized" && wire.session().is_some() {
                wire.ready(&letter.raw);
            }
        }
        Shape::Response { .. } => {
            wire.post(&letter).await;
        }
    }
}

async fn request(wire: &Arc<Wire>, letter: &Letter, id: &Json) {
    let before = wire.session();
    let mut response = wire.post(letter).await;
    if letter.is("initialize") {
        return greeted(wire, letter, id, response).await;
    }
    // A lost session is begun anew for the Agent, which on stdio has no way to do so itself.
    if let Some(lost) = before.filter(|_| response.status() == StatusCode::NOT_FOUND)
        && !letter.states_version()
        && greet_again(wire, &lost).await
    {
        response = wire.post(letter).await;
    }
    answer(wire, id, response).await;
}

/// The handshake: the session it began is remembered, and its answer handed on.
async fn greeted(wire: &Wire, letter: &Letter, id: &Json, response: Response<Body>) {
    let session = session_of(&response);
    let bytes = whole(response, id).await;
    if let (Some(session), Some(version)) = (session, version_in(&bytes)) {
        wire.begun(Own { id: session, version }, &letter.raw);
    }
    wire.pass_on(bytes).await;
}

/// Says again what began the session that was lost. Whether there is a session now.
async fn greet_again(wire: &Arc<Wire>, lost: &Own) -> bool {
    let _one_at_a_time = wire.greeting.lock().await;
    if wire.session().is_some_and(|now| now != *lost) {
        return true;
    }
    let (Some(greeting), initialized) = wire.said() else { return false };
    let Ok(letter) = Letter::read(greeting) else { return false };
    let Shape::Request { id, .. } = &letter.shape else { return false };
    let response = wire.post(&letter).await;
    let session = session_of(&response);
    let version = version_in(&whole(response, id).await);
    let Some((id, version)) = session.zip(version) else { return false };
    wire.begun(Own { id, version }, &letter.raw);
    if let Some(initialized) = initialized
        && let Ok(ready) = Letter::read(initialized)
    {
        wire.post(&ready).await;
        wire.ready(&ready.raw);
    }
    true
}

fn session_of(response: &Response<Body>) -> Option<String> {
    Some(response.headers().get(SESSION)?.to_str().ok()?.to_owned())
}

fn version_in(message: &[u8]) -> Option<String> {
    let message = Json::read(message).ok()?;
    message.at("/result/protocolVersion").and_then(Json::as_str).map(str::to_owned)
}

/// Writes what comes back for a request.
async fn answer(wire: &Wire, id: &Json, response: Response<Body>) {
    if !streams(&response) {
        let bytes = whole(response, id).await;
        return wire.pass_on(bytes).await;
    }
    let mut body = response.into_body();
    let mut after = None;
    for _ in 0..=AGAIN {
        let heard = hear(wire, body, Some(id)).await;
        if heard.answered {
            return;
        }
        after = heard.last.or(after);
        // The server may end a stream and have it taken up again where it broke (SL-04).
        let (Some(session), Some(last)) = (wire.session(), &after) else { break };
        tokio::time::sleep(heard.pause.unwrap_or(PAUSE)).await;
        let response = wire.listen(&session, Some(last)).await;
        if !streams(&response) {
            break;
        }
        body = response.into_body();
    }
    if !wire.closed(id) {
        let text = "The server ended its answer before it was whole.";
        wire.say(&away::error(Some(id), INTERNAL_ERROR, text, None)).await;
    }
}

/// Hears what the Servers of a session say unasked, until the session is over or never says anything.
pub(crate) async fn stand(wire: Weak<Wire>) {
    let mut pause = PAUSE;
    let mut last = None;
    loop {
        let Some(wire) = wire.upgrade() else { return };
        let Some(session) = wire.session() else { return };
        let response = wire.listen(&session, last.as_deref()).await;
        if streams(&response) {
            let heard = hear(&wire, response.into_body(), None).await;
            pause = heard.pause.unwrap_or(PAUSE);
            last = heard.last.or(last);
        } else if response.status().is_client_error() {
            // Not offered (405), or a session that is begun anew with a stream of its own.
            return;
        } else {
            pause = (pause * 2).min(LONG_PAUSE);
        }
        drop(wire);
        tokio::time::sleep(pause).await;
    }
}

/// What was heard on an event stream that ended.
#[derive(Debug, Default)]
struct Heard {
    answered: bool,
    /// The id of the last event.
    last: Option<String>,
    /// How long the server wants us to wait before we come again.
    pause: Option<Duration>,
}

async fn hear(wire: &Wire, body: Body, id: Option<&Json>) -> Heard {
    let mut heard = Heard::default();
    let mut splitter = Splitter::new(LARGEST);
    let mut chunks = body.into_data_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        let Ok(events) = splitter.push(&chunk) else { return heard };
        for event in events {
            heard.note(&event);
            let Some(data) = sse::data(&event).filter(|data| !data.trim().is_empty()) else {
                continue;
            };
            heard.answered |= id.is_some_and(|id| answers(&data, id));
            wire.pass_on(Bytes::from(data)).await;
        }
    }
    heard
}

impl Heard {
    fn note(&mut self, event: &[u8]) {
        let text = String::from_utf8_lossy(event);
        for line in text.split(['\n', '\r']) {
            if let Some(id) = line.strip_prefix("id:") {
                self.last = Some(id.trim().to_owned()).filter(|id| !id.is_empty());
            } else if let Some(pause) = line.strip_prefix("retry:") {
                let millis = pause.trim().parse().ok().map(Duration::from_millis);
                self.pause = millis.map(|pause| pause.min(LONG_PAUSE));
            }
        }
    }
}

fn answers(data: &str, id: &Json) -> bool {
    data.len() > SURELY_ANSWER
        || Json::read(data.as_bytes()).is_ok_and(|message| {
            message.member("method").is_none() && message.member("id") == Some(id)
        })
}

fn streams(response: &Response<Body>) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream")
    })
}

/// The whole answer to a request: what came where it is one, else an error that says so.
async fn whole(response: Response<Body>, id: &Json) -> Bytes {
    let status = response.status();
    let streams = streams(&response);
    let read = axum::body::to_bytes(response.into_body(), LARGEST).await;
    let bytes = match read {
        Ok(bytes) if streams => answer_in(&bytes, id).unwrap_or_default(),
        Ok(bytes) => bytes,
        Err(_) => Bytes::new(),
    };
    if status.is_success() && !bytes.is_empty() {
        return bytes;
    }
    let told = Json::read(&bytes).ok().filter(|message| message.member("error").is_some());
    let message = match told {
        Some(mut told) => {
            if !matches!(told.member("id"), Some(own) if own == id) {
                told.set("id", id.clone());
            }
            told
        }
        None => {
            let text = format!("The server answered with HTTP status {}.", status.as_u16());
            away::error(Some(id), INTERNAL_ERROR, &text, None)
        }
    };
    Bytes::from(message.to_text())
}

fn answer_in(stream: &[u8], id: &Json) -> Option<Bytes> {
    let mut splitter = Splitter::new(LARGEST);
    let events = splitter.push(stream).ok()?;
    let mut found = events.iter().filter_map(|event| sse::data(event));
    found.find(|data| answers(data, id)).map(Bytes::from)
}
