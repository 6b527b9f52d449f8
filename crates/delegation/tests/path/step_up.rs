//! What a yes has to be given with, and what nobody can make of it.

use prokura_delegation::{AnswerFault, DelegationError, StepUpFault};
use prokura_domain::*;

use crate::world::*;

const SECRET: &str = "correct horse battery";

fn scope(world: &World) -> LevelScope {
    LevelScope::Tool(world.server.id.clone(), "pay".to_owned())
}

/// The tool asks, and a yes needs this much.
async fn asking(level: Level) -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world.grant(tool("pay"), Effect::Ask).await;
    world.delegation.set_level(scope(&world), level, None).await.unwrap();
    world
}

async fn set_secret(world: &World) {
    world.delegation.set_passphrase(Passphrase::new(SECRET.to_owned()), None).await.unwrap();
}

fn fault(answered: Result<Question, DelegationError>) -> StepUpFault {
    match answered {
        Err(DelegationError::StepUp(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn state(world: &World, question: &QuestionId) -> QuestionState {
    world.store.question(question).unwrap().unwrap().state
}

#[tokio::test]
async fn a_yes_needs_the_passphrase_and_a_no_needs_nothing() {
    let world = asking(Level::Passphrase).await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    // Nothing that is missing answers anything: the question goes on waiting.
    let none = fault(world.try_answer(&question, Choice::Once, Some(SECRET)).await);
    assert_eq!(none, StepUpFault::NoPassphrase);
    set_secret(&world).await;
    let left_out = fault(world.try_answer(&question, Choice::Once, None).await);
    assert_eq!(left_out, StepUpFault::PassphraseNeeded);
    let wrong = fault(world.try_answer(&question, Choice::Once, Some("something else")).await);
    assert_eq!(wrong, StepUpFault::Wrong(0));
    assert_eq!(state(&world, &question), QuestionState::Pending);
    assert_eq!(world.sent(), 0);
    world.try_answer(&question, Choice::Once, Some(SECRET)).await.unwrap();
    within(call).await.unwrap().unwrap();
    assert_eq!(world.sent(), 1);
    world.recorded("question.settled", "\"level\":\"passphrase\"").await;
    world.recorded("wish.refused", "the passphrase was wrong").await;

    let call = world.begin(world.pay(6));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: None }).await;
    within(call).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn guesses_cost_more_and_more_time_however_many_come_at_once() {
    let world = asking(Level::Passphrase).await;
    set_secret(&world).await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    let guesses = (0..40).map(|number| {
        let guess = format!("guess number {number}");
        let (world, question) = (&world, &question);
        async move { fault(world.try_answer(question, Choice::Once, Some(&guess)).await) }
    });
    let faults = futures::future::join_all(guesses).await;
    let looked = faults.iter().filter(|fault| matches!(fault, StepUpFault::Wrong(_))).count();
    assert_eq!(looked, 3, "{faults:?}");
    assert_eq!(*world.looks.0.lock().unwrap(), 3, "only so many were looked at");
    // The right one has to wait as well, and is not counted meanwhile.
    let right = fault(world.try_answer(&question, Choice::Once, Some(SECRET)).await);
    assert_eq!(right, StepUpFault::Wait(3, 5));
    world.clock.advance_seconds(5);
    let wrong = fault(world.try_answer(&question, Choice::Once, Some("again")).await);
    assert_eq!(wrong, StepUpFault::Wrong(10));
    // The same count holds for changing the passphrase.
    let new = || Passphrase::new("another passphrase".to_owned());
    let guess = Passphrase::new("guess".to_owned());
    let changed = world.delegation.set_passphrase(new(), Some(&guess)).await;
    assert!(matches!(changed, Err(DelegationError::StepUp(StepUpFault::Wait(4, 10)))));
    world.clock.advance_seconds(10);
    world.try_answer(&question, Choice::Once, Some(SECRET)).await.unwrap();
    within(call).await.unwrap().unwrap();
    // Whoever knows the old one sets a new one; without it nobody does.
    let old = Passphrase::new(SECRET.to_owned());
    let without = world.delegation.set_passphrase(new(), None).await;
    assert!(matches!(without, Err(DelegationError::StepUp(StepUpFault::OldNeeded))));
    world.delegation.set_passphrase(new(), Some(&old)).await.unwrap();
    let call = world.begin(world.pay(6));
    let question = world.question().await;
    let old = fault(world.try_answer(&question, Choice::Once, Some(SECRET)).await);
    assert_eq!(old, StepUpFault::Wrong(0));
    call.abort();
}

#[tokio::test]
async fn a_level_lowered_while_a_question_waits_does_not_lower_it_and_a_raised_one_does_raise_it() {
    let world = asking(Level::Passphrase).await;
    set_secret(&world).await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    // To lower it what it wants has to be shown.
    let lower = |passphrase| world.delegation.set_level(scope(&world), Level::Click, passphrase);
    let without = lower(None).await;
    assert!(matches!(without, Err(DelegationError::StepUp(StepUpFault::PassphraseNeeded))));
    let secret = Passphrase::new(SECRET.to_owned());
    lower(Some(&secret)).await.unwrap();
    let still = fault(world.try_answer(&question, Choice::Once, None).await);
    assert_eq!(still, StepUpFault::PassphraseNeeded);

    *world.presence.confirms.lock().unwrap() = true;
    world.delegation.set_level(scope(&world), Level::Presence, None).await.unwrap();
    world.try_answer(&question, Choice::Once, None).await.unwrap();
    within(call).await.unwrap().unwrap();
    assert_eq!((*world.presence.asked.lock().unwrap(), world.sent()), (1, 1));
    assert_eq!(world.questions_raised(), 1, "what was given with more is asked about once");
}

#[tokio::test]
async fn a_yes_given_before_a_level_was_raised_does_not_do_any_more() {
    let world = asking(Level::Click).await;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    call.abort();
    let _ = call.await;
    world.answer(&question, Choice::Once).await;
    world.delegation.set_level(scope(&world), Level::Presence, None).await.unwrap();
    let again = world.begin(world.pay(5));
    assert_ne!(world.question().await, question);
    assert_eq!(world.sent(), 0);
    again.abort();
}

#[tokio::test]
async fn presence_is_proved_each_time_and_never_remembered() {
    let world = asking(Level::Presence).await;
    *world.presence.confirms.lock().unwrap() = true;
    for number in 1..=2 {
        let call = world.begin(world.pay(5));
        let question = world.question().await;
        let held = world.try_answer(&question, Choice::SameArgumentsFor { seconds: 900 }, None);
        assert!(matches!(held.await, Err(DelegationError::Answer(AnswerFault::EachTime))));
        world.try_answer(&question, Choice::Once, None).await.unwrap();
        within(call).await.unwrap().unwrap();
        assert_eq!(*world.presence.asked.lock().unwrap(), number);
    }
    *world.presence.confirms.lock().unwrap() = false;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    let no = fault(world.try_answer(&question, Choice::Once, Some(SECRET)).await);
    assert!(matches!(no, StepUpFault::Presence(_)), "{no}");
    // Where the machine cannot tell, it says so; nothing is denied, and a passphrase is no way around it.
    *world.presence.unable.lock().unwrap() = Some("polkit does not run".to_owned());
    set_secret(&world).await;
    let unable = fault(world.try_answer(&question, Choice::Once, Some(SECRET)).await);
    assert!(unable.to_string().contains("polkit does not run"), "{unable}");
    assert_eq!(state(&world, &question), QuestionState::Pending);
    assert_eq!(world.sent(), 2);
    call.abort();
}

#[tokio::test]
async fn a_presence_that_comes_too_late_answers_nothing() {
    let world = asking(Level::Presence).await;
    *world.presence.confirms.lock().unwrap() = true;
    *world.presence.holds.lock().unwrap() = true;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    let deny = async {
        within(world.presence.came.notified()).await;
        world.answer(&question, Choice::Deny { note: None }).await;
        world.presence.release.notify_one();
    };
    let (answered, ()) = tokio::join!(world.try_answer(&question, Choice::Once, None), deny);
    assert!(matches!(answered, Err(DelegationError::Answer(AnswerFault::Settled(_)))));
    within(call).await.unwrap().unwrap_err();
    // What was proved for one question is no proof for the next.
    *world.presence.holds.lock().unwrap() = false;
    *world.presence.confirms.lock().unwrap() = false;
    let call = world.begin(world.pay(5));
    let question = world.question().await;
    fault(world.try_answer(&question, Choice::Once, None).await);
    assert_eq!(world.sent(), 0);
    call.abort();
}

#[tokio::test]
async fn a_guardrail_a_grant_and_a_class_can_each_want_more() {
    let world = asking(Level::Click).await;
    set_secret(&world).await;
    let asks = |level: Level| {
        let world = &world;
        async move {
            let call = world.begin(world.pay(5));
            let id = world.question().await;
            let question = world.store.question(&id).unwrap().unwrap();
            assert_eq!(world.delegation.level_of(&question), level);
            world.answer(&id, Choice::Deny { note: None }).await;
            within(call).await.unwrap().unwrap_err();
        }
    };
    asks(Level::Click).await;
    let text = r#"@approval("money") @level("passphrase") forbid (principal, action, resource);"#;
    let origin = GuardrailOrigin::Cli;
    world.delegation.add_guardrail("money", text, origin.clone()).await.unwrap();
    asks(Level::Passphrase).await;
    for (name, wrong) in [
        ("unknown", r#"@approval("x") @level("moon") forbid (principal, action, resource);"#),
        ("alone", r#"@level("presence") forbid (principal, action, resource);"#),
    ] {
        assert!(world.delegation.add_guardrail(name, wrong, origin.clone()).await.is_err());
    }
    let grants = world.store.grants_of(&world.agent.id, &world.server.id).unwrap();
    let own = LevelScope::Grant(grants[0].id.clone());
    world.delegation.set_level(own.clone(), Level::Presence, None).await.unwrap();
    asks(Level::Presence).await;
    world.delegation.remove_guardrail("money").await.unwrap();
    asks(Level::Presence).await;
    *world.presence.confirms.lock().unwrap() = true;
    world.delegation.set_level(own, Level::Click, None).await.unwrap();
    asks(Level::Click).await;
    // Nobody has classified the tool, so it counts as every class.
    let class = LevelScope::Class(ToolClass::Admin);
    world.delegation.set_level(class, Level::Passphrase, None).await.unwrap();
    asks(Level::Passphrase).await;
}
