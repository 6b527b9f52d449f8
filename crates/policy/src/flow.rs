//! The flow rule: after an Agent has read something private and something of strangers, what it sends out needs a person.
//! It must never be answered by a Grant, and never count less than what was read.

use prokura_domain::call::Why;
use prokura_domain::flow::{FLOW, FlowStep};
use prokura_domain::{Call, CallId, FlowRule, Labels, Timestamp};

use crate::decide::Facts;

/// Something the Agent read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What, for people: `read_mail of mailbox`.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

/// What is known of the flows a Call belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The rule as it stands.
    pub rule: FlowRule,
    /// What the called target reads and sends; `None` where nobody has looked at it, and then it counts as all three.
    pub labels: Option<Labels>,
    /// The Call whose own reads do not count: this one, or the one it rests on.
    pub own: CallId,
    /// The newest private thing that was read within the window.
    pub private: Option<Read>,
    /// The newest thing of strangers that was read within the window.
    pub untrusted: Option<Read>,
}

impl Flow {
    fn labels(&self) -> Labels {
        self.labels.unwrap_or(Labels::ALL)
    }

    /// Why the person is asked, where the Call would send out what flowed together.
    pub(crate) fn crossing(&self, call: &Call, now: Timestamp) -> Option<Why> {
        let (Some(private), Some(untrusted)) = (&self.private, &self.untrusted) else {
            return None;
        };
        if !self.rule.on || !self.labels().sends_out {
            return None;
        }
        let name = call.target.name();
        let unseen = if self.labels.is_some() {
            String::new()
        } else {
            format!(
                " Nobody has said what {name} reads and sends, so it counts as doing all of that."
            )
        };
        let text = format!(
            "Within {} this agent has read something private ({}, {}) and something that strangers can write ({}, {}), \
             and {name} sends outward. That needs you, whatever is granted.{unseen}",
            span(self.rule.window_seconds),
            private.what,
            ago(private.at, now),
            untrusted.what,
            ago(untrusted.at, now),
        );
        Some(Why::new(FLOW, text))
    }

    pub(crate) fn step(&self, call: &Call, cleared: bool) -> FlowStep {
        FlowStep {
            agent: call.agent.clone(),
            call: self.own.clone(),
            server: call.server.clone(),
            target: format!("{}:{}", call.target.kind(), call.target.name()),
            labels: self.labels(),
            rule: self.rule,
            cleared,
        }
    }
}

/// What a yes to the flow rule is good for: the crossing was shown.
pub(crate) fn cleared(facts: &Facts) -> bool {
    facts.approved.as_ref().is_some_and(|yes| yes.rules.iter().any(|rule| rule == FLOW))
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.millis_since(at).max(0) / 1000;
    if seconds < 60 { "just now".to_owned() } else { format!("{} ago", span(seconds)) }
}

/// A length of time in its largest fitting unit, rounded down.
fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        172_800.. => (seconds / 86_400, "day"),
        7200.. => (seconds / 3600, "hour"),
        120.. => (seconds / 60, "minute"),
        60..120 => (1, "minute"),
        _ => (seconds, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
