//! The wishes, a file for each word of the domain.

mod access;
mod accounts;
mod agents;
mod approvals;
mod asked;
mod asking;
mod audit;
mod audit_bundle;
mod audit_care;
mod audit_save;
mod backup;
mod bundles;
mod catalogue;
mod consent;
mod doctor;
mod elicitation;
mod flow;
mod grants;
mod guardrails;
mod local;
mod network;
mod portable;
mod rules;
mod run;
mod servers;
mod sign_in;
mod simulation;
mod state;
mod tools;
mod wiring;

use prokura_domain::Timestamp;

pub use run::RunCall;
pub(crate) use run::Runs;

/// A moment as it is shown: RFC 3339.
fn shown(at: Timestamp) -> String {
    at.to_string()
}
