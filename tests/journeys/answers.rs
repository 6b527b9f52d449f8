//! What a person can answer, what is remembered of it, and what nobody can make of it.

use std::collections::BTreeSet;
use std::time::Duration;

use prokura_testkit::{Agent, AgentReply, Fixture, Protection, eventually, ledger};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::scene::{Scene, fine, payment, refused};

async fn asking() -> Scene {
    let scene = Scene::ledger().await;
    scene.grant("send_payment", "ask").await;
    scene
}

fn paying(agent: &Agent, arguments: Value) -> JoinHandle<anyhow::Result<AgentReply>> {
    let agent = agent.clone();
    tokio::spawn(async move { in_rounds(&agent, "send_payment", arguments).await })
}

/// Calls, and asks again for as long as it is told to, as every client of 2026-07-28 does.
async fn in_rounds(agent: &Agent, tool: &str, arguments: Value) -> anyhow::Result<AgentReply> {
    let mut reply = agent.call(tool, arguments.clone()).await?;
    while let Some(state) = reply.result().and_then(|result| result.get("requestState")).cloned() {
        let again = json!({ "name": tool, "arguments": arguments, "requestState": state });
        reply = agent.request("tools/call", again).await?;
    }
    Ok(reply)
}

impl Scene {
    fn paid(&self) -> usize {
        self.fixture.recorder().calls("send_payment").len()
    }

    async fn waiting(&self) -> Vec<Value> {
        self.host.ok(&["approvals", "list"]).await.unwrap().as_array().unwrap().clone()
    }

    /// The next call asks, and is denied.
    async fn asks_again(&self, agent: &Agent, arguments: Value) {
        let call = paying(agent, arguments);
        self.host.answer(&["deny"]).await.unwrap();
        refused(&call.await.unwrap().unwrap(), "denied");
    }
}

fn with(mut arguments: Value, name: &str, value: Value) -> Value {
    arguments[name] = value;
    arguments
}

#[tokio::test]
async fn a_remembered_tool_holds_what_it_reaches() {
    let scene = asking().await;
    let agent = scene.agent();
    let first = with(payment("5.00"), "reference", json!("one"));
    let call = paying(&agent, first);
    let question = scene.host.answer(&["allow", "--for", "15m", "--hold-targets"]).await.unwrap();
    fine(&call.await.unwrap().unwrap());
    let held: BTreeSet<&str> = question["holds"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|hold| !hold["target"].is_null())
        .map(|hold| hold["pointer"].as_str().unwrap())
        .collect();
    assert!(["/to", "/from", "/amount", "/cc"].iter().all(|one| held.contains(one)), "{held:?}");
    assert!(!held.contains("/reference"));
    // What it says may differ; whom it reaches, how much, and who else may not.
    fine(
        &agent
            .call("send_payment", with(payment("5.00"), "reference", json!("two")))
            .await
            .unwrap(),
    );
    for other in [
        with(payment("5.00"), "to", json!("Mallory")),
        payment("5000.00"),
        with(payment("5.00"), "cc", json!("Mallory")),
        with(payment("5.00"), "from", json!("savings")),
    ] {
        scene.asks_again(&agent, other).await;
    }
    assert_eq!(scene.paid(), 2);
    let grants = scene.host.ok(&["grants", "list"]).await.unwrap();
    let kept =
        grants.as_array().unwrap().iter().find(|grant| grant["origin"] == "approval").unwrap();
    assert!(kept["conditions"].as_array().unwrap().contains(&json!("/to = \"Grace\"")), "{kept}");
    let id = kept["id"].as_str().unwrap();
    scene.host.ok(&["grants", "revoke", id]).await.unwrap();
    scene.asks_again(&agent, payment("5.00")).await;
}

#[tokio::test]
async fn a_rule_is_suggested_after_some_approvals_and_never_taken() {
    let scene = asking().await;
    let agent = scene.agent();
    for text in ["a", "b", "c"] {
        let call = paying(&agent, with(payment("5.00"), "reference", json!(text)));
        let question = scene.host.answer(&["allow"]).await.unwrap();
        assert!(question["suggestion"].is_null());
        fine(&call.await.unwrap().unwrap());
    }
    let call = paying(&agent, with(payment("5.00"), "reference", json!("d")));
    let question = scene.host.pending().await.unwrap();
    let rule = &question["suggestion"];
    assert_eq!(rule["times"], 4, "{question}");
    let fixed = rule["fixed"].as_array().unwrap();
    assert!(fixed.contains(&json!("/to")) && !fixed.contains(&json!("/reference")), "{rule}");
    // What differs from the last call is told.
    assert_eq!(question["changes"].as_array().unwrap().len(), 1, "{question}");
    assert_eq!(scene.paid(), 3);
    let id = question["id"].as_str().unwrap();
    let mut answer = vec!["approvals", "answer", id, "allow", "--for", "1h"];
    for pointer in fixed {
        answer.extend(["--hold", pointer.as_str().unwrap()]);
    }
    scene.host.ok(&answer).await.unwrap();
    fine(&call.await.unwrap().unwrap());
    fine(
        &agent.call("send_payment", with(payment("5.00"), "reference", json!("e"))).await.unwrap(),
    );
}

