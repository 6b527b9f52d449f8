//! RFC 6901 pointers, resolved strictly: what cannot be there is told apart from what is not there.

use std::fmt;
use std::str::FromStr;

use crate::json::Json;

/// A pointer into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pointer {
    text: String,
    steps: Vec<String>,
}

/// What a pointer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// This value.
    Value(&'a Json),
    /// Nothing: an object or array on the way has no such member.
    Nothing,
    /// It leads through a value that has no members, such as a string or `null`.
    Astray,
}

/// The text is not a pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a JSON pointer; write it like /amount or /items/0/price, with ~1 for \"/\" and ~0 for \"~\" in a name"
)]
pub struct NotAPointer(String);

impl Pointer {
    /// The text it was written as.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Follows the pointer from `root`.
    #[must_use]
    pub fn find<'a>(&self, root: &'a Json) -> Found<'a> {
        let mut value = root;
        for step in &self.steps {
            let next = match value {
                Json::Object(_) => value.member(step),
                Json::Array(items) => index(step).and_then(|index| items.get(index)),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                    return Found::Astray;
                }
            };
            match next {
                Some(next) => value = next,
                None => return Found::Nothing,
            }
        }
        Found::Value(value)
    }
}

/// An array index as RFC 6901 writes it: digits without leading zeros.
fn index(step: &str) -> Option<usize> {
    let plain = step.bytes().all(|byte| byte.is_ascii_digit()) && !step.is_empty();
    if !plain || (step.len() > 1 && step.starts_with('0')) {
        return None;
    }
    step.parse().ok()
}

impl FromStr for Pointer {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAPointer(text.to_owned());
        if text.is_empty() {
            return Ok(Self { text: String::new(), steps: Vec::new() });
        }
        let rest = text.strip_prefix('/').ok_or_else(wrong)?;
        let steps: Option<Vec<String>> = rest.split('/').map(unescaped).collect();
        Ok(Self { text: text.to_owned(), steps: steps.ok_or_else(wrong)? })
    }
}

fn unescaped(step: &str) -> Option<String> {
    let mut out = String::new();
    let mut characters = step.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '~' => match characters.next() {
                Some('0') => '~',
                Some('1') => '/',
                Some(_) | None => return None,
            },
            other => other,
        });
    }
    Some(out)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_pointer_finds_what_rfc_6901_says() {
        let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"n":null,"é":{"x":2}}"#;
        let root = Json::read(text.as_bytes()).unwrap();
        for (pointer, found) in [
            ("/foo/0", "\"bar\""),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/m~0n", "8"),
            ("/n", "null"),
            ("/é/x", "2"),
            ("/foo/2", "nothing"),
            ("/foo/01", "nothing"),
            ("/foo/+1", "nothing"),
            ("/foo/-", "nothing"),
            ("/bar", "nothing"),
            ("/e\u{301}", "nothing"),
            ("/n/x", "astray"),
            ("/foo/0/x", "astray"),
        ] {
            let told = match pointer.parse::<Pointer>().unwrap().find(&root) {
                Found::Value(value) => value.to_text(),
                Found::Nothing => "nothing".to_owned(),
                Found::Astray => "astray".to_owned(),
            };
            assert_eq!(told, found, "{pointer}");
        }
        assert_eq!("".parse::<Pointer>().unwrap().find(&root), Found::Value(&root));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["amount", "a/b", "/a~2", "/a~", "$.amount"] {
            assert!(text.parse::<Pointer>().is_err(), "{text}");
        }
    }
}
