//! The port to the Servers. `upstream` implements it.

use async_trait::async_trait;
use prokura_domain::{Launch, Plan, Running, ServerId};
use prokura_policy::Permit;

use crate::message::Reply;

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFault {
    /// The Account has to be signed in (again).
    #[error("{0}")]
    SignInNeeded(String),
    /// The Server wants scopes the Account does not have.
    #[error("the server wants more than this account has: {}. Sign in again to give it", .0.join(" "))]
    ScopesNeeded(Vec<String>),
    /// The Server cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The Server is a program of this machine, and the person has not approved that it is started like this.
    #[error("{0} is a program of this machine, and the person has not approved that it is started")]
    NotApproved(String),
    /// The Vault has no key.
    #[error("{0}")]
    VaultLocked(String),
    /// What a Server said cannot be understood.
    #[error("{0}")]
    Garbled(String),
}

/// The way out. Whoever implements it spends the Permit and adds the credential last.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Sends what the Permit holds to the Server the Permit names.
    ///
    /// # Errors
    /// [`UpstreamFault`] when there is no answer of the Server to hand back.
    async fn send(&self, permit: Permit) -> Result<Reply, UpstreamFault>;
}

/// The programs of this machine that are Servers. They start when something is sent to them, never by a call of these.
#[async_trait]
pub trait Programs: Send + Sync {
    /// What would be started now.
    ///
    /// # Errors
    /// A sentence without its full stop: there is no such program, or it could not be confined.
    fn plan(&self, launch: &Launch) -> Result<Plan, String>;

    /// Where one stands.
    fn running(&self, server: &ServerId) -> Running;

    /// Stops one and forgets that it crashed.
    async fn stop(&self, server: &ServerId, why: &str);

    /// What it wrote to standard error, masked: the newest of it.
    fn said(&self, server: &ServerId) -> String;

    /// Forgets everything of a Server that was removed.
    fn forget(&self, server: &ServerId);
}