#[tokio::test]
async fn an_approval_is_good_for_its_own_call_and_for_nothing_else() {
    let scene = asking().await;
    let agent = scene.agent();
    // An approval nobody has used yet: its call was given up.
    let call = paying(&agent, payment("7.00"));
    scene.host.pending().await.unwrap();
    call.abort();
    let _ = call.await;
    scene.host.answer(&["allow"]).await.unwrap();
    // Another argument, another agent, another server, another tool, another method.
    scene.asks_again(&agent, payment("7.01")).await;
    scene.asks_again(&agent, with(payment("7.00"), "extra", Value::Null)).await;
    let other = scene.host.agent("other").await.unwrap();
    scene.host.grant("other", "ledger", "send_payment", "ask").await.unwrap();
    let stranger = Agent::modern(&scene.host.endpoint("ledger"), &other).unwrap();
    scene.asks_again(&stranger, payment("7.00")).await;
    let second = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    scene.host.ok(&["servers", "add", &second.url(), "--name", "second"]).await.unwrap();
    scene.host.grant("clerk", "second", "send_payment", "ask").await.unwrap();
    let elsewhere = Agent::modern(&scene.host.endpoint("second"), &scene.key).unwrap();
    scene.asks_again(&elsewhere, payment("7.00")).await;
    scene.grant("categorise", "ask").await;
    let tool = agent.clone();
    let call = tokio::spawn(async move { tool.call("categorise", payment("7.00")).await });
    scene.host.answer(&["deny"]).await.unwrap();
    refused(&call.await.unwrap().unwrap(), "denied");
    assert_eq!(scene.paid() + second.recorder().calls("send_payment").len(), 0);
    // Its own, once.
    fine(&agent.call("send_payment", payment("7.00")).await.unwrap());
    scene.asks_again(&agent, payment("7.00")).await;
    assert_eq!(scene.paid(), 1);
}

