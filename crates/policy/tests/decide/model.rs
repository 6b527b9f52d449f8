//! The rules of a decision once more, slow and obvious, and whether both agree on many random worlds.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use prokura_domain::*;
use prokura_policy::{Facts, Flow, Guardrails, Read, decide, visible};
use proptest::prelude::*;

use crate::guardrails::{cast, guardrail};
use crate::world::*;

/// What stands at `/n` in the arguments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Number(i64),
    Text(&'static str),
    Missing,
}

impl Value {
    pub fn call(self) -> Call {
        match self {
            Self::Number(number) => call_with("send", &format!(r#"{{"n":{number}.0}}"#)),
            Self::Text(text) => call_with("send", &format!(r#"{{"n":"{text}"}}"#)),
            Self::Missing => call_with("send", "{}"),
        }
    }
}

pub fn any_value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Number(-1),
        Value::Number(3),
        Value::Number(6),
        Value::Text("a"),
        Value::Missing,
    ])
}

const BUDGETS: [&str; 3] = ["2/1h", "sum(/n)<=7/1h", "sum(/m)<=7/1h"];

pub fn any_budget() -> impl Strategy<Value = Option<Budget>> {
    prop::option::weighted(0.3, prop::sample::select(BUDGETS.to_vec()))
        .prop_map(|text| text.map(|text| text.parse().unwrap()))
}

const CONDITIONS: [&str; 5] = ["/n <= 5", "/n != 3", "/n = a", "/n absent", "/m absent"];

pub fn any_conditions() -> impl Strategy<Value = Vec<Condition>> {
    let one = prop::sample::select(CONDITIONS.to_vec()).prop_map(|text| text.parse().unwrap());
    prop::collection::vec(one, 0..3)
}

pub fn any_grant() -> impl Strategy<Value = Grant> {
    let target = prop_oneof![
        prop::sample::select(vec!["send", "read", "sen"])
            .prop_map(|name| TargetPattern::Tool(name.to_owned())),
        prop::sample::select(vec!["*", "s*", "*d", "sen?", "r*", "send"])
            .prop_map(|glob| TargetPattern::Tools(glob.to_owned())),
        prop::sample::select(ToolClass::ALL.to_vec()).prop_map(TargetPattern::Class),
    ];
    (
        target,
        prop::sample::select(vec![Effect::Allow, Effect::Ask, Effect::Deny]),
        prop::option::weighted(0.3, prop::sample::select(vec!["acc_1", "acc_2"])),
        prop::option::weighted(0.3, -2i64..3),
        prop::option::weighted(0.2, any_value()),
        (any_conditions(), any_budget()),
    )
        .prop_map(|(target, effect, account, until, same, (conditions, budget))| {
            let mut grant = grant(target, effect);
            grant.account = account.map(AccountId::from_text);
            grant.until = until.map(|offset| Timestamp(NOW.0 + offset));
            grant.arguments = same.map(|value| value.call().digest);
            grant.conditions = conditions;
            grant.budget = budget;
            grant
        })
}

/// Several grants, each with an id of its own.
pub fn any_grants() -> impl Strategy<Value = Vec<Grant>> {
    prop::collection::vec(any_grant(), 0..6).prop_map(|mut grants| {
        for (number, grant) in grants.iter_mut().enumerate() {
            grant.id = GrantId::from_text(&format!("grt_{number}"));
        }
        grants
    })
}

/// Guardrails, and what each of them says to a call.
const GUARDRAILS: [&str; 7] = [
    r#"forbid (principal, action == Action::"ledger/send", resource) when { context.arguments.n > 5 };"#,
    r#"@approval("n is 3") forbid (principal, action, resource in Server::"ledger") when { context.arguments.n == 3 };"#,
    r#"forbid (principal, action, resource == Tool::"ledger/send") when { context.arguments has n && principal.name != "clerk2" };"#,
    r#"forbid (principal == Agent::"other", action, resource);"#,
    r#"@approval("always") forbid (principal == Agent::"clerk", action in Action::"tools", resource);"#,
    r#"forbid (principal, action, resource) when { resource has class && resource.class == "admin" };"#,
    r#"forbid (principal, action == Action::"ledger/read", resource);"#,
];

/// Up to two guardrails; each pair is read once.
pub fn any_guardrails() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        1 => Just(Vec::new()),
        1 => prop::collection::vec(0..GUARDRAILS.len(), 1..3),
    ]
}

