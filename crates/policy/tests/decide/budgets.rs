//! What a budget does to a decision.

use prokura_domain::*;
use prokura_policy::Guardrails;
use prokura_policy::{Decision, decide, used_up};

use crate::world::*;

fn limited(effect: Effect, budget: &str) -> Grant {
    Grant { budget: Some(budget.parse().unwrap()), ..grant(tool("send"), effect) }
}

/// The word of a decision after `used` was taken from the grant.
fn told(limited: &Grant, arguments: &str, used: &str) -> String {
    let mut facts = facts();
    facts.used = vec![(limited.id.clone(), Decimal::read(used).unwrap())];
    word(&decide(
        &call_with("send", arguments),
        std::slice::from_ref(limited),
        &Guardrails::default(),
        &facts,
    ))
}

#[test]
fn the_last_one_fits_and_nothing_more() {
    let calls = limited(Effect::Allow, "20/1h");
    let sum = limited(Effect::Allow, "sum(/amount)<=500/1d");
    for (grant, arguments, used, expected) in [
        (&calls, "{}", "0", "allow"),
        (&calls, "{}", "19", "allow"),
        (&calls, "{}", "20", "Budget"),
        (&sum, r#"{"amount":500}"#, "0", "allow"),
        (&sum, r#"{"amount":500.0000000000000000001}"#, "0", "Budget"),
        (&sum, r#"{"amount":0.1}"#, "499.9", "allow"),
        (&sum, r#"{"amount":0.1000000000000000000001}"#, "499.9", "Budget"),
        (&sum, r#"{"amount":0}"#, "500", "allow"),
        (&sum, r#"{"amount":-0.0}"#, "500", "allow"),
        (&sum, r#"{"amount":1e200}"#, "0", "Budget"),
        (&sum, r#"{"amount":1e400}"#, "0", "Unevaluable"),
        (&sum, r#"{"amount":1e-101}"#, "0", "Unevaluable"),
        (&sum, r#"{"amount":-1}"#, "0", "Unevaluable"),
        (&sum, r#"{"amount":"1"}"#, "0", "Unevaluable"),
        (&sum, r#"{"amount":null}"#, "0", "Unevaluable"),
        (&sum, "{}", "0", "Unevaluable"),
        (&sum, r#"{"amount":1e99999999999999999999}"#, "0", "Unevaluable"),
    ] {
        assert_eq!(told(grant, arguments, used), expected, "{arguments} after {used}");
    }
}

#[test]
fn a_used_up_budget_denies_through_its_grant_and_nobody_is_asked() {
    let broader = grant(glob("*"), Effect::Allow);
    for effect in [Effect::Allow, Effect::Ask] {
        let narrow = limited(effect, "1/1h");
        let mut facts = facts();
        facts.used = vec![(narrow.id.clone(), Decimal::from(1))];
        assert_eq!(decided(&[broader.clone(), narrow], &facts), "Budget", "{effect:?}");
    }
}

#[test]
fn a_budget_of_a_broader_grant_does_not_matter_and_costs_nothing() {
    let mut wide = limited(Effect::Allow, "1/1h");
    wide.target = glob("*");
    let mut facts = facts();
    facts.used = vec![(wide.id.clone(), Decimal::from(1))];
    let Decision::Allow(permit, _) = decide(
        &call("send"),
        &[wide, grant(tool("send"), Effect::Allow)],
        &Guardrails::default(),
        &facts,
    ) else {
        panic!("not allowed");
    };
    assert!(permit.charges().is_empty());
}

#[test]
fn every_decisive_grant_is_charged_whatever_its_effect() {
    let mut all = [
        limited(Effect::Allow, "5/1h"),
        limited(Effect::Ask, "sum(/amount)<=9/1d"),
        grant(tool("send"), Effect::Allow),
    ];
    for (number, grant) in all.iter_mut().enumerate() {
        grant.id = GrantId::from_text(&format!("grt_{number}"));
    }
    let asked = call_with("send", r#"{"amount":2.50}"#);
    let mut facts = facts();
    facts.approved = Some(prokura_policy::Approved {
        question: QuestionId::from_text("qst_1"),
        digest: asked.digest,
        pin: Some(Digest([1; 32])),
        rules: Vec::new(),
        level: Default::default(),
    });
    let Decision::Allow(permit, _) = decide(&asked, &all, &Guardrails::default(), &facts) else {
        panic!("not allowed")
    };
    let charged: Vec<(&str, String)> = permit
        .charges()
        .iter()
        .map(|charge| (charge.grant.as_str(), charge.amount.to_string()))
        .collect();
    assert_eq!(charged, [("grt_0", "1".to_owned()), ("grt_1", "2.5".to_owned())]);
    assert_eq!(permit.grants(), [GrantId::from_text("grt_1")], "it went because it was asked");
}

#[test]
fn a_refusal_says_which_budget_and_never_an_amount() {
    let narrow = limited(Effect::Allow, "sum(/amount)<=500/1d");
    let text =
        "The budget sum(/amount)<=500/1d of a grant for send has too little left for this call.";
    assert_eq!(used_up(&narrow).why[0].text, text);
    let Decision::Deny(denied) = decide(
        &call_with("send", r#"{"amount":777}"#),
        &[narrow],
        &Guardrails::default(),
        &facts(),
    ) else {
        panic!("not denied");
    };
    assert_eq!(denied.why[0].text, text);
}
