//! What is said when a message is not carried: the gateway's own errors, and the refusals of the path, as HTTP and
//! JSON-RPC. It must never repeat a header or a body back, except the names that the Agent itself sent.

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use prokura_delegation::{Broken, RefusalCode};
use prokura_domain::Json;

/// JSON-RPC: not JSON.
pub(crate) const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: not a message.
pub(crate) const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC: no such method.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: parameters not right.
pub(crate) const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC: a fault of the receiver.
pub(crate) const INTERNAL_ERROR: i64 = -32603;
/// MCP up to 2025-11-25: no such resource.
pub(crate) const RESOURCE_NOT_FOUND: i64 = -32002;
/// MCP from 2026-07-28: header and body differ.
pub(crate) const HEADER_MISMATCH: i64 = -32020;
/// MCP from 2026-07-28: the client did not declare what this needs.
pub(crate) const CAPABILITY_NEEDED: i64 = -32021;
/// MCP from 2026-07-28: the version is not spoken.
pub(crate) const UNSUPPORTED_VERSION: i64 = -32022;

/// The gateway's own codes: an HTTP status and two more digits, all outside the range JSON-RPC reserves.
/// The table is closed.
pub(crate) mod own {
    /// No key, or one that is not known.
    pub const KEY: i64 = 40_100;
    /// The program has to be let in by the person first.
    pub const PAIRING: i64 = 40_102;
    /// The account has to be signed in again.
    pub const SIGN_IN: i64 = 40_101;
    /// A foreign Host or Origin.
    pub const FOREIGN: i64 = 40_300;
    /// A rule denies it.
    pub const DENIED: i64 = 40_301;
    /// The person said no.
    pub const DENIED_BY_PERSON: i64 = 40_302;
    /// All agents are paused.
    pub const PAUSED: i64 = 40_303;
    /// The agent was revoked.
    pub const REVOKED: i64 = 40_304;
    /// No such endpoint.
    pub const NO_PLACE: i64 = 40_400;
    /// No such session.
    pub const NO_SESSION: i64 = 40_401;
    /// The HTTP method is not used here.
    pub const VERB: i64 = 40_500;
    /// The agent takes neither of the two content types.
    pub const NOT_ACCEPTABLE: i64 = 40_600;
    /// The body did not arrive in time.
    pub const TOO_SLOW: i64 = 40_800;
    /// Nobody answered in time.
    pub const UNANSWERED: i64 = 40_801;
    /// The person has not answered yet; the same message again finds the answer.
    pub const WAITING: i64 = 40_802;
    /// What was asked about changed meanwhile.
    pub const CHANGED: i64 = 40_901;
    /// The body is too large.
    pub const TOO_LARGE: i64 = 41_300;
    /// The body is not declared as JSON.
    pub const CONTENT_TYPE: i64 = 41_500;
    /// Too much at once.
    pub const TOO_MANY: i64 = 42_900;
    /// The headers are too large.
    pub const HEADERS: i64 = 43_100;
    /// The request was cancelled by the agent.
    pub const CANCELLED: i64 = 49_900;
    /// The server broke off, or said something that is not MCP.
    pub const BROKEN: i64 = 50_200;
    /// The server cannot be reached.
    pub const UNREACHABLE: i64 = 50_201;
    /// Prokura is stopping.
    pub const STOPPING: i64 = 50_300;
    /// The audit log cannot be written.
    pub const AUDIT: i64 = 50_301;
    /// The vault has no key.
    pub const VAULT: i64 = 50_302;
}

/// The code an Agent gets for a refusal that does not pretend the target is unknown.
pub(crate) fn code_of(code: RefusalCode) -> i64 {
    match code {
        RefusalCode::Unknown => METHOD_NOT_FOUND,
        RefusalCode::Denied => own::DENIED,
        RefusalCode::DeniedByPerson => own::DENIED_BY_PERSON,
        RefusalCode::Unanswered => own::UNANSWERED,
        RefusalCode::Waiting => own::WAITING,
        RefusalCode::Paused => own::PAUSED,
        RefusalCode::Revoked => own::REVOKED,
        RefusalCode::Changed => own::CHANGED,
        RefusalCode::SignInNeeded => own::SIGN_IN,
        RefusalCode::Unreachable => own::UNREACHABLE,
        RefusalCode::AuditBroken => own::AUDIT,
        RefusalCode::VaultLocked => own::VAULT,
        RefusalCode::Malformed => INVALID_PARAMS,
        RefusalCode::TasksUndeclared => CAPABILITY_NEEDED,
        RefusalCode::Internal => INTERNAL_ERROR,
    }
}

/// The code for a body that broke off.
pub(crate) fn code_of_break(broken: &Broken) -> i64 {
    match broken {
        Broken::Upstream => own::BROKEN,
        Broken::Revoked => own::REVOKED,
        Broken::AuditBroken => own::AUDIT,
        Broken::TooLarge => own::TOO_LARGE,
    }
}

/// A request that goes no further, with what is said and what is recorded.
#[derive(Debug, Clone)]
pub(crate) struct Away {
    pub status: StatusCode,
    pub code: i64,
    /// What the Agent is told.
    pub message: String,
    /// What the log is told: never anything of the request's content.
    pub why: &'static str,
    pub data: Option<Json>,
    pub id: Option<Json>,
    /// When it may be tried again, in seconds.
    pub after: u8,
}

impl Away {
    pub fn new(status: u16, code: i64, why: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self {
            status,
            code,
            message: clip(&message.into(), 400),
            why,
            data: None,
            id: None,
            after: 1,
        }
    }

    /// The same as an answer to the request with this id.
    pub fn to(mut self, id: Option<&Json>) -> Self {
        self.id = id.cloned();
        self
    }

    /// The same, to be tried again after some seconds.
    pub fn after(mut self, seconds: u8) -> Self {
        self.after = seconds;
        self
    }

    /// The same with `data`.
    pub fn with(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }

    pub fn response(&self) -> Response<Body> {
        let body = error(self.id.as_ref(), self.code, &self.message, self.data.clone());
        let mut response = json(self.status, &body);
        let extra: Option<(HeaderName, &'static str)> = match self.status {
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer realm=\"Prokura\"")),
            StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, "POST")),
            _ => None,
        };
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(u16::from(self.after)));
        }
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// A JSON-RPC error message; `id` is null where the message is not known.
pub(crate) fn error(id: Option<&Json>, code: i64, message: &str, data: Option<Json>) -> Json {
    let mut fault =
        vec![("code".to_owned(), Json::from(code)), ("message".to_owned(), Json::text(message))];
    if let Some(data) = data {
        fault.push(("data".to_owned(), data));
    }
    Json::object([
        ("jsonrpc", Json::text("2.0")),
        ("id", id.cloned().unwrap_or(Json::Null)),
        ("error", Json::Object(fault)),
    ])
}

/// A JSON-RPC result message.
pub(crate) fn result(id: &Json, result: Json) -> Json {
    Json::object([("jsonrpc", Json::text("2.0")), ("id", id.clone()), ("result", result)])
}

/// A JSON answer that nobody keeps.
pub(crate) fn json(status: StatusCode, body: &Json) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_text()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// At most `limit` characters, control characters made visible.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    let mut out: String = text
        .chars()
        .take(limit)
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect();
    if text.chars().nth(limit).is_some() {
        out.push('…');
    }
    out
}
