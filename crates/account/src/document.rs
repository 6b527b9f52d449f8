//! Reads the documents by which agents' programs name themselves to Prokura's own authorization server (Client ID
//! Metadata Documents). Whoever sends a request to that server chooses the URL, so nothing is trusted: https to a public
//! address only, no redirect, no credential, a small body. It must never reach this machine or the person's own network.

use async_trait::async_trait;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use prokura_domain::registry::{ClientDocuments, ReadDocument};
use url::Url;

use crate::http::{Fault, Guard, Network, shown};

/// The largest document: what the draft recommends.
const LARGEST: usize = 5 * 1024;
/// How long a document is used again where its server says nothing, in seconds.
const USUAL: i64 = 300;
/// The longest time one is used again, in seconds.
const LONGEST: i64 = 86_400;

/// The documents of the internet.
#[derive(Debug, Clone)]
pub struct PublicDocuments {
    network: Network,
}

impl PublicDocuments {
    /// Reads over `network`.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network }
    }

    async fn fetch(&self, url: &str) -> Result<ReadDocument, String> {
        let url = checked(url)?;
        let told = |fault: Fault| fault.to_string();
        let guard = Guard::public(&self.network).map_err(told)?;
        let request = http::Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| "it is not a URL".to_owned())?;
        let answer = guard.send_small(request, LARGEST).await.map_err(told)?;
        let shown = shown(&url);
        if answer.status() != StatusCode::OK {
            return Err(format!("{shown} answers {}", answer.status().as_u16()));
        }
        if !is_json(answer.headers()) {
            return Err(format!("{shown} is no JSON"));
        }
        let fresh_seconds = freshness(answer.headers());
        Ok(ReadDocument { text: answer.into_body(), fresh_seconds })
    }
}

#[async_trait]
impl ClientDocuments for PublicDocuments {
    async fn read(&self, url: &str) -> Result<ReadDocument, String> {
        self.fetch(url).await
    }
}

/// The draft's rules for such a URL: https, a path, no dot segments, no fragment, no user name, written as it is read.
fn checked(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "it is not a URL".to_owned())?;
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let dots = path.split('/').any(|part| matches!(part, "." | ".."));
    let plain = url.scheme() == "https"
        && url.path().len() > 1
        && !dots
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.as_str() == text;
    if plain {
        Ok(url)
    } else {
        Err("a client id that is a URL has to be a plain https URL with a path".to_owned())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// For how long the answer may be used again (RFC 9111), within bounds.
fn freshness(headers: &HeaderMap) -> i64 {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut fresh = USUAL;
    for word in values.flat_map(|value| value.split(',')).map(str::trim) {
        let word = word.to_ascii_lowercase();
        if word == "no-store" || word == "no-cache" {
            return 0;
        }
        if let Some(seconds) = word.strip_prefix("max-age=") {
            fresh = seconds.trim_matches('"').parse().unwrap_or(0);
        }
    }
    fresh.clamp(0, LONGEST)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_plain_https_urls_with_a_path_can_be_client_ids() {
        // SA-09, CA-13
        assert!(checked("https://agent.example/client.json").is_ok());
        assert!(checked("https://agent.example:8443/a/b?v=1").is_ok());
        for bad in [
            "http://agent.example/client.json",
            "https://agent.example",
            "https://agent.example/",
            "https://agent.example/a/../client.json",
            "https://agent.example/./client.json",
            "https://agent.example/client.json#x",
            "https://me@agent.example/client.json",
            "https://AGENT.example/client.json",
            "https://agent.example/a b",
            "file:///client.json",
            "prc_abc",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cache_headers_are_kept_within_bounds() {
        let with = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, http::HeaderValue::from_static(text));
            freshness(&headers)
        };
        assert_eq!(freshness(&HeaderMap::new()), USUAL);
        assert_eq!((with("public, max-age=60"), with("max-age=99999999")), (60, LONGEST));
        assert_eq!(
            (with("max-age=60, no-store"), with("max-age=x"), with("max-age=-5")),
            (0, 0, 0)
        );
    }

    #[tokio::test]
    async fn this_machine_and_the_persons_network_are_never_reached() {
        // B-07, B-03
        let documents = PublicDocuments::new(Network::system());
        for url in [
            "https://127.0.0.1/client.json",
            "https://localhost/client.json",
            "https://[::1]/client.json",
            "https://192.168.1.1/client.json",
            "https://10.0.0.7/client.json",
            "https://169.254.169.254/latest/meta-data",
            "https://[fd00::1]/client.json",
        ] {
            let fault = documents.read(url).await.unwrap_err();
            assert!(fault.contains("gives no reason to reach"), "{url}: {fault}");
        }
    }
}
