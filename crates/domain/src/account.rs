//! An Account: one identity at one Server. It names its tokens, it never holds them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{AccountId, ServerId};

/// How the Server is told who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// The Server asks for nothing.
    Anonymous,
    /// A static key that the person entered.
    Key,
    /// Tokens from an authorization server, for the person who signed in.
    Oauth,
    /// Tokens for a program of its own, with nobody behind it.
    Client,
    /// Tokens for a workload that its platform vouches for.
    Workload,
    /// Tokens for the person whom an enterprise's identity provider vouches for.
    Enterprise,
}

impl AccountKind {
    /// Whether an authorization server issues its tokens.
    #[must_use]
    pub fn has_tokens(self) -> bool {
        match self {
            Self::Anonymous | Self::Key => false,
            Self::Oauth | Self::Client | Self::Workload | Self::Enterprise => true,
        }
    }
}

impl AccountKind {
    /// Whether a person signs in for it, who can give more.
    #[must_use]
    pub fn has_person(self) -> bool {
        match self {
            Self::Oauth => true,
            Self::Anonymous | Self::Key | Self::Client | Self::Workload | Self::Enterprise => false,
        }
    }
}

/// Whether the Account can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Ready.
    SignedIn,
    /// The Server no longer accepts what is stored; the person has to sign in again.
    NeedsSignIn,
    /// The person signed out; nothing is stored.
    SignedOut,
}

/// An identity at a Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// The Server it belongs to.
    pub server: ServerId,
    /// Its name, unique at its Server: `anonymous`, or what the issuer or the person calls it.
    pub name: String,
    /// How it is proved.
    pub kind: AccountKind,
    /// Whether it can be used.
    pub state: AccountState,
    /// The authorization server that issued its tokens.
    pub issuer: Option<String>,
    /// The resource its tokens are bound to.
    pub resource: Option<String>,
    /// The `sub` claim, where known.
    pub subject: Option<String>,
    /// The tenant, where known.
    pub tenant: Option<String>,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// Counts the writes of its tokens; part of what seals them, so an older value put back does not open.
    pub generation: u64,
    /// When the access token expires, where known.
    pub expires_at: Option<Timestamp>,
    /// When the person signed in first.
    pub added_at: Timestamp,
}
