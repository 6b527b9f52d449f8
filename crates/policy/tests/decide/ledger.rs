//! The Ledger leaves out nothing that covers a Call, whatever was put in and taken out before.

use prokura_domain::*;
use prokura_policy::{Guardrails, Ledger, covers, decide};
use proptest::prelude::*;

use crate::model::{any_facts, any_grant, any_value};
use crate::world::{call, facts, grant};

/// Grants of three agents at two servers for all kinds of targets, with ids that can meet.
fn any_mixed() -> impl Strategy<Value = Vec<Grant>> {
    let pattern = prop_oneof![
        3 => any_grant().prop_map(|grant| grant.target),
        1 => prop::sample::select(vec!["", "*", "se", "sen*", "send", "?end", "s?nd*", "sénd*", "send_much*"])
            .prop_map(|glob| TargetPattern::Tools(glob.to_owned())),
        1 => prop::sample::select(vec!["*", "file:///*", "file:///a?", "mail:*"])
            .prop_map(|glob| TargetPattern::Resources(glob.to_owned())),
        1 => prop::sample::select(vec!["*", "hel*"])
            .prop_map(|glob| TargetPattern::Prompts(glob.to_owned())),
        1 => prop::sample::select(vec!["logging/*", "x"])
            .prop_map(|glob| TargetPattern::Methods(glob.to_owned())),
    ];
    let one = (any_grant(), pattern, 1..3u8, 1..3u8, 0..12u8, 0..4i64, any::<bool>());
    prop::collection::vec(one, 0..16).prop_map(|all| {
        let made = all.into_iter().map(|(grant, target, agent, server, id, added, gone)| Grant {
            id: GrantId::from_text(&format!("grt_{id}")),
            agent: AgentId::from_text(&format!("agt_{agent}")),
            server: ServerId::from_text(&format!("srv_{server}")),
            added_at: Timestamp(added),
            revoked_at: (gone && id % 3 == 0).then_some(Timestamp(1)),
            target,
            ..grant
        });
        made.collect()
    })
}

fn any_target() -> impl Strategy<Value = Target> {
    prop::sample::select(vec![
        ("tool", "send"),
        ("tool", "read"),
        ("tool", "sénd"),
        ("tool", ""),
        ("tool", "send_much_more"),
        ("resource", "file:///ab"),
        ("resource", "mail:"),
        ("prompt", "hello"),
        ("method", "logging/setLevel"),
    ])
    .prop_map(|(kind, name)| Target::from_parts(kind, name).unwrap())
}

/// What is left of a list in which a later one of the same id replaces an earlier one.
fn left(all: &[Grant], taken: &[GrantId]) -> Vec<Grant> {
    let mut left: Vec<Grant> = Vec::new();
    for grant in all {
        left.retain(|known| known.id != grant.id);
        left.push(grant.clone());
    }
    left.retain(|grant| grant.revoked_at.is_none() && !taken.contains(&grant.id));
    left
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn nothing_that_covers_a_call_is_left_out_and_nothing_that_was_taken_back_stays(
        all in any_mixed(), taken in prop::collection::vec(0..12u8, 0..4), target in any_target(), facts in any_facts(),
    ) {
        let taken: Vec<GrantId> =
            taken.iter().map(|id| GrantId::from_text(&format!("grt_{id}"))).collect();
        let mut ledger = Ledger::new(all.clone());
        taken.iter().for_each(|id| ledger.remove(id));
        let left = left(&all, &taken);
        prop_assert_eq!(ledger.iter().count(), left.len());
        let call = Call { target, ..call("send") };
        let who = (&call.agent, &call.server, &call.account);
        let class = facts.tool.as_ref().and_then(|tool| tool.class);
        let found = ledger.concerning(who, &call.target, class);
        for grant in &left {
            let account = grant.account.as_ref().is_none_or(|own| *own == call.account);
            let own = grant.agent == call.agent && grant.server == call.server && account;
            let covering = own && covers(&grant.target, &call.target, facts.tool.as_ref());
            let there = found.iter().any(|held| held.id == grant.id);
            prop_assert!(there || !covering, "{grant:?} is not found for {:?}", call.target);
            prop_assert!(!there || own, "{grant:?} is of somebody else");
        }
        prop_assert!(found.iter().all(|held| left.contains(held.as_ref())));
    }

    #[test]
    fn what_the_ledger_finds_decides_like_all_grants_do(
        all in any_mixed(), value in any_value(), facts in any_facts(),
    ) {
        let (ledger, all) = (Ledger::new(all.clone()), left(&all, &[]));
        let call = value.call();
        let who = (&call.agent, &call.server, &call.account);
        let class = facts.tool.as_ref().and_then(|tool| tool.class);
        let found = ledger.concerning(who, &call.target, class);
        let none = Guardrails::default();
        let (few, many) = (decide(&call, &found, &none, &facts), decide(&call, &all, &none, &facts));
        prop_assert_eq!(crate::world::word(&few), crate::world::word(&many));
    }
}

#[test]
fn the_oldest_comes_first_and_only_what_is_more_than_a_deny_opens_a_server() {
    let at = |id: &str, added: i64, effect: Effect| Grant {
        id: GrantId::from_text(id),
        added_at: Timestamp(added),
        ..grant(TargetPattern::Tools("*".to_owned()), effect)
    };
    let mut ledger = Ledger::new([at("b", 2, Effect::Deny), at("a", 3, Effect::Deny)]);
    let call = call("send");
    let (agent, server) = (&call.agent, &call.server);
    assert!(!ledger.opens(agent, server, facts().now));
    ledger.put(Grant { until: Some(facts().now), ..at("c", 1, Effect::Allow) });
    assert!(!ledger.opens(agent, server, facts().now), "it is over");
    ledger.put(at("c", 1, Effect::Ask));
    assert!(ledger.opens(agent, server, facts().now));
    let found = ledger.concerning((agent, server, &call.account), &call.target, None);
    let ids: Vec<&str> = found.iter().map(|grant| grant.id.as_str()).collect();
    assert_eq!(ids, ["c", "b", "a"]);
}
