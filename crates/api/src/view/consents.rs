//! Programs that sign in as agents, as they are shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Piece;

/// A sign-in of an agent's program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AgentSignInView {
    /// Its identifier.
    pub id: String,
    /// The client id of the program.
    pub client: String,
    /// What the program calls itself, in pieces: a claim.
    pub name: Vec<Piece>,
    /// The one endpoint its tokens open, such as `/mcp`.
    pub endpoint: String,
    /// When you let it in, RFC 3339.
    pub added_at: String,
    /// When it was last used, RFC 3339.
    pub used_at: Option<String>,
    /// When it ends unless the program renews it, RFC 3339.
    pub expires_at: String,
}

/// A program that wants to sign in as an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ConsentView {
    /// What it calls itself, in pieces: a claim.
    pub name: Vec<Piece>,
    /// Its client id, in pieces.
    pub client: Vec<Piece>,
    /// The domain whose document names it, as Prokura has read it; `null` where nobody vouches for it.
    pub vouched_by: Option<String>,
    /// `browser`: a page shows a number; `device`: the agent itself shows a code.
    pub way: String,
    /// The host, or the scheme of a program, where the browser is sent; `null` without a browser.
    pub redirect_host: Option<String>,
    /// The whole address where the browser is sent, in pieces.
    pub redirect: Vec<Piece>,
    /// Whether that is any program of this machine that listens there.
    pub loopback: bool,
    /// The one endpoint it will open, such as `/mcp` for all servers.
    pub endpoint: String,
    /// Whether that endpoint is one of yours.
    pub known: bool,
    /// One of these is the number or code that is shown there.
    pub choices: Vec<String>,
    /// As whom it may come in, the one it was last let in as first; empty once it is settled.
    pub agents: Vec<ConsentAgent>,
    /// A name for a new agent.
    pub suggested: String,
}

/// An agent that a program may be let in as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ConsentAgent {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether this program came in as it before.
    pub before: bool,
    /// What it may do at that endpoint now, as its grants say, such as `ledger: allow class:read`.
    pub may: Vec<String>,
}
