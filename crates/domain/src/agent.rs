//! An Agent: a local program that uses Servers under Grants, with a credential of its own.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::id::AgentId;

/// Whether an Agent may call at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It may call, as far as its Grants go.
    Active,
    /// The person took it back; its credential is dead for good.
    Revoked,
}

/// A local AI agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its identity.
    pub id: AgentId,
    /// The person's name for it, unique.
    pub name: String,
    /// Whether it may call.
    pub state: AgentState,
    /// The digest of its key. The key is random (256 bits), so a plain digest cannot be guessed back.
    pub key: Option<Digest>,
    /// What it last said of itself (`clientInfo`): a claim, shown and never trusted.
    pub claim: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it last called.
    pub seen_at: Option<Timestamp>,
}
