//! Resources, prompts and completions of several servers behind one endpoint: every server hears its own names only.

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode};

use serde_json::{Value, json};

use crate::desk::{Desk, body, desk, legacy, messages, modern};
use crate::paths::{Act, RefusingPath, ScriptedPath, events, id_of, json_reply, result, said};

/// Two servers that call everything the same.
fn alike() -> impl Act {
    ScriptedPath::new(|_, inbound: &Inbound| {
        let text = match said(inbound).as_str() {
            "resources/list" => {
                r#"{"resources":[{"uri":"file:///a","name":"a","size":12345678901234567890},{"uri":"ui://page","name":"p"}]}"#
            }
            "resources/templates/list" => {
                r#"{"resourceTemplates":[{"uriTemplate":"file:///{path}","name":"f"}]}"#
            }
            "tools/list" => {
                r#"{"tools":[{"name":"show","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://page"},"n":1.0}}]}"#
            }
            "resources/read" => {
                r#"{"contents":[{"uri":"file:///a","text":"file:///a","x":1.50,"y":null}]}"#
            }
            "prompts/get" => {
                r#"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"file:///a","text":""}}}]}"#
            }
            "tools/call" => {
                r#"{"content":[{"type":"resource_link","uri":"file:///a","name":"a"}],"structuredContent":{"uri":"file:///a"}}"#
            }
            "completion/complete" => r#"{"completion":{"values":["file:///a"]}}"#,
            _ => return None,
        };
        Some(Ok(json_reply(200, result(&id_of(inbound), text))))
    })
}

/// Both eras: the answer to one message.
async fn both(desk: &Desk, method: &str, params: Value) -> [Value; 2] {
    let session = desk.session("/mcp").await;
    let message = legacy(7, method, params.clone());
    let one = body(desk.in_session("/mcp", &session, &message).send().await.unwrap()).await;
    let other = desk.modern("/mcp", &modern(7, method, params)).send().await.unwrap();
    [one, body(other).await]
}

fn arrived(desk: &Desk) -> (String, Value) {
    let seen = desk.world.last();
    let sent: Value = serde_json::from_slice(&seen.outgoing.body).unwrap();
    let Kind::Message { params, .. } = &seen.kind else { panic!("a message") };
    let decided: Value = serde_json::from_str(&params.to_text()).unwrap();
    assert_eq!(sent["params"], decided, "what is decided is what leaves");
    (seen.server.to_string(), decided)
}

