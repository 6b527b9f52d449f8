//! How a program should be connected, and what can be asked about access. It must never hold a secret.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a program should be connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "Request.ts")]
pub struct WireWish {
    /// The program's id, such as `claude-code`.
    pub program: String,
    /// The name it gets as an agent.
    pub agent: String,
    /// `command`: it starts `prokura stdio`. `sign_in`: it is given the URL and signs in.
    pub way: String,
    /// Servers of the program that Prokura takes over; they leave its settings.
    #[serde(default)]
    pub take: Vec<String>,
}

/// Whose access is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "by")]
#[ts(export_to = "Request.ts")]
pub enum AccessWish {
    /// What an agent can do now.
    Agent {
        /// Its name or id.
        agent: String,
    },
    /// Which agents can use a tool.
    Tool {
        /// The server's name or id.
        server: String,
        /// The tool.
        tool: String,
    },
}

/// How much an agent may take. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "Request.ts")]
pub struct LimitsWish {
    /// Its name or id.
    pub agent: String,
    /// Requests under way at once.
    #[serde(default)]
    pub under_way: Option<u32>,
    /// Messages in a minute; 0 is without a limit.
    #[serde(default)]
    pub per_minute: Option<u32>,
    /// The largest message of the agent, in KiB.
    #[serde(default)]
    pub message_kib: Option<u32>,
    /// The largest answer it is given, in KiB.
    #[serde(default)]
    pub answer_kib: Option<u32>,
    /// Everything else as it was at first.
    #[serde(default)]
    pub reset: bool,
}

/// The seconds in `90s`, `15m`, `8h` or `30d`.
#[must_use]
pub fn seconds_in(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(each).filter(|seconds| *seconds > 0)
}
