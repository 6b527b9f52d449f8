//! The decision. What cannot be decided is denied.

use std::borrow::Borrow;
use std::sync::Arc;

use prokura_domain::call::Why;
use prokura_domain::{
    AgentState, Call, Decimal, Digest, Effect, Grant, GrantId, Json, Level, Levels, Pin,
    QuestionId, Reservation, Target, Timestamp, ToolClass,
};

use crate::budget::charges;
use crate::condition::arguments;
use crate::flow::{Flow, cleared};
use crate::grant::{Specificity, covers, in_force};
use crate::guardrail::{Cast, Guardrails};
use crate::permit::Permit;
use crate::verdict::{Heard, Voice, hear};

/// What is known of the called tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFacts {
    /// The person's class.
    pub class: Option<ToolClass>,
    /// Where it stands against what was accepted.
    pub pin: Pin,
    /// The digest of the accepted definition.
    pub digest: Digest,
}

/// A person's yes, and what it was said to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// The Question it answered.
    pub question: QuestionId,
    /// The Call that was shown, by its digest.
    pub digest: Digest,
    /// The tool definition that was current when it was shown.
    pub pin: Option<Digest>,
    /// The rules that asked: a yes answers these, and no other rule that stands above the Grants.
    pub rules: Vec<String>,
    /// What it was given with.
    pub level: Level,
}

/// Everything a Decision rests on, beside the Call and the Grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The present moment.
    pub now: Timestamp,
    /// Whether everything is paused.
    pub paused: bool,
    /// Whether the Agent may call at all.
    pub agent: AgentState,
    /// The called tool; `None` where the target is no tool, or no tool that was ever seen.
    pub tool: Option<ToolFacts>,
    /// A person's yes to this Call.
    pub approved: Option<Approved>,
    /// What conditions look at where the Call rests on an earlier one; else they look at its own arguments.
    /// What rests on an earlier Call costs no budget.
    pub arguments: Option<Arc<Json>>,
    /// What was taken from the budgets of Grants within their periods; a Grant that is not named here was not used.
    pub used: Vec<(GrantId, Decimal)>,
    /// What flows; `None` for what is not decided as a Call.
    pub flow: Option<Flow>,
    /// The names Guardrails know this Call by; `None` where there is no Guardrail.
    pub cast: Option<Arc<Cast>>,
    /// What answers have to be given with.
    pub levels: Arc<Levels>,
    /// The generation of the rules.
    pub generation: u64,
}

/// Why a Call may not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Everything is paused.
    Paused,
    /// The Agent was revoked.
    AgentRevoked,
    /// No Grant covers it: for this Agent it does not exist.
    NoGrant,
    /// Only Grants cover it that are for other arguments.
    Unmet,
    /// A Guardrail forbids it.
    Guardrail,
    /// A Grant denies it.
    Grant,
    /// A condition or a Guardrail cannot be checked.
    Unevaluable,
    /// The budget of a Grant has too little left.
    Budget,
    /// The tool is new or changed and nobody has accepted it.
    Quarantined,
}

/// A refusal with the rules that mattered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The kind of refusal.
    pub denial: Denial,
    /// The rules that mattered.
    pub why: Vec<Why>,
}

impl Denied {
    pub(crate) fn new(denial: Denial, rule: &str, text: &str) -> Self {
        Self { denial, why: vec![Why::new(rule, text)] }
    }

    /// No Grant applies; `unmet` names those that would have, with other arguments.
    fn ungranted(unmet: Vec<Why>) -> Self {
        let denial = if unmet.is_empty() { Denial::NoGrant } else { Denial::Unmet };
        let text = "No grant covers this, and what is not granted is denied.";
        let why = unmet.into_iter().chain([Why::new("default", text)]).collect();
        Self { denial, why }
    }

    pub(crate) fn paused() -> Self {
        Self::new(Denial::Paused, "pause", "All agents are paused.")
    }

    pub(crate) fn revoked() -> Self {
        Self::new(Denial::AgentRevoked, "agent", "This agent was revoked.")
    }
}

/// What has to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The rules that ask.
    pub why: Vec<Why>,
    /// The Grants behind them.
    pub grants: Vec<GrantId>,
    /// What a yes has to be given with.
    pub level: Level,
}

/// The outcome of [`decide`].
#[derive(Debug)]
pub enum Decision {
    /// It may go; the Permit is the proof.
    Allow(Permit, Vec<Why>),
    /// The person decides.
    Ask(Question),
    /// It may not go.
    Deny(Denied),
}

/// Decides one Call. The order is DESIGN §4's: paused, agent, pin, guardrails, grants, flow rule, budget, default deny. What
/// no Grant covers is unknown before anything else is said of it.
#[must_use]
pub fn decide<G: Borrow<Grant>>(
    call: &Call,
    grants: &[G],
    guardrails: &Guardrails,
    facts: &Facts,
) -> Decision {
    if facts.paused {
        return Decision::Deny(Denied::paused());
    }
    match facts.agent {
        AgentState::Active => {}
        AgentState::Revoked => return Decision::Deny(Denied::revoked()),
    }
    let concerned = grants.iter().map(Borrow::borrow).filter(|grant| concerns(grant, call));
    let heard = hear(concerned, call, facts);
    if heard.verdict.is_none() && heard.unmet.is_empty() {
        return Decision::Deny(Denied::ungranted(Vec::new()));
    }
    match weigh(call, heard, guardrails, facts) {
        Ok(decision) => decision,
        Err(denied) => Decision::Deny(denied),
    }
}

