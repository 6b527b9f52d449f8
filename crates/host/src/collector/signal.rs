//! What is sent to a collector: records as they are, and calls and totals that are made from them.

use super::{logs, spans, totals};

/// What is sent; each has a place of its own in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
    Metrics,
}

impl Signal {
    pub(super) const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }

    /// The setting that remembers what was taken.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Self::Logs => "collector_sent",
            Self::Traces => "collector_sent_traces",
            Self::Metrics => "collector_sent_metrics",
        }
    }

    pub(super) fn rejected(self, answer: &[u8]) -> (i64, Option<String>) {
        match self {
            Self::Logs => logs::rejected(answer),
            Self::Traces => spans::rejected(answer),
            Self::Metrics => totals::rejected(answer),
        }
    }
}
