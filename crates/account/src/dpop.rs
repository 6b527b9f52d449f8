//! Demonstrating Proof of Possession (RFC 9449): tokens bound to a key of the Account, and a fresh proof for every request.
//! It must never sign for another address than the request is sent to.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use prokura_domain::{Digest, Entropy, Timestamp};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::book::lock;
use crate::jws::SigningKey;
use crate::token::random;

/// The header of a proof, and of a server's nonce.
pub(crate) const HEADER: &str = "dpop";
const NONCE: &str = "dpop-nonce";
const MAX_NONCE: usize = 1024;
/// So many servers' nonces are remembered.
const MAX_KNOWN: usize = 256;

/// What one proof is for.
pub(crate) struct Proof<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    /// The access token that goes with it.
    pub(crate) token: Option<&'a str>,
}

impl Proof<'_> {
    /// The signed proof (RFC 9449 §4.2).
    pub(crate) fn sign(
        &self,
        key: &SigningKey,
        nonce: Option<String>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Option<String> {
        let mut place = self.url.clone();
        place.set_query(None);
        place.set_fragment(None);
        let mut claims = json!({
            "jti": random(entropy),
            "htm": self.method,
            "htu": place.as_str(),
            "iat": now.0.div_euclid(1000),
        });
        let members = claims.as_object_mut()?;
        if let Some(token) = self.token {
            let digest = URL_SAFE_NO_PAD.encode(Digest::of(&[token.as_bytes()]).0);
            members.insert("ath".to_owned(), digest.into());
        }
        if let Some(nonce) = nonce {
            members.insert("nonce".to_owned(), nonce.into());
        }
        key.jwt("dpop+jwt", true, &claims)
    }
}

/// The newest nonce of each server. An authorization server's and a resource's are kept apart, even at one address
/// (RFC 9449 §9). They are no secrets.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<(Role, String), String>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Issuer,
    Resource,
}

impl Nonces {
    pub(crate) fn of_issuer(&self, at: &Url) -> Option<String> {
        self.of(Role::Issuer, at)
    }

    pub(crate) fn of_resource(&self, at: &Url) -> Option<String> {
        self.of(Role::Resource, at)
    }

    pub(crate) fn heard_from_issuer(&self, at: &Url, headers: &HeaderMap) {
        self.heard(Role::Issuer, at, headers);
    }

    pub(crate) fn heard_from_resource(&self, at: &Url, headers: &HeaderMap) {
        self.heard(Role::Resource, at, headers);
    }

    fn of(&self, role: Role, at: &Url) -> Option<String> {
        lock(&self.0).get(&(role, at.origin().ascii_serialization())).cloned()
    }

    fn heard(&self, role: Role, at: &Url, headers: &HeaderMap) {
        let Some(nonce) = nonce(headers) else { return };
        let mut known = lock(&self.0);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert((role, at.origin().ascii_serialization()), nonce.to_owned());
    }
}

/// The nonce that an answer brings (RFC 9449 §8.1).
fn nonce(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(NONCE).iter();
    let (first, more) = (all.next()?, all.next());
    let nonce = first.to_str().ok()?;
    let fits = !nonce.is_empty()
        && nonce.len() <= MAX_NONCE
        && nonce.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
    (fits && more.is_none()).then_some(nonce)
}

/// Whether a token endpoint refused a proof only because its nonce is missing or old.
pub(crate) fn wants_nonce(answer: &http::Response<Vec<u8>>) -> bool {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    matches!(answer.status().as_u16(), 400 | 401)
        && nonce(answer.headers()).is_some()
        && serde_json::from_slice::<Said>(answer.body())
            .is_ok_and(|said| said.error == "use_dpop_nonce")
}

/// Whether an answer brings a nonce at all.
pub(crate) fn brings_nonce(headers: &HeaderMap) -> bool {
    nonce(headers).is_some()
}
