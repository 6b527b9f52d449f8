//! Token requests at an authorization server, over the guarded client: what is asked, how the client proves itself, and
//! the judgement of what came back. Nothing of a body is ever shown except `error` and a trimmed `error_description`.

mod answer;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use prokura_domain::{Digest, Entropy, Timestamp};
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::client::{AuthMethod, Client, Occasion};
use crate::discovery::Issuer;
use crate::dpop::{self, Nonces};
use crate::error::AccountError;
use crate::http::{Fault, Guard, host_of};
use crate::jws::SigningKey;
use crate::text;

pub(crate) use answer::{error_text, said_in};
use answer::{judge, read_exchange, read_pushed, refused};

type Answer = http::Response<Vec<u8>>;

/// Whether an answer holds tokens, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn has_tokens(answer: &Answer) -> bool {
    answer::read(answer).is_ok()
}

/// What a token endpoint issued.
pub(crate) struct Granted {
    pub(crate) access: Zeroizing<String>,
    pub(crate) refresh: Option<Zeroizing<String>>,
    /// Seconds until the access token expires.
    pub(crate) lifetime: Option<i64>,
    /// The granted scopes, where they differ from the requested ones.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) id_token: Option<Zeroizing<String>>,
}

/// Why no token was issued.
#[derive(Debug, Clone)]
pub(crate) enum TokenFault {
    /// May pass by itself.
    Passing(AccountError),
    /// The authorization server's own `error`, and what may be shown of its answer.
    Refused { code: String, said: String },
}

impl TokenFault {
    /// What the person is told.
    pub(crate) fn told(self, issuer: &str) -> AccountError {
        match self {
            Self::Passing(fault) => fault,
            Self::Refused { said, .. } => {
                AccountError::Refused { issuer: text::printable(issuer, 200), said }
            }
        }
    }

    /// Whether the client itself is no longer known there.
    pub(crate) fn is_about_the_client(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if code == "invalid_client" || code == "unauthorized_client")
    }
}

/// A fresh verifier for one authorization request (RFC 7636 §4.1).
pub(crate) fn verifier(entropy: &dyn Entropy) -> Zeroizing<String> {
    Zeroizing::new(random(entropy))
}

/// 256 unpredictable bits as 43 characters that a URL carries as they are.
pub(crate) fn random(entropy: &dyn Entropy) -> String {
    let mut bytes = Zeroizing::new([0u8; 32]);
    entropy.fill(bytes.as_mut());
    URL_SAFE_NO_PAD.encode(bytes.as_ref())
}

/// The two sides of one conversation with an authorization server: who it is, and as which client.
pub(crate) struct Talk<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) issuer: &'a Issuer,
    pub(crate) client: &'a Client,
    pub(crate) resource: &'a str,
    /// The key that tokens are bound to, where they are.
    pub(crate) key: Option<&'a SigningKey>,
    pub(crate) nonces: &'a Nonces,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'a dyn Entropy,
}

/// What is asked of the person's browser.
pub(crate) struct Ask<'a> {
    pub(crate) redirect: &'a str,
    pub(crate) state: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) scopes: &'a [String],
}

