//! Questions and their answers, as they are shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    ArgumentView, CallerView, ConsentView, ElicitationView, Named, Piece, ScopeView, StartView,
    WhyView,
};

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ApprovalView {
    /// Its identifier.
    pub id: String,
    /// `call`, `pairing`, `consent`, `scopes`, `local_start` or `elicitation`.
    pub kind: String,
    /// `pending`, `allowed`, `used`, `denied`, `expired` or `dropped`.
    pub state: String,
    /// Who asks; the identifier is empty while it is no agent yet.
    pub agent: Named,
    /// What the agent says of itself: a claim.
    pub agent_claim: Option<String>,
    /// By what it is known: some of `key`, `pairing` and `sign_in`; empty while it is no agent yet.
    pub agent_known_by: Vec<String>,
    /// Where; `null` where it is not about a server.
    pub server: Option<Named>,
    /// The host of the server's endpoint; empty where it is not about a server.
    pub server_host: String,
    /// As whom; `null` where it is not about a server.
    pub account: Option<Named>,
    /// The JSON-RPC method; empty where it is not about a call.
    pub method: String,
    /// `tool`, `resource`, `prompt` or `method`; `agent` or `server` where it is not about a call.
    pub target_kind: String,
    /// The tool name, URI or prompt name, in pieces.
    pub target: Vec<Piece>,
    /// The class of the tool; `null` is unclassified.
    pub class: Option<String>,
    /// Why it asks.
    pub why: Vec<WhyView>,
    /// What a yes has to be given with: `click`, `passphrase` or `presence`.
    pub level: String,
    /// What is in the way of giving such a yes on this machine.
    pub in_the_way: Option<String>,
    /// Whether it can only be allowed once: a rule that stands above all grants asks.
    pub only_once: bool,
    /// Every parameter that is sent; empty once it is settled, for they are not kept here.
    pub arguments: Vec<ArgumentView>,
    /// The parameters as the server will see them; empty once it is settled.
    pub raw: Vec<Piece>,
    /// The same as indented JSON.
    pub pretty: Vec<Piece>,
    /// What differs from the arguments of the last call of the same target by this agent; `null` where none is known.
    pub changes: Option<Vec<ChangeView>>,
    /// Which arguments a remembered answer can hold fixed.
    pub holds: Vec<HoldView>,
    /// A rule that would have covered the last approvals.
    pub suggestion: Option<SuggestionView>,
    /// Whether the answer can be remembered: only grants asked.
    pub can_remember: bool,
    /// Whether the agent asks so often that more of its questions are refused now.
    pub floods: bool,
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
    /// What kind `consent` is about.
    pub consent: Option<ConsentView>,
    /// What kind `scopes` is about: what the account would have besides, then what it has.
    pub scopes: Option<Vec<ScopeView>>,
    /// What kind `local_start` is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub start: Option<StartView>,
    /// What kind `elicitation` is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub elicitation: Option<ElicitationView>,
}

/// A URL or an e-mail address in a value, with its real host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct PlaceView {
    /// `url` or `email`.
    pub kind: String,
    /// The host as the network knows it, in pieces; names of other letters in their `xn--` form.
    pub host: Vec<Piece>,
    /// Why to look twice.
    pub warning: Option<String>,
}

/// One difference from the last call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ChangeView {
    /// Where, in pieces.
    pub pointer: Vec<Piece>,
    /// What it was; `null` where it was not there.
    pub before: Option<Vec<Piece>>,
    /// What it is; `null` where it is not there any more.
    pub now: Option<Vec<Piece>>,
}

/// An argument that a remembered answer can hold fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct HoldView {
    /// Where it is: the RFC 6901 pointer into the arguments, to be handed back as it is.
    pub pointer: String,
    /// What holding it means, in pieces.
    pub text: Vec<Piece>,
    /// Why it is held unless the person says otherwise; `null` where it is not.
    pub target: Option<String>,
    /// Whether it can be held at all.
    pub holdable: bool,
}

/// A rule that would have covered the last approvals. It is never taken by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SuggestionView {
    /// The arguments it holds fixed.
    pub fixed: Vec<String>,
    /// What that means, in pieces.
    pub text: Vec<Piece>,
    /// How many approvals it covers, with this one.
    pub times: u32,
}

/// How one agent asked on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AskedView {
    /// The day, UTC.
    pub day: String,
    /// The agent.
    pub agent: Named,
    /// How many questions.
    pub asked: u32,
    /// How many were allowed.
    pub allowed: u32,
    /// How many were denied by the person.
    pub denied: u32,
    /// How many of the allowed ones were answered in under two seconds.
    pub quick: u32,
}

/// What became of the questions of the last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ApprovalsToldView {
    /// By day and agent, newest day first.
    pub days: Vec<AskedView>,
    /// A sentence about how they were answered, where there is something to say.
    pub advice: Option<String>,
    /// What happens to new questions: `off` (they come to the front), `wait` or `deny`.
    pub do_not_disturb: String,
}
