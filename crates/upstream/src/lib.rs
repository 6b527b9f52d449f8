//! Outbound MCP: spends a Permit and adds the credential last, at the moment of sending.
//! It must never send to another place than the Permit's Server, follow a redirect, or hand a credential back.

mod http_sse;
pub mod local;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use prokura_account::http::{Guard, Network};
use prokura_account::{AccountBook, AccountError, Challenge, Proof};
use prokura_delegation::{Broken, Reply, Upstream, UpstreamFault};
use prokura_domain::{AccountId, Json, Outgoing, ServerId, Verb};
use prokura_policy::Permit;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use http_sse::{Found, Whose};

/// The longest a Server may take to begin its answer (CT-11).
const FIRST_BYTE: Duration = Duration::from_secs(600);
/// Response headers an Agent may see.
const HANDED_BACK: [&str; 5] =
    ["content-type", "mcp-session-id", "mcp-protocol-version", "retry-after", "allow"];
/// Request headers a message may bring; nothing else leaves.
const CARRIED: [&str; 5] =
    ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id"];

/// Where a Server is. `host` reads it from the store, so that this crate needs none.
pub trait Directory: Send + Sync {
    /// Name and endpoint of a Server, if the Account belongs to it.
    fn endpoint(&self, server: &ServerId, account: &AccountId) -> Option<(String, String)>;
}

/// A Server, and where this very request goes: its endpoint, or a place of the same origin that it named for messages.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    url: &'a Url,
    to: &'a Url,
}

/// The way out over HTTP: Streamable HTTP, and HTTP+SSE of 2024-11-05 to Servers that have nothing else (CT-13).
pub struct HttpUpstream {
    directory: Arc<dyn Directory>,
    accounts: AccountBook,
    network: Network,
    /// By origin, with the version of the network they were built over.
    guards: Mutex<HashMap<String, (u64, Guard)>>,
    old: http_sse::Sessions,
}

impl std::fmt::Debug for HttpUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpUpstream")
    }
}

impl HttpUpstream {
    /// The way out over `network`.
    #[must_use]
    pub fn new(directory: Arc<dyn Directory>, accounts: AccountBook, network: Network) -> Self {
        Self {
            directory,
            accounts,
            network,
            guards: Mutex::default(),
            old: http_sse::Sessions::default(),
        }
    }

    /// One client per origin, so that connections are shared and the address rules are those of that Server.
    fn guard(&self, name: &str, url: &Url) -> Result<Guard, UpstreamFault> {
        let key = url.origin().ascii_serialization();
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.network.version();
        if let Some((of, guard)) = guards.get(&key)
            && *of == version
        {
            return Ok(guard.clone());
        }
        let guard = Guard::new(url, &self.network)
            .map_err(|fault| UpstreamFault::Unreachable(format!("{name}: {fault}")))?;
        guards.insert(key, (version, guard.clone()));
        Ok(guard)
    }

    /// Sends once; and once more where the proof only lacked a word of the Server's (RFC 9449 §9).
    async fn knock(
        &self,
        place: Place<'_>,
        guard: &Guard,
        outgoing: &Outgoing,
        proof: &Proof,
    ) -> Result<Response, UpstreamFault> {
        let response = self.exchange(place, guard, outgoing, proof).await?;
        let (status, headers) = (response.status().as_u16(), response.headers());
        if self.accounts.heard(proof, place.to, status, headers) {
            return self.exchange(place, guard, outgoing, proof).await;
        }
        Ok(response)
    }

