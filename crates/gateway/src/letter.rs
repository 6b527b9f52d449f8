//! One JSON-RPC message as an Agent sent it: parsed once, its bytes kept as they came.

use axum::http::HeaderMap;
use bytes::Bytes;
use prokura_domain::Json;
use prokura_domain::json::Fault;
use prokura_domain::protocol::{META_CLIENT, META_VERSION};

use crate::away::{Away, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, clip};

/// The longest method name.
const METHOD_LIMIT: usize = 256;
/// The longest id.
const ID_LIMIT: usize = 1024;

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Request {
        id: Json,
        method: String,
    },
    Notification {
        method: String,
    },
    /// A response; `result` is null for an error.
    Response {
        id: Json,
        result: Json,
    },
}

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// The bytes as they came.
    pub raw: Bytes,
    /// The same, read.
    pub json: Json,
    pub shape: Shape,
}

impl Letter {
    /// Reads one message.
    pub fn read(raw: Bytes) -> Result<Self, Away> {
        let json = Json::read(&raw).map_err(|fault| unreadable(&fault))?;
        let shape = shape(&json)?;
        Ok(Self { raw, json, shape })
    }

    pub fn id(&self) -> Option<&Json> {
        match &self.shape {
            Shape::Request { id, .. } => Some(id),
            Shape::Notification { .. } | Shape::Response { .. } => None,
        }
    }

    pub fn method(&self) -> Option<&str> {
        match &self.shape {
            Shape::Request { method, .. } | Shape::Notification { method } => Some(method),
            Shape::Response { .. } => None,
        }
    }

    /// The parameters; `{}` where omitted.
    pub fn params(&self) -> Json {
        self.json.member("params").cloned().unwrap_or_else(|| Json::Object(Vec::new()))
    }

    /// A member of `_meta`.
    pub fn meta(&self, key: &str) -> Option<&Json> {
        self.json.member("params")?.member("_meta")?.member(key)
    }

    /// The progress token, where the request carries one.
    pub fn progress(&self) -> Option<Json> {
        let token = self.meta("progressToken")?;
        matches!(token, Json::String(_) | Json::Number(_)).then(|| token.clone())
    }

    /// What the Agent says of itself here: a claim.
    pub fn claim(&self) -> Option<String> {
        let info = match self.method() {
            Some("initialize") => self.json.at("/params/clientInfo"),
            _ => self.meta(META_CLIENT),
        }?;
        let name = info.member("name").and_then(Json::as_str)?;
        let version = info.member("version").and_then(Json::as_str).unwrap_or_default();
        Some(clip(format!("{name} {version}").trim(), 120))
    }

    /// Whether the body states a version per message.
    pub fn states_version(&self) -> bool {
        self.meta(META_VERSION).is_some()
    }

    /// Whether it is a message of this method.
    pub fn is(&self, method: &str) -> bool {
        self.method() == Some(method)
    }
}

/// What the method's mirrored `Mcp-Name` is taken from.
pub(crate) fn named_by(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

fn unreadable(fault: &Fault) -> Away {
    match fault {
        Fault::Duplicate { .. } => {
            Away::new(400, INVALID_REQUEST, "duplicate member", format!("Invalid request: {fault}"))
        }
        Fault::Syntax { .. } | Fault::TooDeep { .. } => {
            Away::new(400, PARSE_ERROR, "not JSON", format!("Parse error: {fault}"))
        }
    }
}

fn shape(json: &Json) -> Result<Shape, Away> {
    let invalid = |text: &str| {
        Err(Away::new(
            400,
            INVALID_REQUEST,
            "not a JSON-RPC message",
            format!("Invalid request: {text}"),
        ))
    };
    match json {
        Json::Object(_) => {}
        Json::Array(_) => return invalid("batches are not carried; send each message on its own."),
        _ => return invalid("a message is a JSON object."),
    }
    if json.member("jsonrpc").and_then(Json::as_str) != Some("2.0") {
        return invalid("the member \"jsonrpc\" has to be \"2.0\".");
    }
    let id = json.member("id");
    if !id.is_none_or(is_id) {
        return invalid("the id has to be a string or an integer.");
    }
    let answers = ["result", "error"].iter().filter(|name| json.member(name).is_some()).count();
    let Some(method) = json.member("method") else {
        return match (id, answers) {
            (Some(id), 1) => {
                let result = json.member("result").cloned().unwrap_or(Json::Null);
                Ok(Shape::Response { id: id.clone(), result })
            }
            _ => invalid("it has no method, and is no response with an id either."),
        };
    };
    let Some(method) =
        method.as_str().filter(|name| !name.is_empty() && name.len() <= METHOD_LIMIT)
    else {
        return invalid("the method has to be a string of 1 to 256 bytes.");
    };
    if answers > 0 {
        return invalid("it is a request and a response at once.");
    }
    if !matches!(json.member("params"), None | Some(Json::Object(_))) {
        let text = "Invalid params: MCP parameters are a JSON object.";
        return Err(Away::new(400, INVALID_PARAMS, "parameters are no object", text).to(id));
    }
    let method = method.to_owned();
    Ok(match id {
        Some(id) => Shape::Request { id: id.clone(), method },
        None => Shape::Notification { method },
    })
}

/// MCP ids are strings or integers.
fn is_id(id: &Json) -> bool {
    match id {
        Json::String(text) => text.len() <= ID_LIMIT,
        Json::Number(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            text.len() <= ID_LIMIT && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => false,
    }
}

/// The length the request declares for its body.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    crate::header::single(headers, "content-length").ok().flatten()?.parse().ok()
}
