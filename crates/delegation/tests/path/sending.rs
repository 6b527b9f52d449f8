//! From the Permit to the outcome, and what happens when it is taken back.

use prokura_delegation::{Kind, RefusalCode};
use prokura_domain::{AgentState, Effect, Json};

use crate::world::*;

async fn allowed() -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world
}

#[tokio::test]
async fn no_grant_no_tool() {
    let world = allowed().await;
    let refusal = within(world.begin(world.pay(1))).await.unwrap().unwrap_err();
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (RefusalCode::Unknown, "Unknown tool: pay")
    );
    world.recorded("call.refused", "default").await;
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn an_intent_stands_before_the_call_and_an_outcome_after_it() {
    let world = allowed().await;
    world.grant(tool("pay"), Effect::Allow).await;
    *world.upstream.holds.lock().unwrap() = true;
    let call = world.begin(world.pay(1));
    within(world.upstream.arrived.notified()).await;
    assert_eq!(world.kinds().last().unwrap(), "call.intent");
    world.upstream.release.notify_one();
    within(call).await.unwrap().unwrap();
    assert_eq!(world.kinds().last().unwrap(), "call.outcome");
}

#[tokio::test]
async fn revoking_cancels_the_call_on_its_way_and_the_next_is_unknown() {
    let world = allowed().await;
    let grant = world.grant(tool("pay"), Effect::Allow).await;
    *world.upstream.holds.lock().unwrap() = true;
    let call = world.begin(world.pay(1));
    within(world.upstream.arrived.notified()).await;
    world.delegation.revoke_grant(&grant.id).await.unwrap();
    assert_eq!(within(call).await.unwrap().unwrap_err().code, RefusalCode::Changed);
    world.recorded("call.outcome", "taken back").await;
    let next = within(world.begin(world.pay(1))).await.unwrap().unwrap_err();
    assert_eq!(next.code, RefusalCode::Unknown);
}

#[tokio::test]
async fn a_pause_stops_what_runs_and_what_comes() {
    let world = allowed().await;
    world.grant(tool("pay"), Effect::Allow).await;
    *world.upstream.holds.lock().unwrap() = true;
    let call = world.begin(world.pay(1));
    within(world.upstream.arrived.notified()).await;
    world.delegation.pause().await.unwrap();
    within(call).await.unwrap().unwrap_err();
    let next = within(world.begin(world.pay(1))).await.unwrap().unwrap_err();
    assert_eq!(next.code, RefusalCode::Paused);
    let list = within(world.begin(world.inbound("tools/list", "{}"))).await.unwrap().unwrap_err();
    assert_eq!(list.code, RefusalCode::Paused);

    *world.upstream.holds.lock().unwrap() = false;
    world.delegation.resume().await.unwrap();
    within(world.begin(world.pay(1))).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_revoked_agent_is_no_agent() {
    let world = allowed().await;
    let added = world.delegation.add_agent("second").await.unwrap();
    assert!(world.delegation.prove(&added.key).is_some());
    assert!(world.delegation.prove("prk_wrong").is_none());
    let revoked = world.delegation.revoke_agent(&added.agent).await.unwrap();
    assert_eq!(revoked.state, AgentState::Revoked);
    assert!(world.delegation.prove(&added.key).is_none());
    assert!(world.delegation.gone(&added.agent.id));
}

#[tokio::test]
async fn an_agent_that_stops_waiting_still_leaves_an_outcome() {
    let world = allowed().await;
    world.grant(tool("pay"), Effect::Allow).await;
    *world.upstream.holds.lock().unwrap() = true;
    let call = world.begin(world.pay(1));
    within(world.upstream.arrived.notified()).await;
    call.abort();
    world.recorded("call.outcome", "cancelled").await;
}

#[tokio::test]
async fn an_agent_that_stops_at_any_moment_leaves_no_intent_without_an_outcome() {
    let world = allowed().await;
    world.grant(tool("pay"), Effect::Allow).await;
    for steps in 0..40 {
        let call = world.begin(world.pay(steps));
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        call.abort();
        let _ = call.await;
    }
    within(async {
        while !world.log.open_calls().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_streamed_answer_is_recorded_before_it_is_released() {
    let world = allowed().await;
    world.grant(tool("pay"), Effect::Allow).await;
    *world.upstream.streams.lock().unwrap() = true;
    let body = within(world.begin(world.pay(1))).await.unwrap().unwrap();
    assert!(body.starts_with(b"data: "));
    assert_eq!(world.kinds().last().unwrap(), "call.outcome");
}

#[tokio::test]
async fn an_answer_needs_a_request_of_the_server_in_this_session() {
    let world = allowed().await;
    world.grant(tool("pay"), Effect::Allow).await;
    let answer = |id: i64| {
        let mut inbound = world.pay(1);
        inbound.kind = Kind::Answer { id: Json::from(id), result: Json::object::<String>([]) };
        inbound
    };
    let unasked = within(world.begin(answer(7))).await.unwrap().unwrap_err();
    assert_eq!(unasked.code, RefusalCode::Malformed);

    let asks = r#"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}"#;
    *world.upstream.streams.lock().unwrap() = true;
    *world.upstream.answer.lock().unwrap() = Some(asks.to_owned());
    within(world.begin(world.pay(1))).await.unwrap().unwrap();
    *world.upstream.streams.lock().unwrap() = false;
    *world.upstream.answer.lock().unwrap() = None;
    within(world.begin(answer(7))).await.unwrap().unwrap();
    let twice = within(world.begin(answer(7))).await.unwrap().unwrap_err();
    assert_eq!(twice.code, RefusalCode::Malformed, "each request is answered once");
}