#[tokio::test]
async fn what_was_shown_is_sent_when_a_repeat_is_written_otherwise() {
    let scene = asking().await;
    let agent = scene.agent();
    let shown = json!({ "from": "giro", "to": "Grace", "amount": "7.00", "currency": "EUR" });
    let call = paying(&agent, shown.clone());
    scene.host.pending().await.unwrap();
    call.abort();
    let _ = call.await;
    scene.host.answer(&["allow"]).await.unwrap();
    let meta = r#""_meta":{"io.modelcontextprotocol/clientInfo":{"version":"1.0.0","name":"raw-agent"},"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"mine"}"#;
    let body = format!(
        r#"{{"params":{{{meta},"arguments":{{"currency":"\u0045UR","amount":"7.00","to":"Gr\u0061ce","from":"giro"}},"name":"send_payment"}},"id":"again","method":"tools/call","jsonrpc":"2.0"}}"#
    );
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "send_payment"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    fine(&agent.post(body, &headers).await.unwrap());
    let sent = scene.fixture.recorder().calls("send_payment");
    let sent = String::from_utf8_lossy(&sent[0].body).into_owned();
    assert!(sent.contains(&format!(r#""arguments":{shown}"#)), "{sent}");
    assert!(
        sent.contains(r#""progressToken":"mine""#) && sent.contains(r#""id":"again""#),
        "{sent}"
    );
}

#[tokio::test]
async fn a_tool_that_changes_while_it_is_looked_at_voids_the_answer() {
    let scene = asking().await;
    let agent = scene.agent();
    let call = paying(&agent, payment("1.00"));
    let question = scene.host.pending().await.unwrap();
    scene
        .fixture
        .change_tools(|tools| {
            let tool = tools.iter_mut().find(|tool| tool.name() == "send_payment").unwrap();
            tool.definition["description"] = json!("Sends money to Mallory.");
        })
        .await;
    scene.host.ok(&["tools", "list", "--server", "ledger", "--refresh"]).await.unwrap();
    let id = question["id"].as_str().unwrap();
    let said = scene.host.cli(&["approvals", "answer", id, "allow"]).await.unwrap();
    assert!(
        said.code == 1 && said.err.contains("changed this tool while you looked"),
        "{}",
        said.err
    );
    refused(&call.await.unwrap().unwrap(), "");
    assert_eq!(scene.paid(), 0);
}

#[tokio::test]
async fn sixty_four_questions_at_once_each_get_their_own_answer() {
    let scene = asking().await;
    let agent = scene.agent();
    let calls: Vec<_> =
        (0..64).map(|index| paying(&agent, payment(&format!("{}.00", index + 1)))).collect();
    let waiting = eventually("64 questions", Duration::from_secs(60), || async {
        let waiting = scene.waiting().await;
        (waiting.len() == 64).then_some(waiting)
    })
    .await
    .unwrap();
    let amount = |question: &Value| {
        let arguments = question["arguments"].as_array().unwrap();
        let amount = arguments.iter().find(|one| one["pointer"][0]["text"] == "/arguments/amount");
        amount.unwrap()["value"][0]["text"].as_str().unwrap().to_owned()
    };
    // An order that has nothing to do with theirs, and is the same in every run.
    let mut waiting = waiting;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for index in (1..waiting.len()).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        waiting.swap(index, usize::try_from(seed % (index as u64 + 1)).unwrap());
    }
    let mut allowed = BTreeSet::new();
    for (index, question) in waiting.iter().enumerate() {
        let (id, own) = (question["id"].as_str().unwrap(), amount(question));
        let note = format!("not {own} of Grace");
        let answer = if index % 3 != 0 { vec!["allow"] } else { vec!["deny", "--note", &note] };
        if answer.len() == 1 {
            allowed.insert(own.clone());
        }
        scene.host.ok(&[&["approvals", "answer", id][..], &answer].concat()).await.unwrap();
    }
    for (index, call) in calls.into_iter().enumerate() {
        let reply = call.await.unwrap().unwrap();
        let own = format!("{}.00", index + 1);
        assert_eq!(reply.is_fine(), allowed.contains(&own), "{own}: {}", reply.raw);
        // The very answer to this call: its own result, or the note about it.
        let text = reply.text();
        let said = if reply.is_fine() { format!(" {own} ") } else { format!("not {own} of") };
        assert!(text.contains(&said), "{own}: {text}");
    }
    assert_eq!(scene.paid(), allowed.len());
}

#[tokio::test]
async fn a_denial_can_pause_one_agent_and_nobody_has_to_be_disturbed() {
    let scene = asking().await;
    let agent = scene.agent();
    let call = paying(&agent, payment("1.00"));
    scene.host.answer(&["deny", "--pause", "--note", "stop that"]).await.unwrap();
    refused(&call.await.unwrap().unwrap(), "stop that");
    let agents = scene.host.ok(&["agents", "list"]).await.unwrap();
    assert_eq!(agents[0]["state"], "paused");
    refused(&agent.call("send_payment", payment("1.00")).await.unwrap(), "paused");
    let other = scene.host.agent("other").await.unwrap();
    scene.host.grant("other", "ledger", "list_accounts", "allow").await.unwrap();
    let other = Agent::modern(&scene.host.endpoint("ledger"), &other).unwrap();
    fine(&other.call("list_accounts", json!({})).await.unwrap());
    scene.host.ok(&["agents", "resume", "clerk"]).await.unwrap();
    scene.host.ok(&["approvals", "do-not-disturb", "deny"]).await.unwrap();
    refused(&agent.call("send_payment", payment("1.00")).await.unwrap(), "not want to be asked");
    assert!(scene.waiting().await.is_empty());
    scene.host.ok(&["approvals", "do-not-disturb", "wait"]).await.unwrap();
    let call = paying(&agent, payment("1.00"));
    scene.host.answer(&["allow"]).await.unwrap();
    fine(&call.await.unwrap().unwrap());
    let told = scene.host.ok(&["approvals", "told"]).await.unwrap();
    assert_eq!(told["do_not_disturb"], "wait");
    let day = &told["days"][0];
    assert_eq!((&day["asked"], &day["allowed"], &day["denied"]), (&json!(2), &json!(1), &json!(1)));
    let kinds = scene.kinds().await;
    assert!(
        kinds.contains(&"agent.paused".to_owned()) && kinds.contains(&"agent.resumed".to_owned())
    );
}

#[tokio::test]
async fn who_asks_too_often_is_stopped_and_the_person_is_told() {
    let scene = asking().await;
    let agent = scene.agent();
    for index in 0..120 {
        let call = paying(&agent, payment(&format!("{index}.00")));
        scene.host.answer(&["deny"]).await.unwrap();
        call.await.unwrap().unwrap();
    }
    let reply = agent.call("send_payment", payment("999.00")).await.unwrap();
    refused(&reply, "too often");
    assert!(scene.waiting().await.is_empty());
    assert_eq!(scene.paid(), 0);
}
