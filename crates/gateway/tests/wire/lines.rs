//! Agents that speak line by line, as on stdio, over a pair of pipes in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{pending, ready};
use prokura_delegation::{Refusal, RefusalCode, Reply};
use prokura_domain::{Agent, AgentState, Timestamp};
use prokura_gateway::{Gateway, LinePlan};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::desk::{PACE, hello, legacy, modern};
use crate::paths::{
    Act, Counting, EchoPath, GlassSealer, HangingPath, ScriptedPath, Stage, World, agent_a, events,
    json_reply, reaches, said,
};

struct Line {
    world: Arc<World>,
    say: DuplexStream,
    hear: Lines<BufReader<DuplexStream>>,
    served: JoinHandle<()>,
}

fn admitted() -> Agent {
    Agent {
        id: agent_a(),
        name: "a".to_owned(),
        state: AgentState::Active,
        key: None,
        claim: None,
        added_at: Timestamp(0),
        seen_at: None,
    }
}

fn line_of(
    act: impl Act,
    place: Option<&str>,
    patience: u64,
    admission: impl Future<Output = Result<Agent, Refusal>> + Send + 'static,
) -> Line {
    let stage = Stage::set(act);
    let world = Arc::clone(&stage.world);
    let entropy = Arc::new(Counting(AtomicU64::new(1)));
    let router = Gateway::router_at_pace(stage, (entropy, Arc::new(GlassSealer)), 1, PACE);
    let (say, read) = tokio::io::duplex(64 * 1024);
    let (write, hear) = tokio::io::duplex(64 * 1024);
    let plan =
        LinePlan { place: place.map(str::to_owned), patience: Duration::from_millis(patience) };
    let stop = CancellationToken::new();
    let ends = (pending(), stop);
    let served = tokio::spawn(Gateway::lines(router, plan, admission, (read, write), ends));
    Line { world, say, hear: BufReader::new(hear).lines(), served }
}

fn line(act: impl Act, place: Option<&str>) -> Line {
    line_of(act, place, 10_000, ready(Ok(admitted())))
}

impl Line {
    async fn say(&mut self, message: &Value) {
        self.say.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let next = tokio::time::timeout(Duration::from_secs(10), self.hear.next_line()).await;
        serde_json::from_str(&next.expect("it comes in time").unwrap().expect("a line")).unwrap()
    }

    async fn greet(&mut self) {
        self.say(&hello()).await;
        assert_eq!(self.hear().await["result"]["protocolVersion"], "2025-11-25");
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    }

    /// Ends standard input; everything ends by that.
    async fn leave(self) -> Arc<World> {
        drop(self.say);
        tokio::time::timeout(Duration::from_secs(10), self.served).await.unwrap().unwrap();
        self.world
    }
}