pub fn guardrails(picked: &[usize]) -> Arc<Guardrails> {
    static READ: LazyLock<Mutex<HashMap<Vec<usize>, Arc<Guardrails>>>> =
        LazyLock::new(Mutex::default);
    let make = || {
        let all: Vec<Guardrail> =
            picked.iter().map(|n| guardrail(&format!("{n}"), GUARDRAILS[*n])).collect();
        Arc::new(Guardrails::new(&all, None))
    };
    Arc::clone(READ.lock().unwrap().entry(picked.to_vec()).or_insert_with(make))
}

/// What a guardrail says: nothing, or one of these words.
fn guarded(number: usize, value: Value, facts: &Facts) -> Option<&'static str> {
    let class = facts.tool.as_ref().unwrap().class;
    match (number, value) {
        (0, Value::Number(number)) => (number > 5).then_some("Guardrail"),
        (0, Value::Text(_)) | (0 | 1, Value::Missing) => Some("Unevaluable"),
        (1, Value::Number(3)) | (4, _) => Some("ask"),
        (2, Value::Number(_) | Value::Text(_)) => Some("Guardrail"),
        (5, _) => (class == Some(ToolClass::Admin)).then_some("Guardrail"),
        _ => None,
    }
}

fn any_flow() -> impl Strategy<Value = Option<Flow>> {
    let labels = prop::option::of(prop::sample::select(vec!["none", "reads_private", "sends_out"]));
    let flow = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), labels);
    prop::option::weighted(0.5, flow).prop_map(|flow| {
        flow.map(|(private, untrusted, on, labels)| {
            let read = |was: bool| was.then(|| Read { what: "x of y".to_owned(), at: NOW });
            Flow {
                rule: FlowRule { on, ..FlowRule::default() },
                labels: labels.map(|text| Labels::from_text(text).unwrap()),
                own: CallId::from_text("cal_1"),
                private: read(private),
                untrusted: read(untrusted),
            }
        })
    })
}

fn flows_together(facts: &Facts) -> bool {
    facts.flow.as_ref().is_some_and(|flow| {
        let sends = flow.labels.is_none_or(|labels| labels.sends_out);
        flow.rule.on && sends && flow.private.is_some() && flow.untrusted.is_some()
    })
}

pub fn any_facts() -> impl Strategy<Value = Facts> {
    (
        any_flow(),
        prop::option::of(prop::sample::select(ToolClass::ALL.to_vec())),
        prop::sample::select(vec![Pin::Accepted, Pin::Accepted, Pin::New, Pin::Changed]),
        prop::collection::vec(0u64..5, 0..6),
    )
        .prop_map(|(flow, class, pin, used)| {
            let mut facts = Facts { flow, cast: Some(cast()), ..facts() };
            let used = used.into_iter().map(Decimal::from).enumerate();
            facts.used =
                used.map(|(n, used)| (GrantId::from_text(&format!("grt_{n}")), used)).collect();
            if let Some(tool) = facts.tool.as_mut() {
                tool.class = class;
                tool.pin = pin;
            }
            facts
        })
}

/// Yes, no, or it cannot be told.
fn truth(condition: &Condition, value: Value) -> Option<bool> {
    match (condition.to_string().as_str(), value) {
        ("/n <= 5", Value::Number(number)) => Some(number <= 5),
        ("/n != 3", Value::Number(number)) => Some(number != 3),
        (r#"/n = "a""#, Value::Text(text)) => Some(text == "a"),
        ("/n absent", value) => Some(value == Value::Missing),
        ("/m absent", _) => Some(true),
        _ => None,
    }
}

fn covers(grant: &Grant, facts: &Facts) -> bool {
    let tool = facts.tool.as_ref().unwrap();
    let account = grant.account.as_ref().is_none_or(|account| account.as_str() == "acc_1");
    let alive = grant.until.is_none_or(|until| until > NOW);
    let named = match grant.target.to_text().as_str() {
        "tool:send" => true,
        "tools:*" | "tools:s*" | "tools:*d" | "tools:sen?" | "tools:send" => tool.pin != Pin::New,
        "class:read" => tool.pin != Pin::New && tool.class == Some(ToolClass::Read),
        "class:write" => tool.pin != Pin::New && tool.class == Some(ToolClass::Write),
        "class:destructive" => tool.pin != Pin::New && tool.class == Some(ToolClass::Destructive),
        "class:admin" => tool.pin != Pin::New && tool.class == Some(ToolClass::Admin),
        _ => false,
    };
    account && alive && named
}

/// Whether `one` was made more narrowly than `other`.
fn narrower(one: &Grant, other: &Grant) -> bool {
    if one.account.is_some() != other.account.is_some() {
        return one.account.is_some();
    }
    let width = |grant: &Grant| {
        ["tool:send|tools:send", "tools:sen?", "tools:s*|tools:*d", "class:", "tools:*"]
            .iter()
            .position(|texts| {
                let text = grant.target.to_text();
                texts.split('|').any(|t| t == text || (t == "class:" && text.starts_with(t)))
            })
            .unwrap()
    };
    if width(one) != width(other) {
        return width(one) < width(other);
    }
    match (one.arguments.is_some(), other.arguments.is_some()) {
        (true, false) => true,
        (false, true) | (true, true) => false,
        (false, false) => !one.conditions.is_empty() && other.conditions.is_empty(),
    }
}

/// What the budget of a grant says to a call, where it does not let it go.
fn limited(grant: &Grant, value: Value, facts: &Facts) -> Option<&'static str> {
    let used = facts.used.iter().find(|(id, _)| *id == grant.id);
    let used: i64 = used.map_or(0, |(_, used)| used.to_string().parse().unwrap());
    let (limit, amount) = match (grant.budget.as_ref()?.to_string().as_str(), value) {
        ("2/1h", _) => (2, 1),
        ("sum(/n)<=7/1h", Value::Number(number)) if number >= 0 => (7, number),
        _ => return Some("Unevaluable"),
    };
    (used + amount > limit).then_some("Budget")
}

