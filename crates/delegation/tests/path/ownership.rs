//! What a server gives to one agent is unknown to every other agent of the same account. SL-06, SB-17, P-22.

use prokura_delegation::{Inbound, Refusal, RefusalCode};
use prokura_domain::{Effect, Json};

use crate::world::*;

const ASKED: &str = r#"{"name":"pay","arguments":{"n":1},"task":{"ttl":60000}}"#;

fn says(world: &World, result: &str) {
    let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
    *world.upstream.answer.lock().unwrap() = Some(answer);
}

async fn passed(world: &World, inbound: Inbound) -> Result<Json, Refusal> {
    let reply = within(world.delegation.pass(inbound)).await?;
    Ok(Json::read(&body(reply).await).unwrap())
}

/// Another agent with the same account, and a message of it.
async fn stranger(world: &World) -> prokura_domain::AgentId {
    world.delegation.add_agent("stranger").await.unwrap().agent.id
}

/// A world in which the agent was given a task, in the way of one revision.
async fn with_task(params: &str, result: &str, streams: bool) -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world.grant(tool("pay"), Effect::Allow).await;
    *world.upstream.streams.lock().unwrap() = streams;
    says(&world, result);
    passed_text(&world, world.inbound("tools/call", params)).await;
    *world.upstream.streams.lock().unwrap() = false;
    says(&world, r#"{"taskId":"t-1","status":"working"}"#);
    world
}

async fn passed_text(world: &World, inbound: Inbound) {
    let reply = within(world.delegation.pass(inbound)).await.unwrap();
    assert!(!body(reply).await.is_empty());
}

