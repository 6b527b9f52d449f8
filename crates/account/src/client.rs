//! Who Prokura is at an authorization server: a client id and how it is proved.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use prokura_domain::{Entropy, Timestamp};
use prokura_vault::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use crate::error::AccountError;
use crate::jws::{StoredKey, UNUSABLE};
use crate::token::random;

/// How a client proves itself at the token endpoint (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AuthMethod {
    /// It names itself; PKCE does the rest.
    #[serde(rename = "none")]
    None,
    /// Id and secret in the `Authorization` header.
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// Id and secret in the body.
    #[serde(rename = "client_secret_post")]
    Post,
    /// A JWT signed with its key.
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
}

/// What a client that the person made proves itself with.
pub enum ClientProof {
    /// Nothing: it is a public client.
    None,
    /// A secret.
    Secret(Secret),
    /// A private key of the person's, whose public part the authorization server knows.
    Key {
        /// The key as unencrypted PEM.
        pem: Secret,
        /// How it signs; omitted means what the key is made for.
        algorithm: Option<String>,
        /// Its id, where the authorization server tells keys apart by one.
        kid: Option<String>,
    },
    /// A new key that never leaves the Vault; its public part is to be entered at the authorization server.
    NewKey,
}

impl std::fmt::Debug for ClientProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientProof")
    }
}

/// What is kept of a [`ClientProof`].
pub(crate) struct Kept {
    pub(crate) method: AuthMethod,
    pub(crate) secret: Option<Zeroizing<String>>,
    /// Of a key, what may be shown.
    pub(crate) public: Option<Value>,
}

impl ClientProof {
    /// What is kept of it, and how it is used; and of a key the public part.
    pub(crate) fn kept(&self, supported: Option<&[String]>) -> Result<Kept, &'static str> {
        let key = match self {
            Self::None => return Ok(Kept { method: AuthMethod::None, secret: None, public: None }),
            Self::Secret(secret) => {
                let secret = Some(Zeroizing::new(secret.expose().to_owned()));
                let method = AuthMethod::with_secret(supported);
                return Ok(Kept { method, secret, public: None });
            }
            Self::Key { pem, algorithm, kid } => {
                StoredKey::from_pem(pem.expose(), algorithm.as_deref(), kid.clone())?
            }
            Self::NewKey => StoredKey::generate()?,
        };
        let public = key.open()?.to_register();
        let secret = Some(key.to_text().ok_or(UNUSABLE)?);
        Ok(Kept { method: AuthMethod::PrivateKeyJwt, secret, public })
    }
}

impl AuthMethod {
    const ALL: [Self; 4] = [Self::None, Self::Basic, Self::Post, Self::PrivateKeyJwt];

    /// The registered word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Reads the registered word.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// What to register with, given what the authorization server supports: a secret only where it wants one.
    /// Where it says nothing the default is `client_secret_basic` (RFC 8414 §2), but a native program asks for `none`.
    pub(crate) fn to_register(supported: Option<&[String]>) -> Option<Self> {
        match supported {
            None => Some(Self::None),
            Some(words) => Self::ALL.into_iter().find(|m| words.iter().any(|w| w == m.as_str())),
        }
    }

    /// How to use a secret that is there.
    pub(crate) fn with_secret(supported: Option<&[String]>) -> Self {
        let has = |method: Self| {
            supported.is_some_and(|words| words.iter().any(|word| word == method.as_str()))
        };
        if has(Self::Post) && !has(Self::Basic) { Self::Post } else { Self::Basic }
    }
}

/// A client at one authorization server.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// What it proves itself with: a secret, or the text of a [`StoredKey`].
    pub(crate) secret: Option<Zeroizing<String>>,
    pub(crate) method: AuthMethod,
}

/// What a signed proof speaks of: to whom, when, and never twice the same.
pub(crate) struct Occasion<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'a dyn Entropy,
}

/// How long a client's signed assertion is good for.
const ASSERTION_SECONDS: i64 = 60;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Client {
    /// Puts the client's proof on a form request, as its method wants it.
    pub(crate) fn prove(
        &self,
        request: http::request::Builder,
        form: &mut Serializer<'_, String>,
        occasion: &Occasion<'_>,
    ) -> Result<http::request::Builder, AccountError> {
        let request = request
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match (self.method, &self.secret) {
            (AuthMethod::Basic, Some(secret)) => {
                let id: String = byte_serialize(self.id.as_bytes()).collect();
                let secret: Zeroizing<String> =
                    Zeroizing::new(byte_serialize(secret.as_bytes()).collect());
                let pair = Zeroizing::new(format!("{id}:{}", *secret));
                let value = format!("Basic {}", STANDARD.encode(pair.as_bytes()));
                let mut value = HeaderValue::from_str(&value)
                    .map_err(|_| AccountError::BadKey("the client secret is no header"))?;
                value.set_sensitive(true);
                Ok(request.header(AUTHORIZATION, value))
            }
            (AuthMethod::Post, Some(secret)) => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret);
                Ok(request)
            }
            (AuthMethod::PrivateKeyJwt, Some(key)) => {
                let assertion = self.assertion(key, occasion).ok_or(AccountError::DoesNotOpen)?;
                form.append_pair("client_id", &self.id)
                    .append_pair("client_assertion_type", ASSERTION_TYPE)
                    .append_pair("client_assertion", &assertion);
                Ok(request)
            }
            (AuthMethod::None, _) => {
                form.append_pair("client_id", &self.id);
                Ok(request)
            }
            // What it proves itself with is missing: it does not pass for a public client instead.
            (AuthMethod::Basic | AuthMethod::Post | AuthMethod::PrivateKeyJwt, None) => {
                Err(AccountError::DoesNotOpen)
            }
        }
    }

    /// The client's signed word (RFC 7523 §2.2), for its issuer only.
    fn assertion(&self, key: &str, occasion: &Occasion<'_>) -> Option<String> {
        let key = StoredKey::from_text(key)?.open().ok()?;
        let now = occasion.now.0.div_euclid(1000);
        let claims = json!({
            "iss": self.id,
            "sub": self.id,
            "aud": occasion.issuer,
            "iat": now,
            "exp": now.saturating_add(ASSERTION_SECONDS),
            "jti": random(occasion.entropy),
        });
        key.jwt("JWT", false, &claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_asked_for_only_where_it_is_wanted() {
        let words = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        let table = [
            (vec!["none", "client_secret_basic"], Some(AuthMethod::None)),
            (vec!["client_secret_post", "client_secret_basic"], Some(AuthMethod::Basic)),
            (vec!["client_secret_post"], Some(AuthMethod::Post)),
            (vec!["private_key_jwt"], Some(AuthMethod::PrivateKeyJwt)),
            (vec!["tls_client_auth"], None),
        ];
        for (supported, expected) in table {
            assert_eq!(
                AuthMethod::to_register(Some(&words(&supported))),
                expected,
                "{supported:?}"
            );
        }
        assert_eq!(AuthMethod::to_register(None), Some(AuthMethod::None));
        assert_eq!(AuthMethod::with_secret(None), AuthMethod::Basic);
        assert_eq!(
            AuthMethod::with_secret(Some(&words(&["client_secret_post"]))),
            AuthMethod::Post
        );
    }
}
