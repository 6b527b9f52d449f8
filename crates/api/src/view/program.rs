//! Agent programs on this machine, and how their settings would change. Keys that stand in such settings must never be here.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A server that a program has in its own settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct OwnServerView {
    /// Its name there.
    pub name: String,
    /// `remote`, `local` or `other`.
    pub kind: String,
    /// Its URL without query, or its command.
    pub at: String,
    /// Whether a static key for it stands in the settings.
    pub has_key: bool,
    /// Whether the program has it switched off.
    pub disabled: bool,
}

/// An agent program whose settings Prokura can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ProgramView {
    /// Names it in commands.
    pub id: String,
    /// What its makers call it.
    pub name: String,
    /// Whether it seems to be on this machine.
    pub installed: bool,
    /// Its settings file.
    pub file: String,
    /// `free`, `connected` (by Prokura), `has_entry` (Prokura is in it, by another hand) or `unreadable`.
    pub state: String,
    /// The agent it was connected as.
    pub agent: Option<String>,
    /// When, RFC 3339.
    pub connected_at: Option<String>,
    /// Whether it can sign in to a URL by itself.
    pub signs_in: bool,
    /// Where its makers document the file.
    pub source: String,
    /// The servers it has.
    pub servers: Vec<OwnServerView>,
    /// Why the file cannot be read.
    pub problem: Option<String>,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct LineView {
    /// `same`, `added`, `removed` or `skipped`.
    pub mark: String,
    /// The line; for `skipped`, how many.
    pub text: String,
}

/// How a file would change. Keys in it are hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct WirePreviewView {
    /// The file.
    pub file: String,
    /// What changes.
    pub lines: Vec<LineView>,
    /// Names exactly this change.
    pub digest: String,
}

/// A program's settings were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct WiredView {
    /// The program's id.
    pub program: String,
    /// The file.
    pub file: String,
    /// The agent it is now.
    pub agent: String,
    /// The servers that Prokura took over, by their names here.
    pub servers: Vec<String>,
}
