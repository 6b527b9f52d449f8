//! The decision. What cannot be decided is denied.

use prokura_domain::call::Why;
use prokura_domain::{
    AgentState, Call, Digest, Effect, Grant, GrantId, Pin, QuestionId, Target, Timestamp, ToolClass,
};

use crate::grant::{Specificity, covers, in_force};
use crate::permit::Permit;

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
    /// A Grant denies it.
    Grant,
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

/// Decides one Call. The order is DESIGN §4's: paused, agent, grants, pin, default deny. A Grant is looked for before
/// the pin so that a tool nobody granted stays unknown, quarantined or not.
#[must_use]
pub fn decide(call: &Call, grants: &[Grant], facts: &Facts) -> Decision {
    if facts.paused {
        return Decision::Deny(Denied::paused());
    }
    match facts.agent {
        AgentState::Active => {}
        AgentState::Revoked => return Decision::Deny(Denied::revoked()),
    }
    let concerned = grants.iter().filter(|grant| concerns(grant, call));
    let Some(verdict) = Verdict::of(concerned, &call.target, Some(call.digest), facts) else {
        return Decision::Deny(Denied::new(
            Denial::NoGrant,
            "default",
            "No grant covers this, and what is not granted is denied.",
        ));
    };
    if verdict.effect == Effect::Deny {
        return Decision::Deny(Denied { denial: Denial::Grant, why: verdict.why });
    }
    if let Some(denied) = quarantine(&call.target, facts.tool.as_ref()) {
        return Decision::Deny(denied);
    }
    match verdict.effect {
        Effect::Allow => {
            let permit = Permit::for_call(call, facts.generation, verdict.grants);
            Decision::Allow(permit, verdict.why)
        }
        Effect::Ask => match facts.approved.as_ref().filter(|yes| fits(yes, call, facts)) {
            Some(yes) => {
                let mut why = verdict.why;
                why.push(Why::new(yes.question.as_str(), "You allowed this very call."));
                Decision::Allow(Permit::for_call(call, facts.generation, verdict.grants), why)
            }
            None => Decision::Ask(Question { why: verdict.why, grants: verdict.grants }),
        },
        Effect::Deny => Decision::Deny(Denied { denial: Denial::Grant, why: verdict.why }),
    }
}

/// Whether `target` exists for the Agent these Grants belong to: whether some Call to it could be allowed or asked.
#[must_use]
pub fn visible(target: &Target, grants: &[Grant], facts: &Facts) -> bool {
    if quarantine(target, facts.tool.as_ref()).is_some() {
        return false;
    }
    let plain = grants.iter().filter(|grant| grant.arguments.is_none());
    let open = Verdict::of(plain, target, None, facts)
        .is_some_and(|verdict| verdict.effect != Effect::Deny);
    open || grants.iter().any(|grant| {
        grant.arguments.is_some()
            && grant.effect != Effect::Deny
            && in_force(grant, facts.now)
            && covers(&grant.target, target, facts.tool.as_ref())
    })
}

fn concerns(grant: &Grant, call: &Call) -> bool {
    grant.agent == call.agent
        && grant.server == call.server
        && grant.account.as_ref().is_none_or(|account| *account == call.account)
}

/// An approval is good only for the very Call and the very tool definition that were shown.
fn fits(yes: &Approved, call: &Call, facts: &Facts) -> bool {
    yes.digest == call.digest && yes.pin == facts.tool.as_ref().map(|tool| tool.digest)
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

/// What the most specific Grants in force say together.
struct Verdict {
    effect: Effect,
    why: Vec<Why>,
    grants: Vec<GrantId>,
}

impl Verdict {
    fn of<'a>(
        grants: impl Iterator<Item = &'a Grant>,
        target: &Target,
        arguments: Option<Digest>,
        facts: &Facts,
    ) -> Option<Self> {
        let applying: Vec<&Grant> = grants
            .filter(|grant| in_force(grant, facts.now))
            .filter(|grant| covers(&grant.target, target, facts.tool.as_ref()))
            .filter(|grant| grant.arguments.is_none() || grant.arguments == arguments)
            .collect();
        let top = applying.iter().map(|grant| Specificity::of(grant)).max()?;
        let decisive: Vec<&Grant> =
            applying.into_iter().filter(|grant| Specificity::of(grant) == top).collect();
        let effect = decisive.iter().map(|grant| grant.effect).max()?;
        let spoken: Vec<&Grant> =
            decisive.into_iter().filter(|grant| grant.effect == effect).collect();
        let why = spoken.iter().map(|grant| Why::new(grant.id.as_str(), sentence(grant))).collect();
        let grants = spoken.iter().map(|grant| grant.id.clone()).collect();
        Some(Self { effect, why, grants })
    }
}

fn sentence(grant: &Grant) -> String {
    let does = match grant.effect {
        Effect::Allow => "allows",
        Effect::Ask => "asks for",
        Effect::Deny => "denies",
    };
    let arguments = if grant.arguments.is_some() { " with these arguments" } else { "" };
    match &grant.note {
        Some(note) => format!("A grant {does} {}{arguments} (\"{note}\").", grant.target.to_text()),
        None => format!("A grant {does} {}{arguments}.", grant.target.to_text()),
    }
}
