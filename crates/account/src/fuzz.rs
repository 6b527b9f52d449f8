//! Doors for the fuzzer, built with `--cfg fuzzing` only: what comes from strangers goes in, and what has to be true of
//! the outcome is asserted.

use std::sync::OnceLock;

use http::Response;
use url::Url;

use crate::callback::Callback;
use crate::challenge::{self, is_scope};
use crate::discovery::Issuer;
use crate::http::{Guard, Network};
use crate::token::has_tokens;

/// `WWW-Authenticate`.
pub fn challenge(text: &str) {
    if let Some(bearer) = challenge::bearer(&[text.to_owned()]) {
        assert!(bearer.scopes.iter().all(|scope| is_scope(scope)));
    }
}

/// The query of a redirect.
pub fn callback(text: &str) {
    const ISSUER: &str = "https://as.example";
    if let Some(callback) = Callback::read(text) {
        // Whatever else it says: a promised issuer has to be there, byte for byte.
        assert_eq!(callback.is_from(ISSUER, None, true), callback.iss.as_deref() == Some(ISSUER));
    }
}

/// A token answer.
pub fn token(bytes: &[u8]) {
    let mut answer = Response::new(bytes.to_vec());
    let json = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, json);
    let _ = has_tokens(&answer);
}

/// Metadata of `https://as.example`, whose endpoints are all checked.
pub fn metadata(bytes: &[u8]) {
    static GUARD: OnceLock<Option<Guard>> = OnceLock::new();
    let endpoint = || Url::parse("https://mcp.example/mcp").ok();
    let guard = GUARD.get_or_init(|| Guard::new(&endpoint()?, &Network::system()).ok());
    if let Some(issuer) = guard.as_ref().and_then(|guard| Issuer::of_bytes(guard, bytes)) {
        assert!(issuer.token.scheme() == "https", "{}", issuer.token);
    }
}