#[tokio::test]
async fn a_task_is_known_to_the_agent_it_was_made_for_and_to_no_other() {
    let plain = r#"{"name":"pay","arguments":{"n":1}}"#;
    let ways = [
        (ASKED, r#"{"task":{"taskId":"t-1","status":"working"}}"#),
        (plain, r#"{"resultType":"task","taskId":"t-1","status":"working"}"#),
    ];
    for ((params, result), streams) in ways.into_iter().flat_map(|way| [(way, false), (way, true)])
    {
        let world = with_task(params, result, streams).await;
        let stranger = stranger(&world).await;
        let sent = world.sent();
        for method in ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"] {
            let own = world.inbound(method, r#"{"taskId":"t-1"}"#);
            let theirs = Inbound { agent: stranger.clone(), ..own.clone() };
            let refused = passed(&world, theirs).await.unwrap_err();
            let unknown = world.inbound(method, r#"{"taskId":"t-2"}"#);
            let none = passed(&world, unknown).await.unwrap_err();
            assert_eq!(refused, none, "{method}: it shows that there is such a task");
            assert_eq!(refused.code, RefusalCode::Malformed);
            if method != "tasks/update" {
                passed(&world, own).await.unwrap();
            }
        }
        assert_eq!(world.sent(), sent + 3, "only the agent's own reached the server");
    }
}

#[tokio::test]
async fn a_subscription_or_a_request_does_not_name_the_task_of_another_agent() {
    let world = with_task(ASKED, r#"{"task":{"taskId":"t-1"}}"#, false).await;
    let stranger = stranger(&world).await;
    let sent = world.sent();
    let listen = |ids: &str| format!(r#"{{"notifications":{{"taskIds":{ids}}}}}"#);
    let related = r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}"#;
    for (method, params) in [
        ("subscriptions/listen", listen(r#"["t-1"]"#)),
        ("subscriptions/listen", listen("[7]")),
        ("ping", related.to_owned()),
    ] {
        let theirs = Inbound { agent: stranger.clone(), ..world.inbound(method, &params) };
        let refused = passed(&world, theirs).await.unwrap_err();
        assert_eq!(refused.code, RefusalCode::Malformed, "{method} {params}");
    }
    assert_eq!(world.sent(), sent);
    passed(&world, world.inbound("subscriptions/listen", &listen(r#"["t-1"]"#))).await.unwrap();
    passed(&world, world.inbound("ping", related)).await.unwrap();
}

#[tokio::test]
async fn a_list_of_tasks_holds_the_agents_own_and_a_servers_word_does_not_give_one_away() {
    let world = with_task(ASKED, r#"{"task":{"taskId":"t-1"}}"#, false).await;
    let stranger = stranger(&world).await;
    says(&world, r#"{"tasks":[{"taskId":"t-1"},{"taskId":"t-2"},{"x":1}],"nextCursor":"n"}"#);
    let own = world.inbound("tasks/list", "{}");
    let theirs = Inbound { agent: stranger.clone(), ..own.clone() };
    let listed = passed(&world, own).await.unwrap().at("/result").unwrap().to_text();
    assert_eq!(listed, r#"{"tasks":[{"taskId":"t-1"}],"nextCursor":"n"}"#);
    let listed = passed(&world, theirs).await.unwrap().at("/result/tasks").unwrap().to_text();
    assert_eq!(listed, "[]");
    // A tool that says back what it is told is not a way to somebody's task.
    let mut wish = world.wish(tool("pay"), Effect::Allow, &[]);
    wish.agent = stranger.clone();
    world.delegation.grant(wish).await.unwrap();
    says(&world, r#"{"task":{"taskId":"t-1"}}"#);
    let call = Inbound { agent: stranger.clone(), ..world.inbound("tools/call", ASKED) };
    passed(&world, call).await.unwrap();
    let get = Inbound { agent: stranger, ..world.inbound("tasks/get", r#"{"taskId":"t-1"}"#) };
    assert_eq!(passed(&world, get).await.unwrap_err().code, RefusalCode::Malformed);
    passed(&world, world.inbound("tasks/get", r#"{"taskId":"t-1"}"#)).await.unwrap();
}

#[tokio::test]
async fn a_cursor_is_good_for_the_agent_and_the_list_it_was_given_for() {
    let world = World::new().await;
    let stranger = stranger(&world).await;
    says(&world, r#"{"tools":[],"nextCursor":"page-2"}"#);
    passed(&world, world.inbound("tools/list", "{}")).await.unwrap();
    let next = |method| world.inbound(method, r#"{"cursor":"page-2"}"#);
    passed(&world, next("tools/list")).await.unwrap();
    passed(&world, next("tools/list")).await.unwrap();
    let sent = world.sent();
    let theirs = Inbound { agent: stranger.clone(), ..next("tools/list") };
    let refused = passed(&world, theirs).await.unwrap_err();
    assert!(refused.message.starts_with("Invalid cursor"), "{refused:?}");
    assert_eq!(passed(&world, next("prompts/list")).await.unwrap_err(), refused);
    assert_eq!(world.sent(), sent);
}

/// SB-17: before it comes to whose task it is, an agent of 2026-07-28 has to declare tasks, and there is no `tasks/result`.
#[tokio::test]
async fn who_does_not_declare_tasks_is_told_to_and_reaches_no_server() {
    let world = with_task(ASKED, r#"{"task":{"taskId":"t-1"}}"#, false).await;
    let sent = world.sent();
    let modern = |method: &str, params: &str| {
        let inbound = world.inbound(method, params);
        Inbound { era: prokura_domain::Era::Modern, session: None, ..inbound }
    };
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let refused = passed(&world, modern(method, r#"{"taskId":"t-1"}"#)).await.unwrap_err();
        assert_eq!(refused.code, RefusalCode::TasksUndeclared, "{method}");
    }
    let declared = r#"{"taskId":"t-1","_meta":{"io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}"#;
    let gone = passed(&world, modern("tasks/result", declared)).await.unwrap_err();
    assert_eq!(gone.code, RefusalCode::Unknown);
    assert_eq!(world.sent(), sent);
    passed(&world, modern("tasks/get", declared)).await.unwrap();
}
