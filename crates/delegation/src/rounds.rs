//! Calls that a Server answered with `input_required`: the same Call comes again with what the Server wanted, and keeps
//! its Approval and what it cost (V-02). It must never carry an Approval over to another Call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::question::EXPIRY_SECONDS;
use prokura_domain::{AccountId, AgentId, Call, CallId, Digest, Json, ServerId, Timestamp, call};
use prokura_policy::{Approved, arguments};

use crate::Delegation;

/// Rounds that are remembered at most.
const MOST: usize = 4096;

/// What has to be the same: who, where, as whom, the Call apart from its rounds, and the Server's own `requestState`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(AgentId, ServerId, AccountId, Digest, Option<String>);

/// The Approval a Call had, the Call, and until when it may come again.
type Kept = (Option<Approved>, CallId, Timestamp);

/// Calls that may come again.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Mutex<HashMap<Key, Kept>>);

/// What a Call that comes again rests on.
pub(crate) struct Round {
    /// The Call it repeats.
    pub began: CallId,
    /// The Approval of the Call it repeats, for this one.
    pub approved: Option<Approved>,
    /// Its arguments, which were counted and looked at before.
    pub arguments: Arc<Json>,
}

/// A Call apart from its rounds.
#[derive(Debug, Clone)]
pub(crate) struct Repeatable(Key);

impl Repeatable {
    pub fn of(call: &Call) -> Self {
        let state = call.params.member("requestState").map(Json::to_text);
        let fresh = state.is_none() && call.params.member("inputResponses").is_none();
        let same = if fresh {
            call.digest
        } else {
            let mut params = call.params.clone();
            params.remove("requestState");
            params.remove("inputResponses");
            call::digest(&call.method, &params)
        };
        Self(Key(call.agent.clone(), call.server.clone(), call.account.clone(), same, state))
    }
}

impl Delegation {
    /// The round this Call goes on with, once; `None` where it begins.
    pub(crate) fn round(&self, call: &Call) -> Option<Round> {
        call.params.member("inputResponses").or_else(|| call.params.member("requestState"))?;
        let key = Repeatable::of(call).0;
        let mut table = self.0.rounds.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (approved, began, until) = table.remove(&key)?;
        let approved = approved.map(|yes| Approved { digest: call.digest, ..yes });
        let arguments = Arc::new(arguments(call).clone());
        (self.now() < until).then_some(Round { began, approved, arguments })
    }

    /// The Server wants this Call again, with what `answer` asks for.
    pub(crate) fn comes_again(
        &self,
        (of, call): (&Repeatable, &CallId),
        approved: Option<Approved>,
        answer: &[u8],
    ) {
        let Ok(message) = Json::read(answer) else { return };
        let state = message.at("/result/requestState").map(Json::to_text);
        let key = Key(of.0.0.clone(), of.0.1.clone(), of.0.2.clone(), of.0.3, state);
        let now = self.now();
        let mut table = self.0.rounds.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST {
            table.retain(|_, (.., until)| now < *until);
        }
        if table.len() < MOST {
            table.insert(key, (approved, call.clone(), now.plus_seconds(EXPIRY_SECONDS)));
        }
    }
}
