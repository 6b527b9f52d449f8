//! An authorization server's metadata, usable only when it says that it is the issuer whose document was asked for.

use serde::Deserialize;
use url::Url;

use super::{link, read};
use crate::error::AccountError;
use crate::exception::Exceptions;
use crate::http::{Guard, shown};
use crate::text;

/// An authorization server as it describes itself, its endpoints checked.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    /// Its identifier, byte for byte.
    pub(crate) issuer: String,
    /// Where a person is sent, if it lets people sign in.
    pub(crate) authorization: Option<Url>,
    /// Where tokens are issued.
    pub(crate) token: Url,
    /// Where clients register, if they can.
    pub(crate) registration: Option<Url>,
    /// Where tokens are revoked, if they can be.
    pub(crate) revocation: Option<Url>,
    /// Where authorization requests are left beforehand, if they can be (RFC 9126).
    pub(crate) pushed: Option<Url>,
    /// Where a sign-in on another device begins, if it can (RFC 8628).
    pub(crate) device: Option<Url>,
    /// What it calls itself, where the person allowed it to be another name.
    pub(crate) alias: Option<String>,
    /// The scopes it lists.
    pub(crate) scopes: Vec<String>,
    /// How clients prove themselves; `None` where it does not say.
    pub(crate) methods: Option<Vec<String>>,
    /// Whether it reads client metadata documents.
    pub(crate) documents: bool,
    /// Whether it promises `iss` in authorization responses.
    pub(crate) says_iss: bool,
    /// Whether it advertises PKCE with S256.
    pub(crate) pkce: bool,
    /// Where this was read, for people.
    place: String,
    /// Whether it offers authorization codes.
    code: bool,
    /// Whether it takes keys of ours for bound tokens.
    pub(crate) binds: bool,
    /// Whether it issues bound tokens only.
    pub(crate) binds_only: bool,
    /// Whether it takes assertions that are signed as ours are.
    pub(crate) takes_es256: bool,
}

/// What is wanted of an authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A person signs in with a browser on this machine.
    Browser,
    /// A person signs in with a browser anywhere.
    Device,
    /// Tokens without a person.
    Tokens,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    dpop_bound_access_tokens_required: bool,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    response_types_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Issuer {
    /// Reads the metadata of `issuer` (CA-05, CA-06, CA-07).
    pub(crate) async fn read(
        guard: &Guard,
        issuer: &str,
        exceptions: Exceptions,
    ) -> Result<Self, AccountError> {
        let base = link(guard, issuer)?;
        if base.query().is_some() {
            return Err(bad(issuer, "an issuer with a query is not accepted"));
        }
        for place in places(&base) {
            if let Some(document) = read::<Document>(guard, &place).await? {
                return Self::judge(guard, issuer, &place, document, exceptions);
            }
        }
        Err(bad(issuer, "it publishes no metadata"))
    }

    /// What the bytes of a document say, for the fuzzer.
    #[cfg(fuzzing)]
    pub(crate) fn of_bytes(guard: &Guard, bytes: &[u8]) -> Option<Self> {
        const ISSUER: &str = "https://as.example";
        let place = Url::parse(ISSUER).ok()?;
        let document: Document = serde_json::from_slice(bytes).ok()?;
        Self::judge(
            guard,
            ISSUER,
            &place,
            Document { issuer: ISSUER.to_owned(), ..document },
            Exceptions::default(),
        )
        .ok()
    }

    fn judge(
        guard: &Guard,
        issuer: &str,
        place: &Url,
        document: Document,
        exceptions: Exceptions,
    ) -> Result<Self, AccountError> {
        let is_other = document.issuer != issuer;
        if is_other && !exceptions.other_issuer {
            return Err(AccountError::IssuerMismatch { issuer: text::printable(issuer, 200) });
        }
        let place = shown(place);
        let optional = |url: Option<String>| url.map(|url| link(guard, &url)).transpose();
        let Some(token) = optional(document.token_endpoint)? else {
            return Err(bad(&place, "a token endpoint is missing"));
        };
        let has = |words: &[String], word: &str| words.iter().any(|known| known == word);
        Ok(Self {
            // Everything is kept under the name that the Server gave it.
            issuer: issuer.to_owned(),
            alias: is_other.then_some(document.issuer),
            authorization: optional(document.authorization_endpoint)?,
            token,
            pushed: optional(document.pushed_authorization_request_endpoint)?,
            device: optional(document.device_authorization_endpoint)?,
            place,
            code: document.response_types_supported.is_none_or(|types| has(&types, "code")),
            binds: has(&document.dpop_signing_alg_values_supported, "ES256"),
            binds_only: document.dpop_bound_access_tokens_required,
            takes_es256: document
                .token_endpoint_auth_signing_alg_values_supported
                .is_none_or(|words| has(&words, "ES256")),
            registration: optional(document.registration_endpoint)?,
            revocation: optional(document.revocation_endpoint)?,
            scopes: document.scopes_supported,
            methods: document.token_endpoint_auth_methods_supported,
            documents: document.client_id_metadata_document_supported,
            says_iss: document.authorization_response_iss_parameter_supported,
            // Only silence is excused: who lists other methods has refused this one.
            pkce: match document.code_challenge_methods_supported {
                Some(methods) => has(&methods, "S256"),
                None => exceptions.no_pkce,
            },
        })
    }

    /// Whether it can give what is needed.
    pub(crate) fn gives(&self, need: Need) -> Result<(), AccountError> {
        let lacks = |what: &str| Err(bad(&self.place, what));
        match need {
            Need::Browser if !self.code => lacks("it offers no authorization code"),
            Need::Browser if self.authorization.is_none() => {
                lacks("an authorization endpoint is missing")
            }
            // CA-25
            Need::Browser if !self.pkce => {
                Err(AccountError::NoPkce { issuer: text::printable(&self.issuer, 200) })
            }
            Need::Device if self.device.is_none() => {
                lacks("it offers no sign-in on another device")
            }
            Need::Browser | Need::Device | Need::Tokens => Ok(()),
        }
    }
}

fn bad(url: &str, reason: &str) -> AccountError {
    AccountError::BadMetadata { url: text::printable(url, 200), reason: reason.to_owned() }
}

/// Where the metadata of an issuer can be, in the order of CA-06.
fn places(issuer: &Url) -> Vec<Url> {
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OIDC: &str = "/.well-known/openid-configuration";
    let path = issuer.path().trim_end_matches('/');
    let paths = if path.is_empty() {
        vec![OAUTH.to_owned(), OIDC.to_owned()]
    } else {
        vec![format!("{OAUTH}{path}"), format!("{OIDC}{path}"), format!("{path}{OIDC}")]
    };
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    paths.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_in_the_right_order() {
        // CA-06
        let places = |issuer: &str| -> Vec<String> {
            places(&Url::parse(issuer).expect("a URL")).into_iter().map(String::from).collect()
        };
        let plain = [
            "https://as.example/.well-known/oauth-authorization-server",
            "https://as.example/.well-known/openid-configuration",
        ];
        assert_eq!(places("https://as.example"), plain);
        assert_eq!(places("https://as.example/"), plain);
        assert_eq!(
            places("https://as.example/t/one"),
            [
                "https://as.example/.well-known/oauth-authorization-server/t/one",
                "https://as.example/.well-known/openid-configuration/t/one",
                "https://as.example/t/one/.well-known/openid-configuration",
            ]
        );
    }
}
