//! Token requests at an authorization server, over the guarded client: the `oauth2` crate writes and reads them, this
//! module adds the resource, the judgement of what came back, and revocation. Nothing of a body is ever shown except
//! `error` and a trimmed `error_description`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::StatusCode;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use prokura_domain::Entropy;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::challenge;
use crate::client::{AuthMethod, Client};
use crate::discovery::Issuer;
use crate::error::AccountError;
use crate::http::{Fault, Guard, host_of};
use crate::text;

/// No token is longer than this.
const MAX_TOKEN: usize = 64 * 1024;

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
pub(crate) fn verifier(entropy: &dyn Entropy) -> PkceCodeVerifier {
    PkceCodeVerifier::new(random(entropy))
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
}

/// What is asked of the person's browser.
pub(crate) struct Ask<'a> {
    pub(crate) redirect: &'a str,
    pub(crate) state: &'a str,
    pub(crate) verifier: &'a PkceCodeVerifier,
    pub(crate) scopes: &'a [String],
}

type Unset = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<Extra, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

type Speaker = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<Extra, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl Talk<'_> {
    fn speaker(&self) -> Speaker {
        let client = Unset::new(ClientId::new(self.client.id.clone()))
            .set_auth_uri(AuthUrl::from_url(self.issuer.authorization.clone()))
            .set_token_uri(TokenUrl::from_url(self.issuer.token.clone()))
            .set_auth_type(match self.client.method {
                AuthMethod::Basic => AuthType::BasicAuth,
                AuthMethod::None | AuthMethod::Post => AuthType::RequestBody,
            });
        match (&self.client.secret, self.client.method) {
            (Some(secret), AuthMethod::Basic | AuthMethod::Post) => {
                client.set_client_secret(ClientSecret::new(secret.to_string()))
            }
            _ => client,
        }
    }

    /// The URL the person's browser is sent to (CA-24, CA-26, CA-31).
    pub(crate) fn authorize_url(&self, ask: &Ask<'_>) -> Result<Url, AccountError> {
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(ask.verifier);
        let redirect = redirect_url(ask.redirect)?;
        let speaker = self.speaker();
        let state = ask.state.to_owned();
        let mut request = speaker
            .authorize_url(|| CsrfToken::new(state))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(std::borrow::Cow::Owned(redirect))
            .add_scopes(ask.scopes.iter().cloned().map(Scope::new))
            .add_extra_param("resource", self.resource);
        if ask.scopes.iter().any(|scope| scope == "offline_access") {
            // OpenID Connect Core §11 wants consent to be asked for it.
            request = request.add_extra_param("prompt", "consent");
        }
        Ok(request.url().0)
    }

    /// Turns a code into tokens.
    pub(crate) async fn exchange(
        &self,
        code: &str,
        verifier: PkceCodeVerifier,
        redirect: &str,
    ) -> Result<Granted, TokenFault> {
        let redirect = redirect_url(redirect).map_err(TokenFault::Passing)?;
        let speaker = self.speaker();
        let answer = speaker
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(verifier)
            .set_redirect_uri(std::borrow::Cow::Owned(redirect))
            .add_extra_param("resource", self.resource)
            .request_async(&Carrier(self.guard))
            .await;
        judge(answer)
    }

    /// Turns a refresh token into new tokens. The scopes stay what they were.
    pub(crate) async fn refresh(&self, refresh: &str) -> Result<Granted, TokenFault> {
        let speaker = self.speaker();
        let refresh = RefreshToken::new(refresh.to_owned());
        let answer = speaker
            .exchange_refresh_token(&refresh)
            .add_extra_param("resource", self.resource)
            .request_async(&Carrier(self.guard))
            .await;
        judge(answer)
    }

    /// Revokes one token (RFC 7009). The `oauth2` crate knows no revocation on this machine, so it is written here.
    pub(crate) async fn revoke(&self, at: &Url, token: &str, hint: &str) -> Result<(), TokenFault> {
        let request = {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("token", token).append_pair("token_type_hint", hint);
            self.client
                .prove(http::Request::post(at.as_str()), &mut form)
                .body(form.finish().into_bytes())
                .map_err(|_| refused("", "the request could not be written"))?
        };
        let answer =
            carry(self.guard, request).await.map_err(|fault| TokenFault::Passing(fault.into()))?;
        if answer.status().is_success() { Ok(()) } else { Err(said_in(answer.body())) }
    }
}

fn redirect_url(redirect: &str) -> Result<RedirectUrl, AccountError> {
    RedirectUrl::new(redirect.to_owned())
        .map_err(|_| AccountError::Listener("the redirect address is not a URL".to_owned()))
}

#[derive(Clone, Deserialize, Serialize)]
struct Extra {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

impl ExtraTokenFields for Extra {}

/// Carries the requests that `oauth2` writes.
struct Carrier<'a>(&'a Guard);

impl<'c> AsyncHttpClient<'c> for Carrier<'_> {
    type Error = Fault;
    type Future = BoxFuture<'c, Result<HttpResponse, Fault>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        carry(self.0, request).boxed()
    }
}

