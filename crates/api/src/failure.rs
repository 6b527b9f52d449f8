//! What goes wrong at the border, in words a person can act on. Nobody matches on the text: `code` is closed.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The closed list of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "Failure.ts")]
pub enum FailureCode {
    /// The request itself is not right.
    BadRequest,
    /// What was named does not exist.
    NotFound,
    /// The name is taken, or the thing is no longer in the state for this.
    Conflict,
    /// Not from here: the approval window or another terminal has to do it.
    Refused,
    /// The Server or its authorization server did not answer, or not as it should.
    Unreachable,
    /// The person has to sign in first.
    SignInNeeded,
    /// The approval passphrase has to be given, or was wrong.
    PassphraseNeeded,
    /// The Vault has no key now.
    VaultLocked,
    /// The audit log cannot be written; nothing goes out until it can.
    AuditBroken,
    /// A fault of Prokura.
    Internal,
}

/// A failed wish: what happened, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
#[ts(export_to = "Failure.ts")]
pub struct Failure {
    /// Which of the closed list.
    pub code: FailureCode,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl Failure {
    /// A failure with what to do next.
    pub fn new(code: FailureCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }
}
