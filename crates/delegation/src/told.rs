//! What an Agent is told instead of an answer: what was refused, and what it can do. Never what is not its own to know.

use prokura_domain::Target;
use prokura_policy::{Denial, Denied};

use crate::message::{Refusal, RefusalCode};

/// What the Call rested on is gone.
pub(crate) fn changed() -> Refusal {
    Refusal::new(
        RefusalCode::Changed,
        "What this call rested on was taken back, so it was stopped.",
    )
}

/// What the Agent is told of a refusal by the rules.
pub(crate) fn told(denied: &Denied, target: Option<&Target>) -> Refusal {
    let first = denied.why.first().map_or("", |why| why.text.as_str());
    match denied.denial {
        Denial::Paused => Refusal::new(
            RefusalCode::Paused,
            "The person has paused this agent, or all agents, in Prokura. Try again when the pause is over.",
        ),
        Denial::AgentRevoked => {
            Refusal::new(RefusalCode::Revoked, "This agent was revoked in Prokura.")
        }
        Denial::NoGrant => {
            let text = match target {
                Some(Target::Tool(name)) => format!("Unknown tool: {name}"),
                Some(Target::Resource(uri)) => format!("Resource not found: {uri}"),
                Some(Target::Prompt(name)) => format!("Unknown prompt: {name}"),
                Some(Target::Method(method)) => format!("Unknown method: {method}"),
                None => "Unknown method".to_owned(),
            };
            Refusal::new(RefusalCode::Unknown, text)
        }
        Denial::Guardrail
        | Denial::Grant
        | Denial::Unmet
        | Denial::Unevaluable
        | Denial::Budget => {
            Refusal::new(RefusalCode::Denied, format!("Refused by Prokura. {first}"))
        }
        Denial::Quarantined => Refusal::new(
            RefusalCode::Denied,
            format!(
                "Refused by Prokura. {first} Ask the person to look at it in Prokura, Servers."
            ),
        ),
    }
}
