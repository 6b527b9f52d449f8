//! Laws over generated worlds (DESIGN §9).

use prokura_domain::*;
use prokura_policy::{Decision, Facts, Specificity, decide};
use prokura_policy::{Guardrails, Outlook};
use proptest::prelude::*;

use crate::model::{
    Value, any_budget, any_conditions, any_facts, any_grant, any_grants, any_guardrails, any_value,
    guardrails,
};
use crate::world::{NOW, call, facts, tool, word};

/// 2 allow, 1 ask, 0 deny.
fn rank(grants: &[Grant], value: Value, facts: &Facts) -> u8 {
    ranked(&decide(&value.call(), grants, &Guardrails::default(), facts))
}

fn ranked(decision: &Decision) -> u8 {
    match decision {
        Decision::Allow(..) => 2,
        Decision::Ask(_) => 1,
        Decision::Deny(_) => 0,
    }
}

/// Whether the grant, alone and for this call, would deny: because of a condition or amount that cannot be read, or of
/// a budget that is used up.
fn denies_alone(grant: &Grant, value: Value, used: &Facts) -> bool {
    let alone = Grant { until: None, account: None, target: tool("send"), ..grant.clone() };
    let facts = Facts { used: used.used.clone(), ..facts() };
    let told = word(&decide(&value.call(), &[alone], &Guardrails::default(), &facts));
    matches!(told.as_str(), "Unevaluable" | "Budget")
}

/// Whether both are made for the same account and targets.
fn side_by_side(one: &Grant, other: &Grant) -> bool {
    let plain = |grant: &Grant| {
        Specificity::of(&Grant { arguments: None, conditions: Vec::new(), ..grant.clone() })
    };
    plain(one) == plain(other)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn adding_a_deny_never_allows_more(
        mut grants in any_grants(),
        mut deny in any_grant(),
        value in any_value(),
        facts in any_facts(),
    ) {
        let before = rank(&grants, value, &facts);
        deny.effect = Effect::Deny;
        grants.push(deny);
        prop_assert!(rank(&grants, value, &facts) <= before);
    }

    /// An allow that cannot be checked or is used up denies; taking that away lets the broader grant answer.
    #[test]
    fn removing_an_allow_or_its_expiry_never_allows_more(
        fewer in any_grants(),
        mut allow in any_grant(),
        value in any_value(),
        facts in any_facts(),
    ) {
        allow.effect = Effect::Allow;
        let with = |allow: &Grant| {
            let mut grants = fewer.clone();
            grants.push(allow.clone());
            rank(&grants, value, &facts)
        };
        prop_assume!(!denies_alone(&allow, value, &facts));
        let mut over = allow.clone();
        over.until = Some(NOW);
        prop_assert!(rank(&fewer, value, &facts) <= with(&allow));
        prop_assert!(with(&over) <= with(&allow));
    }

    /// Beside a grant for the same targets a condition makes it the more specific one: that is what it is for.
    #[test]
    fn conditions_never_allow_more_than_the_same_grant_without(
        mut others in any_grants(),
        mut allow in any_grant(),
        conditions in any_conditions(),
        value in any_value(),
        facts in any_facts(),
    ) {
        allow.effect = Effect::Allow;
        allow.conditions = Vec::new();
        allow.budget = None;
        others.retain(|other| !side_by_side(other, &allow));
        let with = |conditions: &[Condition]| {
            let mut grants = others.clone();
            grants.push(Grant { conditions: conditions.to_vec(), ..allow.clone() });
            rank(&grants, value, &facts)
        };
        prop_assert!(with(&conditions) <= with(&[]));
    }

    #[test]
    fn a_budget_never_allows_more(
        mut grants in any_grants(),
        mut limited in any_grant(),
        budget in any_budget(),
        value in any_value(),
        facts in any_facts(),
    ) {
        limited.budget = None;
        grants.push(limited.clone());
        let without = rank(&grants, value, &facts);
        limited.budget = budget;
        grants.pop();
        grants.push(limited);
        prop_assert!(rank(&grants, value, &facts) <= without);
    }

    #[test]
    fn what_was_used_never_allows_more(
        grants in any_grants(),
        value in any_value(),
        mut facts in any_facts(),
    ) {
        let after = rank(&grants, value, &facts);
        facts.used.clear();
        prop_assert!(after <= rank(&grants, value, &facts));
    }

    #[test]
    fn a_further_condition_never_makes_a_lone_grant_allow_more(
        mut alone in any_grant(),
        more in any_conditions(),
        value in any_value(),
        facts in any_facts(),
    ) {
        let before = rank(std::slice::from_ref(&alone), value, &facts);
        alone.conditions.extend(more);
        prop_assert!(rank(&[alone], value, &facts) <= before);
    }

    #[test]
    fn a_guardrail_never_allows_more(
        grants in any_grants(),
        mut above in any_guardrails(),
        more in any_guardrails(),
        value in any_value(),
        facts in any_facts(),
    ) {
        let with = |above: &[usize]| {
            ranked(&decide(&value.call(), &grants, &guardrails(above), &facts))
        };
        let before = with(&above);
        above.extend(more);
        prop_assert!(with(&above) <= before);
    }

    #[test]
    fn what_flowed_never_allows_more(
        grants in any_grants(),
        value in any_value(),
        mut facts in any_facts(),
    ) {
        let after = rank(&grants, value, &facts);
        facts.flow = None;
        prop_assert!(after <= rank(&grants, value, &facts));
    }

    /// What is told of a target before a Call leaves out nothing that could come of one.
    #[test]
    fn what_could_come_of_a_call_is_never_left_out(
        grants in any_grants(),
        rules in any_guardrails(),
        value in any_value(),
        facts in any_facts(),
    ) {
        let guardrails = guardrails(&rules);
        let facts = Facts { approved: None, arguments: None, ..facts };
        let decision = decide(&value.call(), &grants, &guardrails, &facts);
        let came = match ranked(&decision) {
            2 => Effect::Allow,
            1 => Effect::Ask,
            _ => Effect::Deny,
        };
        let reach = Outlook::new(&guardrails).of(&call("send"), &grants, &facts, true);
        prop_assert!(reach.outcomes.contains(&came), "{came:?} of {value:?}, told were {reach:?}");
        prop_assert!(reach.exists || word(&decision) == "NoGrant" || facts.paused);
        if grants.iter().all(|grant| grant.conditions.is_empty() && grant.arguments.is_none() && grant.budget.is_none())
            && rules.is_empty()
        {
            prop_assert_eq!(reach.outcomes.len(), 1, "nothing hangs on arguments, so one thing comes of it");
        }
    }

    #[test]
    fn the_order_of_grants_does_not_matter(
        grants in any_grants(),
        value in any_value(),
        facts in any_facts(),
    ) {
        let mut reversed = grants.clone();
        reversed.reverse();
        prop_assert_eq!(rank(&grants, value, &facts), rank(&reversed, value, &facts));
    }

    #[test]
    fn what_is_not_accepted_is_never_allowed(
        grants in any_grants(),
        value in any_value(),
        mut facts in any_facts(),
        pin in prop::sample::select(vec![Pin::New, Pin::Changed, Pin::Gone]),
    ) {
        facts.tool.as_mut().unwrap().pin = pin;
        prop_assert_eq!(rank(&grants, value, &facts), 0);
    }

    #[test]
    fn a_pause_denies_whatever_the_grants_say(
        grants in any_grants(),
        value in any_value(),
        mut facts in any_facts(),
    ) {
        facts.paused = true;
        prop_assert_eq!(rank(&grants, value, &facts), 0);
    }
}
