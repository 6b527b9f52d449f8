//! A look at a message of a Server: what it is and how it went, without reading more than its outermost members.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a message of a Server is.
pub(crate) enum Peek {
    /// A response, with how it went.
    Answer(&'static str),
    /// A request of the Server, with its id as JSON text.
    Request {
        id: String,
        method: String,
    },
    Other,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ResultMembers<'a> {
    is_error: Option<bool>,
    #[serde(borrow)]
    result_type: Option<Cow<'a, str>>,
}

/// What `message` is.
pub(crate) fn peek(message: &[u8]) -> Peek {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(message) else { return Peek::Other };
    if let (Some(method), Some(id)) = (&envelope.method, envelope.id) {
        return Peek::Request { id: id.get().to_owned(), method: method.to_string() };
    }
    if envelope.error.is_some() {
        return Peek::Answer("rpc_error");
    }
    let Some(result) = envelope.result else { return Peek::Other };
    let members = serde_json::from_str::<ResultMembers<'_>>(result.get()).unwrap_or_default();
    match (members.is_error, members.result_type.as_deref()) {
        (Some(true), _) => Peek::Answer("tool_error"),
        (_, Some("input_required")) => Peek::Answer("input_required"),
        (_, Some("task")) => Peek::Answer("task"),
        _ => Peek::Answer("ok"),
    }
}
