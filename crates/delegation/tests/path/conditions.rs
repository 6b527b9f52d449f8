//! Conditions on arguments, from the wish to the record.

use prokura_delegation::{DelegationError, GrantFault, Kind, RefusalCode};
use prokura_domain::{Choice, Effect, Json, RecordKind, TargetPattern};

use crate::world::*;

async fn with(effect: Effect, conditions: &[&str]) -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world.delegation.grant(world.wish(tool("pay"), effect, conditions)).await.unwrap();
    world
}

#[tokio::test]
async fn a_call_within_the_condition_goes_and_one_outside_is_told_which_condition_it_is() {
    let world = with(Effect::Allow, &["/n <= 500"]).await;
    within(world.begin(world.pay(500))).await.unwrap().unwrap();
    let refusal = within(world.begin(world.pay(501))).await.unwrap().unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Denied);
    assert_eq!(
        refusal.message,
        "Refused by Prokura. A grant allows pay only where /n <= 500, which is not so here."
    );
    assert_eq!(world.sent(), 1);
    world.recorded("call.refused", "only where /n <= 500").await;
}

#[tokio::test]
async fn what_cannot_be_checked_is_refused_whatever_the_broader_grant_says() {
    let world = with(Effect::Allow, &["/amount <= 500"]).await;
    world.grant(TargetPattern::Tools("*".to_owned()), Effect::Allow).await;
    let refusal = within(world.begin(world.pay(1))).await.unwrap().unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Denied);
    assert!(refusal.message.contains("cannot be checked: the call has nothing there"));
    assert_eq!(world.sent(), 0);
    world.recorded("call.refused", "cannot be checked").await;
}

#[tokio::test]
async fn a_tool_under_a_condition_is_listed() {
    let world = with(Effect::Allow, &["/n <= 500"]).await;
    assert_eq!(world.offers(PAY).await, ["pay"]);
}

#[tokio::test]
async fn the_record_of_a_grant_and_the_store_say_its_conditions() {
    let world = with(Effect::Allow, &["/n <= 500", r#"/to in ["a","b"]"#]).await;
    world.recorded(RecordKind::GrantAdded.as_str(), r#""conditions":["/n <= 500","/to in "#).await;
    let kept = world.store.grants().unwrap();
    let shown: Vec<String> = kept[0].conditions.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["/n <= 500", r#"/to in ["a","b"]"#]);
}

#[tokio::test]
async fn a_condition_that_can_never_be_checked_makes_no_grant() {
    let world = World::new().await;
    let broken = world.wish(tool("pay"), Effect::Allow, &["/n matches ("]);
    let fault = world.delegation.grant(broken).await.unwrap_err();
    assert!(matches!(fault, DelegationError::Grant(GrantFault::Condition(_))), "{fault}");
    let many = world.wish(tool("pay"), Effect::Allow, &["/n absent"; 33]);
    let fault = world.delegation.grant(many).await.unwrap_err();
    assert!(matches!(fault, DelegationError::Grant(GrantFault::TooMany)), "{fault}");
    assert!(world.store.grants().unwrap().is_empty());
}

#[tokio::test]
async fn an_approved_call_is_decided_again_with_the_conditions_of_now() {
    let world = with(Effect::Ask, &["/n <= 500"]).await;
    let call = world.begin(world.pay(7));
    let question = world.question().await;
    let deny = world.wish(tool("pay"), Effect::Deny, &["/n = 7"]);
    world.delegation.grant(deny).await.unwrap();
    world.answer(&question, Choice::Once).await;
    let refusal = within(call).await.unwrap().unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Denied);
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn an_answer_to_the_server_rests_on_the_arguments_of_its_call() {
    let world = with(Effect::Allow, &["/n <= 500"]).await;
    let asks = r#"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}"#;
    *world.upstream.streams.lock().unwrap() = true;
    *world.upstream.answer.lock().unwrap() = Some(asks.to_owned());
    within(world.begin(world.pay(1))).await.unwrap().unwrap();
    *world.upstream.streams.lock().unwrap() = false;
    *world.upstream.answer.lock().unwrap() = None;
    let mut answer = world.pay(1);
    answer.kind = Kind::Answer { id: Json::from(7i64), result: Json::object::<String>([]) };
    within(world.begin(answer)).await.unwrap().unwrap();
}
