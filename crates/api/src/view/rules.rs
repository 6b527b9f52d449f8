//! What would become of many rules at once, and bundles.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::GuardrailFaultView;

/// What happens, or would happen, to one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct PlannedRuleView {
    /// `grant` or `guardrail`.
    pub kind: String,
    /// `add`, `same`, `change` or `left_out`.
    pub does: String,
    /// The rule in words.
    pub text: String,
    /// Why it is left out.
    pub why: Option<String>,
    /// What it says before, where it changes.
    pub before: Option<String>,
    /// What it says then, where it changes or is a guardrail.
    pub after: Option<String>,
}

/// What happens, or would happen, to many rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct RulePlanView {
    /// Names exactly this plan.
    pub digest: String,
    /// Until when, where a time from now was asked for: ask with this one.
    pub until: Option<String>,
    /// Whether it was done.
    pub done: bool,
    /// The rules.
    pub rules: Vec<PlannedRuleView>,
    /// How many come.
    pub added: u32,
    /// How many change.
    pub changed: u32,
    /// How many are there already.
    pub same: u32,
    /// How many are left out.
    pub left_out: u32,
}

/// A guardrail of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct BundledView {
    /// Its name in the bundle.
    pub name: String,
    /// Its Cedar policies.
    pub text: String,
    /// What is wrong with it against the tools there are now; it is in force all the same.
    pub faults: Vec<GuardrailFaultView>,
}

/// A bundle of guardrails that an organisation signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct BundleView {
    /// Its name.
    pub name: String,
    /// The public key it is signed with, in hexadecimal digits.
    pub key: String,
    /// Which publication it is.
    #[ts(type = "number")]
    pub sequence: u64,
    /// When it was published, by the word of who did, RFC 3339.
    pub issued_at: Option<String>,
    /// When it was taken here, RFC 3339; `null` where it was only looked at.
    pub taken_at: Option<String>,
    /// The sequence that is required here now, where one is.
    #[ts(type = "number | null")]
    pub held: Option<u64>,
    /// Why it cannot be checked; then everything is denied.
    pub fault: Option<String>,
    /// Its guardrails.
    pub guardrails: Vec<BundledView>,
}
