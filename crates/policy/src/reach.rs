//! What could come of Calls to a target, whatever their arguments: [`decide`] itself is asked, once for each way in which a
//! limit could turn out. It must never leave out what a Call could come to, nor hand out a Permit.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use prokura_domain::budget::Measure;
use prokura_domain::call::Why;
use prokura_domain::condition::Test;
use prokura_domain::{Call, Condition, Effect, Grant, Json};

use crate::decide::{Decision, Denial, Facts, decide};
use crate::guardrail::Guardrails;
use crate::verdict::sentence;

/// Something that no probe has at this place, so that being absent is true and anything else cannot be checked.
const NOWHERE: &str = "/\u{1}nowhere";

/// What could come of Calls to a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Some Grant covers it, so it exists for the Agent.
    pub exists: bool,
    /// What could come of a Call, the laxest first.
    pub outcomes: BTreeSet<Effect>,
    /// The rules that matter.
    pub why: Vec<Why>,
}

/// The Guardrails, prepared for asking about many targets.
#[derive(Debug)]
pub struct Outlook<'a> {
    all: &'a Guardrails,
    /// Those whose answer does not hang on arguments.
    plain: Guardrails,
    /// None at all, unless one cannot be read.
    bare: Guardrails,
}

/// How a limit of a Grant could turn out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Its conditions hold, and the amount fits into its budget.
    Holds,
    /// Its conditions hold, and the amount cannot be taken.
    Full,
    /// Its conditions cannot be checked.
    Untold,
}

impl<'a> Outlook<'a> {
    /// Over these Guardrails.
    #[must_use]
    pub fn new(all: &'a Guardrails) -> Self {
        Self { all, plain: all.only(|rule| !rule.reads_arguments), bare: all.only(|_| false) }
    }

    /// What could come of Calls like `call`, which has no arguments. `whole`: its target is one thing; otherwise it is a
    /// pattern, and Guardrails that may be about some of what it covers are not asked but named.
    #[must_use]
    pub fn of<G: Borrow<Grant>>(
        &self,
        call: &Call,
        grants: &[G],
        facts: &Facts,
        whole: bool,
    ) -> Reach {
        let open = self.all.open(call, facts, whole);
        let guardrails = match (&open, whole) {
            // What cannot be named in Cedar is denied whatever the arguments are.
            (None, _) => self.all,
            (Some(_), true) => &self.plain,
            (Some(_), false) => &self.bare,
        };
        let mut reach = Reach::default();
        let grants: Vec<&Grant> = grants.iter().map(Borrow::borrow).collect();
        let limited = |grant: &&&Grant| conditional(grant) || summed(grant);
        reach.hear(ask(None, &grants, (call, guardrails, facts)), &grants, true);
        for grant in grants.iter().filter(limited) {
            for turn in [Turn::Holds, Turn::Full, Turn::Untold] {
                let matters = match turn {
                    Turn::Holds => conditional(grant),
                    Turn::Full => summed(grant),
                    Turn::Untold => !grant.conditions.is_empty(),
                };
                if matters {
                    let decision = ask(Some((grant, turn)), &grants, (call, guardrails, facts));
                    // What it says of a probe that fails is of no use to a person; the sentence of the Grant says its limits.
                    reach.hear(decision, &grants, turn == Turn::Holds);
                }
            }
        }
        reach.guard(&open.unwrap_or_default());
        reach
    }
}

/// Whether it applies to some arguments only.
fn conditional(grant: &Grant) -> bool {
    grant.arguments.is_some() || !grant.conditions.is_empty()
}

/// Whether what it lets through hangs on an amount in the arguments.
fn summed(grant: &Grant) -> bool {
    grant.budget.as_ref().is_some_and(|budget| budget.measure != Measure::Calls)
}

/// Decides the probe where of all Grants with conditions only one applies, and every other amount fits.
fn ask(
    one: Option<(&Grant, Turn)>,
    grants: &[&Grant],
    (call, guardrails, facts): (&Call, &Guardrails, &Facts),
) -> Decision {
    let turned = |grant: &&Grant| {
        let turn = one.filter(|(one, _)| one.id == grant.id).map(|(_, turn)| turn);
        match turn {
            Some(turn) => Some(turn_out(grant, turn, call)),
            None if conditional(grant) => None,
            None => Some(turn_out(grant, Turn::Holds, call)),
        }
    };
    let grants: Vec<Grant> = grants.iter().filter_map(turned).collect();
    decide(call, &grants, guardrails, facts)
}

/// The Grant as if a limit of it had turned out so; it stays as specific as it is.
fn turn_out(grant: &Grant, turn: Turn, call: &Call) -> Grant {
    let mut grant = grant.clone();
    grant.arguments = grant.arguments.map(|_| call.digest);
    if !grant.conditions.is_empty() {
        let test = if turn == Turn::Untold { Test::Equals(Json::Null) } else { Test::Absent };
        grant.conditions = NOWHERE
            .parse()
            .map(|pointer| vec![Condition { pointer, test }])
            .unwrap_or(grant.conditions);
    }
    if turn != Turn::Full && summed(&grant) {
        grant.budget = None;
    }
    grant
}

impl Reach {
    fn hear(&mut self, decision: Decision, grants: &[&Grant], told: bool) {
        let (outcome, why) = match decision {
            Decision::Allow(_, why) => (Effect::Allow, why),
            Decision::Ask(question) => (Effect::Ask, question.why),
            Decision::Deny(denied) if denied.denial == Denial::NoGrant => {
                self.outcomes.insert(Effect::Deny);
                return;
            }
            Decision::Deny(denied) => (Effect::Deny, denied.why),
        };
        self.exists = true;
        self.outcomes.insert(outcome);
        for why in why.into_iter().filter(|_| told) {
            // A Grant that was asked about in another shape is told of as it is.
            let grant = grants.iter().find(|grant| grant.id.as_str() == why.rule);
            let limited = grant.filter(|grant| conditional(grant) || summed(grant));
            self.add(limited.map_or(why, |grant| Why::new(grant.id.as_str(), sentence(grant))));
        }
    }

    fn add(&mut self, why: Why) {
        if !self.why.contains(&why) {
            self.why.push(why);
        }
    }

    /// Guardrails that may be about some Calls and not about others. What fails to be checked denies.
    fn guard(&mut self, open: &[(Why, Effect)]) {
        let could_go = self.outcomes.iter().any(|outcome| *outcome != Effect::Deny);
        for (why, effect) in open.iter().filter(|_| could_go) {
            if self.outcomes.contains(&Effect::Allow) {
                self.outcomes.insert(*effect);
            }
            self.outcomes.insert(Effect::Deny);
            self.add(why.clone());
        }
    }
}
