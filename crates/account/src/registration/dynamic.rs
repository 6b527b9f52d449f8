//! Dynamic client registration (RFC 7591): a native program with one exact redirect address. What the authorization server
//! decided counts, not what was wished.

use http::HeaderValue;
use prokura_domain::{Server, Timestamp};
use prokura_store::RegistrationSource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::check_id;
use crate::book::{AccountBook, Book};
use crate::client::{AuthMethod, Client};
use crate::discovery::{Issuer, link};
use crate::error::AccountError;
use crate::http::Guard;
use crate::jws::{StoredKey, UNUSABLE};
use crate::text;
use crate::token::{TokenFault, said_in};

#[derive(Serialize)]
struct Wish<'a> {
    client_name: &'a str,
    redirect_uris: [&'a str; 1],
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'static str,
    application_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: Option<String>,
    #[serde(default)]
    client_secret_expires_at: i64,
    token_endpoint_auth_method: Option<String>,
    redirect_uris: Option<Vec<String>>,
    registration_access_token: Option<String>,
    registration_client_uri: Option<String>,
}

impl Book {
    /// Registers Prokura (RFC 7591): a native program with one exact redirect address (CA-17, CA-23, CA-37).
    pub(super) async fn register(
        &self,
        server: &Server,
        guard: &Guard,
        issuer: &Issuer,
        at: &Url,
        redirect: &str,
    ) -> Result<Client, AccountError> {
        let refuse = |said: &str| AccountError::RegistrationRefused {
            issuer: text::printable(&issuer.issuer, 200),
            said: said.to_owned(),
        };
        let supported = issuer.methods.as_deref();
        let method = AuthMethod::to_register(supported).ok_or_else(|| {
            refuse("it wants clients to prove themselves in a way Prokura cannot")
        })?;
        let key = match method {
            AuthMethod::PrivateKeyJwt if !issuer.takes_es256 => {
                return Err(refuse("it wants clients to prove themselves in a way Prokura cannot"));
            }
            AuthMethod::PrivateKeyJwt => Some(StoredKey::generate().map_err(AccountError::BadKey)?),
            AuthMethod::None | AuthMethod::Basic | AuthMethod::Post => None,
        };
        let request = self
            .wish(issuer, at, redirect, method, key.as_ref())
            .ok_or_else(|| refuse("the request cannot be written"))?;
        let answer = guard.send(request).await?;
        let status = answer.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(AccountError::Unreachable {
                host: crate::http::host_of(at),
                reason: format!("it answered {}", status.as_u16()),
            });
        }
        let body = Zeroizing::new(answer.into_body());
        if !status.is_success() {
            return Err(match said_in(&body) {
                TokenFault::Refused { said, .. } => refuse(&said),
                TokenFault::Passing(fault) => fault,
            });
        }
        let registered: Registered = serde_json::from_slice(&body)
            .map_err(|_| refuse("its answer is not a registration"))?;
        let access = registered.access();
        let (client, ends) =
            accept(registered, (method, key), supported, redirect).map_err(refuse)?;
        if self.options.client_document.as_ref() == Some(&client.id) {
            // The document's id is known at other issuers: handing it out is the first step of a mix-up (B-13).
            return Err(refuse("it issued a client id that is not its own"));
        }
        let dcr = RegistrationSource::Dcr;
        self.keep_registration(server, &issuer.issuer, &client, dcr, Some((redirect, ends)))?;
        if let Some(access) = access {
            self.keep_access(server, &issuer.issuer, access)?;
        }
        Ok(client)
    }

    fn wish(
        &self,
        issuer: &Issuer,
        at: &Url,
        redirect: &str,
        method: AuthMethod,
        key: Option<&StoredKey>,
    ) -> Option<http::Request<Vec<u8>>> {
        let public = key.and_then(|key| key.open().ok()?.to_register());
        let mut grants = vec!["authorization_code", "refresh_token"];
        if issuer.device.is_some() {
            grants.push("urn:ietf:params:oauth:grant-type:device_code");
        }
        let wish = Wish {
            client_name: &self.options.client_name,
            redirect_uris: [redirect],
            grant_types: grants,
            response_types: ["code"],
            token_endpoint_auth_method: method.as_str(),
            application_type: "native",
            token_endpoint_auth_signing_alg: key.map(|_| "ES256"),
            jwks: public.map(|public| json!({ "keys": [public] })),
        };
        http::Request::post(at.as_str())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::ACCEPT, "application/json")
            .body(serde_json::to_vec(&wish).ok()?)
            .ok()
    }
}

