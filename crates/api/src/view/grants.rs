//! Grants.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Named;

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct GrantView {
    /// Its identifier.
    pub id: String,
    /// Who may.
    pub agent: Named,
    /// Where.
    pub server: Named,
    /// As whom; `null` means every account.
    pub account: Option<Named>,
    /// What, such as `tool:send_payment`, `tools:get_*`, `class:read`, `resource:*`.
    pub target: String,
    /// `allow`, `ask` or `deny`.
    pub effect: String,
    /// Whether it holds only for the very arguments that were approved.
    pub same_arguments: bool,
    /// What has to be true of the arguments, such as `/amount <= 500`.
    pub conditions: Vec<String>,
    /// How much may go through it, such as `20/1h` or `sum(/amount)<=500/1d`; `null` means no limit.
    pub budget: Option<String>,
    /// How much of the budget is left now, as a decimal number.
    pub budget_left: Option<String>,
    /// What your yes takes where it asks: `passphrase` or `presence`; `null` is a click, or what counts for its tools.
    pub level: Option<String>,
    /// Until when, RFC 3339; `null` means until revoked.
    pub until: Option<String>,
    /// `active`, `expired` or `revoked`.
    pub state: String,
    /// `window`, `cli`, or `approval`.
    pub origin: String,
    /// The person's note.
    pub note: Option<String>,
    /// How many tools it covers now.
    pub tools: u32,
    /// When it was made, RFC 3339.
    pub added_at: String,
    /// When a call last went through it, RFC 3339.
    pub used_at: Option<String>,
    /// For how many days no call went through it, where that is 30 or more and it is one that lets calls through without
    /// end: let it end.
    pub unused_days: Option<u32>,
}
