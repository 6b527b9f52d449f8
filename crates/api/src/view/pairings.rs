//! Programs that come in over the local socket, as they are shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Piece;

/// A file and what it held when Prokura looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct FileView {
    /// Where it lies, in pieces.
    pub path: Vec<Piece>,
    /// The SHA-256 digest of what it held.
    pub digest: String,
}

/// A process of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ProcessView {
    /// Its number.
    pub pid: u32,
    /// What it calls itself, in pieces: a claim.
    pub name: Vec<Piece>,
    /// Where its executable lies, in pieces, where the system says so.
    pub executable: Option<Vec<Piece>>,
}

/// A program that wants to come in as an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct CallerView {
    /// `first`, `changed`, `another`, or `untold`: it cannot be told which program it is, so it is asked every time.
    pub reason: String,
    /// Whether an agent of this name exists already.
    pub joins: bool,
    /// How many active grants that agent has.
    pub grants: u32,
    /// Its executable, as Prokura found it.
    pub executable: Option<FileView>,
    /// Its script, where the executable is an interpreter.
    pub script: Option<FileView>,
    /// The process and its ancestors, nearest first.
    pub chain: Vec<ProcessView>,
}

/// A program that may come in as an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct PairingView {
    /// Its identifier.
    pub id: String,
    /// Its executable.
    pub executable: FileView,
    /// Its script, where the executable is an interpreter.
    pub script: Option<FileView>,
    /// When it was paired, RFC 3339.
    pub added_at: String,
    /// When it last came in, RFC 3339.
    pub seen_at: Option<String>,
}
