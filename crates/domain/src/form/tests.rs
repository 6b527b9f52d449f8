//! What forms take, what they refuse, and how a field for a secret is known.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn form(properties: &str, required: &str) -> Result<Form, FormFault> {
    let text = format!(
        r#"{{"message":"m","requestedSchema":{{"type":"object","properties":{properties},"required":{required}}}}}"#
    );
    Form::of(&Json::read(text.as_bytes()).unwrap())
}

fn filled(values: &[(&str, &[&str])]) -> Filled {
    let one = |(name, values): &(&str, &[&str])| {
        ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    };
    Filled(values.iter().map(one).collect())
}

fn said(form: &Form, values: &[(&str, &[&str])]) -> String {
    match form.content(&filled(values)) {
        Ok(content) => content.to_text(),
        Err(wrong) => wrong.join(" "),
    }
}

/// A schema, what is typed, and what comes of it.
type Row = (&'static str, &'static str, &'static str);

const TEXTS: &[Row] = &[
    (r#"{"type":"string"}"#, "a\u{202e}b", "{\"x\":\"a\u{202e}b\"}"),
    (r#"{"type":"string","minLength":3}"#, "ab", "x: has 2 characters, and at least 3 are needed."),
    (
        r#"{"type":"string","maxLength":1,"title":"Name"}"#,
        "ab",
        "Name: has 2 characters, and at most 1 are taken.",
    ),
    (
        r#"{"type":"string","format":"email"}"#,
        "ada@",
        "x: is no e-mail address such as ada@example.com.",
    ),
    (r#"{"type":"string","format":"email"}"#, "ada@x.example", r#"{"x":"ada@x.example"}"#),
    (
        r#"{"type":"string","format":"uri"}"#,
        "nowhere",
        "x: is no address such as https://example.com/page.",
    ),
    (r#"{"type":"string","format":"date"}"#, "2026-02-30", "x: is no day such as 2026-11-30."),
    (r#"{"type":"string","format":"date"}"#, "2026-02-28", r#"{"x":"2026-02-28"}"#),
    (
        r#"{"type":"string","format":"date-time"}"#,
        "2026-02-28",
        "x: is no moment such as 2026-11-30T18:00:00Z.",
    ),
    (
        r#"{"type":"string","format":"date-time"}"#,
        "2026-02-28T10:00:00+02:00",
        r#"{"x":"2026-02-28T10:00:00+02:00"}"#,
    ),
    (
        r#"{"type":"string","pattern":"^[a-z]+$"}"#,
        "A1",
        "x: does not have the form that the server wants.",
    ),
    (
        r#"{"type":"string","pattern":"(a+)+$"}"#,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
        "x: does not have the form that the server wants.",
    ),
];

const OTHERS: &[Row] = &[
    (r#"{"type":"integer"}"#, "12345678901234567890123", r#"{"x":12345678901234567890123}"#),
    (r#"{"type":"integer"}"#, "1.5", "x: is no whole number."),
    (r#"{"type":"number"}"#, "1,5", "x: is no number such as 12 or -3.5."),
    (r#"{"type":"number"}"#, "0x10", "x: is no number such as 12 or -3.5."),
    (r#"{"type":"number"}"#, "NaN", "x: is no number such as 12 or -3.5."),
    (r#"{"type":"integer","minimum":18}"#, "17", "x: is less than 18."),
    (r#"{"type":"integer","maximum":120}"#, "121", "x: is more than 120."),
    (r#"{"type":"boolean"}"#, "true", r#"{"x":true}"#),
    (r#"{"type":"boolean"}"#, "on", "x: is yes or no, written true or false."),
    (r#"{"type":"string","enum":["a","b"]}"#, "b", r#"{"x":"b"}"#),
    (r#"{"type":"string","enum":["a","b"]}"#, "c", "x: is none of the values to choose from."),
    (r#"{"type":"string","oneOf":[{"const":"v","title":"V"}]}"#, "v", r#"{"x":"v"}"#),
    (
        r#"{"type":"string","oneOf":[{"const":"v","title":"V"}]}"#,
        "V",
        "x: is none of the values to choose from.",
    ),
    (
        r#"{"type":"array","items":{"type":"string","enum":["a","b"]},"minItems":2}"#,
        "a",
        "x: choose at least 2.",
    ),
    (r#"{"type":"array","items":{"anyOf":[{"const":"a","title":"A"}]}}"#, "a", r#"{"x":["a"]}"#),
];

#[test]
fn each_kind_of_field_takes_what_its_schema_says_and_nothing_else() {
    // U-08
    for (schema, typed, told) in TEXTS.iter().chain(OTHERS) {
        let form = form(&format!(r#"{{"x":{schema}}}"#), "[]").unwrap();
        assert_eq!(said(&form, &[("x", &[*typed])]), *told, "{schema}");
    }
}

#[test]
fn what_is_left_open_is_left_out_and_what_is_needed_is_named() {
    let form =
        form(r#"{"a":{"type":"string"},"b":{"type":"boolean","title":"Really"}}"#, r#"["b"]"#);
    let form = form.unwrap();
    assert_eq!(said(&form, &[("a", &[""]), ("b", &["false"])]), r#"{"b":false}"#);
    assert_eq!(said(&form, &[("a", &["x"])]), "Really is needed.");
    assert_eq!(said(&form, &[("b", &["true"]), ("c", &["x"])]), "The form has no field \"c\".");
    assert_eq!(said(&form, &[("b", &["true", "false"])]), "Really: takes one value.");
}

#[test]
fn a_form_that_cannot_be_shown_whole_is_refused() {
    for properties in [
        r#"{"x":{"type":"object","properties":{}}}"#,
        r#"{"x":{"type":"array","items":{"type":"string"}}}"#,
        r#"{"x":{"type":["string","null"]}}"#,
        r#"{"x":{"type":"string","enum":[1,2]}}"#,
        r#"{"x":{"type":"string","enum":[]}}"#,
        r#"{"x":{"type":"string","enum":["a","a"]}}"#,
        r#"{"x":{"type":"integer","minimum":"1"}}"#,
        r#"{"x":{"type":"string","default":{}}}"#,
    ] {
        assert!(form(properties, "[]").is_err(), "{properties}");
    }
    assert!(form(r#"{"x":{"type":"string"}}"#, r#"["y"]"#).is_err());
    assert!(Form::of(&Json::Null).is_err());
}

#[test]
fn defaults_and_titles_come_with_the_form() {
    let form = form(
        r#"{"s":{"type":"string","default":"John"},"n":{"type":"integer","default":30},"b":{"type":"boolean","default":true},
            "e":{"type":"string","enum":["a","b"],"enumNames":["A","B"],"default":"b"},
            "m":{"type":"array","items":{"type":"string","enum":["a","b"]},"default":["a","b"]}}"#,
        "[]",
    )
    .unwrap();
    let defaults: Vec<String> = form.fields.iter().map(|field| field.default.join(",")).collect();
    assert_eq!(defaults, ["John", "30", "true", "b", "a,b"]);
    let Some(Input::One(offers)) = form.fields.get(3).map(|field| &field.input) else {
        panic!("no choice");
    };
    assert_eq!(offers.iter().filter_map(|offer| offer.title.as_deref()).collect::<String>(), "AB");
}

#[test]
fn a_field_for_a_secret_is_seen_whatever_it_is_called() {
    // SB-16
    let named = |name: &str, more: &str| {
        let form = form(&format!(r#"{{"{name}":{{"type":"string"{more}}}}}"#), "[]").unwrap();
        form.fields.first().is_some_and(Field::wants_secret)
    };
    for name in ["password", "API key", "apiKey", "api_key", "x-access-token", "pin", "CVV", "totp"]
    {
        assert!(named(name, ""), "{name}");
    }
    assert!(named("x", r#","description":"Your one-time code""#));
    assert!(named("x", r#","title":"Seed phrase""#));
    for name in ["name", "email", "opinion", "shipping", "compass", "keyboard", "pattern", "titan"]
    {
        assert!(!named(name, ""), "{name}");
    }
}

#[test]
fn what_was_typed_is_not_shown_when_it_is_debugged() {
    assert_eq!(format!("{:?}", filled(&[("x", &["hunter2"])])), "<1 fields>");
}
