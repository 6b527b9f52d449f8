//! How much of Prokura one Agent may take.

use serde::{Deserialize, Serialize};

/// The largest message and the largest answer that are carried for anybody, in KiB.
pub const MOST_KIB: (u32, u32) = (16 * 1024, 64 * 1024);

/// How much one Agent may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentLimits {
    /// Requests under way at once.
    pub under_way: u32,
    /// Messages in a minute; 0 is without a limit.
    pub per_minute: u32,
    /// The largest message of the Agent, in KiB.
    pub message_kib: u32,
    /// The largest answer it is given, all events of one answer together, in KiB.
    pub answer_kib: u32,
}

impl Default for AgentLimits {
    fn default() -> Self {
        Self { under_way: 64, per_minute: 6_000, message_kib: 4 * 1024, answer_kib: MOST_KIB.1 }
    }
}

impl AgentLimits {
    /// Why these cannot be set.
    ///
    /// # Errors
    /// A sentence for the person.
    pub fn check(&self) -> Result<(), String> {
        let (message, answer) = MOST_KIB;
        if !(1..=1024).contains(&self.under_way) {
            return Err("At least 1 and at most 1024 requests can be under way at once.".to_owned());
        }
        if !(1..=message).contains(&self.message_kib) {
            return Err(format!("The largest message is between 1 and {message} KiB."));
        }
        if !(1..=answer).contains(&self.answer_kib) {
            return Err(format!("The largest answer is between 1 and {answer} KiB."));
        }
        Ok(())
    }

    /// The largest message, in bytes.
    #[must_use]
    pub fn message_bytes(&self) -> usize {
        bytes(self.message_kib.min(MOST_KIB.0))
    }

    /// The largest answer, in bytes.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        bytes(self.answer_kib.min(MOST_KIB.1))
    }
}

fn bytes(kib: u32) -> usize {
    usize::try_from(kib).unwrap_or(usize::MAX).saturating_mul(1024)
}
