//! Guardrails: what they forbid and ask about, how they fail, and what is said of a text that is wrong.

use std::sync::Arc;

use prokura_domain::*;
use prokura_policy::*;

use crate::world::*;

pub fn guardrail(id: &str, text: &str) -> Guardrail {
    Guardrail {
        id: GuardrailId::from_text(&format!("gdr_{id}")),
        name: id.to_owned(),
        text: text.to_owned(),
        enabled: true,
        origin: GuardrailOrigin::Cli,
        added_at: Timestamp(0),
        changed_at: Timestamp(0),
    }
}

pub fn cast() -> Arc<Cast> {
    Arc::new(Cast {
        agent: "clerk".to_owned(),
        server: "ledger".to_owned(),
        url: "https://ledger.example/mcp".to_owned(),
        account: "ada".to_owned(),
        tenant: Some("acme".to_owned()),
        issuer: None,
        scopes: vec!["pay".to_owned()],
    })
}

fn schema() -> Json {
    Json::read(
        br##"{"name":"send","inputSchema":{"type":"object","required":["to","amount"],"$defs":{"tag":{"type":"string"}},
        "properties":{"to":{"type":"string"},"amount":{"type":"number"},"memo":{"type":["string","null"]},"urgent":{"type":"boolean"},
        "tags":{"type":"array","items":{"$ref":"#/$defs/tag"}},"payee":{"type":"object","required":["country"],
        "properties":{"country":{"enum":["DE","FR"]}}},"either":{"type":["string","number"]},"free":{"type":"object"}}}}"##,
    )
    .unwrap()
}

fn tools() -> Vec<GuardedTool> {
    let arguments = arguments_of(&schema());
    vec![
        GuardedTool { server: "ledger".to_owned(), name: "send".to_owned(), arguments },
        GuardedTool {
            server: "mailbox".to_owned(),
            name: "read".to_owned(),
            arguments: Vec::new(),
        },
    ]
}

/// Decides a call of `send` with these arguments, which a grant allows.
fn told(text: &str, arguments: &str) -> String {
    let all = [guardrail("g", text)];
    let guardrails = Guardrails::new(&all, None);
    let facts = Facts { cast: Some(cast()), ..facts() };
    let grants = [grant(tool("send"), Effect::Allow)];
    word(&decide(&call_with("send", arguments), &grants, &guardrails, &facts))
}

fn on_send(condition: &str) -> String {
    format!(
        r#"forbid (principal, action == Action::"ledger/send", resource) when {{ {condition} }};"#
    )
}

