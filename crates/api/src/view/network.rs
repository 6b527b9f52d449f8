//! How servers are reached.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How servers are reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct NetworkView {
    /// The proxy; none goes out directly.
    pub proxy: Option<String>,
    /// Certificate authorities that are trusted beside the system's.
    pub authorities: Vec<AuthorityView>,
    /// Whether the documents by which programs of agents name themselves are read from the internet.
    pub documents: bool,
}

/// A certificate authority that the person trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AuthorityView {
    /// What it is called here.
    pub name: String,
    /// The SHA-256 digests of its certificates.
    pub fingerprints: Vec<String>,
}
