//! Parameters of OAuth requests. One that occurs twice makes the request malformed (RFC 6749 §3.1): two readers could
//! take different ones.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use url::form_urlencoded;

use crate::header;

/// The parameters of one request.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body; `None` where a parameter occurs twice. One without a value counts as left out.
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            if form.0.iter().any(|(known, _)| *known == name) {
                return None;
            }
            form.0.push((name.into_owned(), value.into_owned()));
        }
        Some(form)
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }
}

/// Whether a body is declared as a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    header::single(headers, CONTENT_TYPE.as_str()).ok().flatten().is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}