fn cancel(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

#[tokio::test]
async fn a_legacy_agent_has_a_session_that_ends_when_it_leaves() {
    // ST-14, SL-02
    let mut line = line(EchoPath, Some("files"));
    line.greet().await;
    line.say(&legacy(1, "tools/call", json!({"name": "x"}))).await;
    let answer = line.hear().await;
    assert_eq!((&answer["id"], &answer["result"]["echo"]), (&json!(1), &json!("tools/call")));
    let world = line.leave().await;
    let methods = world.methods();
    assert_eq!(methods.first().map(String::as_str), Some("initialize"));
    assert_eq!(methods.last().map(String::as_str), Some("end"));
    assert!(world.seen.lock().unwrap().iter().all(|seen| seen.agent == agent_a()));
}

#[tokio::test]
async fn a_modern_agent_needs_no_headers_and_no_handshake() {
    // P-14
    let mut line = line(EchoPath, Some("files"));
    line.say(&modern(7, "tools/call", json!({"name": "grüße"}))).await;
    let answer = line.hear().await;
    assert_eq!((&answer["id"], &answer["result"]["echo"]), (&json!(7), &json!("tools/call")));
    let seen = line.world.last();
    let header = |name: &str| {
        let found = seen.outgoing.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(header("mcp-protocol-version").as_deref(), Some("2026-07-28"));
    assert_eq!(header("mcp-method").as_deref(), Some("tools/call"));
    assert_eq!(header("mcp-name").as_deref(), Some("=?base64?Z3LDvMOfZQ==?="));
    // The server is asked first which eras it speaks.
    assert_eq!(line.leave().await.methods(), ["server/discover", "tools/call"]);
}

#[tokio::test]
async fn a_cancelled_request_stops_its_work_in_either_era() {
    // CT-10, ST-07
    let mut line = line(HangingPath::new(), Some("files"));
    line.say(&modern(1, "tools/call", json!({"name": "x"}))).await;
    reaches(&line.world.arrived, 1).await;
    line.say(&cancel(1)).await;
    reaches(&line.world.dropped, 1).await;
    line.leave().await;

    let mut line = self::line(HangingPath::new(), Some("files"));
    line.greet().await;
    line.say(&legacy(5, "tools/call", json!({"name": "x"}))).await;
    let mut arrived = line.world.arrived.subscribe();
    while !line.world.methods().contains(&"tools/call".to_owned()) {
        arrived.changed().await.unwrap();
    }
    line.say(&cancel(5)).await;
    reaches(&line.world.dropped, 1).await;
    line.leave().await;
}

#[tokio::test]
async fn events_and_pretty_answers_become_single_lines_in_their_order() {
    let script = |_: usize, inbound: &prokura_delegation::Inbound| {
        let event = |text: &str| Ok(bytes::Bytes::from(format!("data: {text}\n\n")));
        let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
        match said(inbound).as_str() {
            "tools/call" => Some(Ok(events(vec![
                Ok(bytes::Bytes::from(": still here\n\n")),
                event(progress),
                event(r#"{"jsonrpc":"2.0","id":1,"result":{"done":true}}"#),
            ]))),
            "ping" => Some(Ok(json_reply(
                200,
                "{\r\n  \"jsonrpc\": \"2.0\", \"id\": 2,\n \"result\": {}\n}",
            ))),
            _ => None,
        }
    };
    let mut line = line(ScriptedPath::new(script), Some("files"));
    line.greet().await;
    line.say(&legacy(1, "tools/call", json!({"name": "x"}))).await;
    assert_eq!(line.hear().await["method"], "notifications/progress");
    assert_eq!(line.hear().await["result"]["done"], true);
    line.say(&legacy(2, "ping", json!({}))).await;
    assert_eq!(line.hear().await["id"], 2);
    line.leave().await;
}

#[tokio::test]
async fn a_session_that_the_server_lost_is_begun_anew_unseen() {
    let lost = AtomicBool::new(false);
    let script =
        move |_: usize, inbound: &prokura_delegation::Inbound| -> Option<Result<Reply, Refusal>> {
            let first = said(inbound) == "tools/call" && !lost.swap(true, Ordering::SeqCst);
            first.then(|| Ok(json_reply(404, "{\"error\":\"no such session\"}")))
        };
    let mut line = line(ScriptedPath::new(script), Some("files"));
    line.greet().await;
    line.say(&legacy(1, "tools/call", json!({"name": "x"}))).await;
    let answer = line.hear().await;
    assert_eq!((&answer["id"], &answer["result"]), (&json!(1), &json!({})));
    let methods = line.leave().await.methods();
    assert_eq!(methods.iter().filter(|method| *method == "initialize").count(), 2, "{methods:?}");
}

#[tokio::test]
async fn what_cannot_be_read_or_found_is_answered_and_the_conversation_goes_on() {
    let mut line = line(EchoPath, Some("nobody"));
    line.say.write_all(b"this is not JSON\n[]\n").await.unwrap();
    assert_eq!(line.hear().await["error"]["code"], -32700);
    assert_eq!(line.hear().await["error"]["code"], -32600);
    line.say(&hello()).await;
    let answer = line.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(0), &json!(40_400)));
    line.leave().await;
}

#[tokio::test]
async fn who_was_not_let_in_is_told_so_and_nothing_of_it_goes_on() {
    let refused = Refusal::new(RefusalCode::DeniedByPerson, "The person did not let you in.");
    let mut line = line_of(EchoPath, None, 10_000, ready(Err(refused)));
    line.say(&hello()).await;
    let answer = line.hear().await;
    assert_eq!(answer["error"]["code"], 40_302);
    assert_eq!(answer["error"]["message"], "The person did not let you in.");
    assert_eq!(line.leave().await.count(), 0);
}

#[tokio::test]
async fn while_the_person_considers_the_agent_is_told_before_it_gives_up() {
    let mut line = line_of(EchoPath, None, 50, pending());
    line.say(&hello()).await;
    let answer = line.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(0), &json!(40_102)));
    line.say(&legacy(1, "tools/list", json!({}))).await;
    assert_eq!(line.hear().await["error"]["code"], 40_102);
    assert_eq!(line.leave().await.count(), 0);
}

#[tokio::test]
async fn a_revoked_agent_gets_nothing_more_over_its_open_line() {
    let mut line = line(EchoPath, Some("files"));
    line.say(&modern(1, "tools/call", json!({"name": "x"}))).await;
    assert_eq!(line.hear().await["id"], 1);
    line.world.revoke(&agent_a());
    line.say(&modern(2, "tools/call", json!({"name": "x"}))).await;
    let answer = line.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(2), &json!(40_304)));
    assert_eq!(line.leave().await.methods(), ["server/discover", "tools/call"]);
}
