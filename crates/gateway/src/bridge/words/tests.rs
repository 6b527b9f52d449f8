//! The eras, word by word.

#![allow(clippy::unwrap_used)]

use super::*;

fn read(text: &str) -> Json {
    Json::read(text.as_bytes()).unwrap()
}

#[test]
fn only_what_the_eras_differ_by_is_taken_away_and_put_back() {
    // V-02, V-03, V-07
    let modern = read(
        r#"{"name":"t","arguments":{"n":1e400,"z":null},"x":[1],"requestState":"s","inputResponses":{},
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
                     "io.modelcontextprotocol/clientCapabilities":{},
                     "io.modelcontextprotocol/logLevel":"debug","progressToken":3,"acme/x":null}}"#,
    );
    let legacy = params_down(modern);
    let kept = r#"{"name":"t","arguments":{"n":1e400,"z":null},"x":[1],"_meta":{"progressToken":3,"acme/x":null}}"#;
    assert_eq!(legacy, read(kept));
    let stamped = params_up(legacy, &[(META_VERSION, Json::text(MODERN))]);
    assert_eq!(stamped.at("/_meta/acme~1x"), Some(&Json::Null));
    let meta = stamped.member("_meta").unwrap();
    assert_eq!(meta.member(META_VERSION), Some(&Json::text(MODERN)));
}

#[test]
fn an_empty_meta_goes_and_a_missing_one_comes() {
    let params = read(r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#);
    assert_eq!(params_down(params), read("{}"));
    let stamped = params_up(read("{}"), &[("a", Json::Null)]);
    assert_eq!(stamped, read(r#"{"_meta":{"a":null}}"#));
}

#[test]
fn a_list_of_a_session_is_private_and_stale_for_a_modern_agent() {
    // P-13, SB-06
    let down = result_down("tools/list", read(r#"{"tools":[],"acme":1e400}"#), None);
    let expected =
        r#"{"tools":[],"acme":1e400,"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#;
    assert_eq!(down, read(expected));
    assert_eq!(result_up("tools/list", down), read(r#"{"tools":[],"acme":1e400}"#));
}

#[test]
fn structured_content_that_is_no_object_stays_with_the_era_that_knows_it() {
    let up = result_up("tools/call", read(r#"{"content":[],"structuredContent":[1]}"#));
    assert_eq!(up, read(r#"{"content":[]}"#));
    let up = result_up("tools/call", read(r#"{"content":[],"structuredContent":{"a":1}}"#));
    assert_eq!(up, read(r#"{"content":[],"structuredContent":{"a":1}}"#));
    let tools = read(
        r#"{"tools":[{"name":"a","outputSchema":true},{"name":"b","outputSchema":{"type":"object"}}]}"#,
    );
    let cut = read(r#"{"tools":[{"name":"a"},{"name":"b","outputSchema":{"type":"object"}}]}"#);
    assert_eq!(result_up("tools/list", tools), cut);
}

#[test]
fn error_codes_and_statuses_follow_the_era() {
    let missing = read(r#"{"code":-32002,"message":"no","data":{"uri":"x"}}"#);
    let (status, error) = error_down("resources/read", missing.clone());
    assert_eq!((status, error.member("code")), (400, Some(&Json::from(-32602i64))));
    assert_eq!(error_up("resources/read", error), missing);
    let (status, _) = error_down("acme/x", read(r#"{"code":-32601,"message":"no"}"#));
    assert_eq!(status, 404);
    let own = read(r#"{"code":-32602,"message":"no"}"#);
    assert_eq!(error_up("tools/call", own.clone()), own);
}

#[test]
fn an_agent_is_asked_only_what_it_says_it_can_answer() {
    // CP-14, CP-20
    for (capabilities, method, params, expected) in [
        (r"{}", "elicitation/create", "{}", false),
        (r#"{"elicitation":{}}"#, "elicitation/create", "{}", true),
        (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"url"}"#, false),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", r#"{"mode":"url"}"#, true),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", "{}", false),
        (r#"{"sampling":{}}"#, "sampling/createMessage", "{}", true),
        (r#"{"sampling":{}}"#, "roots/list", "{}", false),
        (r#"{"roots":{}}"#, "acme/ask", "{}", false),
    ] {
        assert_eq!(
            answers(&read(capabilities), method, &read(params)),
            expected,
            "{capabilities} {params}"
        );
    }
}
