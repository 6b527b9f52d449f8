//! A person takes longer than an agent waits: the official clients with a time limit of five seconds (and, among the
//! slow tests, with their own), and every way in which a call outlives it. V-06, SB-07, SB-08, SB-17.

use std::time::{Duration, Instant};

use prokura_testkit::{Agent, eventually};
use prokura_tests::sdk::outcome;
use prokura_tests::tools::slow;
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

/// The limit of a client in these tests.
const LIMIT: u64 = 5000;

async fn asking() -> Scene {
    let scene = Scene::ledger().await;
    scene.grant("send_payment", "ask").await;
    scene
}

impl Scene {
    async fn sdk(&self, sdk: Sdk, era: &str) -> SdkAgent {
        SdkAgent::connect(sdk, &self.host.endpoint("ledger"), &self.key, era).await.unwrap()
    }

    fn payments(&self) -> usize {
        self.fixture.recorder().calls("send_payment").len()
    }

    /// Answers the question that waits once `time` is over.
    async fn answer_after(&self, time: Duration, answer: &[&str]) {
        let begun = Instant::now();
        self.host.pending().await.unwrap();
        eventually("the person's answer", time * 2, || async {
            (begun.elapsed() >= time).then_some(())
        })
        .await
        .unwrap();
        self.host.answer(answer).await.unwrap();
    }
}

fn limited(amount: &str) -> Value {
    json!({ "name": "send_payment", "arguments": payment(amount), "timeout": LIMIT })
}

/// Calls that run into the limit until that is known: twice, or once more on a machine that is busy.
async fn run_out(scene: &Scene, agent: &mut SdkAgent, amount: &str) {
    for _ in 0..5 {
        let agents = scene.host.ok(&["agents", "list"]).await.unwrap();
        if let Some(known) = agents[0]["gives_up_after"].as_f64() {
            assert!((3.0..9.0).contains(&known), "{known}");
            return;
        }
        let begun = Instant::now();
        let ended = agent.ask("call", limited(amount)).await;
        assert!(ended.is_err(), "{ended:?}");
        assert!(begun.elapsed() >= Duration::from_millis(LIMIT - 200), "{:?}", begun.elapsed());
        assert_eq!(scene.payments(), 0);
    }
    panic!("the limit was not learnt");
}

#[tokio::test]
async fn an_agent_that_hears_of_progress_waits_beyond_its_limit() {
    let scene = asking().await;
    let mut agent = scene.sdk(Sdk::TypeScript, "legacy").await;
    let mut wish = limited("1.00");
    wish["progress"] = json!(true);
    let (paid, ()) = tokio::join!(
        agent.ask("call", wish),
        scene.answer_after(Duration::from_millis(LIMIT + 1500), &["allow"])
    );
    assert!(outcome(&paid).0, "{paid:?}");
    assert_eq!(scene.payments(), 1);
}

#[tokio::test]
async fn a_call_that_was_cancelled_is_never_sent_and_a_later_yes_serves_one_repeat() {
    let scene = asking().await;
    for (sdk, era, amount) in [
        (Sdk::TypeScript, "legacy", "1.00"),
        (Sdk::TypeScript, "2026-07-28", "2.00"),
        (Sdk::Python, "legacy", "3.00"),
        (Sdk::Python, "2026-07-28", "4.00"),
    ] {
        let before = scene.payments();
        let mut agent = scene.sdk(sdk, era).await;
        let mut short = limited(amount);
        short["timeout"] = json!(1200);
        assert!(agent.ask("call", short).await.is_err());
        // Nobody waits any more; the question is still there, and the yes alone sends nothing.
        let question = scene.host.answer(&["allow"]).await.unwrap();
        assert_eq!(scene.payments(), before, "{sdk:?} {era}");
        let repeated = agent.call("send_payment", payment(amount)).await;
        assert!(outcome(&repeated).0, "{sdk:?} {era}: {repeated:?}");
        assert_eq!(scene.payments(), before + 1);
        // The yes is used up: the same call asks again.
        let mut short = limited(amount);
        short["timeout"] = json!(1200);
        assert!(agent.ask("call", short).await.is_err());
        let again = scene.host.answer(&["deny"]).await.unwrap();
        assert_ne!(again["id"], question["id"]);
        assert_eq!(scene.payments(), before + 1, "{sdk:?} {era}");
    }
}

