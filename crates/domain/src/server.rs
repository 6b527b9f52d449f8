//! A Server: an MCP server that a person added. Its endpoint and resource are attributes, not its identity.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::ServerId;
use crate::launch::Launch;

/// What the audit log keeps of the Calls to one Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditLevel {
    /// Only salted digests.
    Digest,
    /// Arguments, sealed.
    Arguments,
    /// Arguments and results, sealed.
    ArgumentsAndResults,
}

impl AuditLevel {
    /// The word used in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Arguments => "arguments",
            Self::ArgumentsAndResults => "arguments_and_results",
        }
    }

    /// Reads the word used in storage.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Digest, Self::Arguments, Self::ArgumentsAndResults]
            .into_iter()
            .find(|level| level.as_str() == text)
    }
}

/// An MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its identity.
    pub id: ServerId,
    /// The person's name for it: unique, `[a-z0-9-]`, used in paths and prefixes.
    pub name: String,
    /// The URL of its MCP endpoint; of a local one `stdio:` and the name it was added with.
    pub endpoint: String,
    /// The resource URI its tokens are bound to; unknown before discovery.
    pub resource: Option<String>,
    /// What the audit log keeps.
    pub audit_level: AuditLevel,
    /// How it is started, where it is a program of this machine.
    pub launch: Option<Launch>,
    /// When it was added.
    pub added_at: Timestamp,
}

/// Why a name cannot be used for a Server or an Agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" cannot be a name; use 1 to 32 of a-z, 0-9 and \"-\", starting with a letter")]
pub struct BadName(String);

/// Checks a name for a Server or an Agent: 1 to 32 of `[a-z0-9-]`, starting with a letter.
///
/// # Errors
/// [`BadName`] with the name that was refused.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if starts && rest && name.len() <= 32 { Ok(()) } else { Err(BadName(name.to_owned())) }
}
