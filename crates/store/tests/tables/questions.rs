//! Questions: their order, that one settles them, and that what they ask about cannot be read from the file.

use prokura_domain::{Digest, Question, QuestionState, Timestamp};
use prokura_store::{Store, StoreError};

use crate::{question, store};

#[test]
fn questions_come_back_newest_first() {
    let (_dir, store) = store();
    let (old, new) = (question("qst_1", 10), question("qst_2", 20));
    store.put_question(&old).unwrap();
    store.put_question(&new).unwrap();
    assert_eq!(store.questions(true).unwrap(), [new.clone(), old.clone()]);
    assert_eq!(store.question(&old.id).unwrap(), Some(old.clone()));
    let denied = QuestionState::Denied;
    let pending = [QuestionState::Pending];
    assert!(store.settle_question(&new.id, &pending, denied, Timestamp(30), Some("no")).unwrap());
    assert_eq!(store.questions(true).unwrap(), [old]);
    let settled = store.question(&new.id).unwrap().unwrap();
    assert_eq!(settled.state, QuestionState::Denied);
    assert_eq!((settled.settled_at, settled.note.as_deref()), (Some(Timestamp(30)), Some("no")));
    assert_eq!(
        (settled.params.as_str(), settled.digest),
        ("", Digest([0; 32])),
        "what was asked about is gone"
    );
    assert_eq!(store.questions(false).unwrap().len(), 2);
}

#[test]
fn what_is_asked_lies_sealed_and_is_not_kept_without_a_vault() {
    let (dir, store) = store();
    let asked = Question {
        params: r#"{"note":"only the person may read this"}"#.to_owned(),
        ..question("qst_1", 10)
    };
    store.put_question(&asked).unwrap();
    assert_eq!(store.question(&asked.id).unwrap(), Some(asked.clone()));
    for name in ["prokura.db", "prokura.db-wal"] {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        assert!(!bytes.windows(24).any(|part| part == b"only the person may read"), "{name}");
    }
    let unsealed = Store::open(dir.path()).unwrap();
    assert!(matches!(unsealed.put_question(&asked), Err(StoreError::Sealed(_))));
    // Without its vault it can be listed and denied, but what was allowed cannot be sent as something else.
    assert_eq!(unsealed.questions(true).unwrap()[0].params, "");
    let from = [QuestionState::Pending];
    unsealed
        .settle_question(&asked.id, &from, QuestionState::Allowed, Timestamp(11), None)
        .unwrap();
    assert!(matches!(unsealed.question(&asked.id), Err(StoreError::Sealed(_))));
}

#[test]
fn of_many_who_settle_a_question_one_succeeds() {
    let (_dir, store) = store();
    let question = question("qst_1", 10);
    store.put_question(&question).unwrap();
    let settle = |to| {
        let from = [QuestionState::Pending, QuestionState::Allowed];
        store.settle_question(&question.id, &from, to, Timestamp(11), None).unwrap()
    };
    let won: usize = std::thread::scope(|scope| {
        let racers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| usize::from(settle(QuestionState::Used)))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
    assert!(!settle(QuestionState::Denied));
    assert_eq!(store.question(&question.id).unwrap().unwrap().state, QuestionState::Used);
}
