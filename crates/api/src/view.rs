//! What the interface and the command line are shown. Field names are stable: scripts read them.

mod access;
mod agents;
mod approvals;
mod asking;
mod consents;
mod elicitation;
mod flow;
mod grants;
mod guardrails;
mod known;
mod local;
mod network;
mod pairings;
mod program;
mod rules;
mod run;
mod simulation;

mod servers;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use crate::audit::{RecordView, VerifyView};
pub use access::AccessView;
pub use agents::{AgentAdded, AgentLimitsView, AgentView};
pub use approvals::{
    ApprovalView, ApprovalsToldView, AskedView, ChangeView, HoldView, PlaceView, SuggestionView,
};
pub use asking::{AskingView, StepUpLevelView};
pub use consents::{AgentSignInView, ConsentAgent, ConsentView};
pub use elicitation::{ElicitationView, FieldView, OfferView, PageView};
pub use flow::{AgentFlowView, ContentView, FlowReadView, FlowView};
pub use grants::GrantView;
pub use guardrails::{
    GuardedArgumentView, GuardedToolView, GuardrailFaultView, GuardrailView, GuardrailWordsView,
};
pub use known::{KnownServerView, KnownServersView};
pub use local::{
    ConfinementView, EnteredView, LaunchView, LocalView, LogView, StartView, VariableView,
};
pub use network::{AuthorityView, NetworkView};
pub use pairings::{CallerView, FileView, PairingView, ProcessView};
pub use program::{LineView, OwnServerView, ProgramView, WirePreviewView, WiredView};
pub use rules::{BundleView, BundledView, PlannedRuleView, RulePlanView};
pub use run::{ContentPartView, RunView};
pub use servers::{AccountView, DeviceView, PlanView, ScopeView, ServerView, SignInView};
pub use simulation::{SimulatedCallView, SimulationView};

/// A text cut where a reader could be misled: hidden, bidirectional and control characters stand alone as marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct Piece {
    /// The text; of a mark, its name such as `U+200B`.
    pub text: String,
    /// Whether this is a mark that stands for a character that cannot be seen.
    pub mark: bool,
    /// Why a character that can be seen misleads, such as `U+0430 looks like a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
}

/// One value of a call's parameters, in the order it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ArgumentView {
    /// Its RFC 6901 pointer, in pieces, because a member name can hide things too.
    pub pointer: Vec<Piece>,
    /// `string`, `number`, `boolean`, `null`, `empty object`, `empty array`.
    pub kind: String,
    /// The whole value, in pieces.
    pub value: Vec<Piece>,
    /// The URLs and e-mail addresses in it.
    pub places: Vec<PlaceView>,
    /// The unit of a number as the server's schema states it: a claim.
    pub unit: Option<Vec<Piece>>,
}

/// A name with its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct Named {
    /// The identifier.
    pub id: String,
    /// The person's name for it.
    pub name: String,
}

/// A rule that mattered, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct WhyView {
    /// A grant's id, or the name of a built-in rule.
    pub rule: String,
    /// The sentence.
    pub text: String,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct StateView {
    /// The address agents use, such as `http://127.0.0.1:47200`.
    pub http: String,
    /// Whether all agents are paused.
    pub paused: bool,
    /// How many questions wait.
    pub pending: u32,
    /// `open`, or why the vault is locked.
    pub vault: String,
    /// Whether the vault is open.
    pub vault_open: bool,
    /// The data folder.
    pub data: String,
    /// The version of Prokura.
    pub version: String,
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ToolView {
    /// `SERVER/NAME`: unique over all servers.
    pub id: String,
    /// Its name at the server.
    pub name: String,
    /// Its title, a claim of the server.
    pub title: Option<String>,
    /// Its description, a claim of the server, in pieces.
    pub description: Vec<Piece>,
    /// The person's class; `null` is unclassified.
    pub class: Option<String>,
    /// The suggested class.
    pub suggested: String,
    /// Accepted flow labels; `null` counts as all three.
    pub labels: Option<Vec<String>>,
    /// The proposed flow labels.
    pub labels_proposed: Vec<String>,
    /// `accepted`, `new`, `changed` or `gone`.
    pub pin: String,
    /// The digest of the accepted definition.
    pub digest: String,
    /// The accepted definition as JSON text.
    pub definition: String,
    /// The definition offered now, where it is another one.
    pub offered: Option<String>,
    /// How many active grants cover it.
    pub grants: u32,
}

/// One line of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct CheckView {
    /// Names the check.
    pub id: String,
    /// Whether it is fine.
    pub ok: bool,
    /// What was found.
    pub message: String,
    /// What to do, where there is something to do.
    pub hint: Option<String>,
}
