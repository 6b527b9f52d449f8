//! Laws over generated worlds (DESIGN §9).

use prokura_domain::*;
use prokura_policy::{Decision, Facts, decide};
use proptest::prelude::*;

use crate::world::{NOW, call, facts, grant};

fn any_target() -> impl Strategy<Value = TargetPattern> {
    prop_oneof![
        prop::sample::select(vec!["send", "read", "sen"])
            .prop_map(|name| TargetPattern::Tool(name.to_owned())),
        prop::sample::select(vec!["*", "s*", "*d", "sen?", "r*"])
            .prop_map(|glob| TargetPattern::Tools(glob.to_owned())),
        prop::sample::select(ToolClass::ALL.to_vec()).prop_map(TargetPattern::Class),
    ]
}

fn any_grant() -> impl Strategy<Value = Grant> {
    (
        any_target(),
        prop::sample::select(vec![Effect::Allow, Effect::Ask, Effect::Deny]),
        prop::option::of(prop::sample::select(vec!["acc_1", "acc_2"])),
        prop::option::of(-10i64..10),
        any::<bool>(),
    )
        .prop_map(|(target, effect, account, until, bound)| {
            let mut grant = grant(target, effect);
            grant.account = account.map(AccountId::from_text);
            grant.until = until.map(|offset| Timestamp(NOW.0 + offset));
            grant.arguments = bound.then(|| call("send").digest);
            grant
        })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    (
        prop::option::of(prop::sample::select(ToolClass::ALL.to_vec())),
        prop::sample::select(vec![Pin::Accepted, Pin::New, Pin::Changed]),
    )
        .prop_map(|(class, pin)| {
            let mut facts = facts();
            if let Some(tool) = facts.tool.as_mut() {
                tool.class = class;
                tool.pin = pin;
            }
            facts
        })
}

/// 2 allow, 1 ask, 0 deny.
fn rank(grants: &[Grant], facts: &Facts) -> u8 {
    match decide(&call("send"), grants, facts) {
        Decision::Allow(..) => 2,
        Decision::Ask(_) => 1,
        Decision::Deny(_) => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn adding_a_deny_never_allows_more(
        mut grants in prop::collection::vec(any_grant(), 0..6),
        mut deny in any_grant(),
        facts in any_facts(),
    ) {
        let before = rank(&grants, &facts);
        deny.effect = Effect::Deny;
        grants.push(deny);
        prop_assert!(rank(&grants, &facts) <= before);
    }

    #[test]
    fn removing_an_allow_or_its_expiry_never_allows_more(
        fewer in prop::collection::vec(any_grant(), 0..6),
        mut allow in any_grant(),
        facts in any_facts(),
    ) {
        allow.effect = Effect::Allow;
        let with = |allow: &Grant| {
            let mut grants = fewer.clone();
            grants.push(allow.clone());
            rank(&grants, &facts)
        };
        let mut over = allow.clone();
        over.until = Some(NOW);
        prop_assert!(rank(&fewer, &facts) <= with(&allow));
        prop_assert!(with(&over) <= with(&allow));
    }

    #[test]
    fn the_order_of_grants_does_not_matter(
        grants in prop::collection::vec(any_grant(), 0..6),
        facts in any_facts(),
    ) {
        let mut reversed = grants.clone();
        reversed.reverse();
        prop_assert_eq!(rank(&grants, &facts), rank(&reversed, &facts));
    }

    #[test]
    fn what_is_not_accepted_is_never_allowed(
        grants in prop::collection::vec(any_grant(), 0..6),
        facts in any_facts(),
    ) {
        prop_assume!(facts.tool.as_ref().is_some_and(|tool| tool.pin != Pin::Accepted));
        prop_assert_eq!(rank(&grants, &facts), 0);
    }

    #[test]
    fn a_pause_denies_whatever_the_grants_say(
        grants in prop::collection::vec(any_grant(), 0..6),
        mut facts in any_facts(),
    ) {
        facts.paused = true;
        prop_assert_eq!(rank(&grants, &facts), 0);
    }
}