#[tokio::test]
async fn who_ran_out_of_patience_twice_is_told_in_time_to_call_again() {
    let scene = asking().await;
    let mut agent = scene.sdk(Sdk::TypeScript, "legacy").await;
    run_out(&scene, &mut agent, "1.00").await;
    let told = agent.ask("call", limited("1.00")).await;
    let (ran, text) = outcome(&told);
    assert!(!ran && text.contains("Waiting for approval in Prokura"), "{told:?}");
    assert!(text.contains("same arguments"), "{text}");
    assert_eq!(scene.payments(), 0);
    // All of them are one question.
    let waiting = scene.host.ok(&["approvals", "list"]).await.unwrap();
    assert_eq!(waiting.as_array().unwrap().len(), 1, "{waiting}");
    scene.host.answer(&["allow"]).await.unwrap();
    let paid = agent.ask("call", limited("1.00")).await;
    assert!(outcome(&paid).0, "{paid:?}");
    assert_eq!(scene.payments(), 1);
    // What was learnt survives a restart of the Host.
    let mut scene = scene;
    scene.host.restart().await.unwrap();
    let mut agent = scene.sdk(Sdk::TypeScript, "legacy").await;
    let told = agent.ask("call", limited("2.00")).await;
    assert!(outcome(&told).1.contains("Waiting for approval"), "{told:?}");
}

#[tokio::test]
async fn a_modern_agent_waits_in_rounds_and_knows_nothing_of_it() {
    for sdk in [Sdk::TypeScript, Sdk::Python] {
        let scene = asking().await;
        let mut agent = scene.sdk(sdk, "2026-07-28").await;
        run_out(&scene, &mut agent, "1.00").await;
        let (paid, ()) = tokio::join!(
            agent.ask("call", limited("1.00")),
            scene.answer_after(Duration::from_millis(2 * LIMIT + 1000), &["allow"])
        );
        assert!(outcome(&paid).0, "{sdk:?}: {paid:?}");
        assert_eq!(scene.payments(), 1);
        let (denied, ()) = tokio::join!(
            agent.ask("call", limited("2.00")),
            scene.answer_after(Duration::from_millis(LIMIT + 1000), &["deny", "--note", "no"])
        );
        let (ran, text) = outcome(&denied);
        assert!(!ran && text.contains("denied this call: no"), "{sdk:?}: {denied:?}");
        assert_eq!(scene.payments(), 1);
    }
}

#[tokio::test]
async fn a_task_of_2025_waits_for_as_long_as_it_takes() {
    let scene = asking().await;
    let url = format!("{}/mcp", scene.host.http());
    let mut agent = SdkAgent::connect(Sdk::First, &url, &scene.key, "legacy").await.unwrap();
    assert_eq!(agent.tools().await.unwrap(), ["ledger__send_payment"]);
    let wish = |amount: &str| json!({ "name": "ledger__send_payment", "arguments": payment(amount), "timeout": LIMIT });
    let (paid, ()) = tokio::join!(
        agent.ask("task", wish("1.00")),
        scene.answer_after(Duration::from_millis(LIMIT + 1500), &["allow"])
    );
    let paid = paid.unwrap();
    assert_eq!(paid["steps"][0], "working", "{paid}");
    assert_eq!(paid["steps"].as_array().unwrap().last().unwrap(), "completed", "{paid}");
    assert!(outcome(&Ok(paid["result"].clone())).0, "{paid}");
    assert_eq!(scene.payments(), 1);
    let (denied, _) =
        tokio::join!(agent.ask("task", wish("2.00")), scene.host.answer(&["deny", "--note", "no"]));
    let denied = denied.unwrap();
    assert!(outcome(&Ok(denied["result"].clone())).1.contains("denied this call: no"), "{denied}");
    // Without a task the same tool waits as every call does.
    let call =
        json!({ "name": "ledger__send_payment", "arguments": payment("3.00"), "timeout": LIMIT });
    let (paid, _) = tokio::join!(agent.ask("call", call), scene.host.answer(&["allow"]));
    assert!(outcome(&paid).0, "{paid:?}");
    assert_eq!(scene.payments(), 2);
}

async fn task(agent: &Agent, method: &str, id: &Value) -> Value {
    let reply = agent.request(method, json!({ "taskId": id })).await.unwrap();
    reply.result().unwrap_or_else(|| panic!("{}", reply.raw)).clone()
}

