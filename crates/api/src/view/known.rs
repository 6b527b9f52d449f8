//! Well-known servers, as the list that comes with the program has them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A server that many people use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct KnownServerView {
    /// A name to propose for it.
    pub id: String,
    /// What its makers call it.
    pub name: String,
    /// Who runs it.
    pub vendor: String,
    /// The URL of its MCP endpoint.
    pub url: String,
    /// What it is for.
    pub about: String,
    /// What it asks for: `oauth`, `key` or `none`.
    pub sign_in: String,
    /// Whether programs register themselves there: `dynamic`, `by_hand` or `unknown`; omitted where nobody signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub registration: Option<String>,
    /// What to know before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub note: Option<String>,
    /// The page where this was read.
    pub source: String,
    /// Whether it is one of yours already.
    #[serde(default)]
    pub added: bool,
}

/// Well-known servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct KnownServersView {
    /// The day the list was checked on.
    pub checked: String,
    /// The servers.
    pub servers: Vec<KnownServerView>,
}
