//! The outside of a message: its kind, its id, and the places where an id, a progress token or a subscription stands.
//! What is rewritten is cut out and put in as text; every other byte stays what it was.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The outermost members of a JSON-RPC message.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request, with its id as JSON text.
    Request { id: String, method: String },
    /// A notification.
    Note { method: String },
    /// A response, with the id it answers as JSON text.
    Answer { id: String },
}

/// What `text` is; `None` where it is no JSON-RPC message.
pub(super) fn kind(text: &str) -> Option<Kind> {
    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    let id = envelope.id.map(|id| id.get().to_owned());
    match (envelope.method, id) {
        (Some(method), Some(id)) => Some(Kind::Request { id, method: method.into_owned() }),
        (Some(method), None) => Some(Kind::Note { method: method.into_owned() }),
        (None, Some(id)) if envelope.result.is_some() || envelope.error.is_some() => {
            Some(Kind::Answer { id })
        }
        (None, _) => None,
    }
}

/// The code of an error response, as text.
pub(super) fn error_code(text: &str) -> Option<&str> {
    spot(text, &["error", "code"]).and_then(|at| text.get(at))
}

/// Where the value at this path of members stands in `text`.
pub(super) fn spot(text: &str, path: &[&str]) -> Option<Range<usize>> {
    let mut at = 0..text.len();
    for name in path {
        let inner = text.get(at.clone())?;
        let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(inner).ok()?;
        let found = members.get(*name)?.get();
        // A borrowed value is a part of the text it was read from.
        let from = (found.as_ptr() as usize).checked_sub(inner.as_ptr() as usize)?;
        let start = at.start.checked_add(from)?;
        at = start..start.checked_add(found.len())?;
    }
    Some(at)
}

/// The value at a path as JSON text.
pub(super) fn value<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    text.get(spot(text, path)?)
}

/// The same text with another value at a path; as it was where there is none.
pub(super) fn with(text: String, path: &[&str], value: &str) -> String {
    let Some(at) = spot(&text, path) else { return text };
    let mut text = text;
    text.replace_range(at, value);
    text
}

/// The same message in one line: a line break can only stand between two tokens of JSON.
pub(super) fn one_line(text: String) -> String {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nothing_but_the_place_that_is_rewritten_changes() {
        let text = r#" {"id" : 1e400,"params":{"x":12345678901234567890123,"_meta":{"progressToken":"a","\u0062":null}},
 "method":"tools\/call","extra":[1.0,{"id":2}] }"#;
        let said = with(text.to_owned(), &["id"], "17");
        let said = with(said, &["params", "_meta", "progressToken"], "18");
        assert_eq!(said, text.replace("1e400", "17").replace(r#""a""#, "18"));
        let back =
            with(with(said, &["id"], "1e400"), &["params", "_meta", "progressToken"], r#""a""#);
        assert_eq!(back, text);
        assert_eq!(one_line("{\"a\":\n \"b\\n\"}\r".to_owned()), "{\"a\":  \"b\\n\"} ");
    }

    #[test]
    fn a_line_is_a_request_a_note_an_answer_or_no_message() {
        let request = Kind::Request { id: "\"a\"".to_owned(), method: "ping".to_owned() };
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#), Some(request));
        assert_eq!(kind(r#"{"method":"x"}"#), Some(Kind::Note { method: "x".to_owned() }));
        assert_eq!(kind(r#"{"id":7,"result":null}"#), None);
        assert_eq!(kind(r#"{"id":7,"result":{}}"#), Some(Kind::Answer { id: "7".to_owned() }));
        assert_eq!(kind(r#"{"id":7,"error":{}}"#), Some(Kind::Answer { id: "7".to_owned() }));
        for noise in ["", "Server listening…", "7", "[]", "{}", r#"{"id":1,"id":2,"result":{}}"#]
        {
            assert_eq!(kind(noise), None, "{noise}");
        }
        assert_eq!(error_code(r#"{"id":1,"error":{"code":-32601}}"#), Some("-32601"));
    }
}
