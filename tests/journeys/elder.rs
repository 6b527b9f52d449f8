//! Servers that have only the transport of 2024-11-05, made with the official SDK. CT-13, V-03.

use std::time::Duration;

use prokura_testkit::{Agent, TestHost, eventually};
use prokura_tests::lines::Program;
use prokura_tests::sdk::outcome;
use prokura_tests::{Sdk, SdkAgent, tools};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::scene::fine;

/// A running elder, and its port.
async fn elder(port: u16) -> (Program, u16) {
    let mut command = Command::new(tools::node().unwrap());
    command.arg(tools::node_folder().join("elder.mjs")).arg(port.to_string());
    let mut program = Program::start("the elder", command).unwrap();
    let said = program.line().await.unwrap();
    (program, u16::try_from(said["port"].as_u64().unwrap()).unwrap())
}

async fn host(url: &str) -> (TestHost, String) {
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", url, "--name", "elder"]).await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "elder", "*", "allow").await.unwrap();
    (host, key)
}

/// How many streams are open there.
async fn open(port: u16) -> usize {
    let said = reqwest::get(format!("http://127.0.0.1:{port}/open")).await.unwrap();
    said.text().await.unwrap().parse().unwrap()
}

#[tokio::test]
async fn agents_of_every_era_use_a_server_of_the_first_transport() {
    let (_elder, port) = elder(0).await;
    let (host, key) = host(&format!("http://127.0.0.1:{port}/sse")).await;
    for (sdk, era) in [
        (Sdk::TypeScript, "2026-07-28"),
        (Sdk::TypeScript, "legacy"),
        (Sdk::Python, "2026-07-28"),
        (Sdk::Python, "legacy"),
    ] {
        let mut agent = SdkAgent::start(sdk, None).unwrap();
        let options = json!({
            "url": host.endpoint("elder"), "key": key, "era": era,
            "capabilities": { "elicitation": {} }, "answer": { "word": "now" },
        });
        agent.join(options).await.unwrap();
        assert_eq!(agent.tools().await.unwrap(), ["echo", "ask", "steps"], "{sdk:?} {era}");
        let echoed = agent.call("echo", json!({ "text": "grüezi" })).await;
        assert_eq!(outcome(&echoed), (true, "grüezi".to_owned()), "{sdk:?} {era}");
        if matches!(sdk, Sdk::TypeScript) {
            let asked = agent.call("ask", json!({})).await;
            assert_eq!(outcome(&asked), (true, "accept now".to_owned()), "{sdk:?} {era}");
        }
        let _closed = agent.ask("close", json!({})).await;
    }
    // Two at once in one session, each with its own answer; progress goes to the request it belongs to.
    let agent = Agent::legacy(&host.endpoint("elder"), &key).await.unwrap();
    let call = |text: &str| json!({ "name": "steps", "arguments": { "text": text }, "_meta": { "progressToken": text } });
    let (one, two) = tokio::join!(
        agent.request("tools/call", call("one")),
        agent.request("tools/call", call("two"))
    );
    for (reply, text) in [(one.unwrap(), "one"), (two.unwrap(), "two")] {
        fine(&reply);
        assert_eq!(reply.text(), text);
        let tokens =
            reply.messages.iter().filter_map(|message| message["params"]["progressToken"].as_str());
        assert_eq!(tokens.collect::<Vec<_>>(), [text; 3], "{}", reply.raw);
    }
    // It is governed like every other: without a grant there is nothing, and every call is in the log.
    let other = host.agent("other").await.unwrap();
    let other = Agent::modern(&host.endpoint("elder"), &other).unwrap();
    assert!(other.tools().await.unwrap().is_empty());
    let records = host.audit().await.unwrap();
    let count = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
    assert_eq!(count("call.intent"), count("call.outcome"));
    assert!(count("call.intent") >= 10, "{}", count("call.intent"));
    // A session that ends takes its stream with it.
    let before = open(port).await;
    agent.end().await.unwrap();
    eventually("the end of its stream", Duration::from_secs(10), || async {
        (open(port).await < before).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_stream_that_breaks_is_begun_anew() {
    let (first, port) = elder(0).await;
    let (host, key) = host(&format!("http://127.0.0.1:{port}/sse")).await;
    let modern = Agent::modern(&host.endpoint("elder"), &key).unwrap();
    let legacy = Agent::legacy(&host.endpoint("elder"), &key).await.unwrap();
    fine(&modern.call("echo", json!({ "text": "a" })).await.unwrap());
    fine(&legacy.call("echo", json!({ "text": "a" })).await.unwrap());
    drop(first);
    let (_second, _) = eventually("the port again", Duration::from_secs(20), || async {
        let free = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.is_ok();
        if free { Some(elder(port).await) } else { None }
    })
    .await
    .unwrap();
    fine(&modern.call("echo", json!({ "text": "b" })).await.unwrap());
    // A legacy agent is told that its session is over, and begins another.
    let told = legacy.call("echo", json!({ "text": "b" })).await.unwrap();
    assert_eq!(told.status, 404, "{}", told.raw);
    let again = Agent::legacy(&host.endpoint("elder"), &key).await.unwrap();
    fine(&again.call("echo", json!({ "text": "c" })).await.unwrap());
}

/// A server that answers every GET with one event, and every POST with 405; gives what it heard.
async fn liar(event: String) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (listener, port) = prokura_testkit::loopback().await.unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut held = vec![0u8; 64 * 1024];
            let read = stream.read(&mut held).await.unwrap_or(0);
            let heard = String::from_utf8_lossy(&held[..read]).into_owned();
            let answer = match heard.starts_with("GET") {
                true => format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{event}"),
                false => "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
            };
            let _told = tell.send(heard);
            let _sent = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, told)
}

#[tokio::test]
async fn a_place_for_messages_elsewhere_is_refused_and_never_written_to() {
    let (elsewhere, mut heard) = liar(String::new()).await;
    for place in [
        format!("http://127.0.0.1:{elsewhere}/messages"),
        format!("//127.0.0.1:{elsewhere}/messages"),
        format!("http://localhost:{elsewhere}/"),
    ] {
        let (port, _own) = liar(format!("event: endpoint\ndata: {place}\n\n")).await;
        let host = TestHost::start().await.unwrap();
        let url = format!("http://127.0.0.1:{port}/sse");
        let refused = host.cli(&["servers", "add", &url, "--name", "liar"]).await.unwrap();
        assert!(
            refused.code != 0 && refused.err.contains("another place than its own"),
            "{}",
            refused.err
        );
    }
    assert!(heard.try_recv().is_err(), "something was sent elsewhere");
    // A stream that is none of these is left alone, and the server's own word is told.
    let (port, _own) = liar("event: message\ndata: {}\n\n".to_owned()).await;
    let host = TestHost::start().await.unwrap();
    let url = format!("http://127.0.0.1:{port}/sse");
    let told = host.cli(&["servers", "add", &url, "--name", "liar"]).await.unwrap();
    assert!(told.code != 0 && told.err.contains("405"), "{}", told.err);
}
