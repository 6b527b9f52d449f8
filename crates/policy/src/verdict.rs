//! What the Grants say to a Call together: the most specific of those that apply, and of these the strictest.

use prokura_domain::call::Why;
use prokura_domain::{Call, Condition, Effect, Grant, GrantId, Json};

use crate::condition::{arguments, holds};
use crate::decide::Facts;
use crate::grant::{Specificity, covers, in_force};

/// What a Grant that applies says; the greater, the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Voice {
    Allow,
    Ask,
    /// It allows or asks under a condition that cannot be checked, so it denies.
    Unevaluable,
    Deny,
}

/// What the decisive Grants say.
pub(crate) struct Verdict<'a> {
    pub voice: Voice,
    pub why: Vec<Why>,
    /// The Grants that say it.
    pub grants: Vec<GrantId>,
    /// The most specific Grants, whatever their effect: what one of them limits is limited.
    pub decisive: Vec<&'a Grant>,
}

/// All that the Grants say to a Call.
pub(crate) struct Heard<'a> {
    /// `None` where no Grant applies.
    pub verdict: Option<Verdict<'a>>,
    /// Grants more specific than the verdict that would have let it go, if a condition of theirs were true.
    pub unmet: Vec<Why>,
}

/// One Grant that covers the Call.
struct Said<'a> {
    grant: &'a Grant,
    specificity: Specificity,
    stand: Stand<'a>,
}

enum Stand<'a> {
    Applies,
    Unmet(&'a Condition),
    Unevaluable(&'a Condition, &'static str),
}

/// Listens to the Grants that concern a Call.
pub(crate) fn hear<'a>(
    grants: impl Iterator<Item = &'a Grant>,
    call: &Call,
    facts: &Facts,
) -> Heard<'a> {
    let arguments = facts.arguments.as_deref().unwrap_or_else(|| arguments(call));
    let said: Vec<Said<'a>> = grants
        .filter(|grant| in_force(grant, facts.now))
        .filter(|grant| covers(&grant.target, &call.target, facts.tool.as_ref()))
        .filter(|grant| grant.arguments.is_none_or(|digest| digest == call.digest))
        .map(|grant| Said {
            grant,
            specificity: Specificity::of(grant),
            stand: stand(grant, arguments),
        })
        .collect();
    let applying = said.iter().filter(|said| !matches!(said.stand, Stand::Unmet(_)));
    let top = applying.map(|said| said.specificity).max();
    let unmet = said
        .iter()
        .filter(|said| {
            said.grant.effect != Effect::Deny && top.is_none_or(|top| said.specificity > top)
        })
        .filter_map(|said| match said.stand {
            Stand::Unmet(condition) => Some(unmet(said.grant, condition)),
            Stand::Applies | Stand::Unevaluable(..) => None,
        })
        .collect();
    let verdict = top.and_then(|top| {
        let applying = said.into_iter().filter(|said| !matches!(said.stand, Stand::Unmet(_)));
        Verdict::of(applying.filter(|said| said.specificity == top).collect())
    });
    Heard { verdict, unmet }
}

/// A false condition settles it, whatever cannot be told of the others.
fn stand<'a>(grant: &'a Grant, arguments: &Json) -> Stand<'a> {
    let mut stand = Stand::Applies;
    for condition in &grant.conditions {
        match holds(condition, arguments) {
            Ok(true) => {}
            Ok(false) => return Stand::Unmet(condition),
            Err(why) => stand = Stand::Unevaluable(condition, why),
        }
    }
    stand
}

impl Said<'_> {
    fn voice(&self) -> Voice {
        match (self.grant.effect, &self.stand) {
            (Effect::Deny, _) => Voice::Deny,
            (Effect::Allow | Effect::Ask, Stand::Unevaluable(..)) => Voice::Unevaluable,
            (Effect::Ask, Stand::Applies | Stand::Unmet(_)) => Voice::Ask,
            (Effect::Allow, Stand::Applies | Stand::Unmet(_)) => Voice::Allow,
        }
    }

    fn why(&self) -> Why {
        let mut text = sentence(self.grant);
        if let Stand::Unevaluable(condition, why) = self.stand {
            text.pop();
            text.push_str(&format!(", but {condition} cannot be checked: {why}."));
        }
        Why::new(self.grant.id.as_str(), text)
    }
}

impl<'a> Verdict<'a> {
    fn of(decisive: Vec<Said<'a>>) -> Option<Self> {
        let voice = decisive.iter().map(Said::voice).max()?;
        let spoken = || decisive.iter().filter(|said| said.voice() == voice);
        let why = spoken().map(Said::why).collect();
        let grants = spoken().map(|said| said.grant.id.clone()).collect();
        let decisive = decisive.into_iter().map(|said| said.grant).collect();
        Some(Self { voice, why, grants, decisive })
    }
}

fn unmet(grant: &Grant, condition: &Condition) -> Why {
    let does = verb(grant.effect);
    let target = grant.target.words();
    let text = format!("A grant {does} {target} only where {condition}, which is not so here.");
    Why::new(grant.id.as_str(), text)
}

fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allows",
        Effect::Ask => "wants you to be asked about",
        Effect::Deny => "denies",
    }
}

/// What a Grant says, for people.
pub(crate) fn sentence(grant: &Grant) -> String {
    let does = verb(grant.effect);
    let target = grant.target.words();
    let arguments = if grant.arguments.is_some() { " with these arguments" } else { "" };
    let conditions: Vec<String> = grant.conditions.iter().map(ToString::to_string).collect();
    let only = if conditions.is_empty() {
        String::new()
    } else {
        format!(" where {}", conditions.join(" and "))
    };
    let budget = grant.budget.as_ref().map(|it| format!(" within {it}")).unwrap_or_default();
    let note = grant.note.as_ref().map(|note| format!(" (\"{note}\")")).unwrap_or_default();
    format!("A grant {does} {target}{arguments}{only}{budget}{note}.")
}
