//! Programs that come in over the local socket: who is let in, and who is asked about.

use prokura_delegation::{DelegationError, Refusal, RefusalCode};
use prokura_domain::{
    Agent, Answer, Caller, Choice, Digest, Origin, PairingReason, Process, Program, QuestionKind,
    QuestionState, SeenFile,
};
use tokio::task::JoinHandle;

use crate::world::*;

fn file(path: &str, byte: u8) -> SeenFile {
    SeenFile { path: path.to_owned(), digest: Digest([byte; 32]) }
}

fn caller(name: &str, path: &str, byte: u8) -> Caller {
    Caller {
        name: name.to_owned(),
        program: Some(Program { executable: file(path, byte), script: None }),
        chain: vec![Process {
            pid: 7,
            name: "agent".to_owned(),
            executable: Some(path.to_owned()),
        }],
    }
}

fn come(world: &World, caller: Caller) -> JoinHandle<Result<Agent, Refusal>> {
    let delegation = world.delegation.clone();
    tokio::spawn(async move { delegation.admit(caller).await })
}

async fn reason(world: &World) -> PairingReason {
    let question = world.question().await;
    let question = world.store.question(&question).unwrap().unwrap();
    let QuestionKind::Pairing { reason, .. } = question.kind else { panic!("not a pairing") };
    world.answer(&question.id, Choice::Once).await;
    reason
}

#[tokio::test]
async fn the_first_time_asks_and_the_next_does_not() {
    let world = World::new().await;
    let first = come(&world, caller("coder", "/bin/coder", 1));
    assert_eq!(reason(&world).await, PairingReason::First);
    let agent = within(first).await.unwrap().unwrap();
    assert_eq!(agent.name, "coder");
    let again = within(world.delegation.admit(caller("coder", "/bin/coder", 1))).await.unwrap();
    assert_eq!((again.id, world.questions_raised()), (agent.id, 1));
    let kinds = world.kinds();
    let order = ["question.raised", "question.settled", "agent.paired"];
    let found: Vec<&String> = kinds.iter().filter(|kind| order.contains(&kind.as_str())).collect();
    assert_eq!(found, order);
}

#[tokio::test]
async fn a_changed_program_and_another_one_ask_again() {
    let world = World::new().await;
    let first = come(&world, caller("coder", "/bin/coder", 1));
    reason(&world).await;
    let agent = within(first).await.unwrap().unwrap();
    let changed = come(&world, caller("coder", "/bin/coder", 2));
    assert_eq!(reason(&world).await, PairingReason::Changed);
    let other = come(&world, caller("coder", "/tmp/other", 1));
    assert_eq!(reason(&world).await, PairingReason::Another);
    for task in [changed, other] {
        assert_eq!(within(task).await.unwrap().unwrap().id, agent.id);
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_told_is_asked_about_every_time() {
    let world = World::new().await;
    for _ in 0..2 {
        let unknown = Caller { program: None, ..caller("coder", "", 0) };
        let task = come(&world, unknown);
        assert_eq!(reason(&world).await, PairingReason::Untold);
        within(task).await.unwrap().unwrap();
    }
    let agent = world.store.find_agent("coder").unwrap().unwrap();
    assert!(world.store.pairings(&agent.id).unwrap().is_empty());
}

#[tokio::test]
async fn a_denied_program_stays_out_and_cannot_ask_in_a_loop() {
    let world = World::new().await;
    let task = come(&world, caller("coder", "/bin/coder", 1));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: Some("not today".to_owned()) }).await;
    let refused = within(task).await.unwrap().unwrap_err();
    assert_eq!(refused.code, RefusalCode::DeniedByPerson);
    assert!(refused.message.contains("not today"));
    assert!(world.store.find_agent("coder").unwrap().is_none(), "nobody was added");
    let again = within(world.delegation.admit(caller("coder", "/bin/coder", 1))).await;
    assert_eq!(again.unwrap_err().code, RefusalCode::DeniedByPerson);
    assert_eq!(world.questions_raised(), 1);
    world.clock.advance_seconds(61);
    let later = come(&world, caller("coder", "/bin/coder", 1));
    reason(&world).await;
    within(later).await.unwrap().unwrap();
}

#[tokio::test]
async fn two_starts_of_one_program_are_one_question() {
    let world = World::new().await;
    let first = come(&world, caller("coder", "/bin/coder", 1));
    let question = world.question().await;
    let second = come(&world, caller("coder", "/bin/coder", 1));
    tokio::task::yield_now().await;
    world.answer(&question, Choice::Once).await;
    for task in [first, second] {
        within(task).await.unwrap().unwrap();
    }
    assert_eq!(world.questions_raised(), 1);
}

#[tokio::test]
async fn many_programs_cannot_bury_the_person() {
    let world = World::new().await;
    let mut tasks = Vec::new();
    for at in 0..8 {
        tasks.push(come(&world, caller("coder", &format!("/bin/{at}"), 1)));
        world.question().await;
    }
    let ninth = within(world.delegation.admit(caller("coder", "/bin/9", 1))).await;
    assert_eq!(ninth.unwrap_err().code, RefusalCode::Denied);
    world.delegation.pause().await.unwrap();
    for task in tasks {
        assert_eq!(within(task).await.unwrap().unwrap_err().code, RefusalCode::Changed);
    }
    let paused = within(world.delegation.admit(caller("coder", "/bin/1", 1))).await;
    assert_eq!(paused.unwrap_err().code, RefusalCode::Paused);
}

#[tokio::test]
async fn a_revoked_agent_cannot_come_back_by_pairing() {
    let world = World::new().await;
    let first = come(&world, caller("coder", "/bin/coder", 1));
    reason(&world).await;
    let agent = within(first).await.unwrap().unwrap();
    let asked = come(&world, caller("coder", "/bin/other", 1));
    let question = world.question().await;
    world.delegation.revoke_agent(&agent).await.unwrap();
    within(asked).await.unwrap().unwrap_err();
    let answer = Answer { question, choice: Choice::Once, passphrase: None };
    world.delegation.answer(answer, Origin::Cli).await.unwrap_err();
    let again = within(world.delegation.admit(caller("coder", "/bin/coder", 1))).await;
    assert_eq!(again.unwrap_err().code, RefusalCode::Revoked);
    assert!(world.store.pairings(&agent.id).unwrap().is_empty());
}

#[tokio::test]
async fn an_unpaired_program_asks_again() {
    let world = World::new().await;
    let first = come(&world, caller("coder", "/bin/coder", 1));
    reason(&world).await;
    let agent = within(first).await.unwrap().unwrap();
    let pairing = world.store.pairings(&agent.id).unwrap().remove(0);
    world.delegation.unpair(&agent.id, &pairing.id).await.unwrap();
    let gone = world.delegation.unpair(&agent.id, &pairing.id).await;
    assert!(matches!(gone, Err(DelegationError::NotFound(_))));
    let again = come(&world, caller("coder", "/bin/coder", 1));
    assert_eq!(reason(&world).await, PairingReason::First);
    within(again).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pairing_is_not_answered_for_a_time() {
    let world = World::new().await;
    let task = come(&world, caller("coder", "/bin/coder", 1));
    let question = world.question().await;
    let answer = Answer {
        question: question.clone(),
        choice: Choice::SameArgumentsFor { seconds: 900 },
        passphrase: None,
    };
    world.delegation.answer(answer, Origin::Cli).await.unwrap_err();
    let waits = world.store.question(&question).unwrap().unwrap();
    assert_eq!(waits.state, QuestionState::Pending);
    world.answer(&question, Choice::Deny { note: None }).await;
    within(task).await.unwrap().unwrap_err();
}
