//! The flow rule and what agents have read.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Named;

/// The flow rule: what is sent out after something private and something of strangers were read needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct FlowView {
    /// Whether it holds.
    pub on: bool,
    /// How long something that was read counts, in seconds.
    #[ts(type = "number")]
    pub window_seconds: i64,
    /// What each active agent has read within that time.
    pub agents: Vec<AgentFlowView>,
    /// What flows through what servers have beside tools.
    pub contents: Vec<ContentView>,
}

/// What an agent has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AgentFlowView {
    /// Who.
    pub agent: Named,
    /// The newest private thing, if any.
    pub private: Option<FlowReadView>,
    /// The newest thing of strangers, if any.
    pub untrusted: Option<FlowReadView>,
    /// Whether you are asked about everything it would send out now.
    pub asks: bool,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct FlowReadView {
    /// The name of the server.
    pub server: String,
    /// What, such as `tool:read_mail`.
    pub target: String,
    /// When, RFC 3339.
    pub at: String,
}

/// What flows through the resources and prompts of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ContentView {
    /// The server.
    pub server: Named,
    /// The labels of all its resources; `null` counts as all three.
    pub resources: Option<Vec<String>>,
    /// The labels of all its prompts; `null` counts as all three.
    pub prompts: Option<Vec<String>>,
}
