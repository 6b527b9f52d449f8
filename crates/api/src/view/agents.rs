//! Agents, as they are shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AgentSignInView, PairingView};

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AgentView {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `active`, `paused` or `revoked`.
    pub state: String,
    /// How it proves itself: `key`, `pairing`, `sign_in`, several of them joined by a comma, or `none`.
    pub credential: String,
    /// The programs that may come in as it.
    pub pairings: Vec<PairingView>,
    /// The sign-ins of its programs that have not ended.
    pub sign_ins: Vec<AgentSignInView>,
    /// What it says of itself: a claim.
    pub claim: Option<String>,
    /// How many active grants it has.
    pub grants: u32,
    /// When it was added, RFC 3339.
    pub added_at: String,
    /// When it last called, RFC 3339.
    pub seen_at: Option<String>,
    /// After how many seconds it was seen to give up waiting, twice; it is answered before.
    pub gives_up_after: Option<f64>,
    /// How much it may take.
    pub limits: AgentLimitsView,
    /// Whether it finds its tools by searching, on the endpoint of all servers.
    pub search: bool,
}

/// How much an agent may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AgentLimitsView {
    /// Requests under way at once.
    pub under_way: u32,
    /// Messages in a minute; 0 is without a limit.
    pub per_minute: u32,
    /// The largest message of the agent, in KiB.
    pub message_kib: u32,
    /// The largest answer it is given, in KiB.
    pub answer_kib: u32,
}

/// An agent was added; its key is shown only now.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AgentAdded {
    /// The agent.
    pub agent: AgentView,
    /// Its key, shown only here.
    pub key: Option<String>,
}

impl std::fmt::Debug for AgentAdded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentAdded")
            .field("agent", &self.agent)
            .field("key", &"<redacted>")
            .finish()
    }
}
