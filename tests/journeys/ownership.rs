//! Two agents, one server, one account: neither can reach what the other one was given. SL-03, SL-06, SB-17, P-22.

use prokura_testkit::reference::Reference;
use prokura_testkit::{Agent, AgentReply, TestHost};
use serde_json::{Value, json};

use crate::scene::fine;

struct Scene {
    host: TestHost,
    server: Reference,
    own: Agent,
    other: Agent,
}

/// Two agents of 2026-07-28 that may use everything.
async fn scene() -> Scene {
    let server = Reference::start().await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &server.url(), "--name", "jobs"]).await.unwrap();
    let mut agents = Vec::new();
    for name in ["clerk", "other"] {
        let key = host.agent(name).await.unwrap();
        host.grant(name, "jobs", "*", "allow").await.unwrap();
        let mut agent = Agent::modern(&host.endpoint("jobs"), &key).unwrap();
        agent.capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
        agents.push(agent);
    }
    let other = agents.pop().unwrap();
    Scene { host, server, own: agents.pop().unwrap(), other }
}

/// What the server heard of a method.
fn heard(server: &Reference, method: &str) -> usize {
    let all = server.recorder().all();
    all.iter().filter(|seen| seen.method().as_deref() == Some(method)).count()
}

async fn about(agent: &Agent, method: &str, task: &Value) -> AgentReply {
    agent.request(method, json!({ "taskId": task })).await.unwrap()
}

#[track_caller]
fn unknown(reply: &AgentReply) {
    let error = reply.error().unwrap_or_else(|| panic!("it was answered: {}", reply.raw));
    assert_eq!((reply.status, &error["code"]), (400, &json!(-32602)), "{}", reply.raw);
    assert_eq!(error["message"], "There is no such task.");
}

#[tokio::test]
async fn the_task_of_another_agent_is_unknown_also_after_a_restart() {
    let mut scene = scene().await;
    let begun = scene.own.call("slow_compute", json!({ "seconds": 60 })).await.unwrap();
    let seed = begun.result().unwrap_or_else(|| panic!("{}", begun.raw)).clone();
    assert_eq!(seed["resultType"], "task", "{seed}");
    let task = &seed["taskId"];
    for round in 0..2 {
        let before = heard(&scene.server, "tasks/get");
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            unknown(&about(&scene.other, method, task).await);
            unknown(&about(&scene.own, method, &json!("no-such-task")).await);
        }
        let filter = json!({ "notifications": { "taskIds": [task] } });
        unknown(&scene.other.request("subscriptions/listen", filter).await.unwrap());
        assert_eq!(heard(&scene.server, "tasks/get"), before, "it reached the server");
        let own = about(&scene.own, "tasks/get", task).await;
        assert_eq!(own.result().unwrap_or_else(|| panic!("{}", own.raw))["status"], "working");
        if round == 0 {
            scene.host.restart().await.unwrap();
        }
    }
    assert_eq!(heard(&scene.server, "tasks/cancel"), 0);
    fine(&about(&scene.own, "tasks/cancel", task).await);
}

#[tokio::test]
async fn a_session_of_another_agent_and_its_cancellations_are_out_of_reach() {
    let scene = scene().await;
    let key = scene.own.key.clone().unwrap();
    let legacy = Agent::legacy(&scene.host.endpoint("jobs"), &key).await.unwrap();
    fine(&legacy.request("ping", json!({})).await.unwrap());
    let mut thief = legacy.clone();
    thief.key = scene.other.key.clone();
    let taken = thief.request("tools/list", json!({})).await.unwrap();
    assert_eq!(taken.status, 404, "{}", taken.raw);
    assert_eq!(thief.end().await.unwrap().status, 404);
    fine(&legacy.request("ping", json!({})).await.unwrap());
    // A modern agent cancels by closing its stream; the id of somebody else's request reaches nobody.
    let said = scene.other.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    assert_eq!(said.unwrap().status, 202);
    assert_eq!(heard(&scene.server, "notifications/cancelled"), 0);
}

#[tokio::test]
async fn a_subscription_needs_a_grant_for_every_resource_it_names() {
    let scene = scene().await;
    let filter = json!({ "notifications": { "resourceSubscriptions": ["test://static-text"] } });
    let refused = scene.other.request("subscriptions/listen", filter).await.unwrap();
    assert!(refused.error().is_some(), "{}", refused.raw);
    assert_eq!(heard(&scene.server, "subscriptions/listen"), 0);
}
