//! Calls that a server wants again with more, and subscriptions.

use prokura_delegation::RefusalCode;
use prokura_domain::{Choice, Effect, TargetPattern};

use crate::world::*;

const WANTS_MORE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","requestState":"s","inputRequests":{}}}"#;

fn again(world: &World, amount: i64, state: &str) -> prokura_delegation::Inbound {
    let params = format!(
        r#"{{"name":"pay","arguments":{{"n":{amount}}},"requestState":"{state}","inputResponses":{{"who":{{}}}}}}"#
    );
    world.inbound("tools/call", &params)
}

/// A call of 5 that was approved, and that the server wants again.
async fn wanted_again() -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world.grant(tool("pay"), Effect::Ask).await;
    *world.upstream.answer.lock().unwrap() = Some(WANTS_MORE.to_owned());
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    world.answer(&question, Choice::Once).await;
    within(call).await.unwrap().unwrap();
    world
}

#[tokio::test]
async fn a_call_that_a_server_wants_again_keeps_its_approval_for_one_round_at_a_time() {
    let world = wanted_again().await;
    within(world.begin(again(&world, 5, "s"))).await.unwrap().unwrap();
    within(world.begin(again(&world, 5, "s"))).await.unwrap().unwrap();
    assert_eq!((world.sent(), world.questions_raised()), (3, 1), "every round was asked for");
    let intents = world.kinds().iter().filter(|kind| *kind == "call.intent").count();
    assert_eq!(intents, 3, "every round is recorded");
    *world.upstream.answer.lock().unwrap() = None;
    within(world.begin(again(&world, 5, "s"))).await.unwrap().unwrap();
    let once_more = world.begin(again(&world, 5, "s"));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: None }).await;
    assert_eq!(within(once_more).await.unwrap().unwrap_err().code, RefusalCode::DeniedByPerson);
}

#[tokio::test]
async fn another_call_or_another_state_does_not_inherit_the_approval() {
    for (amount, state) in [(6, "s"), (5, "other")] {
        let world = wanted_again().await;
        let call = world.begin(again(&world, amount, state));
        let question = world.question().await;
        world.answer(&question, Choice::Deny { note: None }).await;
        assert_eq!(within(call).await.unwrap().unwrap_err().code, RefusalCode::DeniedByPerson);
        assert_eq!(world.sent(), 1);
    }
}

#[tokio::test]
async fn a_round_is_not_charged_again_and_stops_with_its_grant() {
    let world = World::new().await;
    world.offers(PAY).await;
    let mut wish = world.wish(tool("pay"), Effect::Allow, &[]);
    wish.budget = Some("1/1d".parse().unwrap());
    let grant = world.delegation.grant(wish).await.unwrap();
    *world.upstream.answer.lock().unwrap() = Some(WANTS_MORE.to_owned());
    within(world.begin(world.pay(5))).await.unwrap().unwrap();
    within(world.begin(again(&world, 5, "s"))).await.unwrap().unwrap();
    let fresh = within(world.begin(world.pay(5))).await.unwrap().unwrap_err();
    assert!(fresh.message.contains("too little left"), "{}", fresh.message);
    world.delegation.revoke_grant(&grant.id).await.unwrap();
    let gone = within(world.begin(again(&world, 5, "s"))).await.unwrap().unwrap_err();
    assert_eq!(gone.code, RefusalCode::Unknown);
    assert_eq!(world.sent(), 2);
}

#[tokio::test]
async fn a_subscription_needs_a_grant_for_every_resource() {
    let world = World::new().await;
    let listen = |uris: &str| {
        let params = format!(r#"{{"notifications":{{"toolsListChanged":true{uris}}}}}"#);
        world.inbound("subscriptions/listen", &params)
    };
    within(world.begin(listen(""))).await.unwrap().unwrap();
    world.grant(TargetPattern::Resources("file:///a/*".to_owned()), Effect::Allow).await;
    let mine = r#","resourceSubscriptions":["file:///a/1","file:///a/2"]"#;
    within(world.begin(listen(mine))).await.unwrap().unwrap();
    assert_eq!(world.sent(), 2, "one message for both");
    let intents = world.kinds().iter().filter(|kind| *kind == "call.intent").count();
    assert_eq!(intents, 2, "a record for each");
    let other = r#","resourceSubscriptions":["file:///a/1","file:///b/1"]"#;
    let refused = within(world.begin(listen(other))).await.unwrap().unwrap_err();
    assert_eq!(refused.code, RefusalCode::Unknown, "{}", refused.message);
    let odd = within(world.begin(listen(r#","resourceSubscriptions":[1]"#))).await.unwrap();
    assert_eq!(odd.unwrap_err().code, RefusalCode::Malformed);
    assert_eq!(world.sent(), 2);
}