impl Talk<'_> {
    /// What an authorization request says (CA-24, CA-26, CA-31).
    pub(crate) fn authorization(&self, ask: &Ask<'_>) -> Vec<(&'static str, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(&[ask.verifier.as_bytes()]).0);
        let mut pairs = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client.id.clone()),
            ("state", ask.state.to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
            ("redirect_uri", ask.redirect.to_owned()),
        ];
        if !ask.scopes.is_empty() {
            pairs.push(("scope", ask.scopes.join(" ")));
        }
        pairs.push(("resource", self.resource.to_owned()));
        if let Some(thumbprint) = self.key.and_then(SigningKey::thumbprint) {
            // Binds the code too (RFC 9449 §10).
            pairs.push(("dpop_jkt", thumbprint));
        }
        if ask.scopes.iter().any(|scope| scope == "offline_access") {
            // OpenID Connect Core §11 wants consent to be asked for it.
            pairs.push(("prompt", "consent".to_owned()));
        }
        pairs
    }

    /// The URL the person's browser is sent to. Where the request can be left beforehand it is (RFC 9126): then nothing on
    /// the way through the browser can change it.
    pub(crate) async fn authorization_url(&self, ask: &Ask<'_>) -> Result<Url, TokenFault> {
        let missing = || TokenFault::Passing(AccountError::NoSignIn);
        let mut url = self.issuer.authorization.clone().ok_or_else(missing)?;
        let pairs = self.authorization(ask);
        let Some(at) = &self.issuer.pushed else {
            url.query_pairs_mut().extend_pairs(pairs);
            return Ok(url);
        };
        // The other methods name the client themselves.
        let names_itself = self.client.method != AuthMethod::Basic;
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .filter(|(name, _)| !(names_itself && *name == "client_id"))
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let left = read_pushed(&self.ask(at, &pairs).await?)?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client.id)
            .append_pair("request_uri", &left);
        Ok(url)
    }

    /// Turns a code into tokens.
    pub(crate) async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> Result<Granted, TokenFault> {
        self.issue(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect),
            ("resource", self.resource),
        ])
        .await
    }

    /// Turns a refresh token into new tokens. The scopes stay what they were.
    pub(crate) async fn refresh(&self, refresh: &str) -> Result<Granted, TokenFault> {
        self.issue(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("resource", self.resource),
        ])
        .await
    }

    /// Asks the token endpoint for tokens.
    pub(crate) async fn issue(&self, pairs: &[(&str, &str)]) -> Result<Granted, TokenFault> {
        let answer = self.ask(&self.issuer.token, pairs).await?;
        judge(&answer, self.key.is_some())
    }

    /// Asks for a token of another kind (RFC 8693): an assertion for another authorization server.
    pub(crate) async fn trade(
        &self,
        pairs: &[(&str, &str)],
        wanted: &str,
    ) -> Result<Zeroizing<String>, TokenFault> {
        let answer = self.ask(&self.issuer.token, pairs).await?;
        read_exchange(&answer, wanted)
    }

    /// Revokes one token (RFC 7009).
    pub(crate) async fn revoke(&self, at: &Url, token: &str, hint: &str) -> Result<(), TokenFault> {
        let answer = self.ask(at, &[("token", token), ("token_type_hint", hint)]).await?;
        if answer.status().is_success() { Ok(()) } else { Err(said_in(answer.body())) }
    }

    /// Sends one form with the client's proof, and with that of the key where there is one; once more when the server
    /// wants a nonce in it (RFC 9449 §8).
    pub(crate) async fn ask(&self, at: &Url, pairs: &[(&str, &str)]) -> Result<Answer, TokenFault> {
        let answer = self.send(at, pairs).await?;
        if self.key.is_some() && dpop::wants_nonce(&answer) {
            return self.send(at, pairs).await;
        }
        Ok(answer)
    }

    async fn send(&self, at: &Url, pairs: &[(&str, &str)]) -> Result<Answer, TokenFault> {
        let bad = || refused("", "the request could not be written");
        let request = {
            let mut form = Serializer::new(String::new());
            form.extend_pairs(pairs);
            let occasion =
                Occasion { issuer: &self.issuer.issuer, now: self.now, entropy: self.entropy };
            let mut request = self
                .client
                .prove(http::Request::post(at.as_str()), &mut form, &occasion)
                .map_err(TokenFault::Passing)?;
            if let Some(key) = self.key {
                let proof = dpop::Proof { method: "POST", url: at, token: None };
                let nonce = self.nonces.of_issuer(at);
                let proof = proof.sign(key, nonce, self.now, self.entropy).ok_or_else(bad)?;
                request = request.header("dpop", proof);
            }
            request.body(form.finish().into_bytes()).map_err(|_| bad())?
        };
        let answer = carry(self.guard, request).await.map_err(|f| TokenFault::Passing(f.into()))?;
        if self.key.is_some() {
            self.nonces.heard_from_issuer(at, answer.headers());
        }
        Ok(answer)
    }
}

/// Carries one request over the guard; trouble that may pass is a fault, not an answer.
async fn carry(guard: &Guard, request: http::Request<Vec<u8>>) -> Result<Answer, Fault> {
    let host = Url::parse(&request.uri().to_string()).map(|url| host_of(&url)).unwrap_or_default();
    let answer = guard.send(request).await?;
    let status = answer.status();
    if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
    {
        return Err(Fault::Unreachable {
            host,
            reason: format!("it answered {}", status.as_u16()),
        });
    }
    Ok(answer)
}
