//! What is written reads back as what it is; what cannot be read says what to write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Condition {
    text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn every_operator_is_read_and_shown() {
    for (text, shown) in [
        ("/to = alice", r#"/to = "alice""#),
        (r#"/to = "alice""#, r#"/to = "alice""#),
        ("/n = 5", "/n = 5"),
        (r#"/n = "5""#, r#"/n = "5""#),
        ("/on = true", "/on = true"),
        ("/x = null", "/x = null"),
        (r#"/x = {"b":1,"a":[1e400]}"#, r#"/x = {"b":1,"a":[1e400]}"#),
        ("/to != bob smith", r#"/to != "bob smith""#),
        ("/amount < 500", "/amount < 500"),
        ("/amount <= 500.50", "/amount <= 500.5"),
        ("/amount > 1e400", "/amount > 1e400"),
        ("/amount   >=\t-3", "/amount >= -3"),
        (r#"/to in ["a","b",3]"#, r#"/to in ["a","b",3]"#),
        ("/zip glob 80*", r#"/zip glob "80*""#),
        ("/zip matches 1234", r#"/zip matches "1234""#),
        ("/code matches [A-Z]{2} ?[0-9]+", r#"/code matches "[A-Z]{2} ?[0-9]+""#),
        ("/path under /home//me/./notes/", r#"/path under "/home/me/notes""#),
        ("/path under /", r#"/path under "/""#),
        ("/url host EXAMPLE.com.", r#"/url host "example.com""#),
        ("/url host *.bücher.example", r#"/url host "*.xn--bcher-kva.example""#),
        ("/url host [::1]", r#"/url host "[::1]""#),
        ("/memo len<= 80", "/memo len<= 80"),
        ("/bcc absent", "/bcc absent"),
        (r#""/first name" = x"#, r#""/first name" = "x""#),
        (r#""" = {}"#, r#""" = {}"#),
        ("/a~1b/~0 = 1", "/a~1b/~0 = 1"),
        ("/größe = ü", r#"/größe = "ü""#),
    ] {
        let condition = read(text);
        assert_eq!(condition.to_string(), shown, "{text}");
        assert_eq!(read(shown), condition, "{text}");
        assert_eq!(Condition::from_json(&condition.to_json()), Some(condition), "{text}");
    }
}

#[test]
fn what_cannot_be_read_says_what_to_write() {
    for (text, hint) in [
        ("", "POINTER OP VALUE"),
        ("/amount", "POINTER OP VALUE"),
        ("/amount<=500", "POINTER OP VALUE"),
        ("amount <= 500", "JSON pointer"),
        ("/amount ~ 500", "= != < <= > >= in glob under host len<= matches absent"),
        ("/amount <= five", "a number such as 500"),
        ("/amount <= \"5\"", "a number such as 500"),
        ("/amount <= 1e99999999999999999999", "a smaller exponent"),
        ("/amount = 1e99999999999999999999", "a smaller one"),
        ("/amount <", "needs a value"),
        ("/to =", "write \"\" for an empty string"),
        ("/to in a", "JSON array"),
        ("/to in []", "not empty"),
        ("/to in [\"a\"", "JSON array"),
        ("/path under notes", "absolute path"),
        ("/path under /home/../etc", "without \"..\""),
        ("/url host https://example.com", "write it like example.com"),
        ("/url host *.*.com", "write it like example.com"),
        ("/url host *.127.0.0.1", "write it like example.com"),
        ("/memo len<= -1", "a whole number"),
        ("/memo len<= 1.5", "a whole number"),
        ("/bcc absent x", "no value"),
        ("\"/a = 1", "POINTER OP VALUE"),
    ] {
        let fault = text.parse::<Condition>().expect_err(text).to_string();
        assert!(fault.contains(hint), "{text}: {fault}");
    }
    assert_eq!("x".repeat(LONGEST + 1).parse::<Condition>(), Err(ConditionFault::TooLong));
}

#[test]
fn several_are_kept_as_json() {
    let several = [read("/amount <= 500"), read("/to in [\"a\"]"), read("/bcc absent")];
    let text = Condition::list_to_text(&several);
    assert_eq!(Condition::list_from_text(&text).unwrap(), several);
    assert_eq!(Condition::list_from_text("[]"), Some(Vec::new()));
    assert_eq!(Condition::list_from_text(r#"[{"pointer":"/a","op":"near"}]"#), None);
    assert_eq!(Condition::list_from_text("{}"), None);
}

#[test]
fn a_path_is_compared_step_by_step() {
    let home = |other: &str| {
        other
            .parse::<AbsolutePath>()
            .ok()
            .map(|other| "/home/me".parse::<AbsolutePath>().unwrap().holds(&other))
    };
    for (path, held) in [
        ("/home/me", Some(true)),
        ("/home/me/", Some(true)),
        ("/home//me/./x", Some(true)),
        ("/home/me/...", Some(true)),
        ("/home/mean", Some(false)),
        ("/home", Some(false)),
        ("/HOME/me/x", Some(false)),
        ("/home/me/../you", None),
        ("/home/me/x/..", None),
        ("/home/me/%2E%2e/you", None),
        ("/home/me/x%2f..", None),
        ("//home/me/x", None),
        ("/home/me\\..\\you", None),
        ("/home/me/\0", None),
        ("home/me/x", None),
        ("~/x", None),
        ("", None),
    ] {
        assert_eq!(home(path), held, "{path}");
    }
}

#[test]
fn a_host_is_the_one_a_url_leads_to() {
    let covers = |pattern: &str, url: &str| pattern.parse::<HostPattern>().unwrap().covers(url);
    for (pattern, url, expected) in [
        ("example.com", "https://example.com/x", Some(true)),
        ("example.com", "https://EXAMPLE.com:8443/", Some(true)),
        ("example.com", "https://example.com./", Some(true)),
        ("example.com", "https://example.com@evil.example/", Some(false)),
        ("example.com", "https://example.com.evil.example/", Some(false)),
        ("example.com", "https://sub.example.com/", Some(false)),
        ("*.example.com", "https://a.b.example.com/", Some(true)),
        ("*.example.com", "https://example.com/", Some(false)),
        ("*.example.com", "https://badexample.com/", Some(false)),
        ("bücher.example", "https://xn--bcher-kva.example/", Some(true)),
        ("example.com", "https://ex\u{430}mple.com/", Some(false)),
        ("127.0.0.1", "http://2130706433/", Some(true)),
        ("[::1]", "http://[0:0::1]/", Some(true)),
        ("example.com", "https://example.com\\@evil.example/", None),
        ("example.com", "https://exam\tple.com/", None),
        ("example.com", " https://example.com/", None),
        ("example.com", "example.com", None),
        ("example.com", "mailto:a@example.com", None),
        ("example.com", "", None),
    ] {
        assert_eq!(covers(pattern, url), expected, "{pattern} and {url}");
    }
}

#[test]
fn a_host_of_signs_that_nobody_sees_is_none() {
    for text in ["/ host .\u{fe00}", "/ host .", "/ host ..", "/ host *..", "/ host a.."] {
        assert!(text.parse::<Condition>().is_err(), "{text:?}");
    }
    let one = "/ host example.com\u{fe00}.".parse::<Condition>().unwrap();
    assert_eq!(one, "/ host example.com".parse().unwrap());
}

proptest! {
    #[test]
    fn whatever_is_read_reads_back(text in "(/[a-z~ ]{0,4}|\"/[a-z ]{0,4}\") ?(=|!=|<|<=|in|glob|under|host|len<=|matches|absent) ?.{0,12}") {
        if let Ok(condition) = text.parse::<Condition>() {
            prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition.clone()));
            prop_assert_eq!(Condition::from_json(&condition.to_json()), Some(condition));
        }
    }
}
