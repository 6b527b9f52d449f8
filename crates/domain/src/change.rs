//! What changed, so that views can ask again. It carries no state: Rust owns the truth.

use serde::{Deserialize, Serialize};

/// One kind of thing that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Servers were added, removed or edited.
    Servers,
    /// An Account signed in or out.
    Accounts,
    /// Tools were pinned, changed, classified or accepted.
    Tools,
    /// Agents were added, seen or revoked.
    Agents,
    /// Grants were made or revoked.
    Grants,
    /// Guardrails were added, changed or removed.
    Guardrails,
    /// A Question was raised or settled.
    Approvals,
    /// The audit log grew.
    Audit,
    /// Paused, resumed, vault state.
    State,
}
