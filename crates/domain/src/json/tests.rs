//! What is read, what is refused, and that nothing is lost on the way.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Json, Fault> {
    Json::read(text.as_bytes())
}

#[test]
fn numbers_keep_their_text_whatever_their_size() {
    let text = r#"[123456789012345678901234567890,1e400,0.30,-0,1E+2]"#;
    assert_eq!(read(text).map(|value| value.to_text()), Ok(text.to_owned()));
}

#[test]
fn a_duplicate_member_is_refused_also_when_escaped_and_nested() {
    for text in [r#"{"a":1,"a":2}"#, r#"{"x":{"a":1,"\u0061":2}}"#] {
        assert!(matches!(read(text), Err(Fault::Duplicate { .. })), "{text}");
    }
    let many: Vec<String> = (0..40).map(|n| format!("\"k{n}\":0")).collect();
    let text = format!("{{{},\"k3\":1}}", many.join(","));
    assert!(matches!(read(&text), Err(Fault::Duplicate { .. })));
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        "{",
        "[1,]",
        "{\"a\":}",
        "01",
        "+1",
        "1.",
        "nul",
        "\"\u{1}\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "{} {}",
        "{'a':1}",
        "[1 2]",
        "NaN",
        "\"\\udc00\"",
    ] {
        assert!(matches!(read(text), Err(Fault::Syntax { .. })), "{text}");
    }
    assert!(Json::read(b"\"\xff\"").is_err());
}

#[test]
fn great_depth_is_refused_and_not_a_crash() {
    let text = "[".repeat(100_000);
    assert!(matches!(read(&text), Err(Fault::TooDeep { .. })));
}

#[test]
fn canonical_form_sorts_by_utf16_and_escapes_as_rfc_8785_says() {
    // RFC 8785 §3.2.3: "\u{fb33}" sorts after a surrogate pair in UTF-16.
    let text = "{\"\u{fb33}\":1, \"\u{1f600}\":2, \"a\": \"\\u001f\\n\\u20ac\"}";
    let expected = "{\"a\":\"\\u001f\\n\u{20ac}\",\"\u{1f600}\":2,\"\u{fb33}\":1}";
    assert_eq!(read(text).map(|value| value.to_canonical()), Ok(expected.to_owned()));
}

#[test]
fn a_pointer_reaches_escaped_names_and_items() {
    let value = read(r#"{"a/b":{"~":[10,20]}}"#);
    let found = value.as_ref().ok().and_then(|value| value.at("/a~1b/~0/1"));
    assert_eq!(found, Some(&Json::Number("20".to_owned())));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(value in any_json()) {
        prop_assert_eq!(read(&value.to_text()), Ok(value.clone()));
        // An independent reader agrees that it is JSON.
        prop_assert!(serde_json::from_str::<serde_json::Value>(&value.to_text()).is_ok());
    }

    #[test]
    fn the_canonical_form_is_the_same_for_any_order(value in any_json()) {
        let canonical = value.to_canonical();
        prop_assert_eq!(read(&canonical).map(|value| value.to_canonical()), Ok(canonical));
    }

    #[test]
    fn any_bytes_are_an_answer_and_never_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let strict = Json::read(&bytes).is_ok();
        let lax = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        prop_assert!(!strict || lax || bytes.iter().any(u8::is_ascii_digit));
    }
}

/// Reading and writing decide; the quick look may only agree or stay silent.
fn agrees(text: &str) {
    let canonical = read(text).is_ok_and(|value| value.to_canonical() == text);
    assert!(!canonical::is_plainly(text) || canonical, "{text}");
    assert_eq!(Json::is_canonical(text), canonical, "{text}");
}

#[test]
fn a_text_is_canonical_only_where_reading_and_writing_give_it_back() {
    for text in [
        "",
        " ",
        "null ",
        " 1",
        "01",
        "-",
        "1.",
        "1e",
        "[1,]",
        "[,1]",
        "[1 ,2]",
        "{}",
        "[]",
        "{\"a\":1,}",
        "tru",
        "{\"b\":1,\"a\":1}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"A\":1}",
        "{\"A\":1,\"a\":1}",
        "{a:1}",
        "\"",
        r#""\/""#,
        r#""\u000a""#,
        r#""\u0001""#,
        r#""\u001F""#,
        r#""\u001f""#,
        r#""\n""#,
        r#""\\""#,
        r#""\""#,
        "\"\u{1}\"",
        "\"\u{7f}ä\"",
        "{\"ä\":1}",
        "{\"\u{ffff}\":1,\"\u{10000}\":1}",
        "-0.5e+7",
        "nul",
        "[1]]",
        r#"{"a":{"b":[true,false,null,"x"]},"b":-3}"#,
    ] {
        agrees(text);
    }
    let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 2), "]".repeat(MAX_DEPTH + 2));
    agrees(&deep);
    assert!(canonical::is_plainly(r#"{"a":{"b":[true,false,null,"x\n"]},"b":-3}"#));
}

proptest! {
    #[test]
    fn the_quick_look_never_takes_a_text_for_canonical_that_is_not(
        text in r#"[\[\]{}:,"\\abu0-9.eE+\- nrtl\u{1}ä]{0,24}"#,
        cut in 0usize..40, put in "[\\[\\]{}:,\"\\\\a0 -]",
    ) {
        agrees(&text);
        // And near misses of a text that is.
        let whole = r#"{"a":[1,{"b":"x\n"}],"bc":-2.5e3}"#;
        let cut = cut.min(whole.len());
        agrees(&format!("{}{put}{}", &whole[..cut], &whole[cut..]));
    }
}
