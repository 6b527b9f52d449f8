//! What a line is, without reading more of it than its outermost members.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    Request {
        id: String,
        method: String,
    },
    Notification {
        method: String,
    },
    /// A response, and whether it is an error.
    Response {
        id: String,
        failed: bool,
    },
    /// No message that could be told.
    Other,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    error: Option<IgnoredAny>,
}

impl Head {
    pub fn of(line: &[u8]) -> Self {
        let Ok(members) = serde_json::from_slice::<Members<'_>>(line) else { return Self::Other };
        let id = members.id.and_then(|id| same(id.get()));
        match (id, members.method) {
            (Some(id), Some(method)) => Self::Request { id, method: method.into_owned() },
            (None, Some(method)) => Self::Notification { method: method.into_owned() },
            (Some(id), None) => Self::Response { id, failed: members.error.is_some() },
            (None, None) => Self::Other,
        }
    }
}

/// One text for one id, however it was written. Numbers keep their digits.
fn same(id: &str) -> Option<String> {
    match serde_json::from_str::<Value>(id).ok()? {
        Value::Null => None,
        Value::String(text) => Some(json!(text).to_string()),
        _ => Some(id.to_owned()),
    }
}

/// The answer to a request that goes no further.
pub fn error(id: &str, code: i64, text: &str) -> String {
    let said = json!({ "code": code, "message": text });
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{said}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_by_its_outermost_members() {
        let request = |id: &str| Head::Request { id: id.to_owned(), method: "m".to_owned() };
        let table = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"id":9}}"#, request("1")),
            (r#"{"method":"\u006d","id":"\u0061"}"#, request(r#""a""#)),
            (
                r#"{"id":123456789012345678901234567890,"method":"m"}"#,
                request("123456789012345678901234567890"),
            ),
            (r#"{"method":"m"}"#, Head::Notification { method: "m".to_owned() }),
            (
                r#"{"id":2,"result":{"error":1}}"#,
                Head::Response { id: "2".to_owned(), failed: false },
            ),
            (r#"{"id":2,"error":{}}"#, Head::Response { id: "2".to_owned(), failed: true }),
            (r#"{"id":null,"error":{}}"#, Head::Other),
            (r#"{"id":1,"id":2,"method":"m"}"#, Head::Other),
            ("[1]", Head::Other),
            ("no", Head::Other),
        ];
        for (line, expected) in table {
            assert_eq!(Head::of(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(
            error("1", -5, "a \"b\""),
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-5,"message":"a \"b\""}}"#
        );
    }
}