    async fn exchange(
        &self,
        Place { name, url, to }: Place<'_>,
        guard: &Guard,
        outgoing: &Outgoing,
        proof: &Proof,
    ) -> Result<Response, UpstreamFault> {
        guard.check(to).map_err(|fault| UpstreamFault::Unreachable(format!("{name}: {fault}")))?;
        let method = match outgoing.verb {
            Verb::Post => Method::POST,
            Verb::Get => Method::GET,
            Verb::Delete => Method::DELETE,
        };
        let mut headers = carried(outgoing)?;
        // The endpoint may have been edited since the person signed in: a proof is for one place only.
        if !proof.is_for(url) {
            return Err(UpstreamFault::SignInNeeded(format!(
                "The address of {name} has changed since the person signed in. Ask the person to sign in again."
            )));
        }
        // The credential goes on last, and only onto this request.
        let credential = self.accounts.headers(proof, method.as_str(), to).map_err(fault)?;
        for (header, secret) in credential {
            let bad = || UpstreamFault::Garbled(format!("{name}: the stored key is no header"));
            let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let request = guard
            .client()
            .request(method, to.clone())
            .headers(headers)
            .body(outgoing.body.clone())
            .send();
        match tokio::time::timeout(FIRST_BYTE, request).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(UpstreamFault::Unreachable(format!(
                "{name} cannot be reached: {}. Check that it is running and try again.",
                reason(&error)
            ))),
            Err(_) => Err(UpstreamFault::Unreachable(format!(
                "{name} did not answer within {} minutes.",
                FIRST_BYTE.as_secs() / 60
            ))),
        }
    }

    /// What a 401 or 403 means: a fault for the person, or nothing when the answer is the Server's own business.
    async fn challenged(
        &self,
        name: &str,
        account: &AccountId,
        response: &Response,
    ) -> Result<Option<UpstreamFault>, UpstreamFault> {
        let status = response.status().as_u16();
        let said: Vec<String> = response
            .headers()
            .get_all("www-authenticate")
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
        let challenge = self.accounts.on_challenge(account, status, &said).await.map_err(fault)?;
        Ok(match challenge {
            Challenge::InsufficientScope { scopes } => Some(UpstreamFault::ScopesNeeded(scopes)),
            Challenge::StepUpExhausted { scopes } => Some(UpstreamFault::SignInNeeded(format!(
                "{name} still wants {} after signing in again. Its operator has to give these rights.",
                scopes.join(" ")
            ))),
            Challenge::InvalidToken | Challenge::SignInNeeded => {
                Some(UpstreamFault::SignInNeeded(format!(
                    "Prokura has to sign in to {name} again. Ask the person to open Prokura, Servers, {name}."
                )))
            }
            Challenge::Other => None,
        })
    }
}

impl HttpUpstream {
    /// One request with its Account's credential, renewed once where the Server refuses it.
    async fn ask(
        &self,
        place: Place<'_>,
        account: &AccountId,
        outgoing: &Outgoing,
    ) -> Result<Response, UpstreamFault> {
        let guard = self.guard(place.name, place.url)?;
        let mut proof = self.accounts.proof(account, None).await.map_err(fault)?;
        let mut response = self.knock(place, &guard, outgoing, &proof).await?;
        if response.status() == StatusCode::UNAUTHORIZED && proof.header().is_some() {
            // One resend, with a token the Server has not refused yet (DESIGN §4).
            match self.accounts.proof(account, Some(&proof)).await {
                Ok(newer) => {
                    proof = newer;
                    response = self.knock(place, &guard, outgoing, &proof).await?;
                }
                // These pass, or say more than the Server's refusal does: signing in again would not help.
                Err(
                    error @ (AccountError::Unreachable { .. }
                    | AccountError::Stopping
                    | AccountError::Copied { .. }
                    | AccountError::VaultLocked(_)),
                ) => return Err(fault(error)),
                Err(_) => {}
            }
        }
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            && let Some(fault) = self.challenged(place.name, account, &response).await?
        {
            return Err(fault);
        }
        if response.status().is_redirection() {
            return Err(UpstreamFault::Unreachable(format!(
                "{} answers with a redirect, which is not followed. Enter the URL it redirects to.",
                place.name
            )));
        }
        Ok(response)
    }

    /// Opens the stream of a Server that did not understand a handshake; `None` where it has none.
    async fn open_old(
        &self,
        place: Place<'_>,
        whose: &Whose,
    ) -> Result<Option<Arc<http_sse::Session>>, UpstreamFault> {
        let Ok(response) = self.ask(place, &whose.account, &http_sse::opening()).await else {
            return Ok(None);
        };
        let named = http_sse::named((place.name, place.url), response).await?;
        let directory = Arc::clone(&self.directory);
        let wanted =
            move |whose: &Whose| directory.endpoint(&whose.server, &whose.account).is_some();
        Ok(named.map(|named| self.old.begin(whose.clone(), named, wanted)))
    }

