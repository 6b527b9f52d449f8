//! The port of Prokura's own authorization server: what the gateway's endpoints ask, and `delegation` answers. The
//! gateway speaks OAuth; who may come in, and as which Agent, is decided on the other side.

use std::time::Duration;

use async_trait::async_trait;

use crate::agent::Agent;
use crate::client::{Client, ClientMetadata, Endpoint, RedirectUri};
use crate::clock::Timestamp;

/// How long an access token opens its endpoint, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;

/// Why the authorization server does not do what it was asked. Each has its word in OAuth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFault {
    /// No such client, or one that cannot be used.
    #[error("{0}")]
    Client(String),
    /// A code, a refresh token or a device code is not good, or not any more.
    #[error("{0}")]
    Grant(&'static str),
    /// The tokens are for another endpoint.
    #[error("the resource is not the one that was consented to")]
    Target,
    /// The person has not answered yet.
    #[error("the person has not answered yet")]
    Pending,
    /// The client asks too often.
    #[error("asked too often; wait longer between two requests")]
    SlowDown,
    /// The person said no.
    #[error("the person said no")]
    Denied,
    /// Nobody answered in time.
    #[error("nobody answered in time")]
    Expired,
    /// Too much at once.
    #[error("too many requests at once; try again in a few minutes")]
    Busy,
    /// Something here is broken: nothing was issued.
    #[error("Prokura could not do it: {0}")]
    Broken(String),
}

impl RegistryFault {
    /// The error code of RFC 6749, 8628 and 8707.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Client(_) => "invalid_client",
            Self::Grant(_) => "invalid_grant",
            Self::Target => "invalid_target",
            Self::Pending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::Denied => "access_denied",
            Self::Expired => "expired_token",
            Self::Busy => "temporarily_unavailable",
            Self::Broken(_) => "server_error",
        }
    }
}

/// A browser that was sent here to have a client let in.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who asks.
    pub client: Client,
    /// What for.
    pub endpoint: Endpoint,
    /// Where the browser goes afterwards.
    pub redirect_uri: RedirectUri,
    /// What goes along unchanged.
    pub state: Option<String>,
    /// The S256 challenge (RFC 7636), 43 characters.
    pub challenge: String,
}

/// Where the browser finds its visit again, and what it shows.
#[derive(Clone)]
pub struct Waiting {
    /// Names the visit; nobody can guess it.
    pub handle: String,
    /// The number that the person picks in Prokura's window.
    pub number: String,
    /// What the client calls itself.
    pub client: String,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// What became of a visit.
#[derive(Clone)]
pub enum Standing {
    /// The person has not answered.
    Waiting(Waiting),
    /// Let in: the browser is sent back with this code, once.
    Granted {
        /// Where to.
        redirect_uri: RedirectUri,
        /// What goes along.
        state: Option<String>,
        /// The code.
        code: String,
    },
    /// Not let in.
    Refused {
        /// Where the client listens.
        redirect_uri: RedirectUri,
        /// What goes along.
        state: Option<String>,
        /// Why.
        fault: RegistryFault,
    },
    /// There is no such visit, or it is over.
    Gone,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Standing")
    }
}

/// A code that is traded for tokens.
#[derive(Clone)]
pub struct Redemption {
    /// The code.
    pub code: String,
    /// The client that says it is its own.
    pub client: String,
    /// The redirect URI, where the client repeats it.
    pub redirect_uri: Option<String>,
    /// What the challenge was made from.
    pub verifier: String,
    /// The endpoint, where the client repeats it.
    pub endpoint: Option<Endpoint>,
}

impl std::fmt::Debug for Redemption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redemption")
    }
}

/// Tokens that were just issued. They are here and nowhere else.
#[derive(Clone)]
pub struct Tokens {
    /// Opens the endpoint for [`ACCESS_SECONDS`].
    pub access: String,
    /// Is traded once for the next pair.
    pub refresh: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// A device grant that was begun (RFC 8628).
#[derive(Clone)]
pub struct DeviceStart {
    /// What the client asks with.
    pub device_code: String,
    /// What the agent shows, and the person picks in Prokura's window.
    pub user_code: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// How long it lasts, in seconds.
    pub seconds: i64,
    /// Seconds between two questions.
    pub interval: i64,
}

impl std::fmt::Debug for DeviceStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceStart")
    }
}

/// Clients, consents and tokens of Agents.
#[async_trait]
pub trait AgentRegistry: Send + Sync {
    /// Registers a client (RFC 7591).
    ///
    /// # Errors
    /// [`RegistryFault::Busy`] when too many come at once.
    async fn register(&self, metadata: ClientMetadata) -> Result<Client, RegistryFault>;

    /// Whether the documents by which clients name themselves are read.
    fn reads_documents(&self) -> bool;

    /// The client with this id; where the id is the URL of a document, that is read.
    ///
    /// # Errors
    /// [`RegistryFault::Client`] says why it cannot be used.
    async fn client(&self, id: &str) -> Result<Client, RegistryFault>;

    /// Asks the person whether the client may come in.
    ///
    /// # Errors
    /// [`RegistryFault`] when it cannot be asked now.
    async fn visit(&self, visit: Visit) -> Result<Waiting, RegistryFault>;

    /// What became of a visit; waits a while for the person. A granted one is handed out once.
    async fn standing(&self, handle: &str, wait: Duration) -> Standing;

    /// Trades a code for tokens. A code that comes twice ends what it gave.
    ///
    /// # Errors
    /// [`RegistryFault`] says why not.
    async fn redeem(&self, redemption: Redemption) -> Result<Tokens, RegistryFault>;

    /// Trades a refresh token for the next pair. One that comes twice ends the sign-in.
    ///
    /// # Errors
    /// [`RegistryFault`] says why not.
    async fn renew(
        &self,
        refresh: &str,
        client: &str,
        endpoint: Option<&Endpoint>,
    ) -> Result<Tokens, RegistryFault>;

    /// Ends the sign-in that a token of this client belongs to (RFC 7009). An unknown token is no fault.
    ///
    /// # Errors
    /// [`RegistryFault::Broken`] when it cannot be written.
    async fn revoke(&self, token: &str, client: &str) -> Result<(), RegistryFault>;

    /// Asks the person by a code that the agent shows (RFC 8628).
    ///
    /// # Errors
    /// [`RegistryFault`] when it cannot be asked now.
    async fn device(
        &self,
        client: Client,
        endpoint: Endpoint,
    ) -> Result<DeviceStart, RegistryFault>;

    /// Asks what became of a device grant.
    ///
    /// # Errors
    /// [`RegistryFault::Pending`] and the others say what to do.
    async fn device_tokens(&self, device_code: &str, client: &str)
    -> Result<Tokens, RegistryFault>;

    /// The active Agent whose access token this is, if it opens this endpoint.
    fn open(&self, token: &str, endpoint: &Endpoint) -> Option<Agent>;
}

/// A document that a client's id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDocument {
    /// What it holds.
    pub text: Vec<u8>,
    /// For how many seconds it may be used again.
    pub fresh_seconds: i64,
}

/// Reads documents of clients from the internet, and from nowhere else.
#[async_trait]
pub trait ClientDocuments: Send + Sync {
    /// Reads the document at `url`.
    ///
    /// # Errors
    /// A sentence that says why not.
    async fn read(&self, url: &str) -> Result<ReadDocument, String>;
}
