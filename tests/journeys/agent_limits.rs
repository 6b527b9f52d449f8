//! How much one agent may take: at once, in a minute, in one message and in one answer. SB-19, ST-15.

use prokura_testkit::{Agent, AgentReply, Parrot, TestHost};
use serde_json::{Value, json};

use crate::scene::fine;

const TOOLS: &str = r#"[{"name":"talk","inputSchema":{"type":"object"}}]"#;

struct Scene {
    host: TestHost,
    parrot: Parrot,
    agent: Agent,
    other: Agent,
}

async fn scene() -> Scene {
    let parrot = Parrot::start(TOOLS).await.unwrap();
    parrot.say(r#""result":{"resultType":"complete","content":[]}"#, &[]);
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &parrot.url(), "--name", "parrot"]).await.unwrap();
    let mut agents = Vec::new();
    for name in ["clerk", "other"] {
        let key = host.agent(name).await.unwrap();
        host.grant(name, "parrot", "talk", "allow").await.unwrap();
        agents.push(Agent::modern(&host.endpoint("parrot"), &key).unwrap());
    }
    let other = agents.pop().unwrap();
    let agent = agents.pop().unwrap();
    agent.tools().await.unwrap();
    Scene { host, parrot, agent, other }
}

impl Scene {
    async fn limit(&self, words: &[&str]) -> Value {
        let all: Vec<&str> = ["agents", "limits", "clerk"].iter().chain(words).copied().collect();
        self.host.ok(&all).await.unwrap()
    }
}

#[track_caller]
fn away(reply: &AgentReply, status: u16, code: i64, words: &str) {
    let error = reply.error().unwrap_or_else(|| panic!("it was carried: {}", reply.raw));
    assert_eq!((reply.status, &error["code"]), (status, &json!(code)), "{}", reply.raw);
    let said = error["message"].as_str().unwrap();
    assert!(said.contains(words) && said.contains("prokura agents limits"), "{said}");
}

#[tokio::test]
async fn an_agent_that_comes_too_often_is_told_when_to_come_again_and_others_go_on() {
    let scene = scene().await;
    let set = scene.limit(&["--per-minute", "6"]).await;
    assert_eq!(
        (&set["limits"]["per_minute"], &set["limits"]["under_way"]),
        (&json!(6), &json!(64))
    );
    assert_eq!(scene.limit(&[]).await["per_minute"], 6);
    let mut refused = None;
    for _ in 0..7 {
        let reply = scene.agent.call("talk", json!({})).await.unwrap();
        if !reply.is_fine() {
            refused = Some(reply);
        }
    }
    let refused = refused.expect("every message went through");
    away(&refused, 429, 42_900, "6 messages in a minute");
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&after), "{after}");
    assert_eq!(refused.error().unwrap()["data"]["retryAfterSeconds"], after);
    assert!(refused.answer().unwrap()["id"].is_number(), "{}", refused.raw);
    fine(&scene.other.call("talk", json!({})).await.unwrap());
    scene.limit(&["--per-minute", "0"]).await;
    fine(&scene.agent.call("talk", json!({})).await.unwrap());
    let refusals = scene.host.audit().await.unwrap();
    let told = refusals.iter().any(|record| {
        record["kind"] == "setting.changed" && record["detail"]["setting"] == "limits"
    });
    assert!(told, "the change is not in the log");
}

#[tokio::test]
async fn an_agent_has_so_much_under_way_and_a_limit_outlives_a_restart() {
    let mut scene = scene().await;
    scene.limit(&["--at-once", "1"]).await;
    scene.host.restart().await.unwrap();
    scene.host.grant("clerk", "parrot", "talk", "ask").await.unwrap();
    let host = &scene.host;
    let meanwhile = async {
        host.pending().await.unwrap();
        let second = scene.agent.call("talk", json!({ "a": 1 })).await.unwrap();
        away(&second, 429, 42_900, "1 messages under way");
        host.answer(&["deny"]).await.unwrap();
    };
    let (first, ()) = tokio::join!(scene.agent.call("talk", json!({})), meanwhile);
    assert!(!first.unwrap().is_fine());
    let reset = scene.limit(&["--reset"]).await;
    assert_eq!(reset["limits"]["under_way"], 64);
    let wrong = scene.host.cli(&["agents", "limits", "clerk", "--at-once", "0"]).await.unwrap();
    assert!(wrong.code != 0 && wrong.err.contains("At least 1"), "{}", wrong.err);
}

#[tokio::test]
async fn a_message_and_an_answer_are_as_large_as_the_agent_may_have_them() {
    let scene = scene().await;
    scene.limit(&["--message", "8", "--answer", "64"]).await;
    let large = json!({ "text": "x".repeat(9 * 1024) });
    away(&scene.agent.call("talk", large.clone()).await.unwrap(), 413, 41_300, "8192 bytes");
    fine(&scene.other.call("talk", large).await.unwrap());
    let long = "y".repeat(40 * 1024);
    let answer = |length: usize| {
        let text = "z".repeat(length);
        format!(
            r#""result":{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}]}}"#
        )
    };
    let note = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":1,"progress":1,"message":"{long}"}}}}"#
    );
    scene.parrot.say(&answer(40 * 1024), &[]);
    fine(&scene.agent.call("talk", json!({})).await.unwrap());
    // Too large at once, and too large all together.
    for (length, before) in [(80 * 1024, vec![]), (40 * 1024, vec![note.as_str()])] {
        scene.parrot.say(&answer(length), &before);
        let reply = scene.agent.call("talk", json!({})).await.unwrap();
        assert!(
            !reply.is_fine() && reply.raw.contains("larger than this agent may be given"),
            "{}",
            reply.raw
        );
        let records = scene.host.audit().await.unwrap();
        let outcome = records.iter().find(|record| record["kind"] == "call.outcome").unwrap();
        assert_eq!(outcome["detail"]["result"], "too_large", "{outcome}");
        fine(&scene.other.call("talk", json!({})).await.unwrap());
    }
}