/// Carries one request over the guard; trouble that may pass is a fault, not an answer.
async fn carry(guard: &Guard, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let host = Url::parse(&request.uri().to_string()).map(|url| host_of(&url)).unwrap_or_default();
    let mut answer = guard.send(request).await?;
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
    if status == StatusCode::OK {
        tidy(&mut answer);
    }
    Ok(answer)
}

/// Habits of the field, made regular: an error under status 200, a lifetime written as text, scopes as a list. A member
/// that could be left out and makes no sense is left out: whoever rotates refresh tokens has spent the old one by now, so
/// an answer is not thrown away for its trimmings.
fn tidy(answer: &mut HttpResponse) {
    // A member that stands there twice has two readings: such a body is left as it is, and refused.
    if prokura_domain::Json::read(answer.body()).is_err() {
        return;
    }
    let Ok(mut said) =
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(answer.body())
    else {
        return;
    };
    if said.contains_key("error") && !said.contains_key("access_token") {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        return;
    }
    let before = said.clone();
    let lifetime = said.remove("expires_in").and_then(|value| seconds_of(&value));
    said.extend(lifetime.map(|seconds| ("expires_in".to_owned(), seconds.into())));
    if let Some(serde_json::Value::Array(scopes)) = said.get("scope") {
        let scopes: Vec<&str> = scopes.iter().filter_map(serde_json::Value::as_str).collect();
        let scopes = scopes.join(" ");
        said.insert("scope".to_owned(), scopes.into());
    }
    for optional in ["scope", "refresh_token", "id_token"] {
        if said.get(optional).is_some_and(|value| !value.is_string()) {
            said.remove(optional);
        }
    }
    if said != before
        && let Ok(body) = serde_json::to_vec(&said)
    {
        *answer.body_mut() = body;
    }
}

/// A lifetime in whole seconds; none for what is no time.
fn seconds_of(value: &serde_json::Value) -> Option<u64> {
    let seconds = match value {
        serde_json::Value::String(text) => text.trim().parse::<f64>().ok()?,
        serde_json::Value::Number(number) => match number.as_u64() {
            Some(whole) => return Some(whole),
            None => number.as_f64()?,
        },
        _ => return None,
    };
    std::time::Duration::try_from_secs_f64(seconds).ok().map(|time| time.as_secs())
}

type Answer = Result<
    StandardTokenResponse<Extra, BasicTokenType>,
    RequestTokenError<Fault, BasicErrorResponse>,
>;

fn judge(answer: Answer) -> Result<Granted, TokenFault> {
    let answer = answer.map_err(|fault| match fault {
        RequestTokenError::ServerResponse(said) => {
            let code = said.error().to_string();
            told(&code, said.error_description().map(String::as_str))
        }
        RequestTokenError::Request(fault) => TokenFault::Passing(fault.into()),
        // The body may hold tokens: nothing of it is shown.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            refused("", "its answer is not one of a token endpoint")
        }
    })?;
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(refused("", "its token is not a bearer token"));
    }
    let fits = |token: &str| {
        !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(|b| b.is_ascii_graphic())
    };
    let access = answer.access_token().secret();
    if !fits(access) {
        return Err(refused("", "its token is not one"));
    }
    let refresh = answer.refresh_token().map(RefreshToken::secret).filter(|token| fits(token));
    let scopes = answer.scopes().map(|scopes| {
        scopes.iter().map(|s| s.to_string()).filter(|s| challenge::is_scope(s)).collect()
    });
    Ok(Granted {
        access: Zeroizing::new(access.clone()),
        refresh: refresh.cloned().map(Zeroizing::new),
        lifetime: answer.expires_in().and_then(|life| i64::try_from(life.as_secs()).ok()),
        scopes,
        id_token: answer.extra_fields().id_token.clone().map(Zeroizing::new),
    })
}

fn refused(code: &str, said: &str) -> TokenFault {
    TokenFault::Refused { code: code.to_owned(), said: said.to_owned() }
}

/// `error` and `error_description`, as far as they may be shown.
fn told(code: &str, description: Option<&str>) -> TokenFault {
    match code {
        "temporarily_unavailable" | "server_error" | "slow_down" => {
            TokenFault::Passing(AccountError::Unreachable {
                host: "the authorization server".to_owned(),
                reason: code.to_owned(),
            })
        }
        _ => TokenFault::Refused { code: code.to_owned(), said: error_text(code, description) },
    }
}

/// What is shown of an OAuth error.
pub(crate) fn error_text(code: &str, description: Option<&str>) -> String {
    let code = text::printable(code, 60);
    match description.map(|text| text::printable(text, 200)).filter(|text| !text.is_empty()) {
        Some(description) => format!("{code}: {description}"),
        None => code,
    }
}

/// The OAuth error in a body, if there is one.
pub(crate) fn said_in(body: &[u8]) -> TokenFault {
    #[derive(Deserialize)]
    struct Said {
        error: String,
        error_description: Option<String>,
    }
    match serde_json::from_slice::<Said>(body) {
        Ok(said) => told(&said.error, said.error_description.as_deref()),
        Err(_) => refused("", "it gave no reason"),
    }
}
