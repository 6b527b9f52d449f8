//! Questions and their answers, as they are shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ArgumentView, CallerView, Named, Piece, WhyView};

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ApprovalView {
    /// Its identifier.
    pub id: String,
    /// `call` or `pairing`.
    pub kind: String,
    /// `pending`, `allowed`, `used`, `denied`, `expired` or `dropped`.
    pub state: String,
    /// Who asks; the identifier is empty while it is no agent yet.
    pub agent: Named,
    /// What the agent says of itself: a claim.
    pub agent_claim: Option<String>,
    /// Where; `null` where it is not about a server.
    pub server: Option<Named>,
    /// The host of the server's endpoint; empty where it is not about a server.
    pub server_host: String,
    /// As whom; `null` where it is not about a server.
    pub account: Option<Named>,
    /// The JSON-RPC method; empty where it is not about a call.
    pub method: String,
    /// `tool`, `resource`, `prompt` or `method`; `agent` where it is not about a call.
    pub target_kind: String,
    /// The tool name, URI or prompt name, in pieces.
    pub target: Vec<Piece>,
    /// The class of the tool; `null` is unclassified.
    pub class: Option<String>,
    /// Why it asks.
    pub why: Vec<WhyView>,
    /// Whether it can only be allowed once: a rule that stands above all grants asks.
    pub only_once: bool,
    /// Every parameter that is sent; empty once it is settled, for they are not kept here.
    pub arguments: Vec<ArgumentView>,
    /// The parameters as the server will see them; empty once it is settled.
    pub raw: Vec<Piece>,
    /// The digest the answer is bound to; empty once it is settled.
    pub digest: String,
    /// When it was raised, RFC 3339.
    pub raised_at: String,
    /// Until when it can be answered, RFC 3339.
    pub expires_at: String,
    /// When it was settled, RFC 3339.
    pub settled_at: Option<String>,
    /// The note to the agent.
    pub note: Option<String>,
    /// What kind `pairing` is about.
    pub pairing: Option<CallerView>,
}