impl Registered {
    fn access(&self) -> Option<Access> {
        let token = self.registration_access_token.clone()?;
        Some(Access { uri: self.registration_client_uri.clone()?, token })
    }
}

/// What a registration is changed and deleted with (RFC 7592).
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Access {
    uri: String,
    token: String,
}

/// The registrations of a Server that is about to go.
pub struct Leaving {
    guard: Guard,
    all: Vec<Access>,
}

impl std::fmt::Debug for Leaving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaving").field("registrations", &self.all.len()).finish_non_exhaustive()
    }
}

impl Leaving {
    /// Deletes them where they were made, as far as that goes; how many are gone, and how many stay behind.
    pub async fn delete(self) -> (usize, usize) {
        let mut gone = 0;
        for access in &self.all {
            let Ok(at) = link(&self.guard, &access.uri) else { continue };
            let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", access.token)) else {
                continue;
            };
            bearer.set_sensitive(true);
            let request = http::Request::delete(at.as_str())
                .header(http::header::AUTHORIZATION, bearer)
                .body(Vec::new());
            let Ok(request) = request else { continue };
            let answer = self.guard.send(request).await;
            gone += usize::from(answer.is_ok_and(|answer| answer.status().is_success()));
        }
        (gone, self.all.len() - gone)
    }
}

impl AccountBook {
    /// What is needed to delete the registrations of `server` once it is removed here. Read it before that.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails or the Vault is locked.
    pub fn leaving(&self, server: &Server) -> Result<Leaving, AccountError> {
        let book = &self.0;
        let (guard, _) = book.way_to(server)?;
        let mut all = Vec::new();
        for issuer in book.store.registered_at(&server.id)? {
            all.extend(book.registration_access(server, &issuer)?);
        }
        Ok(Leaving { guard, all })
    }
}

impl Book {
    fn keep_access(
        &self,
        server: &Server,
        issuer: &str,
        access: Access,
    ) -> Result<(), AccountError> {
        let text = serde_json::to_string(&access).map_err(|_| AccountError::DoesNotOpen)?;
        self.keep_access_text(server, issuer, &Zeroizing::new(text))
    }

    fn registration_access(
        &self,
        server: &Server,
        issuer: &str,
    ) -> Result<Option<Access>, AccountError> {
        let text = self.access_text(server, issuer)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// Reads a registration: what the authorization server decided counts, not what was wished.
fn accept(
    registered: Registered,
    (wished, key): (AuthMethod, Option<StoredKey>),
    supported: Option<&[String]>,
    redirect: &str,
) -> Result<(Client, Option<Timestamp>), &'static str> {
    check_id(&registered.client_id)?;
    if registered.redirect_uris.is_some_and(|uris| !uris.iter().any(|uri| uri == redirect)) {
        return Err("it did not accept the redirect address of this machine");
    }
    let secret = registered.client_secret.filter(|secret| !secret.is_empty()).map(Zeroizing::new);
    let said = match registered.token_endpoint_auth_method.as_deref() {
        Some(word) => Some(
            AuthMethod::from_text(word)
                .ok_or("it wants clients to prove themselves in a way Prokura cannot")?,
        ),
        None => None,
    };
    if said == Some(AuthMethod::PrivateKeyJwt) || (said.is_none() && key.is_some()) {
        // It has our key only if we gave it one.
        let key = key.ok_or("it wants clients to prove themselves in a way Prokura cannot")?;
        let client = Client {
            id: registered.client_id,
            secret: Some(key.to_text().ok_or(UNUSABLE)?),
            method: AuthMethod::PrivateKeyJwt,
        };
        return Ok((client, None));
    }
    let method = match (said, &secret) {
        (Some(AuthMethod::None), _) | (None, None) => AuthMethod::None,
        (Some(_), None) => return Err("it issued no client secret, but wants one"),
        (Some(said), Some(_)) => said,
        (None, Some(_)) if wished == AuthMethod::None => AuthMethod::with_secret(supported),
        (None, Some(_)) => wished,
    };
    let secret = secret.filter(|_| method != AuthMethod::None);
    let seconds = registered.client_secret_expires_at;
    let ends = (secret.is_some() && seconds > 0).then(|| Timestamp(seconds.saturating_mul(1000)));
    Ok((Client { id: registered.client_id, secret, method }, ends))
}
