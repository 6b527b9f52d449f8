//! Effective access.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Named, WhyView};

/// What could come of an agent's calls to one thing. What no grant covers does not exist for it and is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AccessView {
    /// Who.
    pub agent: Named,
    /// Where.
    pub server: Named,
    /// As whom.
    pub account: Named,
    /// What: `tool:send_payment`, or what a grant names of the rest, such as `resource:ledger://*`.
    pub target: String,
    /// The person's class of the tool; `null` is unclassified, or no tool.
    pub class: Option<String>,
    /// `accepted`, `new`, `changed` or `gone`; `null` is no tool.
    pub pin: Option<String>,
    /// `allow`, `ask` or `deny`; `partly` where it depends on the arguments.
    pub effect: String,
    /// All that could come of a call, the laxest first: of `allow`, `ask` and `deny`.
    pub outcomes: Vec<String>,
    /// The rules that matter.
    pub why: Vec<WhyView>,
    /// `all paused`, `paused` or `revoked`: nothing goes at present, and the rest says what holds otherwise.
    pub stopped: Option<String>,
}
