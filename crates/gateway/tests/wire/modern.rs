//! Agents of the modern era at one server.

use prokura_delegation::{Kind, RefusalCode};
use prokura_domain::protocol::MODERN;
use prokura_domain::{Era, Verb};
use proptest::prelude::*;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::desk::{BOTH, Desk, body, desk, modern, read_until};
use crate::paths::{EchoPath, HangingPath, KEY_A, RefusingPath, reaches};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

fn call() -> Value {
    modern(7, "tools/call", json!({"name": "list files", "arguments": {}}))
}

/// A request with exactly these headers beside the ones every POST has.
fn with(desk: &Desk, message: &Value, headers: &[(&str, &str)]) -> RequestBuilder {
    let request = desk.post("/s/files/mcp", message.to_string());
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

#[tokio::test]
async fn a_message_passes_with_its_own_bytes_and_only_the_headers_of_mcp() {
    // P-01, P-11, CP-02
    let desk = desk(EchoPath).await;
    let text = format!(
        "  {{ \"jsonrpc\":\"2.0\",\"id\": 123456789012345678901234567890 , \"method\":\"tools/call\",\"x-unknown\":[1e400],\n\
         \"params\":{{\"name\":\"a\",\"_meta\":{{\"{VERSION}\":\"{MODERN}\",\"{CAPABILITIES}\":{{}}}},\"arguments\":{{\"n\":0.30}}}} }}\n"
    );
    let answer = desk
        .post("/s/files@two/mcp", text.clone())
        .header("MCP-Protocol-Version", MODERN)
        .header("Mcp-Method", "tools/call")
        .header("Mcp-Name", "=?base64?YQ==?=")
        .header("Mcp-Param-Region", "west")
        .header("Cookie", "session=secret")
        .header("Mcp-Session-Id", "from-elsewhere")
        .header("Last-Event-ID", "9")
        .header("X-Api-Key", "secret")
        .header("Proxy-Authorization", "Basic c2VjcmV0")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("mcp-session-id"));
    let seen = desk.world.last();
    assert_eq!(seen.outgoing.body, text.as_bytes());
    assert_eq!(seen.outgoing.verb, Verb::Post);
    assert_eq!((seen.era, seen.session.clone()), (Era::Modern, None));
    assert_eq!(seen.account.as_str(), "acc_two");
    let mut headers = seen.outgoing.headers.clone();
    headers.sort();
    let expected = [
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?YQ==?="),
        ("mcp-param-region", "west"),
        ("mcp-protocol-version", MODERN),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(!format!("{seen:?}").contains(KEY_A), "the agent's key goes nowhere");
}

#[tokio::test]
async fn every_request_states_its_version_and_capabilities() {
    // ST-08
    let desk = desk(EchoPath).await;
    for method in ["server/discover", "tools/list", "unknown/method"] {
        for missing in [Some(VERSION), Some(CAPABILITIES), None] {
            let mut message = modern(3, method, json!({}));
            match missing {
                Some(key) => drop(message["params"]["_meta"].as_object_mut().unwrap().remove(key)),
                None => message["params"] = json!({}),
            }
            let answer = desk.modern("/s/files/mcp", &message).send().await.unwrap();
            assert_eq!(answer.status(), 400);
            let said = body(answer).await;
            assert_eq!((&said["error"]["code"], &said["id"]), (&json!(-32602), &json!(3)));
        }
    }
    assert_eq!(desk.world.count(), 0);
}

#[tokio::test]
async fn headers_that_differ_from_the_body_are_refused() {
    // ST-09, P-09
    let desk = desk(EchoPath).await;
    let first = modern(1, "tools/list", json!({}));
    // The first message finds out which era the server speaks.
    assert_eq!(desk.modern("/s/files/mcp", &first).send().await.unwrap().status(), 200);
    let version = ("mcp-protocol-version", MODERN);
    let method = ("mcp-method", "tools/call");
    let name = ("mcp-name", "list files");
    for (headers, passes) in [
        (vec![version, method, name], true),
        (vec![version, ("MCP-METHOD", "tools/call"), name], true),
        (vec![version, method, ("mcp-name", "  list files\t")], true),
        (vec![version, method, ("mcp-name", "=?base64?bGlzdCBmaWxlcw==?=")], true),
        (vec![method, name], false),
        (vec![version, name], false),
        (vec![version, method], false),
        (vec![("mcp-protocol-version", "2025-11-25"), method, name], false),
        (vec![version, version, method, name], false),
        (vec![version, ("mcp-method", "TOOLS/CALL"), name], false),
        (vec![version, ("mcp-method", "tools/list"), name], false),
        (vec![version, method, method, name], false),
        (vec![version, method, ("mcp-name", "other")], false),
        (vec![version, method, ("mcp-name", "LIST FILES")], false),
        (vec![version, method, name, name], false),
        (vec![version, method, ("mcp-name", "=?base64?bGlzdCBmaWxlcw?=")], false),
        (vec![version, method, ("mcp-name", "=?base64?bGlz!!!=?=")], false),
        (vec![version, method, name, ("mcp-param-a", "1"), ("mcp-param-a", "2")], false),
        (vec![version, method, name, ("mcp-param-a", "\u{e9}")], false),
    ] {
        let before = desk.world.count();
        let answer = with(&desk, &call(), &headers).send().await.unwrap();
        let status = answer.status().as_u16();
        let said = body(answer).await;
        assert_eq!(said["id"], json!(7), "{headers:?}");
        if passes {
            assert_eq!((status, desk.world.count()), (200, before + 1), "{headers:?} {said}");
        } else {
            assert_eq!((status, &said["error"]["code"]), (400, &json!(-32020)), "{headers:?}");
            assert_eq!(desk.world.count(), before, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn a_version_that_is_not_spoken_is_answered_with_the_one_that_is() {
    // ST-10
    let desk = desk(EchoPath).await;
    for asked in ["v999.0.0", "2025-11-25"] {
        let mut message = modern(4, "server/discover", json!({}));
        message["params"]["_meta"][VERSION] = json!(asked);
        let headers = [("mcp-protocol-version", asked), ("mcp-method", "server/discover")];
        let answer = with(&desk, &message, &headers).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let said = body(answer).await;
        assert_eq!(said["error"]["code"], -32022);
        let data = json!({"supported": [MODERN], "requested": asked});
        assert_eq!(said["error"]["data"], data);
    }
}

#[tokio::test]
async fn removed_methods_and_session_verbs_do_not_exist() {
    // ST-11, ST-13
    let desk = desk(EchoPath).await;
    let removed =
        ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
    for method in removed {
        let message = modern(5, method, json!({}));
        let answer = desk.modern("/s/files/mcp", &message).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{method}");
        assert_eq!(body(answer).await["error"]["code"], -32601);
    }
    for place in ["/mcp", "/s/files/mcp"] {
        for verb in [reqwest::Method::GET, reqwest::Method::DELETE] {
            let sent = desk.http.request(verb, desk.url(place)).bearer_auth(KEY_A);
            let answer = sent.header("mcp-protocol-version", MODERN).send().await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["allow"]),
                (405, &"POST".parse().unwrap())
            );
        }
    }
    let answered = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    let answer = with(&desk, &answered, &[("mcp-protocol-version", MODERN)]).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(desk.world.count(), 0);
}

#[tokio::test]
async fn what_is_not_known_here_is_for_the_path_to_judge() {
    // V-07
    let desk = desk(EchoPath).await;
    for method in ["server/discover", "vendor/thing", "tasks/get", "subscriptions/listen"] {
        let message = modern(6, method, json!({"extra": [null]}));
        let answer = desk.modern("/s/files/mcp", &message).send().await.unwrap();
        assert_eq!(body(answer).await["result"]["echo"], *method);
        assert!(matches!(desk.world.last().kind, Kind::Message { id: Some(_), .. }));
    }
    let note = json!({"jsonrpc": "2.0", "method": "notifications/vendor"});
    let answer = with(&desk, &note, &[("mcp-protocol-version", MODERN)]).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.content_length()), (202, Some(0)));
    assert!(matches!(desk.world.last().kind, Kind::Message { id: None, .. }));
}

async fn told(code: RefusalCode, message: &Value) -> (u16, Value) {
    let desk = desk(RefusingPath(code)).await;
    let answer = desk.modern("/s/files/mcp", message).send().await.unwrap();
    (answer.status().as_u16(), body(answer).await)
}

#[tokio::test]
async fn a_refused_tool_call_is_a_result_that_the_model_can_read() {
    // CP-13
    let (status, said) = told(RefusalCode::DeniedByPerson, &call()).await;
    assert_eq!(status, 200);
    let result = json!({"content": [{"type": "text", "text": "Because."}], "isError": true, "resultType": "complete"});
    assert_eq!(said, json!({"jsonrpc": "2.0", "id": 7, "result": result}));
}

#[tokio::test]
async fn what_no_grant_covers_does_not_exist() {
    // ST-11, SB-14
    for (method, params, status, code, text) in [
        ("tools/call", json!({"name": "x"}), 400, -32602, "Unknown tool: x"),
        ("prompts/get", json!({"name": "p"}), 400, -32602, "Unknown prompt: p"),
        ("resources/read", json!({"uri": "a:b"}), 400, -32602, "Resource not found: a:b"),
        ("vendor/thing", json!({}), 404, -32601, "Method not found: vendor/thing"),
    ] {
        let (got, said) = told(RefusalCode::Unknown, &modern(7, method, params)).await;
        assert_eq!((got, &said["error"]["code"]), (status, &json!(code)), "{method}");
        assert_eq!(said["error"]["message"], text);
    }
}

#[tokio::test]
async fn every_other_refusal_has_a_code_of_its_own_outside_the_reserved_range() {
    // CM-06
    let reading = modern(7, "resources/read", json!({"uri": "a:b"}));
    let mut codes = std::collections::HashSet::new();
    for code in [
        RefusalCode::Denied,
        RefusalCode::DeniedByPerson,
        RefusalCode::Unanswered,
        RefusalCode::Paused,
        RefusalCode::Revoked,
        RefusalCode::Changed,
        RefusalCode::SignInNeeded,
        RefusalCode::Unreachable,
        RefusalCode::AuditBroken,
        RefusalCode::VaultLocked,
    ] {
        let (status, said) = told(code, &reading).await;
        let number = said["error"]["code"].as_i64().unwrap();
        assert_eq!((status, &said["error"]["message"]), (200, &json!("Because.")), "{code:?}");
        assert!(!(-32768..=-32000).contains(&number) && codes.insert(number), "{code:?}");
    }
}

#[tokio::test]
async fn closing_the_connection_drops_the_call() {
    // ST-07
    let desk = desk(HangingPath::new()).await;
    let early = tokio::spawn(desk.modern("/s/files/mcp", &call()).send());
    reaches(&desk.world.arrived, 1).await;
    early.abort();
    reaches(&desk.world.dropped, 1).await;

    let late = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    let (_, stream) = read_until(late, |text| text.contains(": waiting")).await;
    assert_eq!(*desk.world.dropped.borrow(), 1);
    drop(stream);
    reaches(&desk.world.dropped, 2).await;
    assert_eq!(*desk.world.finished.borrow(), 0);
}

#[tokio::test]
async fn an_agent_has_a_limit_of_messages_under_way() {
    let desk = desk(HangingPath::new()).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(tokio::spawn(desk.modern("/s/files/mcp", &call()).send()));
    }
    reaches(&desk.world.arrived, 64).await;
    let answer = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    let other = desk.http.post(desk.url("/s/files/mcp")).bearer_auth(crate::paths::KEY_B);
    let other = other.header("content-type", "application/json").header("accept", BOTH);
    let other = tokio::spawn(
        other
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/list")
            .body(modern(1, "tools/list", json!({})).to_string())
            .send(),
    );
    reaches(&desk.world.arrived, 65).await;
    other.abort();
    for one in &open {
        one.abort();
    }
    reaches(&desk.world.dropped, 65).await;
    let again = desk.modern("/s/files/mcp", &call()).send().await.unwrap();
    assert_eq!(again.status(), 200);
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
        any::<String>().prop_map(|text| json!(text).to_string()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[ {} ]", items.join("\t,\n"))),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("\"{name}\" :{value}")).collect();
                format!("{{{}}}", members.join(" , "))
            }),
        ]
    })
}

#[test]
fn whatever_a_message_holds_its_bytes_arrive_unchanged() {
    // V-01, V-07
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let desk = runtime.block_on(desk(EchoPath));
    proptest!(ProptestConfig::with_cases(64), |(value in any_value(), blanks in "[ \t\r\n]{0,5}")| {
        let text = format!(
            "{blanks}{{\"params\":{{\"_meta\":{{\"{VERSION}\":\"{MODERN}\",\"{CAPABILITIES}\":{{}}}},\"arguments\":{value}}},{blanks}\
             \"future\":{value},\"method\":\"vendor/thing\",\"id\":\"\\u0031\",\"jsonrpc\":\"2.0\"}}{blanks}"
        );
        let status = runtime.block_on(async {
            let request = desk.post("/s/files/mcp", text.clone());
            let request = request.header("mcp-protocol-version", MODERN).header("mcp-method", "vendor/thing");
            request.send().await.unwrap().status()
        });
        prop_assert_eq!(status, 200);
        prop_assert_eq!(desk.world.last().outgoing.body, text.as_bytes());
    });
}