    /// One message over such a stream.
    async fn send_old(
        &self,
        place: Place<'_>,
        session: &Arc<http_sse::Session>,
        permit: &Permit,
    ) -> Result<Reply, UpstreamFault> {
        let outgoing = permit.outgoing();
        match outgoing.verb {
            Verb::Get => return Ok(session.stand()),
            Verb::Delete => {
                session.end();
                return Ok(http_sse::empty(200));
            }
            Verb::Post => {}
        }
        let message = Json::read(&outgoing.body).unwrap_or(Json::Null);
        let asks = message.member("id").filter(|_| message.member("method").is_some());
        // It is waited for before it is sent: the answer may be faster than the word that it arrived.
        let body = asks.map(|id| session.wait_for(id, message.member("params")));
        let place = Place { to: &session.to, ..place };
        let response = self.ask(place, permit.account(), outgoing).await?;
        match body {
            Some(body) if response.status().is_success() => {
                Ok(Reply { status: 200, headers: session.headers(), body })
            }
            None if response.status().is_success() => Ok(http_sse::empty(202)),
            Some(_) | None => Ok(reply(response)),
        }
    }
}

#[async_trait]
impl Upstream for HttpUpstream {
    async fn send(&self, permit: Permit) -> Result<Reply, UpstreamFault> {
        let (name, endpoint) = self
            .directory
            .endpoint(permit.server(), permit.account())
            .ok_or_else(|| UpstreamFault::Unreachable("The server was removed.".to_owned()))?;
        let url = Url::parse(&endpoint)
            .map_err(|_| UpstreamFault::Unreachable(format!("{name} has no usable URL.")))?;
        let place = Place { name: &name, url: &url, to: &url };
        let whose = Whose::of(&permit);
        match self.old.find(permit.outgoing(), &whose) {
            Found::Session(session) if session.to.origin() == url.origin() => {
                return self.send_old(place, &session, &permit).await;
            }
            // The Server broke the stream, or has another address now: a session that nobody knows.
            Found::Session(_) | Found::Over => return Ok(http_sse::empty(404)),
            Found::None => {}
        }
        let response = self.ask(place, permit.account(), permit.outgoing()).await?;
        if http_sse::may_be_old(response.status().as_u16(), permit.outgoing())
            && let Some(session) = self.open_old(place, &whose).await?
        {
            return self.send_old(place, &session, &permit).await;
        }
        Ok(reply(response))
    }
}

fn carried(outgoing: &Outgoing) -> Result<HeaderMap, UpstreamFault> {
    let mut headers = HeaderMap::new();
    let bad = || UpstreamFault::Garbled("a header of the message cannot be sent".to_owned());
    for (name, value) in &outgoing.headers {
        if !CARRIED.contains(&name.as_str()) && !name.starts_with("mcp-param-") {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    let accept = match outgoing.verb {
        Verb::Post | Verb::Delete => "application/json, text/event-stream",
        Verb::Get => "text/event-stream",
    };
    headers.insert("accept", HeaderValue::from_static(accept));
    if outgoing.verb == Verb::Post {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
    }
    Ok(headers)
}

fn reply(response: Response) -> Reply {
    let status = response.status().as_u16();
    let headers = HANDED_BACK
        .iter()
        .filter_map(|name| {
            let value = response.headers().get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        })
        .collect();
    let body = response.bytes_stream().map(|chunk| chunk.map_err(|_| Broken::Upstream)).boxed();
    Reply { status, headers, body }
}

pub(crate) fn fault(error: AccountError) -> UpstreamFault {
    let text = format!("{error}.");
    match error {
        AccountError::VaultLocked(_) => UpstreamFault::VaultLocked(text),
        AccountError::Unreachable { .. } | AccountError::Stopping => {
            UpstreamFault::Unreachable(text)
        }
        _ => UpstreamFault::SignInNeeded(text),
    }
}

/// The innermost reason, without the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
