//! A server that wants more scopes: the call waits, the person is asked once, and a sign-in answers.

use std::time::Duration;

use prokura_delegation::{DelegationError, RefusalCode, Wait};
use prokura_domain::{
    Account, AccountKind, Answer, Choice, Effect, Origin, QuestionKind, QuestionState,
};

use crate::world::*;

/// A tool that may be used, by an account that may read.
async fn reading(effect: Effect) -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world.grant(tool("pay"), effect).await;
    let account = Account { kind: AccountKind::Oauth, scopes: scopes(&["read"]), ..own(&world) };
    world.store.put_account(&account).unwrap();
    world
}

fn own(world: &World) -> Account {
    world.store.account(&world.account).unwrap().unwrap()
}

fn scopes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn wants(world: &World, each: &[&[&str]]) {
    world.upstream.wants.lock().unwrap().extend(each.iter().map(|names| scopes(names)));
}

/// The person signs in, and the account then has these.
async fn signs_in(world: &World, names: &[&str]) {
    let account = Account { scopes: scopes(names), ..own(world) };
    world.store.put_account(&account).unwrap();
    world.delegation.signed_in(&account).await.unwrap();
}

fn state(world: &World, question: &prokura_domain::QuestionId) -> QuestionState {
    world.store.question(question).unwrap().unwrap().state
}

