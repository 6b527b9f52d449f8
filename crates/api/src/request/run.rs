//! The wishes about tools that the person calls themselves.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A tool that the person calls, as the agent "you": the same path, the same grants, the same records.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "run")]
#[ts(export_to = "Request.ts")]
pub enum RunWish {
    /// Call it, and wait for the answer: minutes, where it has to be approved.
    Call {
        /// The server's name or id.
        server: String,
        /// The account's name or id; omitted means the one that "you" use there.
        #[serde(default)]
        #[ts(optional)]
        account: Option<String>,
        /// The tool's name at the server.
        tool: String,
        /// The arguments: a JSON object as text, so that numbers stay as they were written.
        arguments: String,
        /// A name for this run, by which it can be stopped.
        #[serde(default)]
        #[ts(optional)]
        name: Option<String>,
    },
    /// Stop waiting, and cancel the call.
    Stop {
        /// The name it was started under.
        name: String,
    },
}

impl std::fmt::Debug for RunWish {
    /// Without the arguments: they can hold anything.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunWish")
    }
}
