//! Moves the anchor forward, and only along the chain it already stands on: after a rollback it stays where it was, so
//! that every verification keeps showing it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::port::{Anchor, Signer};

use crate::log::read;

pub(super) struct Anchorer {
    signer: Arc<dyn Signer>,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    /// Nobody compared the old anchor with the chain yet.
    Unchecked,
    /// The chain reaches the anchor; this is the newest one.
    At(i64),
    /// The chain does not reach the anchor.
    Apart,
}

impl Anchorer {
    pub(super) fn new(signer: Arc<dyn Signer>, path: PathBuf) -> Self {
        Self { signer, path, state: Mutex::new(State::Unchecked) }
    }

    /// Anchors a checkpoint that is synced already. Blocks for as long as the keyring is given.
    pub(super) fn anchor(&self, checkpoint: &Anchor) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Unchecked = *state {
            *state = self.compare(checkpoint);
        }
        match *state {
            State::At(seq) if seq < checkpoint.seq => {
                self.signer.anchor(checkpoint);
                *state = State::At(checkpoint.seq);
            }
            State::At(_) | State::Apart | State::Unchecked => {}
        }
    }

    fn compare(&self, checkpoint: &Anchor) -> State {
        let old = match self.signer.anchored(&checkpoint.log_id) {
            Ok(Some(old)) => old,
            Ok(None) => return State::At(0),
            // There may be one, and it may be the only witness of a rollback: it is not written over unread.
            Err(_) => return State::Unchecked,
        };
        let found = read::connect(&self.path).and_then(|db| read::one(&db, old.seq));
        match found {
            Ok(Some(record)) if record.hash == old.hash => State::At(old.seq),
            Ok(_) => State::Apart,
            // Nothing is known: asked again next time.
            Err(_) => State::Unchecked,
        }
    }
}
