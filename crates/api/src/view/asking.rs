//! How answers have to be given, and how questions come, as it is shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How answers have to be given, and how questions come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AskingView {
    /// What was set; everything else needs a click. The most demanding of those that fit counts.
    pub levels: Vec<StepUpLevelView>,
    /// Whether there is an approval passphrase.
    pub passphrase_set: bool,
    /// In how many seconds the next passphrase is looked at; 0 is at once.
    #[ts(type = "number")]
    pub wait_seconds: i64,
    /// Why this machine cannot tell that the person is there; `null` where it can.
    pub unable: Option<String>,
    /// Whether questions come as notifications of the desktop too.
    pub notices: bool,
    /// The keys that pause all agents, such as `Ctrl+Alt+P`; `null` is none.
    pub pause_keys: Option<String>,
}

/// What a yes about something has to be given with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct StepUpLevelView {
    /// `class:destructive`, `server:NAME`, `tool:SERVER/TOOL` or `grant:ID`.
    pub scope: String,
    /// The same in words.
    pub words: String,
    /// `passphrase` or `presence`.
    pub level: String,
    /// What is in the way of giving such a yes on this machine.
    pub in_the_way: Option<String>,
}
