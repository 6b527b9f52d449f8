//! The guarded way out: https only (http on this machine for a Server that itself lives here), addresses checked at the
//! moment of connecting, no automatic redirects, no proxy from the environment, bounded bodies and times. Through a proxy that the person set, the
//! proxy resolves names: then addresses written out are checked here, and names there.
//! It must never send to an address that the Server's own endpoint does not justify.

mod address;
mod network;
mod resolve;

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, LOCATION};
use reqwest::{Client, redirect};
use url::{Host, Url};

use crate::text;
use resolve::{Blocked, Filter};

pub use network::Network;
pub use resolve::SystemResolver;

/// The largest body that is read of an answer in discovery, registration and token requests.
pub const MAX_BODY: usize = 1024 * 1024;
/// The longest such a request may take, body included.
pub const MAX_TIME: Duration = Duration::from_secs(30);
/// The longest a connection may take to come about.
const MAX_CONNECT: Duration = Duration::from_secs(10);
/// How many same-origin redirects a discovery request follows.
const MAX_HOPS: usize = 5;
const USER_AGENT: &str = concat!("Prokura/", env!("CARGO_PKG_VERSION"));

/// Why a request was not sent, or had no usable answer. Never holds anything secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The URL may not be used at all.
    #[error("{url}: {reason}")]
    Forbidden {
        /// The URL, without its query.
        url: String,
        /// Why not.
        reason: &'static str,
    },
    /// The host's addresses are not allowed for this Server.
    #[error("{host} is at an address that this server gives no reason to reach")]
    Blocked {
        /// The host.
        host: String,
    },
    /// No answer, or none in time.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What was seen.
        reason: String,
    },
    /// The answer is larger than what is read of such an answer.
    #[error("the answer of {host} is larger than anything expected there")]
    TooLarge {
        /// The host.
        host: String,
    },
}

/// How far requests may go, justified by the endpoint that the person entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The endpoint's own host, which may be private.
    own: String,
    /// Whether that host is this machine.
    loopback: bool,
}

impl Reach {
    /// Public addresses and nothing else: nobody's endpoint justifies more.
    fn public() -> Self {
        Self { own: String::new(), loopback: false }
    }

    fn of(endpoint: &Url) -> Self {
        let own = host_of(endpoint);
        Self { loopback: is_loopback(&own), own }
    }

    /// Whether `host` may be reached at `address`.
    pub(crate) fn admits(&self, host: &str, address: std::net::IpAddr) -> bool {
        match address::class(address) {
            address::Class::Public => !is_loopback(host),
            address::Class::Loopback => self.loopback && is_loopback(host),
            address::Class::Private => host == self.own,
            address::Class::Forbidden => false,
        }
    }

    /// Whether `url` may be used: for requests, and for what a browser is sent to.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Fault> {
        let refuse = |reason| Err(Fault::Forbidden { url: shown(url), reason });
        let host = host_of(url);
        match url.scheme() {
            "https" => {}
            "http" if self.loopback && is_loopback(&host) => {}
            "http" => return refuse("http is not safe here; https is needed"),
            _ => return refuse("only https is accepted"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a user name or password in a URL is not accepted");
        }
        let Some(parsed) = url.host() else { return refuse("it names no host") };
        let literal = match parsed {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        match literal {
            Some(address) if !self.admits(&host, address) => Err(Fault::Blocked { host }),
            None if is_loopback(&host) && !self.loopback => Err(Fault::Blocked { host }),
            Some(_) | None => Ok(()),
        }
    }
}

/// A client for one Server and what that Server points at.
#[derive(Debug, Clone)]
pub struct Guard {
    reach: Arc<Reach>,
    client: Client,
}

impl Guard {
    /// A client for the Server at `endpoint`.
    ///
    /// # Errors
    /// [`Fault`] when the endpoint itself may not be used, or no TLS client can be made.
    pub fn new(endpoint: &Url, network: &Network) -> Result<Self, Fault> {
        let reach = Reach::of(endpoint);
        reach.check(endpoint)?;
        Self::within(reach, network)
    }

    /// A client for public addresses only.
    pub(crate) fn public(network: &Network) -> Result<Self, Fault> {
        Self::within(Reach::public(), network)
    }

    fn within(reach: Reach, network: &Network) -> Result<Self, Fault> {
        let reach = Arc::new(reach);
        let filter = Filter::new(network.resolver.clone(), reach.clone(), network.proxy());
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(MAX_CONNECT)
            .user_agent(USER_AGENT)
            .dns_resolver(filter);
        let client =
            network.on(client).and_then(reqwest::ClientBuilder::build).map_err(|fault| {
                Fault::Unreachable {
                    host: reach.own.clone(),
                    reason: text::printable(&fault.to_string(), 160),
                }
            })?;
        Ok(Self { reach, client })
    }

    /// Whether `url` may be used. Names are checked again, by address, when a connection is made.
    ///
    /// # Errors
    /// [`Fault`] says why not.
    pub fn check(&self, url: &Url) -> Result<(), Fault> {
        self.reach.check(url)
    }

