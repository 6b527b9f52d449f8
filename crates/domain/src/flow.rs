//! Flows: what an Agent has read lately, so that nothing private leaves at the wish of a stranger's text.
//! It must never forget on its own: what was read counts for its Agent until the window has passed.

use crate::budget::Charge;
use crate::clock::Timestamp;
use crate::id::{AgentId, CallId, ServerId};
use crate::tool::Labels;

/// How long something that was read counts, where the person has not said otherwise: eight hours.
pub const WINDOW_SECONDS: i64 = 8 * 3600;
/// The shortest and the longest window: a minute, and thirty days.
pub const WINDOWS: std::ops::RangeInclusive<i64> = 60..=30 * 86_400;

/// The name of the flow rule where a Decision names its rules.
pub const FLOW: &str = "flow";

/// The rule that nothing is sent out after something private and something untrusted were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRule {
    /// Whether it holds.
    pub on: bool,
    /// How long something that was read counts.
    pub window_seconds: i64,
}

impl Default for FlowRule {
    fn default() -> Self {
        Self { on: true, window_seconds: WINDOW_SECONDS }
    }
}

impl FlowRule {
    /// What was read at this moment or before counts no more at `now`.
    #[must_use]
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-self.window_seconds)
    }
}

/// Something an Agent read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRead {
    /// From which Server.
    pub server: ServerId,
    /// The tool, resource or prompt.
    pub target: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What an Agent read within the window: the newest of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowReads {
    /// Something private.
    pub private: Option<FlowRead>,
    /// Something of strangers.
    pub untrusted: Option<FlowRead>,
}

impl FlowReads {
    /// Whether both were read.
    #[must_use]
    pub fn both(&self) -> bool {
        self.private.is_some() && self.untrusted.is_some()
    }
}

/// What a Call means for the flows of its Agent. It is checked and noted in the transaction that writes the intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowStep {
    /// Whose flows.
    pub agent: AgentId,
    /// The Call; what it reads itself does not count against it.
    pub call: CallId,
    /// Where.
    pub server: ServerId,
    /// The tool, resource or prompt.
    pub target: String,
    /// What it reads and sends.
    pub labels: Labels,
    /// The rule as it was when the Call was decided.
    pub rule: FlowRule,
    /// Whether the person was shown what flows, and said yes.
    pub cleared: bool,
}

impl FlowStep {
    /// Whether it has to stop where both kinds were read before it.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.rule.on && self.labels.sends_out && !self.cleared
    }
}

/// What a Call takes when its intent is written: all of it, or the intent is not written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reservation {
    /// From the budgets of Grants.
    pub charges: Vec<Charge>,
    /// From the flows of its Agent.
    pub flow: Option<FlowStep>,
}

impl From<Vec<Charge>> for Reservation {
    fn from(charges: Vec<Charge>) -> Self {
        Self { charges, flow: None }
    }
}