#[tokio::test]
async fn calls_wait_for_one_sign_in_and_go_on_with_what_it_gave() {
    // CA-43, CA-44
    let world = reading(Effect::Allow).await;
    wants(&world, &[&["read", "pay"], &["pay"]]);
    let first = world.begin(world.pay(1));
    let question = world.question().await;
    let second = world.begin(world.pay(2));
    within(async {
        while world.sent() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let asked = world.store.question(&question).unwrap().unwrap();
    let QuestionKind::Scopes { had, wanted, .. } = asked.kind else { panic!() };
    assert_eq!((had, wanted), (scopes(&["read"]), scopes(&["pay"])), "the difference is asked for");
    assert_eq!(world.delegation.wanted_scopes(&world.account).unwrap(), ["pay"]);

    signs_in(&world, &["read", "pay"]).await;
    within(first).await.unwrap().unwrap();
    within(second).await.unwrap().unwrap();
    assert_eq!(world.sent(), 4, "each was sent again, once");
    assert_eq!(world.questions_raised(), 1);
    assert_eq!(state(&world, &question), QuestionState::Used);
    let intents = world.kinds().into_iter().filter(|kind| kind == "call.intent").count();
    assert_eq!(intents, 2, "a call that waited is one call");
    assert!(world.delegation.wanted_scopes(&world.account).unwrap().is_empty());
}

#[tokio::test]
async fn what_was_declined_is_not_asked_again_until_the_person_says_so() {
    let world = reading(Effect::Allow).await;
    wants(&world, &[&["pay"], &["pay"], &["pay"]]);
    let call = world.begin(world.pay(1));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: None }).await;
    let refusal = within(call).await.unwrap().unwrap_err();
    assert_eq!(refusal.code, RefusalCode::DeniedByPerson);
    assert_eq!(world.delegation.declined_scopes(&world.account).unwrap(), ["pay"]);

    let refusal = within(world.begin(world.pay(2))).await.unwrap().unwrap_err();
    assert!(refusal.message.contains("\"pay\""), "{}", refusal.message);
    assert_eq!(world.questions_raised(), 1);

    world.delegation.ask_for_scopes_again(&world.account).unwrap();
    let call = world.begin(world.pay(3));
    world.question().await;
    signs_in(&world, &["pay"]).await;
    within(call).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_sign_in_that_gives_less_ends_the_waiting_and_says_so() {
    let world = reading(Effect::Allow).await;
    wants(&world, &[&["pay", "admin"]]);
    let call = world.begin(world.pay(1));
    world.question().await;
    signs_in(&world, &["read", "pay"]).await;
    let refusal = within(call).await.unwrap().unwrap_err();
    assert!(refusal.message.contains("did not give admin"), "{}", refusal.message);
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn a_server_that_always_wants_more_is_given_up_on() {
    // CA-44
    let world = reading(Effect::Allow).await;
    let mut given = vec!["read"];
    for (turn, names) in [["a", "b", "c"], ["d", "e", "f"]].into_iter().enumerate() {
        wants(&world, &[&names[..1], &names[1..2], &names[2..]]);
        let call = world.begin(world.pay(1));
        for name in &names[..2] {
            world.question().await;
            given.push(name);
            signs_in(&world, &given).await;
        }
        let refusal = within(call).await.unwrap().unwrap_err();
        assert_eq!(refusal.code, RefusalCode::SignInNeeded, "{}", refusal.message);
        assert_eq!(world.sent(), 3 * (turn + 1), "one call is sent three times at most");
    }
    wants(&world, &[&["g"]]);
    let refusal = within(world.begin(world.pay(3))).await.unwrap().unwrap_err();
    assert_eq!(refusal.code, RefusalCode::SignInNeeded);
    assert_eq!(world.questions_raised(), 4, "four questions an hour, and no more");
}

#[tokio::test]
async fn only_a_sign_in_says_yes() {
    let world = reading(Effect::Allow).await;
    wants(&world, &[&["pay"]]);
    let call = world.begin(world.pay(1));
    let question = world.question().await;
    for choice in [Choice::Once, Choice::SameArgumentsFor { seconds: 600 }] {
        let answer = Answer { question: question.clone(), choice, passphrase: None };
        let fault = world.delegation.answer(answer, Origin::Cli).await.unwrap_err();
        assert!(matches!(fault, DelegationError::Answer(_)), "{fault}");
    }
    assert_eq!(state(&world, &question), QuestionState::Pending);
    assert_eq!(world.sent(), 1);
    call.abort();
}

#[tokio::test]
async fn what_is_taken_back_while_it_waits_is_never_sent() {
    let world = reading(Effect::Allow).await;
    wants(&world, &[&["pay"]]);
    let grant = world.store.grants().unwrap().remove(0);
    let call = world.begin(world.pay(1));
    world.question().await;
    world.delegation.revoke_grant(&grant.id).await.unwrap();
    assert_eq!(within(call).await.unwrap().unwrap_err().code, RefusalCode::Changed);
    signs_in(&world, &["pay"]).await;
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn an_approval_outlives_the_agents_patience_while_scopes_are_missing() {
    let world = reading(Effect::Ask).await;
    wants(&world, &[&["pay"]]);
    let call = world.begin(world.pay(5));
    let approval = world.question().await;
    world.answer(&approval, Choice::Once).await;
    let question = world.question().await;
    assert_eq!(state(&world, &approval), QuestionState::Used);
    call.abort();
    world.recorded("call.outcome", "cancelled").await;
    assert_eq!(state(&world, &approval), QuestionState::Allowed, "the server did not carry it out");

    signs_in(&world, &["pay"]).await;
    assert_eq!(state(&world, &question), QuestionState::Used);
    within(world.begin(world.pay(5))).await.unwrap().unwrap();
    assert_eq!(world.questions_raised(), 2, "the repeat went with the earlier yes");
    assert_eq!(state(&world, &approval), QuestionState::Used);
    let third = world.begin(world.pay(5));
    world.question().await;
    third.abort();
    assert_eq!(world.sent(), 2, "and only one repeat");
}

#[tokio::test]
async fn an_agent_that_is_told_to_ask_again_keeps_its_yes_and_one_that_was_served_does_not() {
    let world = reading(Effect::Ask).await;
    wants(&world, &[&["pay"], &["pay"]]);
    let delegation = world.delegation.clone();
    let within_moment = Wait { within: Some(Duration::from_millis(300)), resumes: None };
    let first = world.pay(5);
    let call =
        tokio::spawn(async move { delegation.pass_within(first, within_moment).await.err() });
    let approval = world.question().await;
    world.answer(&approval, Choice::Once).await;
    let question = world.question().await;
    let refusal = within(call).await.unwrap().unwrap();
    assert_eq!((refusal.code, refusal.question), (RefusalCode::Waiting, Some(question)));
    assert_eq!(state(&world, &approval), QuestionState::Allowed);

    let call = world.begin(world.pay(5));
    within(async {
        while world.sent() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    signs_in(&world, &["pay"]).await;
    within(call).await.unwrap().unwrap();
    assert_eq!(state(&world, &approval), QuestionState::Used, "what went needs a new yes");
    assert_eq!((world.sent(), world.questions_raised()), (3, 2));
}