#[tokio::test]
async fn a_task_of_2026_waits_for_as_long_as_it_takes() {
    let scene = asking().await;
    let mut alone = scene.agent();
    let mut all = Agent::modern(&format!("{}/mcp", scene.host.http()), &scene.key).unwrap();
    // A late yes serves one identical repeat, on whichever endpoint: so the amounts differ.
    for (agent, tool, other, amounts) in [
        (&mut alone, "send_payment", "other", ["1.00", "2.00"]),
        (&mut all, "ledger__send_payment", "another", ["3.00", "4.00"]),
    ] {
        let before = scene.payments();
        agent.capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
        let begun = agent.call(tool, payment(amounts[0])).await.unwrap();
        let seed = begun.result().unwrap_or_else(|| panic!("{}", begun.raw)).clone();
        assert_eq!((&seed["resultType"], &seed["status"]), (&json!("task"), &json!("working")));
        let id = &seed["taskId"];
        assert_eq!(task(agent, "tasks/get", id).await["status"], "working");
        // SB-17: only its own agent sees a task.
        let other = scene.host.agent(other).await.unwrap();
        let mut stranger = agent.clone();
        stranger.key = Some(other);
        let looked = stranger.request("tasks/get", json!({ "taskId": id })).await.unwrap();
        assert_eq!(looked.error().unwrap()["code"], -32602, "{}", looked.raw);
        scene.host.answer(&["allow"]).await.unwrap();
        let done = eventually("the end of the task", Duration::from_secs(15), || async {
            let now = task(agent, "tasks/get", id).await;
            (now["status"] != "working").then_some(now)
        })
        .await
        .unwrap();
        assert_eq!(done["status"], "completed", "{done}");
        assert!(outcome(&Ok(done["result"].clone())).0, "{done}");
        assert_eq!(scene.payments(), before + 1);
        // A task that was cancelled is never sent, also when the person allows it later.
        let begun = agent.call(tool, payment(amounts[1])).await.unwrap();
        let id = begun.result().unwrap()["taskId"].clone();
        task(agent, "tasks/cancel", &id).await;
        eventually("the end of the task", Duration::from_secs(10), || async {
            (task(agent, "tasks/get", &id).await["status"] == "cancelled").then_some(())
        })
        .await
        .unwrap();
        scene.host.answer(&["allow"]).await.unwrap();
        assert_eq!(scene.payments(), before + 1);
    }
}

#[tokio::test]
async fn a_request_state_is_good_for_its_own_call_and_nothing_else() {
    let scene = asking().await;
    let other = scene.host.agent("other").await.unwrap();
    scene.host.grant("other", "ledger", "send_payment", "ask").await.unwrap();
    let mut sdk = scene.sdk(Sdk::TypeScript, "2026-07-28").await;
    run_out(&scene, &mut sdk, "9.00").await;
    scene.host.answer(&["deny"]).await.unwrap();
    let agent = scene.agent();
    let wish = |amount: &str, state: &Value| json!({ "name": "send_payment", "arguments": payment(amount), "requestState": state });
    let asked = agent.call("send_payment", payment("1.00")).await.unwrap();
    let round = asked.result().unwrap_or_else(|| panic!("{}", asked.raw)).clone();
    assert_eq!(round["resultType"], "input_required", "{round}");
    assert!(round.get("inputRequests").is_none());
    let state = &round["requestState"];
    // Other arguments, another agent, a changed or invented state: none of them gets anything of it.
    let swapped = agent.request("tools/call", wish("1000.00", state)).await.unwrap();
    assert_eq!(swapped.error().unwrap()["code"], -32602, "{}", swapped.raw);
    let mut stranger = agent.clone();
    stranger.key = Some(other);
    let taken = stranger.request("tools/call", wish("1.00", state)).await.unwrap();
    assert_eq!(taken.error().unwrap()["code"], -32602, "{}", taken.raw);
    let invented = json!(format!("{}x", state.as_str().unwrap()));
    let forged = agent.request("tools/call", wish("1.00", &invented)).await.unwrap();
    assert_eq!(forged.error().unwrap()["code"], -32602, "{}", forged.raw);
    assert_eq!(scene.payments(), 0);
    scene.host.answer(&["allow"]).await.unwrap();
    let paid = agent.request("tools/call", wish("1.00", state)).await.unwrap();
    fine(&paid);
    assert_eq!(scene.payments(), 1);
    let sent = scene.fixture.recorder().calls("send_payment");
    let body = String::from_utf8_lossy(&sent[0].body).into_owned();
    assert!(!body.contains("requestState"), "{body}");
    let replayed = agent.request("tools/call", wish("1.00", state)).await.unwrap();
    refused(&replayed, "requestState");
    assert_eq!(scene.payments(), 1);
}

#[tokio::test]
async fn the_clients_own_limits_are_outlived() {
    if !slow("the default time limits of the official clients") {
        return;
    }
    let scene = asking().await;
    let own = json!({ "name": "send_payment", "arguments": payment("1.00") });
    let mut legacy = scene.sdk(Sdk::TypeScript, "legacy").await;
    let (told, _) = tokio::join!(legacy.ask("call", own.clone()), scene.host.pending());
    assert!(outcome(&told).1.contains("Waiting for approval in Prokura"), "{told:?}");
    scene.host.answer(&["allow"]).await.unwrap();
    assert!(outcome(&legacy.ask("call", own.clone()).await).0);
    for sdk in [Sdk::TypeScript, Sdk::Python] {
        let before = scene.payments();
        let mut modern = scene.sdk(sdk, "2026-07-28").await;
        let (paid, ()) = tokio::join!(
            modern.ask("call", own.clone()),
            scene.answer_after(Duration::from_secs(75), &["allow"])
        );
        assert!(outcome(&paid).0, "{sdk:?}: {paid:?}");
        assert_eq!(scene.payments(), before + 1);
    }
}
