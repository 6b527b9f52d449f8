//! Guardrails, what is wrong with one, and what one can name.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A policy that stands above all grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct GuardrailView {
    /// Its identifier.
    pub id: String,
    /// The person's name for it.
    pub name: String,
    /// Its Cedar policies.
    pub text: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// `window`, `cli`, `file`, or `bundle`.
    pub origin: String,
    /// The name of the bundle it belongs to.
    pub bundle: Option<String>,
    /// What is wrong with it against the tools there are now; it is in force all the same, and what cannot be checked denies.
    pub faults: Vec<GuardrailFaultView>,
    /// When it was made, RFC 3339.
    pub added_at: String,
    /// When it last changed, RFC 3339.
    pub changed_at: String,
}

/// Something wrong with the text of a guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct GuardrailFaultView {
    /// The line, from 1; 0 where it is about the whole text.
    pub line: u32,
    /// The column, from 1; 0 where it is about the whole line.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// What a guardrail can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct GuardrailWordsView {
    /// The names of the active agents.
    pub agents: Vec<String>,
    /// The names of the servers.
    pub servers: Vec<String>,
    /// The accounts, as `server/account`.
    pub accounts: Vec<String>,
    /// The tools with their arguments.
    pub tools: Vec<GuardedToolView>,
}

/// A tool as guardrails name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct GuardedToolView {
    /// `server/tool`: the name of its action and of its resource.
    pub name: String,
    /// Its arguments, where they have one type.
    pub arguments: Vec<GuardedArgumentView>,
}

/// An argument of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct GuardedArgumentView {
    /// Its name.
    pub name: String,
    /// Its type in Cedar.
    pub cedar: String,
    /// Whether every call has it; else a rule has to ask `has` first.
    pub required: bool,
}
