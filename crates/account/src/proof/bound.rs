//! What a proof puts on one request: the header, and where the token is bound to a key a fresh proof of that.
//! It must never make one for another address than the proof is for.

use prokura_vault::Secret;
use url::Url;

use super::Proof;
use crate::book::AccountBook;
use crate::challenge;
use crate::dpop;
use crate::error::AccountError;

impl AccountBook {
    /// What proves one request to `url`: the header, and where the token is bound to a key a fresh proof of that
    /// (RFC 9449 §7).
    ///
    /// # Errors
    /// [`AccountError::ResourceMismatch`] where the proof is for another place.
    pub fn headers(
        &self,
        proof: &Proof,
        method: &str,
        url: &Url,
    ) -> Result<Vec<(String, Secret)>, AccountError> {
        if !proof.is_for(url) {
            return Err(AccountError::ResourceMismatch {
                endpoint: crate::http::shown(url),
                resource: proof.resource.clone(),
            });
        }
        let mut headers = Vec::new();
        if let Some((name, value)) = proof.header() {
            headers.push((name.to_owned(), Secret::new(value.expose().to_owned())));
        }
        if let Some((token, key)) = &proof.bound {
            let shown = dpop::Proof { method, url, token: Some(token) };
            let book = &self.0;
            let nonce = book.nonces.of_resource(url);
            let signed = shown
                .sign(key, nonce, book.now(), book.entropy.as_ref())
                .ok_or(AccountError::DoesNotOpen)?;
            headers.push((dpop::HEADER.to_owned(), Secret::new(signed)));
        }
        Ok(headers)
    }

    /// Takes note of what a Server's answer says about proofs. Whether the request was refused only because its proof
    /// lacked the Server's nonce (RFC 9449 §9): then it can be sent again, once.
    #[must_use]
    pub fn heard(&self, proof: &Proof, url: &Url, status: u16, headers: &http::HeaderMap) -> bool {
        if proof.bound.is_none() {
            return false;
        }
        self.0.nonces.heard_from_resource(url, headers);
        let said: Vec<String> = headers
            .get_all(http::header::WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
        status == 401
            && dpop::brings_nonce(headers)
            && challenge::bearer(&said)
                .is_some_and(|said| said.error.as_deref() == Some("use_dpop_nonce"))
    }
}
