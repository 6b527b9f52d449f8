//! Rules tried on the past.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Named, WhyView};

/// What changed rules would have done to the calls of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SimulationView {
    /// How many calls were looked at.
    #[ts(type = "number")]
    pub calls: u64,
    /// How many would have gone otherwise.
    #[ts(type = "number")]
    pub changed: u64,
    /// Of how many it cannot be told, because their arguments were not kept.
    #[ts(type = "number")]
    pub unknown: u64,
    /// The newest of those two kinds, newest first, at most 500.
    pub shown: Vec<SimulatedCallView>,
}

/// A call of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SimulatedCallView {
    /// The number of its record.
    #[ts(type = "number")]
    pub seq: i64,
    /// When, RFC 3339.
    pub at: String,
    /// The agent.
    pub agent: Named,
    /// The server.
    pub server: Named,
    /// `tool`, `resource`, `prompt` or `method`.
    pub target_kind: String,
    /// Its name.
    pub target: String,
    /// What happened: `went`, `asked` (and went after a yes) or `refused`.
    pub happened: String,
    /// What the rules of now say: `allow`, `ask` or `deny`; `null` where it cannot be told.
    pub before: Option<String>,
    /// What the changed rules say; `null` where it cannot be told.
    pub after: Option<String>,
    /// The rules that matter after the change.
    pub why: Vec<WhyView>,
}
