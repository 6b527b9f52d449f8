//! The small page that a browser sees at the end of a sign-in. No scripts, nothing from elsewhere, nothing unescaped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use prokura_domain::Digest;

const STYLE: &str = "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem;\
color:#1c2430;background:#f7f8fa}h1{font-size:1.4rem}\
@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14181e}}";

/// What the browser is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    /// Signed in, under this name.
    Done(String),
    /// It did not work, for this reason.
    Failed(String),
    /// Not the end of an open sign-in.
    Unknown,
    /// Nothing is here.
    NotFound,
    /// Only GET is answered.
    BadMethod,
}

impl Page {
    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let (status, title, text) = match self {
            Self::Done(name) => (
                StatusCode::OK,
                "You are signed in",
                format!("Prokura has the account {name} now. You can close this page."),
            ),
            Self::Failed(reason) => (
                StatusCode::BAD_REQUEST,
                "The sign-in did not work",
                format!("{reason}. You can close this page."),
            ),
            Self::Unknown => (
                StatusCode::BAD_REQUEST,
                "This is not an open sign-in",
                "It is over, or it was started elsewhere. Nothing was changed. You can close this page."
                    .to_owned(),
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "Nothing is here", String::new()),
            Self::BadMethod => (StatusCode::METHOD_NOT_ALLOWED, "Nothing is here", String::new()),
        };
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Prokura</title><style>{STYLE}</style>\
             <h1>{title}</h1><p>{}</p></html>",
            escaped(&text)
        );
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (CONNECTION, "close"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if *self == Self::BadMethod {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        let style = STANDARD.encode(Digest::of(&[STYLE.as_bytes()]).0);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_said_is_text_on_the_page() {
        assert_eq!(escaped("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
