//! The way back: what the path gives is handed to the Agent as it comes. Quick answers are relayed as they are; for
//! slow ones the Agent hears from us while it waits, so that its own time-out does not end what a person still
//! considers. It must never change a message.

mod detach;
mod flow;
mod refused;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Refusal, RefusalCode, Reply};
use prokura_domain::{Era, Json};
use tokio_util::sync::CancellationToken;

use crate::away::{self, code_of_break, own};
use crate::header::{self, Accepts};
use crate::letter::{Letter, named_by};
use crate::load::Slot;
use crate::session::Busy;
use crate::shared::Pace;

pub(crate) use detach::detached;
pub(crate) use flow::{Flow, event};
pub(crate) use refused::{refused, refused_plainly, tool_error};

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The path refused.
    Refused(Refusal),
    /// The Agent cancelled.
    Cancelled,
}

/// A message on its way through the path.
pub(crate) type Passing = BoxFuture<'static, Result<Reply, Ended>>;

/// What has to live as long as the answer.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub slot: Option<Slot>,
    #[expect(dead_code, reason = "kept for as long as the answer, never looked at")]
    pub busy: Option<Busy>,
}

/// What an answer is for.
pub(crate) struct Errand {
    pub era: Era,
    /// The id of the request; `None` for a notification.
    pub id: Option<Json>,
    pub method: String,
    /// The tool, prompt or URI as the Agent named it.
    pub named: Option<String>,
    pub progress: Option<Json>,
    pub accepts: Accepts,
    /// The gateway's session id, shown where the Server shows its own.
    pub session: Option<String>,
    /// Cancelled when nothing more is to be said.
    pub over: CancellationToken,
    pub held: Held,
}

impl Errand {
    pub fn of(letter: &Letter, era: Era, accepts: Accepts) -> Self {
        let method = letter.method().unwrap_or_default().to_owned();
        let member = named_by(&method).unwrap_or("uri");
        let params = letter.json.member("params");
        let named = params.and_then(|params| params.member(member)).and_then(Json::as_str);
        Self {
            era,
            id: letter.id().cloned(),
            named: named.map(str::to_owned),
            progress: letter.progress(),
            accepts,
            session: None,
            over: CancellationToken::new(),
            held: Held::default(),
            method,
        }
    }

    /// A standing stream, which answers no message.
    pub fn stream(session: &str, over: CancellationToken, busy: Busy) -> Self {
        Self {
            accepts: Accepts { json: false, stream: true, any: true },
            session: Some(session.to_owned()),
            over,
            held: Held { slot: None, busy: Some(busy) },
            ..Self::silent()
        }
    }

    /// A message without an id, which nobody answers.
    pub fn silent() -> Self {
        Self {
            era: Era::Legacy,
            id: None,
            method: String::new(),
            named: None,
            progress: None,
            accepts: Accepts { json: true, stream: false, any: true },
            session: None,
            over: CancellationToken::new(),
            held: Held::default(),
        }
    }
}

/// The answer to a request: as it is when it comes soon, else as an event stream that shows signs of life.
pub(crate) async fn answer(pace: Pace, errand: Errand, mut passing: Passing) -> Response<Body> {
    if !errand.accepts.stream {
        let result = passing.await;
        return ready(pace, errand, result).await;
    }
    match tokio::time::timeout(pace.answer_within, &mut passing).await {
        Ok(result) => ready(pace, errand, result).await,
        Err(_) => {
            let session = errand.session.as_deref().and_then(visible);
            let mut response = stream_of(Flow::waiting(pace, errand, passing).into_body());
            if let Some(session) = session {
                response.headers_mut().insert(header::session_name(), session);
            }
            response
        }
    }
}

/// The answer, now that the path has spoken.
pub(crate) async fn ready(
    pace: Pace,
    errand: Errand,
    result: Result<Reply, Ended>,
) -> Response<Body> {
    match result {
        Ok(reply) if reply.status == 401 => {
            let text = "The server no longer accepts the sign-in that Prokura holds. Sign in again in Prokura.";
            let (status, body) = refused(&errand, &Refusal::new(RefusalCode::SignInNeeded, text));
            away::json(status, &body)
        }
        Ok(reply) => relayed(pace, errand, reply).await,
        Err(Ended::Refused(refusal)) => {
            let (status, body) = refused(&errand, &refusal);
            away::json(status, &body)
        }
        Err(Ended::Cancelled) if errand.accepts.stream => stream_of(Body::empty()),
        Err(Ended::Cancelled) => {
            let body = away::error(errand.id.as_ref(), own::CANCELLED, "Cancelled.", None);
            away::json(StatusCode::OK, &body)
        }
    }
}

/// Status, headers and body of a reply, as they came.
async fn relayed(pace: Pace, errand: Errand, reply: Reply) -> Response<Body> {
    let mut head = head(&reply, errand.session.as_deref());
    if reply.is_stream() {
        stream_headers(head.headers_mut());
        *head.body_mut() = Flow::events(pace, errand, reply.body).into_body();
        return head;
    }
    let mut body = reply.body;
    match body.next().await {
        None => {}
        Some(Err(broken)) => {
            let code = code_of_break(&broken);
            let fault = away::error(errand.id.as_ref(), code, &sentence(&broken), None);
            return away::json(StatusCode::BAD_GATEWAY, &fault);
        }
        Some(Ok(first)) => {
            let held = errand.held;
            let rest = body.map(move |chunk| {
                let _under_way = &held;
                chunk
            });
            let whole = stream::once(async move { Ok(first) }).chain(rest);
            *head.body_mut() = Body::from_stream(whole.take_until(errand.over.cancelled_owned()));
        }
    }
    head
}

/// The head of a reply: its status, and the headers an Agent may see.
pub(crate) fn head(reply: &Reply, session: Option<&str>) -> Response<Body> {
    let mut head = Response::new(Body::empty());
    *head.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = head.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let seen = [CONTENT_TYPE, RETRY_AFTER, HeaderName::from_static(header::VERSION)];
    for name in seen {
        if let Some(value) = reply.header(name.as_str()).and_then(visible) {
            headers.insert(name, value);
        }
    }
    if reply.status == 405
        && let Some(value) = reply.header("allow").and_then(visible)
    {
        headers.insert(axum::http::header::ALLOW, value);
    }
    if let Some(id) = session.and_then(visible)
        && reply.header(header::SESSION).is_some()
    {
        headers.insert(header::session_name(), id);
    }
    head
}

/// An event stream of our own.
pub(crate) fn stream_of(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    stream_headers(response.headers_mut());
    response
}

fn stream_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// A header value, where it can be one.
pub(crate) fn visible(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// A fault as a sentence.
pub(crate) fn sentence(fault: &impl std::fmt::Display) -> String {
    let text = fault.to_string();
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
