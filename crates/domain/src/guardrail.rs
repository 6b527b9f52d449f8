//! A Guardrail: a policy that stands above all Grants. It can forbid, or demand approval; it can never allow more.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::GuardrailId;

/// Where a Guardrail came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum GuardrailOrigin {
    /// The window.
    Window,
    /// The command line.
    Cli,
    /// A file that was imported.
    File,
    /// A bundle that an organisation signed.
    Bundle {
        /// Which.
        bundle: String,
    },
}

/// A policy above all Grants, in the language Cedar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Its identity.
    pub id: GuardrailId,
    /// The person's name for it, unique.
    pub name: String,
    /// One or more Cedar policies.
    pub text: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// Where it came from.
    pub origin: GuardrailOrigin,
    /// When it was made.
    pub added_at: Timestamp,
    /// When its text or state last changed.
    pub changed_at: Timestamp,
}

/// Something wrong with the text of a Guardrail, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailFault {
    /// The line, from 1; 0 where it is about the whole text.
    pub line: u32,
    /// The column in characters, from 1; 0 where it is about the whole line.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// A Tool as Guardrails name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedTool {
    /// The name of its Server.
    pub server: String,
    /// Its name there.
    pub name: String,
    /// Its arguments with their types.
    pub arguments: Vec<GuardedArgument>,
}

/// An argument of a Tool, as the schema of the Server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedArgument {
    /// Its name.
    pub name: String,
    /// Its type in Cedar, such as `String` or `Set<Long>`.
    pub cedar: String,
    /// Whether every call has it.
    pub required: bool,
}
