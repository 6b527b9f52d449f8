//! Servers that are programs of this machine: when the person is asked, and about what.

use prokura_delegation::DelegationError;
use prokura_domain::{Choice, Confinement, Launch, Question, QuestionKind, StartReason};

use crate::world::*;

fn launch(command: &str) -> Launch {
    Launch { command: command.to_owned(), ..Launch::default() }
}

fn reason(question: &Question) -> StartReason {
    match &question.kind {
        QuestionKind::LocalStart { reason, .. } => *reason,
        _ => panic!("another question"),
    }
}

#[tokio::test]
async fn a_start_is_asked_about_once_and_allowed_for_exactly_this_plan() {
    // U-17
    let world = World::new().await;
    let server = world.delegation.add_local("notes", launch("notes")).await.unwrap();
    let asked = world.delegation.ask_to_start(&server).await.unwrap().unwrap();
    assert_eq!(reason(&asked), StartReason::First);
    let again = world.delegation.ask_to_start(&server).await.unwrap().unwrap();
    assert_eq!(again.id, asked.id);
    let plan = world.delegation.planned(&launch("notes")).unwrap();
    assert!(!world.delegation.may_start(&server.id, &plan).unwrap());
    world.answer(&asked.id, Choice::Once).await;
    assert!(world.delegation.may_start(&server.id, &plan).unwrap());
    assert!(world.delegation.ask_to_start(&server).await.unwrap().is_none());

    let confined = Launch { confinement: Some(Confinement::default()), ..launch("notes") };
    for other in [launch("others"), confined.clone()] {
        let plan = world.delegation.planned(&other).unwrap();
        assert!(!world.delegation.may_start(&server.id, &plan).unwrap());
    }
    let server = world.delegation.change_local(&server, confined).await.unwrap();
    let asked = world.delegation.ask_to_start(&server).await.unwrap().unwrap();
    assert_eq!(reason(&asked), StartReason::Changed);
    // A change while the question waits makes it void.
    world.delegation.change_local(&server, launch("notes")).await.unwrap();
    let left = world.store.question(&asked.id).unwrap().unwrap();
    assert_eq!(left.state, prokura_domain::QuestionState::Dropped);
    let kinds = world.kinds();
    for kind in ["server.added", "question.raised", "server.start_approved", "server.changed"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind} in {kinds:?}");
    }
}

#[tokio::test]
async fn a_start_that_was_denied_is_not_asked_about_again_at_once() {
    let world = World::new().await;
    let server = world.delegation.add_local("notes", launch("notes")).await.unwrap();
    let asked = world.delegation.ask_to_start(&server).await.unwrap().unwrap();
    world.answer(&asked.id, Choice::Deny { note: None }).await;
    let refused = world.delegation.ask_to_start(&server).await.unwrap_err();
    assert!(matches!(refused, DelegationError::Refused(_)), "{refused}");
    world.clock.advance_seconds(61);
    let asked = world.delegation.ask_to_start(&server).await.unwrap().unwrap();
    assert_eq!(reason(&asked), StartReason::First);
}

#[tokio::test]
async fn a_remote_server_is_never_started() {
    let world = World::new().await;
    let remote = world.delegation.add_server("far", "https://far.example/mcp").await.unwrap();
    assert!(world.delegation.ask_to_start(&remote).await.is_err());
    assert!(world.delegation.change_local(&remote, launch("notes")).await.is_err());
    assert!(world.delegation.add_local("bad", launch("../notes")).await.is_err());
}