#[tokio::test]
async fn every_resource_has_one_address_and_is_read_at_its_own_server_under_its_own_uri() {
    // P-22, P-08, P-15
    let desk = desk(alike()).await;
    for listed in both(&desk, "resources/list", json!({})).await {
        let uris: Vec<_> = listed["result"]["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["uri"])
            .collect();
        assert_eq!(
            uris,
            [
                "prokura.files+file:///a",
                "ui://prokura.files+page",
                "prokura.git+file:///a",
                "ui://prokura.git+page"
            ]
        );
        assert!(listed.to_string().contains("12345678901234567890"));
    }
    for listed in both(&desk, "resources/templates/list", json!({})).await {
        let templates = &listed["result"]["resourceTemplates"];
        assert_eq!(templates[1]["uriTemplate"], "prokura.git+file:///{path}");
    }
    for (address, server, own) in [
        ("prokura.git+file:///a", "srv_git", "file:///a"),
        ("prokura.files+file:///a%20b", "srv_files", "file:///a%20b"),
        ("ui://prokura.files+page", "srv_files", "ui://page"),
        ("prokura.files+prokura.git+file:///a", "srv_files", "prokura.git+file:///a"),
    ] {
        let name = server.trim_start_matches("srv_");
        for read in both(&desk, "resources/read", json!({"uri": address})).await {
            let part = &read["result"]["contents"][0];
            assert_eq!(part["uri"], format!("prokura.{name}+file:///a"));
            assert_eq!((&part["text"], &part["y"]), (&json!("file:///a"), &Value::Null));
            assert_eq!(part["x"], 1.5);
            let (to, params) = arrived(&desk);
            assert_eq!((to.as_str(), &params["uri"]), (server, &json!(own)));
        }
        let header = desk.world.last().outgoing.headers;
        assert!(header.contains(&("mcp-name".to_owned(), own.to_owned())), "{header:?}");
    }
}

#[tokio::test]
async fn what_is_no_address_here_is_no_resource() {
    let desk = desk(RefusingPath(RefusalCode::Unknown)).await;
    for uri in
        ["file:///a", "prokura.nowhere+file:///a", "prokura.hidden+a", "prokura.git+ui://x", ""]
    {
        let [one, other] = both(&desk, "resources/read", json!({"uri": uri})).await;
        assert_eq!(one["error"]["code"], -32002, "{uri}");
        assert_eq!(other["error"]["code"], -32602, "{uri}");
        assert_eq!(one["error"]["message"], format!("Resource not found: {uri}"));
    }
    let denied = both(&desk, "resources/read", json!({"uri": "prokura.git+file:///a"})).await;
    assert_eq!(denied[0]["error"]["message"], "Resource not found: prokura.git+file:///a");
    assert!(desk.world.methods().iter().filter(|method| *method == "resources/read").count() == 2);
}

#[tokio::test]
async fn what_tools_and_prompts_point_to_can_be_read() {
    let desk = desk(alike()).await;
    for listed in both(&desk, "tools/list", json!({})).await {
        let tool = &listed["result"]["tools"][1];
        assert_eq!(tool["_meta"]["ui"]["resourceUri"], "ui://prokura.git+page");
        assert!(tool["_meta"].to_string().contains("1.0"));
    }
    let call = json!({"name": "git__show", "arguments": {"uri": "prokura.git+file:///a", "n": 1}});
    for called in both(&desk, "tools/call", call).await {
        assert_eq!(called["result"]["content"][0]["uri"], "prokura.git+file:///a");
        assert_eq!(called["result"]["structuredContent"]["uri"], "file:///a");
        assert_eq!(arrived(&desk).1["arguments"], json!({"uri": "file:///a", "n": 1}));
    }
    for got in both(&desk, "prompts/get", json!({"name": "files__p", "arguments": {}})).await {
        let uri = &got["result"]["messages"][0]["content"]["resource"]["uri"];
        assert_eq!(*uri, "prokura.files+file:///a");
        let (to, params) = arrived(&desk);
        assert_eq!((to.as_str(), &params["name"]), ("srv_files", &json!("p")));
    }
}

#[tokio::test]
async fn what_can_be_filled_in_is_asked_of_the_right_server() {
    let desk = desk(alike()).await;
    for (reference, server, own) in [
        (
            json!({"type": "ref/prompt", "name": "git__p"}),
            "srv_git",
            json!({"type": "ref/prompt", "name": "p"}),
        ),
        (
            json!({"type": "ref/resource", "uri": "prokura.files+file:///{path}"}),
            "srv_files",
            json!({"type": "ref/resource", "uri": "file:///{path}"}),
        ),
    ] {
        let params = json!({"ref": reference, "argument": {"name": "path", "value": "a"}});
        for told in both(&desk, "completion/complete", params).await {
            assert_eq!(told["result"]["completion"]["values"], json!(["file:///a"]));
            let (to, params) = arrived(&desk);
            assert_eq!((to.as_str(), &params["ref"]), (server, &own));
        }
    }
    let params = json!({"ref": {"type": "ref/prompt", "name": "nowhere__p"}, "argument": {"name": "a", "value": ""}});
    for told in both(&desk, "completion/complete", params).await {
        assert_eq!(told["error"]["code"], -32602);
    }
}

#[tokio::test]
async fn an_answer_that_streams_has_addresses_and_nothing_of_other_requests() {
    // P-15
    let desk = desk(ScriptedPath::new(|_, inbound: &Inbound| {
        (said(inbound) == "resources/read").then(|| {
            let read = result(&id_of(inbound), r#"{"contents":[{"uri":"file:///a","n":0.10}]}"#);
            let progress = |token: &str| {
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#)
            };
            let updated = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///other"}}"#;
            let text = format!(
                "data: {}\n\ndata: {}\n\ndata: {updated}\n\ndata: {read}\n\n",
                progress("1"), progress("\"mine\"")
            );
            Ok(events(vec![Ok(Bytes::from(text))]))
        })
    }))
    .await;
    let session = desk.session("/mcp").await;
    let params = json!({"uri": "prokura.git+file:///a", "_meta": {"progressToken": "mine"}});
    let message = legacy(7, "resources/read", params);
    let mut alone = modern(7, "resources/read", json!({"uri": "prokura.git+file:///a"}));
    alone["params"]["_meta"]["progressToken"] = json!("mine");
    let one = desk.in_session("/mcp", &session, &message).send().await.unwrap();
    let other = desk.modern("/mcp", &alone).send().await.unwrap();
    for answer in [one, other] {
        let text = answer.text().await.unwrap();
        let told = messages(&text);
        assert_eq!(told.len(), 2, "{text}");
        assert_eq!(told[0]["params"]["progressToken"], "mine");
        assert_eq!(told[1]["result"]["contents"][0]["uri"], "prokura.git+file:///a");
        assert!(text.contains("0.10"));
    }
}

#[tokio::test]
async fn a_refusal_says_why_under_the_address_that_was_used() {
    let desk = desk(ScriptedPath::new(|_, inbound: &Inbound| {
        let denied = Refusal::new(RefusalCode::Denied, "Refused by Prokura. Not at night.");
        (said(inbound) == "resources/read").then_some(Err(denied))
    }))
    .await;
    for told in both(&desk, "resources/read", json!({"uri": "prokura.git+file:///a"})).await {
        assert_eq!(told["error"]["message"], "Refused by Prokura. Not at night.");
    }
}
