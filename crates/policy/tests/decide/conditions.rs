//! What every operator says of every kind of value, and what a condition does to its grant.

use prokura_domain::*;
use prokura_policy::Guardrails;
use prokura_policy::{Decision, check, decide, visible};

use crate::world::*;

/// Whether `condition` holds: a single conditioned allow lets it go, is not met, or cannot be checked.
fn told(condition: &str, arguments: &str) -> &'static str {
    let allow = grant_where(tool("send"), Effect::Allow, &[condition]);
    match word(&decide(&call_with("send", arguments), &[allow], &Guardrails::default(), &facts()))
        .as_str()
    {
        "allow" => "true",
        "Unmet" => "false",
        "Unevaluable" => "unevaluable",
        other => panic!("{condition} on {arguments}: {other}"),
    }
}

fn table(cases: &[(&str, &str, &str)]) {
    for (condition, value, expected) in cases {
        let arguments = format!(r#"{{"x":{value}}}"#);
        assert_eq!(told(condition, &arguments), *expected, "{condition} on {value}");
    }
}

#[test]
fn equal_is_equal_by_value_and_type() {
    table(&[
        ("/x = alice", r#""alice""#, "true"),
        ("/x = alice", r#""\u0061lice""#, "true"),
        ("/x = alice", r#""Alice""#, "false"),
        ("/x = alice", r#""alice ""#, "false"),
        // The same letters to the eye: Cyrillic а, and é in one or two characters.
        ("/x = alice", r#""аlice""#, "false"),
        ("/x = é", "\"e\u{301}\"", "false"),
        ("/x = 🦀", r#""\ud83e\udd80""#, "true"),
        ("/x = 5", "5.00", "true"),
        ("/x = 5", "0.5e1", "true"),
        ("/x = 0", "-0.0", "true"),
        ("/x = 9007199254740993", "9007199254740992", "false"),
        ("/x = 1e400", "1e401", "false"),
        ("/x = 5", r#""5""#, "unevaluable"),
        ("/x = \"5\"", "5", "unevaluable"),
        ("/x = alice", "null", "unevaluable"),
        ("/x = null", "null", "true"),
        ("/x = null", "0", "unevaluable"),
        ("/x = true", "true", "true"),
        ("/x = true", "false", "false"),
        ("/x = true", "1", "unevaluable"),
        (r#"/x = {"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1}"#, "true"),
        (r#"/x = {"a":1}"#, r#"{"a":1,"b":2}"#, "false"),
        (r#"/x = {"a":1}"#, r#"{"a":"1"}"#, "false"),
        (r#"/x = [1,2]"#, "[2,1]", "false"),
        (r#"/x = [1,2]"#, "[1,1e99999999999999999999]", "unevaluable"),
        (r#"/x = [1,2]"#, "[3,1e99999999999999999999]", "false"),
        ("/x = 1", "1e99999999999999999999", "unevaluable"),
        ("/x != bob", r#""alice""#, "true"),
        ("/x != bob", r#""bob""#, "false"),
        ("/x != bob", "7", "unevaluable"),
        ("/x != 1", "1.0", "false"),
        (r#"/x in ["a","b"]"#, r#""b""#, "true"),
        (r#"/x in ["a","b"]"#, r#""c""#, "false"),
        (r#"/x in ["a","b"]"#, "1", "unevaluable"),
        (r#"/x in ["a",1]"#, "1.0", "true"),
        (r#"/x in ["a",1]"#, "2", "false"),
        (r#"/x in ["a",1]"#, "null", "unevaluable"),
    ]);
}

#[test]
fn numbers_compare_exactly_whatever_their_size() {
    let huge = format!("1{}", "0".repeat(400));
    let huger = format!("1{}1", "0".repeat(399));
    table(&[
        ("/x < 500", "499.9999999999999999999999999", "true"),
        ("/x < 500", "500", "false"),
        ("/x <= 500", "500.000", "true"),
        ("/x <= 500", "500.0000000000000000000000001", "false"),
        ("/x > 500", "500", "false"),
        ("/x >= 500", "5e2", "true"),
        ("/x <= 500", "-1e400", "true"),
        ("/x <= 500", "1e400", "false"),
        ("/x <= 9007199254740992", "9007199254740993", "false"),
        ("/x <= 1e400", &huge, "true"),
        ("/x <= 1e400", &huger, "false"),
        ("/x > 0", "5e-324", "true"),
        ("/x > 0", "1e-100000", "true"),
        ("/x >= 0", "-1e-100000", "false"),
        ("/x <= 500", "1e99999999999999999999", "unevaluable"),
        ("/x <= 500", r#""5""#, "unevaluable"),
        ("/x <= 500", "null", "unevaluable"),
        ("/x <= 500", "[5]", "unevaluable"),
        ("/x <= 500", "true", "unevaluable"),
    ]);
}

#[test]
fn texts_match_as_a_whole() {
    table(&[
        ("/x glob *@example.com", r#""alice@example.com""#, "true"),
        ("/x glob *@example.com", r#""alice@example.com.evil""#, "false"),
        ("/x glob *@example.com", "\"alice@evil\\n@example.com\"", "true"),
        ("/x glob ?", r#""é""#, "true"),
        ("/x glob ?", r#""🦀""#, "true"),
        ("/x glob 5", "5", "unevaluable"),
        ("/x matches [a-z]+", r#""abc""#, "true"),
        ("/x matches [a-z]+", r#""abc1""#, "false"),
        ("/x matches [a-z]+", "\"abc\\n\"", "false"),
        ("/x matches a|ab", r#""ab""#, "true"),
        ("/x matches (?m)^a$", "\"b\\na\"", "false"),
        ("/x matches \\d+", "\"١٢\"", "true"),
        ("/x matches .*", "7", "unevaluable"),
        ("/x len<= 3", r#""äöü""#, "true"),
        ("/x len<= 3", r#""abcd""#, "false"),
        ("/x len<= 1", r#""\ud83e\udd80""#, "true"),
        ("/x len<= 2", "[1,2]", "true"),
        ("/x len<= 2", "[1,2,3]", "false"),
        ("/x len<= 2", "12", "unevaluable"),
        ("/x len<= 2", "{}", "unevaluable"),
    ]);
}

#[test]
fn paths_and_hosts_that_can_be_read_in_two_ways_are_not_read() {
    table(&[
        ("/x under /home/me", r#""/home/me/a/b""#, "true"),
        ("/x under /home/me", r#""/home/me""#, "true"),
        ("/x under /home/me", r#""/home/mean""#, "false"),
        ("/x under /home/me", r#""/etc/passwd""#, "false"),
        ("/x under /home/me", r#""/home/me/../you""#, "unevaluable"),
        ("/x under /home/me", r#""home/me""#, "unevaluable"),
        ("/x under /home/me", r#""\\home\\me""#, "unevaluable"),
        ("/x under /home/me", "1", "unevaluable"),
        ("/x host example.com", r#""https://example.com/a""#, "true"),
        ("/x host example.com", r#""https://example.com@evil.example""#, "false"),
        ("/x host *.example.com", r#""https://a.example.com""#, "true"),
        ("/x host example.com", r#""https://example.com\\.evil.example""#, "unevaluable"),
        ("/x host example.com", r#""not a url""#, "unevaluable"),
        ("/x host example.com", "{}", "unevaluable"),
    ]);
}

#[test]
fn a_pointer_that_leads_nowhere_cannot_be_checked_and_absent_can() {
    for (condition, arguments, expected) in [
        ("/y = 1", r#"{"x":1}"#, "unevaluable"),
        ("/x/0/y = 1", r#"{"x":[{"y":1}]}"#, "true"),
        ("/x/1/y = 1", r#"{"x":[{"y":1}]}"#, "unevaluable"),
        ("/x/y = 1", r#"{"x":"y"}"#, "unevaluable"),
        ("/a~1b = 1", r#"{"a/b":1}"#, "true"),
        ("/é = 1", "{\"e\\u0301\":1}", "unevaluable"),
        ("\"\" = {}", "{}", "true"),
        ("/x absent", "{}", "true"),
        ("/x absent", r#"{"x":null}"#, "false"),
        ("/x/y absent", "{}", "true"),
        ("/x/y absent", r#"{"x":null}"#, "unevaluable"),
        ("/x/0 absent", r#"{"x":[]}"#, "true"),
        ("/x absent", "null", "unevaluable"),
    ] {
        assert_eq!(told(condition, arguments), expected, "{condition} on {arguments}");
    }
    let allow = grant_where(tool("send"), Effect::Allow, &["/x absent"]);
    assert_eq!(decided(&[allow], &facts()), "allow", "no arguments at all");
}

#[test]
fn conditions_look_at_arguments_of_tools_and_prompts_and_at_all_parameters_elsewhere() {
    let params = r#"{"uri":"file:///a","arguments":{"uri":"other"},"name":"send"}"#;
    let params = Json::read(params.as_bytes()).unwrap();
    let mut asked = call("send");
    asked.params = params;
    for (method, target, pattern, seen) in [
        ("tools/call", Target::Tool("send".to_owned()), tool("send"), "other"),
        (
            "prompts/get",
            Target::Prompt("p".to_owned()),
            TargetPattern::Prompts("*".to_owned()),
            "other",
        ),
        (
            "resources/read",
            Target::Resource("file:///a".to_owned()),
            TargetPattern::Resources("*".to_owned()),
            "file:///a",
        ),
        (
            "vendor/x",
            Target::Method("vendor/x".to_owned()),
            TargetPattern::Methods("*".to_owned()),
            "file:///a",
        ),
    ] {
        asked.method = method.to_owned();
        asked.target = target;
        let allow = grant_where(pattern, Effect::Allow, &[&format!("/uri = {seen}")]);
        assert_eq!(
            word(&decide(&asked, &[allow], &Guardrails::default(), &facts())),
            "allow",
            "{method}"
        );
    }
}

#[test]
fn all_conditions_have_to_hold_and_a_false_one_settles_it() {
    let decided = |conditions: &[&str]| {
        let allow = grant_where(tool("send"), Effect::Allow, conditions);
        word(&decide(
            &call_with("send", r#"{"a":1,"b":"x"}"#),
            &[allow],
            &Guardrails::default(),
            &facts(),
        ))
    };
    assert_eq!(decided(&["/a = 1", "/b = x"]), "allow");
    assert_eq!(decided(&["/a = 1", "/b = y"]), "Unmet");
    assert_eq!(decided(&["/a = 1", "/c = y"]), "Unevaluable");
    assert_eq!(decided(&["/c = y", "/b = y"]), "Unmet");
}

#[test]
fn a_false_condition_lets_the_broader_grant_answer_and_an_unevaluable_one_does_not() {
    let broader = grant(glob("*"), Effect::Ask);
    let narrow = |effect| grant_where(tool("send"), effect, &["/a <= 5"]);
    for (effect, arguments, expected) in [
        (Effect::Allow, r#"{"a":5}"#, "allow"),
        (Effect::Allow, r#"{"a":6}"#, "ask"),
        (Effect::Allow, r#"{"a":"5"}"#, "Unevaluable"),
        (Effect::Allow, "{}", "Unevaluable"),
        (Effect::Ask, "{}", "Unevaluable"),
        (Effect::Deny, r#"{"a":5}"#, "Grant"),
        (Effect::Deny, r#"{"a":6}"#, "ask"),
        (Effect::Deny, "{}", "Grant"),
    ] {
        let grants = [broader.clone(), narrow(effect)];
        let told =
            word(&decide(&call_with("send", arguments), &grants, &Guardrails::default(), &facts()));
        assert_eq!(told, expected, "{effect:?} on {arguments}");
    }
    let wide = grant_where(glob("*"), Effect::Allow, &["/a <= 5"]);
    let named = grant(tool("send"), Effect::Allow);
    let told =
        word(&decide(&call_with("send", "{}"), &[wide, named], &Guardrails::default(), &facts()));
    assert_eq!(told, "allow", "a broader grant that cannot be checked does not matter");
}

#[test]
fn a_grant_with_conditions_is_more_specific_and_the_very_same_arguments_are_more_so() {
    let asked = call_with("send", r#"{"a":1}"#);
    let plain = grant(tool("send"), Effect::Ask);
    let conditioned = grant_where(tool("send"), Effect::Allow, &["/a = 1"]);
    let mut same = grant(tool("send"), Effect::Deny);
    same.arguments = Some(asked.digest);
    let decided =
        |grants: &[Grant]| word(&decide(&asked, grants, &Guardrails::default(), &facts()));
    assert_eq!(decided(&[plain.clone(), conditioned.clone()]), "allow");
    assert_eq!(decided(&[plain.clone(), conditioned, same]), "Grant");
    let elsewhere = grant_where(glob("*"), Effect::Allow, &["/a = 1"]);
    assert_eq!(decided(&[plain, elsewhere]), "ask", "the target comes first");
}

#[test]
fn an_answer_rests_on_the_arguments_of_the_call_it_belongs_to() {
    let allow = grant_where(tool("send"), Effect::Allow, &["/a = 1"]);
    let mut answer = call("send");
    answer.method = "answer".to_owned();
    let mut facts = facts();
    let word_of = |facts: &_| {
        word(&decide(&answer, std::slice::from_ref(&allow), &Guardrails::default(), facts))
    };
    assert_eq!(word_of(&facts), "Unevaluable");
    facts.arguments = Some(std::sync::Arc::new(Json::read(br#"{"a":1}"#).unwrap()));
    assert_eq!(word_of(&facts), "allow");
}

#[test]
fn a_tool_that_some_arguments_may_use_is_listed() {
    let send = Target::Tool("send".to_owned());
    let seen = |grants: &[Grant]| visible(&send, grants, &facts());
    assert!(seen(&[grant_where(tool("send"), Effect::Allow, &["/a = 1"])]));
    assert!(seen(&[grant_where(tool("send"), Effect::Ask, &["/a = 1"])]));
    assert!(!seen(&[grant_where(tool("send"), Effect::Deny, &["/a = 1"])]));
    let denied = grant(tool("send"), Effect::Deny);
    assert!(seen(&[denied.clone(), grant_where(tool("send"), Effect::Allow, &["/a = 1"])]));
    assert!(!seen(&[denied, grant_where(glob("*"), Effect::Allow, &["/a = 1"])]));
    let allowed = grant(tool("send"), Effect::Allow);
    assert!(seen(&[allowed, grant_where(tool("send"), Effect::Deny, &["/a = 1"])]));
}

#[test]
fn a_decision_says_which_condition_mattered_and_never_what_was_there() {
    let texts = |arguments: &str, grants: &[Grant]| {
        let why =
            match decide(&call_with("send", arguments), grants, &Guardrails::default(), &facts()) {
                Decision::Deny(denied) => denied.why,
                Decision::Ask(asked) => asked.why,
                Decision::Allow(_, why) => why,
            };
        let told = why.iter().map(|why| why.text.clone()).collect::<Vec<_>>().join(" | ");
        assert!(!told.contains("777"), "{told}");
        told
    };
    let allow = grant_where(tool("send"), Effect::Allow, &["/a <= 5"]);
    let alone = std::slice::from_ref(&allow);
    assert_eq!(texts(r#"{"a":5}"#, alone), "A grant allows send where /a <= 5.");
    assert_eq!(
        texts(r#"{"a":777}"#, alone),
        "A grant allows send only where /a <= 5, which is not so here. | \
         No grant covers this, and what is not granted is denied."
    );
    assert_eq!(
        texts(r#"{"a":"777"}"#, alone),
        "A grant allows send where /a <= 5, but /a <= 5 cannot be checked: what is there is not a number."
    );
    assert_eq!(
        texts(r#"{"a":777}"#, &[allow, grant(glob("*"), Effect::Ask)]),
        "A grant wants you to be asked about every tool. | A grant allows send only where /a <= 5, which is not so here."
    );
}

#[test]
fn a_regular_expression_that_cannot_be_used_is_refused_when_it_is_made_and_denies_when_it_is_met() {
    let broken =
        ["/x matches (", "/x matches a)|(?:b", "/x matches (?x)a #", r"/x matches \w{5000}"];
    for text in broken.into_iter().chain([r"/x matches (?:a{1000}){1000}", r"/x matches (a)\1"]) {
        let condition: Condition = text.parse().unwrap();
        let fault = check(&condition).expect_err(text);
        assert!(fault.contains("cannot be used"), "{fault}");
        assert_eq!(told(text, r#"{"x":"a"}"#), "unevaluable", "{text}");
    }
    assert!(check(&"/x matches [a-z]{1,20}".parse().unwrap()).is_ok());
}

#[test]
fn a_hostile_text_does_not_make_a_regular_expression_slow() {
    let long = format!(r#"{{"x":"{}!"}}"#, "a".repeat(200_000));
    assert_eq!(told("/x matches (a+)+(a+)+(a+)+", &long), "false");
}
