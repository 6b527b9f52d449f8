//! Who Prokura is at an authorization server: a client id and how it is proved.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

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
}

impl AuthMethod {
    const ALL: [Self; 3] = [Self::None, Self::Basic, Self::Post];

    /// The registered word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
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
    pub(crate) secret: Option<Zeroizing<String>>,
    pub(crate) method: AuthMethod,
}

impl Client {
    /// Puts the client's proof on a form request, as its method wants it.
    pub(crate) fn prove(
        &self,
        request: http::request::Builder,
        form: &mut Serializer<'_, String>,
    ) -> http::request::Builder {
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
                match HeaderValue::from_str(&value) {
                    Ok(mut value) => {
                        value.set_sensitive(true);
                        request.header(AUTHORIZATION, value)
                    }
                    Err(_) => request,
                }
            }
            (AuthMethod::Post, Some(secret)) => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret);
                request
            }
            (AuthMethod::None, _) | (AuthMethod::Basic | AuthMethod::Post, None) => {
                form.append_pair("client_id", &self.id);
                request
            }
        }
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
            (vec!["private_key_jwt"], None),
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
