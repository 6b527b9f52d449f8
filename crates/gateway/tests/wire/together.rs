//! All servers behind one endpoint.

use std::time::Duration;

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::protocol::MODERN;
use prokura_domain::{Change, Era, Json};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, legacy, messages, modern, read_until};
use crate::paths::{
    Act, KEY_A, RefusingPath, ScriptedPath, events, id_of, json_reply, result, said,
};

/// `files` and `git`, each with a few tools over two pages; what is called says where it arrived.
fn two_servers() -> impl Act {
    ScriptedPath::new(|_, inbound: &Inbound| match said(inbound).as_str() {
        "tools/list" => Some(Ok(page(inbound))),
        "prompts/list" if inbound.server.as_str() == "srv_git" => {
            Some(Err(Refusal::new(RefusalCode::Unreachable, "down")))
        }
        "prompts/list" => {
            Some(Ok(json_reply(200, result(&id_of(inbound), r#"{"prompts":[{"name":"greet"}]}"#))))
        }
        "tools/call" | "prompts/get" => {
            let here = format!(r#"{{"at":"{}"}}"#, inbound.server);
            Some(Ok(json_reply(200, result(&id_of(inbound), &here))))
        }
        _ => None,
    })
}

fn page(inbound: &Inbound) -> Reply {
    let Kind::Message { params, .. } = &inbound.kind else { panic!("a list") };
    let id = id_of(inbound);
    match params.member("cursor").and_then(Json::as_str) {
        None => json_reply(
            200,
            result(&id, r#"{"tools":[{"name":"read","x":0.30},{"name":"a.b"}],"nextCursor":""}"#),
        ),
        Some("") => {
            let last = result(&id, r#"{"tools":[{"name":"write"},{"name":"read"}]}"#);
            events(vec![Ok(Bytes::from(format!("data:\n\ndata: {last}\n\n")))])
        }
        Some(other) => panic!("no such cursor: {other}"),
    }
}

fn names(result: &Value, member: &str) -> Vec<String> {
    let items = result[member].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn ask(desk: &Desk, session: &str, message: Value) -> Value {
    body(desk.in_session("/mcp", session, &message).send().await.unwrap()).await
}

#[tokio::test]
async fn a_session_with_all_servers_is_greeted_here() {
    let desk = desk(two_servers()).await;
    for (asked, answered) in [("2025-06-18", "2025-06-18"), ("2031-01-01", "2025-11-25")] {
        let params = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let hello = legacy(0, "initialize", params).to_string();
        let answer = desk.post("/mcp", hello).send().await.unwrap();
        assert!(answer.headers().contains_key("mcp-session-id"));
        let said = body(answer).await;
        assert_eq!(said["result"]["protocolVersion"], answered);
        assert_eq!(said["result"]["capabilities"]["tools"]["listChanged"], true);
    }
    let session = desk.session("/mcp").await;
    assert_eq!(ask(&desk, &session, legacy(1, "ping", json!({}))).await["result"], json!({}));
    assert_eq!(desk.world.count(), 0, "no server was needed yet");
}

#[tokio::test]
async fn lists_are_put_together_and_calls_find_their_server() {
    // P-08, P-21, SB-05, P-15
    let desk = desk(two_servers()).await;
    let session = desk.session("/mcp").await;
    let listed = ask(&desk, &session, legacy(1, "tools/list", json!({}))).await;
    let tools = names(&listed["result"], "tools");
    let cut = tools[1].clone();
    assert_eq!([&tools[0], &tools[2]], ["files__read", "files__write"]);
    assert_eq!([&tools[3], &tools[5]], ["git__read", "git__write"]);
    assert!(cut.starts_with("files__a_b__") && tools.len() == 6, "{tools:?}");
    let again = ask(&desk, &session, legacy(2, "tools/list", json!({}))).await;
    assert_eq!(listed["result"], again["result"]);
    let greeted = desk.world.methods().iter().filter(|method| *method == "initialize").count();
    assert_eq!(greeted, 2, "each server is greeted once");

    for (name, server, own) in
        [("git__write", "srv_git", "write"), (cut.as_str(), "srv_files", "a.b")]
    {
        let call =
            legacy(5, "tools/call", json!({"name": name, "arguments": {"big": 1, "x": null}}));
        assert_eq!(ask(&desk, &session, call.clone()).await["result"]["at"], server);
        let seen = desk.world.last();
        let Kind::Message { params, .. } = &seen.kind else { panic!("a call") };
        assert_eq!(params.member("name").and_then(Json::as_str), Some(own));
        let mut expected = call;
        expected["params"]["name"] = json!(own);
        let body: Value = serde_json::from_slice(&seen.outgoing.body).unwrap();
        assert_eq!(body, expected);
        assert_ne!(seen.session.as_deref(), Some(session.as_str()));
    }
}

#[tokio::test]
async fn a_server_that_fails_does_not_fail_the_list() {
    let desk = desk(two_servers()).await;
    let session = desk.session("/mcp").await;
    let listed = ask(&desk, &session, legacy(1, "prompts/list", json!({}))).await;
    assert_eq!(names(&listed["result"], "prompts"), ["files__greet"]);
    let got = legacy(2, "prompts/get", json!({"name": "files__greet"}));
    assert_eq!(ask(&desk, &session, got).await["result"]["at"], "srv_files");
}

#[tokio::test]
async fn what_leads_nowhere_is_an_unknown_tool_under_the_name_it_was_called() {
    let desk = desk(RefusingPath(RefusalCode::Unknown)).await;
    let session = desk.session("/mcp").await;
    for name in ["files__x", "nowhere__x", "hidden__x", "plain", "__", "files__a__0123456789"] {
        let said = ask(&desk, &session, legacy(1, "tools/call", json!({"name": name}))).await;
        assert_eq!(said["error"]["code"], -32602);
        assert_eq!(said["error"]["message"], format!("Unknown tool: {name}"));
    }
    for method in ["tasks/update", "vendor/thing"] {
        let said = ask(&desk, &session, legacy(1, method, json!({}))).await;
        assert_eq!(said["error"]["code"], -32601, "{method}");
    }
    let cursor = legacy(1, "tools/list", json!({"cursor": "x"}));
    assert_eq!(ask(&desk, &session, cursor).await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_modern_agent_needs_no_session_for_all_servers() {
    let desk = desk(two_servers()).await;
    let found = desk.modern("/mcp", &modern(1, "server/discover", json!({}))).send().await.unwrap();
    let found = body(found).await["result"].clone();
    assert_eq!(found["supportedVersions"][0], MODERN);
    assert_eq!((&found["ttlMs"], &found["cacheScope"]), (&json!(0), &json!("private")));
    assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "prokura");
    assert_eq!(desk.world.count(), 0);

    let listed = desk.modern("/mcp", &modern(2, "tools/list", json!({}))).send().await.unwrap();
    let listed = body(listed).await["result"].clone();
    assert_eq!(names(&listed, "tools").len(), 6);
    assert_eq!(
        (&listed["resultType"], &listed["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );
    assert!(desk.world.seen.lock().unwrap().iter().all(|seen| seen.era == Era::Modern));

    let mut call = modern(3, "tools/call", json!({"name": "git__write"}));
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {"io.modelcontextprotocol/tasks": {}, "other/one": {}}});
    let answer = desk.modern("/mcp", &call).send().await.unwrap();
    assert_eq!(body(answer).await["result"]["at"], "srv_git");
    let seen = desk.world.last();
    assert!(seen.outgoing.headers.contains(&("mcp-name".to_owned(), "write".to_owned())));
    let sent: Value = serde_json::from_slice(&seen.outgoing.body).unwrap();
    assert_eq!(
        sent["params"]["_meta"], call["params"]["_meta"],
        "what an agent can do travels unchanged"
    );

    let unknown = modern(4, "tools/call", json!({"name": "nowhere__x"}));
    let answer = desk.modern("/mcp", &unknown).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let other = desk.modern("/mcp", &modern(5, "vendor/thing", json!({}))).send().await.unwrap();
    assert_eq!(other.status(), 404);
}

#[tokio::test]
async fn servers_of_the_other_era_are_used_like_the_others() {
    let answer = |inbound: &Inbound| {
        let tools = r#"{"tools":[{"name":"x","inputSchema":{"type":"object"}}]}"#;
        match said(inbound).as_str() {
            "tools/list" => Some(Ok(json_reply(200, result(&id_of(inbound), tools)))),
            "tools/call" => Some(Ok(json_reply(200, result(&id_of(inbound), r#"{"content":[]}"#)))),
            _ => None,
        }
    };
    let one = desk(ScriptedPath::new(move |_, inbound: &Inbound| match &inbound.session {
        Some(_) => answer(inbound),
        None => Some(Ok(json_reply(400, "Bad Request: no session"))),
    }))
    .await;
    let listed = one.modern("/mcp", &modern(1, "tools/list", json!({}))).send().await.unwrap();
    let names = body(listed).await["result"]["tools"].clone();
    assert_eq!((&names[0]["name"], &names[1]["name"]), (&json!("files__x"), &json!("git__x")));
    let call = modern(2, "tools/call", json!({"name": "git__x"}));
    let told = body(one.modern("/mcp", &call).send().await.unwrap()).await;
    assert_eq!(told["result"]["resultType"], "complete", "{told}");

    let two = desk(ScriptedPath::new(move |_, inbound: &Inbound| match said(inbound).as_str() {
        "initialize" => Some(Ok(json_reply(404, "no"))),
        "server/discover" => {
            let discovered = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#;
            Some(Ok(json_reply(200, result(&id_of(inbound), discovered))))
        }
        _ => answer(inbound),
    }))
    .await;
    let session = two.session("/mcp").await;
    let listed = ask(&two, &session, legacy(1, "tools/list", json!({}))).await;
    assert_eq!(listed["result"]["tools"][1]["name"], "git__x", "{listed}");
    let told = ask(&two, &session, legacy(2, "tools/call", json!({"name": "git__x"}))).await;
    assert_eq!(told["result"], json!({"content": []}), "{told}");
}

#[tokio::test]
async fn questions_of_two_servers_are_told_apart() {
    // P-15, P-22
    let asking = ScriptedPath::new(|_, inbound: &Inbound| {
        (said(inbound) == "tools/call").then(|| {
            let question =
                r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"n":0.30}}"#;
            let last = result(&id_of(inbound), "{}");
            Ok(events(vec![Ok(Bytes::from(format!(
                "id: e1\ndata: {question}\n\ndata: {last}\n\n"
            )))]))
        })
    });
    let desk = desk(asking).await;
    let session = desk.session("/mcp").await;
    let mut asked = Vec::new();
    for name in ["files__x", "git__x"] {
        let call = legacy(5, "tools/call", json!({"name": name}));
        let answer = desk.in_session("/mcp", &session, &call).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(text.starts_with("id: e1\n") && text.contains("0.30"), "{text}");
        asked.push(messages(&text)[0]["id"].clone());
    }
    assert_ne!(asked[0], asked[1]);
    let answer = json!({"jsonrpc": "2.0", "id": asked[1], "result": {"action": "decline"}});
    let before = desk.world.count();
    for _ in 0..2 {
        let sent = desk.in_session("/mcp", &session, &answer).send().await.unwrap();
        assert_eq!(sent.status(), 202);
    }
    crate::paths::reaches(&desk.world.arrived, before + 1).await;
    let seen = desk.world.last();
    assert_eq!(seen.server.as_str(), "srv_git");
    assert!(matches!(&seen.kind, Kind::Answer { id, .. } if id.to_text() == "1"));
    let sent: Value = serde_json::from_slice(&seen.outgoing.body).unwrap();
    assert_eq!(sent["id"], 1);
    assert_eq!(desk.world.count(), before + 1, "a question is answered once");
}

#[tokio::test]
async fn one_server_cannot_answer_for_another() {
    // P-15: agents match answers by their id alone
    let forged = r#"{"jsonrpc":"2.0","id":6,"result":{"forged":1}}"#;
    let as_event = || {
        ScriptedPath::new(move |_, inbound: &Inbound| {
            let last = result(&id_of(inbound), "{\"real\":1}");
            let text =
                format!("data: {forged}\n\ndata: [{forged}]\n\ndata: {last}\n\ndata: {forged}");
            (said(inbound) == "tools/call").then(|| Ok(events(vec![Ok(Bytes::from(text))])))
        })
    };
    let as_json = || {
        ScriptedPath::new(move |_, inbound: &Inbound| {
            (said(inbound) == "tools/call").then(|| Ok(json_reply(200, forged)))
        })
    };
    let params = json!({"name": "git__x"});
    for (desk, says) in
        [(desk(as_event()).await, "real"), (desk(as_json()).await, "gave no answer")]
    {
        let session = desk.session("/mcp").await;
        let call = legacy(5, "tools/call", params.clone());
        let in_session = desk.in_session("/mcp", &session, &call).send().await.unwrap();
        let call = modern(5, "tools/call", params.clone());
        let alone = desk.modern("/mcp", &call).send().await.unwrap();
        for answer in [in_session, alone] {
            let text = answer.text().await.unwrap();
            assert!(text.contains(says) && !text.contains("forged"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_change_of_grants_is_told_on_the_standing_stream() {
    let desk = desk(two_servers()).await;
    let session = desk.session("/mcp").await;
    let request = desk.http.get(desk.url("/mcp")).bearer_auth(KEY_A);
    let stream = request
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session)
        .send()
        .await
        .unwrap();
    desk.world.changes.send(Change::Audit).unwrap();
    desk.world.changes.send(Change::Grants).unwrap();
    let (text, _) = read_until(stream, |text| text.contains("resources/list_changed")).await;
    let told: Vec<_> = messages(&text).iter().map(|note| note["method"].clone()).collect();
    let lists = ["tools", "prompts", "resources"];
    assert_eq!(told, lists.map(|list| format!("notifications/{list}/list_changed")));
}

#[tokio::test]
async fn a_subscription_is_acknowledged_first_and_says_only_what_was_asked() {
    // SB-10
    let desk = desk(two_servers()).await;
    let filter = json!({"notifications": {"toolsListChanged": true, "vendorThing": true}});
    let listen = modern(11, "subscriptions/listen", filter);
    let stream = desk.modern("/mcp", &listen).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let world = std::sync::Arc::clone(&desk.world);
    let teller = tokio::spawn(async move {
        loop {
            let _ = world.changes.send(Change::Tools);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let (text, _) = read_until(stream, |text| text.contains("list_changed")).await;
    teller.abort();
    let told = messages(&text);
    assert_eq!(told[0]["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(told[0]["params"]["notifications"], json!({"toolsListChanged": true}));
    assert!(!text.contains("prompts/list_changed"));
    assert!(
        told.iter()
            .all(|note| note["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 11)
    );
}

#[tokio::test]
async fn a_session_that_one_server_forgot_is_opened_anew_for_lists() {
    let forgetful = ScriptedPath::new(|turn, inbound: &Inbound| {
        let first_list = said(inbound) == "tools/list" && turn < 6;
        (first_list && inbound.server.as_str() == "srv_git").then(|| Ok(json_reply(404, "")))
    });
    let desk = desk(forgetful).await;
    let session = desk.session("/mcp").await;
    ask(&desk, &session, legacy(1, "tools/list", json!({}))).await;
    let greeted = |server: &str| {
        let seen = desk.world.seen.lock().unwrap();
        let to = |one: &&Inbound| one.server.as_str() == server && said(one) == "initialize";
        seen.iter().filter(to).count()
    };
    assert_eq!((greeted("srv_files"), greeted("srv_git")), (1, 2));
}

#[tokio::test]
async fn ending_the_session_ends_it_at_every_server() {
    let desk = desk(two_servers()).await;
    let session = desk.session("/mcp").await;
    ask(&desk, &session, legacy(1, "tools/list", json!({}))).await;
    let request = desk.http.request(Method::DELETE, desk.url("/mcp")).bearer_auth(KEY_A);
    let answer = request.header("mcp-session-id", &session).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    let ended = desk.world.methods().iter().filter(|method| *method == "end").count();
    assert_eq!(ended, 2);
}