    /// The client underneath, for streams: the caller has to [`check`](Self::check) every URL, and to bound time and size.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends one request and reads the whole answer. Redirects are answers, never followed.
    pub(crate) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Fault> {
        self.send_small(request, MAX_BODY).await
    }

    /// The same for an answer of at most `largest` bytes.
    pub(crate) async fn send_small(
        &self,
        request: http::Request<Vec<u8>>,
        largest: usize,
    ) -> Result<http::Response<Vec<u8>>, Fault> {
        let (url, mut answer) = self.execute(request).await?;
        if is_encoded(answer.headers()) {
            // What is small on the wire can be huge in memory, and nobody asked for it.
            return Err(Fault::Forbidden { url: shown(&url), reason: "its answer is compressed" });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|fault| unreachable(&url, fault))? {
            if body.len() + chunk.len() > largest {
                return Err(Fault::TooLarge { host: host_of(&url) });
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    /// Posts `body` and reads the whole answer, of at most `largest` bytes. Redirects are answers, never followed.
    ///
    /// # Errors
    /// [`Fault`] says why there is no answer.
    pub async fn post(
        &self,
        url: &Url,
        kind: &'static str,
        body: Vec<u8>,
        largest: usize,
    ) -> Result<http::Response<Vec<u8>>, Fault> {
        let request = http::Request::post(url.as_str())
            .header(http::header::CONTENT_TYPE, kind)
            .body(body)
            .map_err(|_| Fault::Forbidden { url: shown(url), reason: "it is not a URL" })?;
        self.send_small(request, largest).await
    }

    /// Sends one request and looks at the head of the answer only: the body may be a stream without end.
    pub(crate) async fn knock(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<(http::StatusCode, http::HeaderMap), Fault> {
        let (_, mut answer) = self.execute(request).await?;
        Ok((answer.status(), std::mem::take(answer.headers_mut())))
    }

    async fn execute(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<(Url, reqwest::Response), Fault> {
        let mut request = reqwest::Request::try_from(request)
            .map_err(|_| Fault::Forbidden { url: String::new(), reason: "it is not a URL" })?;
        let url = request.url().clone();
        self.reach.check(&url)?;
        *request.timeout_mut() = Some(MAX_TIME);
        let answer =
            self.client.execute(request).await.map_err(|fault| unreachable(&url, fault))?;
        Ok((url, answer))
    }

    /// Reads a document: a GET without credentials that follows redirects within the same origin only.
    pub(crate) async fn read(&self, url: &Url) -> Result<http::Response<Vec<u8>>, Fault> {
        let mut at = url.clone();
        for _ in 0..=MAX_HOPS {
            let request = http::Request::get(at.as_str())
                .header(http::header::ACCEPT, "application/json")
                .body(Vec::new())
                .map_err(|_| Fault::Forbidden { url: shown(&at), reason: "it is not a URL" })?;
            let answer = self.send(request).await?;
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            let next = answer
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| at.join(value).ok())
                .filter(|next| next.origin() == url.origin());
            match next {
                Some(next) => at = next,
                None => {
                    return Err(Fault::Forbidden {
                        url: shown(url),
                        reason: "it redirects to another place",
                    });
                }
            }
        }
        Err(Fault::Forbidden { url: shown(url), reason: "it redirects too often" })
    }
}

/// Whether a body is encoded in any way.
fn is_encoded(headers: &http::HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity")
}

/// Whether the person may name `endpoint` as a place to send to: https, or this machine.
///
/// # Errors
/// [`Fault`] says why not.
pub fn check_own(endpoint: &Url) -> Result<(), Fault> {
    Reach::of(endpoint).check(endpoint)
}

/// A client for streams to the Server at `endpoint`: see [`Guard`].
///
/// # Errors
/// [`Fault`] when the endpoint may not be used.
pub fn client_for(endpoint: &Url, network: &Network) -> Result<Client, Fault> {
    Guard::new(endpoint, network).map(|guard| guard.client)
}

/// The host of a URL in the one form that is compared: lower case, no brackets, no dot at the end.
pub(crate) fn host_of(url: &Url) -> String {
    same_form(url.host_str().unwrap_or_default())
}

pub(crate) fn same_form(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a host says that it is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address| address::class(address) == address::Class::Loopback)
}

/// A URL as it may be shown: without query, fragment and user information.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    text::printable(url.as_str(), 200)
}

/// What a failed request is told as.
fn unreachable(url: &Url, fault: reqwest::Error) -> Fault {
    let host = host_of(url);
    let timed_out = fault.is_timeout();
    let fault = fault.without_url();
    let mut last: &dyn std::error::Error = &fault;
    loop {
        if last.downcast_ref::<Blocked>().is_some() {
            return Fault::Blocked { host };
        }
        match last.source() {
            Some(source) => last = source,
            None => break,
        }
    }
    let reason = if timed_out {
        "no answer in time".to_owned()
    } else {
        text::printable(&last.to_string(), 160)
    };
    Fault::Unreachable { host, reason }
}

#[cfg(test)]
mod tests;