/// Decides what some Grant covers.
fn weigh(
    call: &Call,
    granted: Heard<'_>,
    guardrails: &Guardrails,
    facts: &Facts,
) -> Result<Decision, Denied> {
    if let Some(denied) = quarantine(&call.target, facts.tool.as_ref()) {
        return Err(denied);
    }
    let heard = guardrails.hear(call, facts)?;
    let mut above = heard.asks;
    let Heard { verdict, unmet } = granted;
    let verdict = verdict.ok_or_else(|| Denied::ungranted(unmet.clone()))?;
    let asks = match verdict.voice {
        Voice::Deny => return Err(Denied { denial: Denial::Grant, why: verdict.why }),
        Voice::Unevaluable => {
            return Err(Denied { denial: Denial::Unevaluable, why: verdict.why });
        }
        Voice::Ask => true,
        Voice::Allow => false,
    };
    above.extend(facts.flow.as_ref().and_then(|flow| flow.crossing(call, facts.now)));
    // An answer belongs to a Call that was counted.
    let charges = if facts.arguments.is_some() {
        Vec::new()
    } else {
        charges(&verdict.decisive, arguments(call), facts)?
    };
    let mut why = above.clone();
    why.extend(verdict.why);
    let level = heard.level.max(level(call, facts, &verdict.decisive));
    if asks || !above.is_empty() {
        match facts.approved.as_ref().filter(|yes| fits(yes, (&above, level), call, facts)) {
            Some(yes) => {
                let text = "You allowed this very call.";
                why.push(Why::new(yes.question.as_str(), text));
            }
            None => {
                why.extend(unmet);
                return Ok(Decision::Ask(Question { why, grants: verdict.grants, level }));
            }
        }
    }
    why.extend(unmet);
    let flow = facts.flow.as_ref().map(|flow| flow.step(call, cleared(facts)));
    let reservation = Reservation { charges, flow };
    let permit = Permit::for_call(call, facts.generation, verdict.grants, reservation);
    Ok(Decision::Allow(permit, why))
}

/// Whether `target` exists for the Agent these Grants belong to: whether some Call to it could be allowed or asked.
#[must_use]
pub fn visible<G: Borrow<Grant>>(target: &Target, grants: &[G], facts: &Facts) -> bool {
    if quarantine(target, facts.tool.as_ref()).is_some() {
        return false;
    }
    let covering = || {
        grants
            .iter()
            .map(Borrow::borrow)
            .filter(|grant| in_force(grant, facts.now))
            .filter(|grant| covers(&grant.target, target, facts.tool.as_ref()))
    };
    // Whether a Grant for some arguments only applies is not known here; one without surely does.
    let plain =
        || covering().filter(|grant| grant.arguments.is_none() && grant.conditions.is_empty());
    let top = plain().map(Specificity::of).max();
    let decisive = plain().filter(|grant| Some(Specificity::of(grant)) == top);
    let open =
        decisive.map(|grant| grant.effect).max().is_some_and(|effect| effect != Effect::Deny);
    open || covering()
        .any(|grant| grant.effect != Effect::Deny && Some(Specificity::of(grant)) > top)
}

fn concerns(grant: &Grant, call: &Call) -> bool {
    grant.agent == call.agent
        && grant.server == call.server
        && grant.account.as_ref().is_none_or(|account| *account == call.account)
}

/// What a yes has to be given with, as far as Guardrails do not say more.
fn level(call: &Call, facts: &Facts, decisive: &[&Grant]) -> Level {
    let class = facts.tool.as_ref().and_then(|tool| tool.class);
    let grants: Vec<GrantId> = decisive.iter().map(|grant| grant.id.clone()).collect();
    facts.levels.wanted(&call.server, &call.target, class, &grants)
}

/// An approval is good only for the very Call and the very tool definition that were shown, where all the rules that stand
/// above the Grants were shown with them, and where it was given with no less than is wanted now.
fn fits(yes: &Approved, (above, level): (&[Why], Level), call: &Call, facts: &Facts) -> bool {
    yes.digest == call.digest
        && yes.level >= level
        && yes.pin == facts.tool.as_ref().map(|tool| tool.digest)
        && above.iter().all(|why| yes.rules.contains(&why.rule))
}

fn quarantine(target: &Target, tool: Option<&ToolFacts>) -> Option<Denied> {
    match target {
        Target::Tool(_) => {}
        Target::Resource(_) | Target::Prompt(_) | Target::Method(_) => return None,
    }
    let text = match tool.map(|tool| tool.pin) {
        Some(Pin::Accepted) => return None,
        Some(Pin::New) => "This tool is new at its server and has not been accepted yet.",
        Some(Pin::Changed) => {
            "The server changed the definition of this tool, and the change has not been accepted yet."
        }
        Some(Pin::Gone) => "The server no longer offers this tool.",
        None => "The server has not offered this tool yet.",
    };
    Some(Denied::new(Denial::Quarantined, "pin", text))
}