/// What has to come out: one of these.
fn model(grants: &[Grant], above: &[usize], value: Value, facts: &Facts) -> Vec<&'static str> {
    let digest = value.call().digest;
    let is_for = |grant: &Grant| grant.arguments.is_none() || grant.arguments == Some(digest);
    let covering: Vec<&Grant> =
        grants.iter().filter(|grant| covers(grant, facts) && is_for(grant)).collect();
    let says = |grant: &Grant, told: Option<bool>| {
        grant.conditions.iter().any(|condition| truth(condition, value) == told)
    };
    let (unmet, applying): (Vec<&Grant>, Vec<&Grant>) =
        covering.into_iter().partition(|grant| says(grant, Some(false)));
    let would = unmet.iter().any(|grant| grant.effect != Effect::Deny);
    if applying.is_empty() && !would {
        return vec!["NoGrant"];
    }
    if facts.tool.as_ref().unwrap().pin != Pin::Accepted {
        return vec!["Quarantined"];
    }
    let above: Vec<&str> =
        above.iter().filter_map(|number| guarded(*number, value, facts)).collect();
    for word in ["Unevaluable", "Guardrail"] {
        if above.contains(&word) {
            return vec![word];
        }
    }
    if applying.is_empty() {
        return vec!["Unmet"];
    }
    let decisive: Vec<&Grant> = applying
        .iter()
        .filter(|one| !applying.iter().any(|other| narrower(other, one)))
        .copied()
        .collect();
    if decisive.iter().any(|grant| grant.effect == Effect::Deny) {
        return vec!["Grant"];
    }
    if decisive.iter().any(|grant| says(grant, None)) {
        return vec!["Unevaluable"];
    }
    // Several can be in the way; any of them is a reason.
    let limits: Vec<&str> =
        decisive.iter().filter_map(|grant| limited(grant, value, facts)).collect();
    if !limits.is_empty() {
        return limits;
    }
    let asks = decisive.iter().any(|grant| grant.effect == Effect::Ask)
        || above.contains(&"ask")
        || flows_together(facts);
    vec![if asks { "ask" } else { "allow" }]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25_000))]

    /// 25,000 worlds, five calls each.
    #[test]
    fn the_slow_and_obvious_model_agrees(
        grants in any_grants(), above in any_guardrails(), facts in any_facts(),
    ) {
        let guardrails = guardrails(&above);
        for value in [
            Value::Number(-1), Value::Number(3), Value::Number(6), Value::Text("a"), Value::Missing,
        ] {
            let decision = decide(&value.call(), &grants, &guardrails, &facts);
            let expected = model(&grants, &above, value, &facts);
            let told = word(&decision);
            prop_assert!(expected.contains(&told.as_str()), "{value:?}: {told}, not {expected:?}");
            if matches!(told.as_str(), "allow" | "ask") {
                let send = Target::Tool("send".to_owned());
                let mut grants = grants.clone();
                grants.retain(|grant| grant.account.as_ref().is_none_or(|a| a.as_str() == "acc_1"));
                prop_assert!(visible(&send, &grants, &facts), "what can be called is listed");
            }
        }
    }
}