#[test]
fn a_rule_forbids_where_it_is_true_and_nowhere_else() {
    let rule = on_send("context.arguments.amount > 500");
    check_guardrail(&rule, &tools()).unwrap();
    for (amount, expected) in [
        ("500", "allow"),
        ("501", "Guardrail"),
        ("501.0", "Guardrail"),
        ("5.01e2", "Guardrail"),
        ("500.000", "allow"),
    ] {
        assert_eq!(
            told(&rule, &format!(r#"{{"to":"x","amount":{amount}}}"#)),
            expected,
            "{amount}"
        );
    }
}

#[test]
fn what_cedar_cannot_hold_denies_only_through_rules_that_read_it() {
    let reads = on_send("context.arguments.amount > 500");
    let other = on_send(r#"context.arguments.to == "Mallory""#);
    for amount in ["12.5", "null", "99999999999999999999", "\"12\""] {
        let arguments = format!(r#"{{"to":"Grace","amount":{amount}}}"#);
        assert_eq!(told(&reads, &arguments), "Unevaluable", "{amount}");
        assert_eq!(told(&other, &arguments), "allow", "{amount}");
    }
    assert_eq!(told(&reads, r#"{"to":"Grace"}"#), "Unevaluable", "nothing there");
    assert_eq!(told(&reads, "[1]"), "Unevaluable", "no object");
}

/// A value that was left out would not be there, and a rule that first looks whether it is would be passed by.
#[test]
fn a_value_cedar_cannot_hold_is_there_all_the_same() {
    let guarded = on_send("context.arguments has amount && context.arguments.amount > 500");
    assert_eq!(told(&guarded, r#"{"amount":12.5}"#), "Unevaluable");
    assert_eq!(told(&guarded, "{}"), "allow");
    let exact = on_send(r#"!(context.arguments == {"to": "Grace"})"#);
    assert_eq!(told(&exact, r#"{"to":"Grace"}"#), "allow");
    assert_eq!(told(&exact, r#"{"to":"Grace","bcc":null}"#), "Guardrail");
    let same = on_send("context.arguments.a == context.arguments.b");
    assert_eq!(told(&same, r#"{"a":1.5,"b":1.50}"#), "Guardrail");
    assert_eq!(told(&same, r#"{"a":1.5,"b":2.5}"#), "allow");
}

#[test]
fn an_approval_asks_whatever_is_granted_and_only_a_yes_that_showed_it_passes() {
    let text =
        format!("@approval(\"large payment\")\n{}", on_send("context.arguments.amount > 500"));
    check_guardrail(&text, &tools()).unwrap();
    assert_eq!(told(&text, r#"{"to":"x","amount":500}"#), "allow");
    assert_eq!(told(&text, r#"{"to":"x","amount":501}"#), "ask");
    let guardrails = Guardrails::new(&[guardrail("g", &text)], None);
    let call = call_with("send", r#"{"to":"x","amount":501}"#);
    let grants = [grant(tool("send"), Effect::Allow)];
    let mut facts = Facts { cast: Some(cast()), ..facts() };
    let Decision::Ask(question) = decide(&call, &grants, &guardrails, &facts) else { panic!() };
    assert!(question.why[0].stands_above());
    assert!(question.why[0].text.contains("large payment"), "{:?}", question.why);
    let yes = |rules: &[&str]| Approved {
        question: QuestionId::from_text("qst_1"),
        digest: call.digest,
        pin: facts.tool.as_ref().map(|tool| tool.digest),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        level: Default::default(),
    };
    let (other, this) = (yes(&["grt_1"]), yes(&["gdr_g"]));
    facts.approved = Some(other);
    assert_eq!(word(&decide(&call, &grants, &guardrails, &facts)), "ask");
    facts.approved = Some(this);
    assert_eq!(word(&decide(&call, &grants, &guardrails, &facts)), "allow");
}

#[test]
fn a_forbid_wins_over_an_approval_and_an_error_over_both() {
    let ask = "@approval(\"a\") forbid (principal, action, resource);";
    let forbid = "@reason(\"never\") forbid (principal, action, resource);";
    assert_eq!(told(&format!("{ask}\n{forbid}"), "{}"), "Guardrail");
    assert_eq!(told(&format!("{ask}\n{}", on_send("context.arguments.x")), "{}"), "Unevaluable");
}

#[test]
fn agent_account_server_tool_and_time_can_be_named() {
    let rule = |head: &str, when: &str| format!("forbid ({head}) when {{ {when} }};");
    for (text, expected) in [
        (rule(r#"principal == Agent::"clerk", action, resource"#, "true"), "Guardrail"),
        (rule(r#"principal == Agent::"other", action, resource"#, "true"), "allow"),
        (rule(r#"principal, action, resource in Server::"ledger""#, "true"), "Guardrail"),
        (rule(r#"principal, action, resource in Server::"mailbox""#, "true"), "allow"),
        (rule(r#"principal, action, resource == Tool::"ledger/send""#, "true"), "Guardrail"),
        (rule(r#"principal, action in Action::"tools", resource"#, "true"), "Guardrail"),
        (rule(r#"principal, action in Action::"resources", resource"#, "true"), "allow"),
        (
            rule(
                r#"principal, action in Action::"tools", resource"#,
                r#"resource.class == "write""#,
            ),
            "Guardrail",
        ),
        (
            rule(
                r#"principal, action in Action::"call", resource"#,
                r#"context.account in Server::"ledger""#,
            ),
            "Guardrail",
        ),
        (
            rule("principal, action, resource", r#"context.account == Account::"ledger/ada""#),
            "Guardrail",
        ),
        (
            rule(
                "principal, action, resource",
                r#"context.account has tenant && context.account.tenant == "acme""#,
            ),
            "Guardrail",
        ),
        (
            rule("principal, action, resource", r#"context.account.scopes.contains("admin")"#),
            "allow",
        ),
        (
            rule(
                "principal, action, resource",
                r#"context.now > datetime("2020-01-01T00:00:00Z")"#,
            ),
            "allow",
        ),
        (
            rule(
                "principal, action, resource",
                r#"context.now < datetime("2020-01-01T00:00:00Z")"#,
            ),
            "Guardrail",
        ),
    ] {
        check_guardrail(&text, &tools()).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        assert_eq!(told(&text, "{}"), expected, "{text}");
    }
}

#[test]
fn every_moment_can_be_looked_at() {
    let text = "forbid (principal, action, resource) when { context.now < datetime(\"2023-11-14T22:13:21Z\") };";
    let guardrails = Guardrails::new(&[guardrail("g", text)], None);
    let grants = [grant(tool("send"), Effect::Allow)];
    for (at, expected) in [
        (1_700_000_000_120, "Guardrail"),
        (1_700_000_000_999, "Guardrail"),
        (1_700_000_001_000, "allow"),
        (-1, "Guardrail"),
    ] {
        let facts = Facts { now: Timestamp(at), cast: Some(cast()), ..facts() };
        assert_eq!(word(&decide(&call("send"), &grants, &guardrails, &facts)), expected, "{at}");
    }
}

#[test]
fn a_text_that_is_wrong_says_where_and_what() {
    let mut wrong = Vec::new();
    for (text, line, column, said) in [
        ("forbid (principal, action, resource)\nwhen { context.", 2, 16, "unexpected end"),
        ("// fine\n  permit (principal, action, resource);", 2, 3, "never permit"),
        ("@color(\"red\")\nforbid (principal, action, resource);", 1, 1, "@color"),
        ("forbid (principal == ?principal, action, resource);", 0, 0, "slots"),
        ("", 0, 0, "no policy"),
        (&on_send("context.arguments.amuont > 5"), 1, 70, "amuont"),
        (&on_send("context.arguments.amount > \"5\""), 1, 97, "type"),
        (&on_send("context.arguments.memo == \"x\""), 1, 70, "memo"),
        (&on_send("context.arguments.either == \"x\""), 1, 70, "either"),
        ("forbid (principal, action == Action::\"ledger/sned\", resource);", 1, 30, "ledger/sned"),
    ] {
        let faults = check_guardrail(text, &tools()).unwrap_err();
        let first = &faults[0];
        let told = format!("{} {:?}", first.message, first.help);
        if !told.contains(said) || (first.line, first.column) != (line, column) {
            wrong.push(format!("{}:{} {told} in {text}", first.line, first.column));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let typed = on_send(
        r#"context.arguments has tags && context.arguments.tags.contains("x") && context.arguments has payee
        && context.arguments.payee.country == "DE" && context.arguments has memo && context.arguments.memo like "*!*""#,
    );
    check_guardrail(&typed, &tools()).unwrap();
}

#[test]
fn a_guardrail_that_cannot_be_read_denies_everything_and_a_disabled_one_nothing() {
    assert_eq!(told("this is no policy", "{}"), "Guardrail");
    let mut off = guardrail("off", "this is no policy");
    off.enabled = false;
    let guardrails = Guardrails::new(&[off], None);
    assert!(guardrails.is_empty());
    let grants = [grant(tool("send"), Effect::Allow)];
    assert_eq!(word(&decide(&call("send"), &grants, &guardrails, &facts())), "allow");
}

#[test]
fn what_is_not_granted_stays_unknown_whatever_guardrails_say() {
    let guardrails =
        Guardrails::new(&[guardrail("g", "forbid (principal, action, resource);")], None);
    let facts = Facts { cast: Some(cast()), ..facts() };
    let none: [Grant; 0] = [];
    assert_eq!(word(&decide(&call("send"), &none, &guardrails, &facts)), "NoGrant");
}

#[test]
fn no_value_of_the_arguments_is_part_of_what_is_told() {
    let text =
        on_send("context.arguments.amount + 9223372036854775807 > 1 || context.arguments.to.x");
    let guardrails = Guardrails::new(&[guardrail("g", &text)], None);
    let facts = Facts { cast: Some(cast()), ..facts() };
    let grants = [grant(tool("send"), Effect::Allow)];
    for arguments in [r#"{"to":"SECRET","amount":4711}"#, r#"{"to":"SECRET","amount":"4711"}"#] {
        let decision = decide(&call_with("send", arguments), &grants, &guardrails, &facts);
        let said = format!("{decision:?}");
        assert!(!said.contains("4711") && !said.contains("SECRET"), "{said}");
        assert_eq!(word(&decision), "Unevaluable");
    }
}
