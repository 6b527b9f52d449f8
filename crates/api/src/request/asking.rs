//! How answers have to be given, and how questions come. A passphrase in here lives as long as its request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is wished about the asking itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "about")]
#[ts(export_to = "Request.ts")]
pub enum AskingWish {
    /// How it stands.
    Show,
    /// Set what a yes has to be given with.
    Level {
        /// `class:destructive`, `server:NAME`, `tool:SERVER/TOOL` or `grant:ID`.
        scope: String,
        /// `click`, `passphrase` or `presence`.
        level: String,
        /// The approval passphrase; needed to ask for less than before.
        passphrase: Option<String>,
    },
    /// Set the approval passphrase.
    Passphrase {
        /// The new one.
        new: String,
        /// The one there is.
        old: Option<String>,
    },
    /// Whether questions come as notifications too.
    Notices {
        /// Whether they do.
        on: bool,
    },
    /// Whether Prokura shows what a server asks of agents that cannot show it.
    Questions {
        /// The server's name or id.
        server: String,
        /// Whether it does.
        on: bool,
    },
    /// The keys that pause all agents, wherever the person is, while the window runs.
    PauseKeys {
        /// Such as `Ctrl+Alt+P`; `null` is none.
        keys: Option<String>,
    },
}

impl std::fmt::Debug for AskingWish {
    /// Only what it is: its members can be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AskingWish")
    }
}

/// What was typed into a server's form. It is for that server alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "Request.ts")]
pub struct FilledWish(pub BTreeMap<String, Vec<String>>);

impl std::fmt::Debug for FilledWish {
    /// Never what was typed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FilledWish")
    }
}
