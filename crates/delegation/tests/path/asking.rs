//! What the person is asked, and what follows from the answer.

use prokura_delegation::RefusalCode;
use prokura_domain::{Choice, Effect, QuestionState};

use crate::world::*;

async fn asking() -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world.grant(tool("pay"), Effect::Ask).await;
    world
}

#[tokio::test]
async fn what_was_approved_is_sent_byte_for_byte() {
    let world = asking().await;
    let inbound = world.pay(5);
    let bytes = inbound.outgoing.body.clone();
    let call = world.begin(inbound);
    let question = world.question().await;
    assert_eq!(world.sent(), 0, "nothing leaves before the answer");
    world.answer(&question, Choice::Once).await;
    within(call).await.unwrap().unwrap();
    assert_eq!(*world.upstream.sent.lock().unwrap(), [bytes]);
    let kinds = world.kinds();
    let order = ["question.raised", "question.settled", "call.intent", "call.outcome"];
    let found: Vec<&String> = kinds.iter().filter(|kind| order.contains(&kind.as_str())).collect();
    assert_eq!(found, order);
}

#[tokio::test]
async fn once_is_once() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    world.answer(&question, Choice::Once).await;
    within(call).await.unwrap().unwrap();
    let again = world.begin(world.pay(5));
    let second = world.question().await;
    assert_ne!(question, second);
    world.answer(&second, Choice::Deny { note: None }).await;
    assert_eq!(within(again).await.unwrap().unwrap_err().code, RefusalCode::DeniedByPerson);
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn the_same_arguments_go_for_a_while_and_others_ask() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    world.answer(&question, Choice::SameArgumentsFor { seconds: 900 }).await;
    within(call).await.unwrap().unwrap();
    within(world.begin(world.pay(5))).await.unwrap().unwrap();
    assert_eq!(world.questions_raised(), 1);

    let other = world.begin(world.pay(6));
    let second = world.question().await;
    world.answer(&second, Choice::Deny { note: None }).await;
    within(other).await.unwrap().unwrap_err();

    world.clock.advance_seconds(900);
    let late = world.begin(world.pay(5));
    world.question().await;
    late.abort();
}

#[tokio::test]
async fn a_denial_tells_the_agent_why() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: Some("Not today.".to_owned()) }).await;
    let refusal = within(call).await.unwrap().unwrap_err();
    assert!(refusal.message.contains("Not today."), "{}", refusal.message);
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn unanswered_is_refused() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    world.clock.advance_seconds(601);
    assert_eq!(within(call).await.unwrap().unwrap_err().code, RefusalCode::Unanswered);
    let answer = prokura_domain::Answer { question, choice: Choice::Once, passphrase: None };
    assert!(world.delegation.answer(answer, prokura_domain::Origin::Cli).await.is_err());
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn a_cancelled_call_is_never_sent_and_a_later_yes_serves_one_identical_repeat() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    call.abort();
    within(async {
        while !call.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await;
    world.recorded("call.refused", "cancelled").await;
    world.answer(&question, Choice::Once).await;
    assert_eq!(world.sent(), 0);

    within(world.begin(world.pay(5))).await.unwrap().unwrap();
    assert_eq!(world.sent(), 1, "the repeat went with the earlier yes");
    let third = world.begin(world.pay(5));
    world.question().await;
    third.abort();
    assert_eq!(world.sent(), 1, "and only one repeat");
}

#[tokio::test]
async fn a_yes_does_not_serve_other_arguments_or_a_changed_tool() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    call.abort();
    within(async {
        while !call.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await;
    world.answer(&question, Choice::Once).await;

    let other = world.begin(world.pay(6));
    assert_ne!(world.question().await, question);
    other.abort();

    world.offers(&PAY.replace("Pays.", "Pays twice.")).await;
    let refusal = within(world.begin(world.pay(5))).await.unwrap().unwrap_err();
    assert!(refusal.message.contains("changed"), "{}", refusal.message);
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn two_calls_at_once_each_have_a_question() {
    let world = asking().await;
    let first = world.begin(world.pay(5));
    let one = world.question().await;
    let second = world.begin(world.pay(5));
    let two = world.question().await;
    assert_ne!(one, two);
    world.answer(&two, Choice::Deny { note: None }).await;
    within(second).await.unwrap().unwrap_err();
    world.answer(&one, Choice::Once).await;
    within(first).await.unwrap().unwrap();
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn revoking_the_grant_drops_the_question() {
    let world = World::new().await;
    world.offers(PAY).await;
    let grant = world.grant(tool("pay"), Effect::Ask).await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    world.delegation.revoke_grant(&grant.id).await.unwrap();
    within(call).await.unwrap().unwrap_err();
    let state = world.store.question(&question).unwrap().unwrap().state;
    assert_eq!(state, QuestionState::Dropped);
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn a_grant_revoked_while_the_person_thinks_is_not_served_by_the_yes() {
    let world = asking().await;
    let deny = world.grant(tool("pay"), Effect::Deny);
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    deny.await;
    world.answer(&question, Choice::Once).await;
    assert_eq!(within(call).await.unwrap().unwrap_err().code, RefusalCode::Denied);
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn a_question_nobody_waits_for_expires_by_itself() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    call.abort();
    world.delegation.expire_questions().await.unwrap();
    let state = || world.store.question(&question).unwrap().unwrap().state;
    assert_eq!(state(), QuestionState::Pending);
    world.clock.advance_seconds(601);
    world.delegation.expire_questions().await.unwrap();
    assert_eq!(state(), QuestionState::Expired);
}

#[tokio::test]
async fn nothing_in_the_log_lets_the_arguments_be_guessed_back() {
    let world = asking().await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    let plain = world.store.question(&question).unwrap().unwrap().digest.to_string();
    world.answer(&question, Choice::SameArgumentsFor { seconds: 900 }).await;
    within(call).await.unwrap().unwrap();
    let denied = world.begin(world.pay(6));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: None }).await;
    within(denied).await.unwrap().unwrap_err();
    let query = prokura_store::RecordQuery { limit: 1000, ..Default::default() };
    for record in world.log.records(&query).unwrap() {
        assert!(!record.body.contains(&plain), "{}", record.body);
        let carries = ["question.raised", "call.intent", "call.refused"];
        if carries.contains(&record.kind.as_str()) {
            assert!(record.body.contains("arguments_digest"), "{}", record.body);
        }
    }
}
