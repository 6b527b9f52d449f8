//! Wishes about guardrails, and about trying rules on the past.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::GrantWish;

/// What can be asked about guardrails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "act")]
#[ts(export_to = "Request.ts")]
pub enum GuardrailWish {
    /// All of them.
    List,
    /// One of them.
    Show {
        /// Its name or id.
        name: String,
    },
    /// Add one.
    Add {
        /// Its name.
        name: String,
        /// Its Cedar policies.
        text: String,
    },
    /// Change one.
    Change {
        /// Its name or id.
        name: String,
        /// Its new text; omitted leaves it.
        text: Option<String>,
        /// Whether it is in force; omitted leaves it.
        enabled: Option<bool>,
    },
    /// Remove one.
    Remove {
        /// Its name or id.
        name: String,
    },
    /// Say what is wrong with a text, without adding it.
    Check {
        /// The text.
        text: String,
    },
    /// What a guardrail can name.
    Words,
}

/// A changed set of rules to run over the past. Nothing is changed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, Default)]
#[ts(export_to = "Request.ts")]
pub struct SimulationWish {
    /// How far back, such as `30d`.
    pub since: String,
    /// The text of a guardrail that is tried.
    pub guardrail: Option<String>,
    /// Guardrails that are left out, by name or id; the one that is edited is among them.
    #[serde(default)]
    pub without_guardrails: Vec<String>,
    /// Grants that are tried.
    #[serde(default)]
    pub grants: Vec<GrantWish>,
    /// Grants that are left out, by id.
    #[serde(default)]
    pub without_grants: Vec<String>,
}
