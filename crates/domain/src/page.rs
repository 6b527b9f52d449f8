//! A page that a Server wants the person to visit (elicitation, URL mode). It is only looked at here: nothing is opened,
//! fetched or looked up.

use url::{Host, Url};

use crate::json::Json;

/// The longest address.
const LONGEST: usize = 8 * 1024;

/// A page, and whether it may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The address as the Server wrote it.
    pub written: String,
    /// The address as a browser would open it; `None` where there is none.
    pub url: Option<Url>,
    /// Why it is not opened, as a sentence without its full stop.
    pub refused: Option<&'static str>,
}

impl Page {
    /// The page in the parameters of an `elicitation/create` in URL mode.
    #[must_use]
    pub fn of(params: &Json) -> Self {
        let written = params.member("url").and_then(Json::as_str).unwrap_or_default().to_owned();
        let url = Url::parse(&written).ok().filter(|_| written.len() <= LONGEST);
        let refused = match &url {
            None => Some("it is no address of a page"),
            Some(url) => unopened(url),
        };
        Self { written, url, refused }
    }

    /// The address that may be opened.
    #[must_use]
    pub fn openable(&self) -> Option<&Url> {
        self.url.as_ref().filter(|_| self.refused.is_none())
    }
}

/// B-09, B-12: https, or http to this very machine; and nothing that makes the host look like another one.
fn unopened(url: &Url) -> Option<&'static str> {
    let here = match url.host() {
        None => return Some("it names no host"),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("what stands before the @ in it makes it look like another host");
    }
    match url.scheme() {
        "https" => None,
        "http" if here => None,
        "http" => Some("it is not encrypted (http, not https)"),
        _ => Some("it is no page of the web"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_pages_and_those_of_this_machine_are_opened() {
        // U-10, U-12, B-09
        let page = |url: &str| Page::of(&Json::object([("url", Json::text(url))]));
        for url in [
            "https://x.example/a?b=1",
            "http://127.0.0.1:8080/",
            "http://localhost/x",
            "http://[::1]/",
        ] {
            assert!(page(url).openable().is_some(), "{url}");
        }
        for url in [
            "http://x.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "ssh://x.example",
            "https://good.example@evil.example/",
            "https://:x@evil.example/",
            "//x.example",
            "",
            "https://",
            "http://localhost.evil.example/",
            "vbscript:x",
            "mailto:a@b.example",
            "x-app://open",
        ] {
            assert!(page(url).openable().is_none(), "{url}");
        }
        assert!(page(&format!("https://x.example/{}", "a".repeat(9000))).openable().is_none());
        let sly = page("https://p\u{430}ypal.example/");
        assert_eq!(sly.openable().map(Url::as_str), Some("https://xn--pypal-4ve.example/"));
    }
}
