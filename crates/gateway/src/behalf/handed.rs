//! What modern Agents were asked themselves. A retry may bring along answers to exactly that: whatever else it says would
//! be an answer in the person's place.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode};
use prokura_domain::{Digest, Json, call};
use tokio::time::Instant;

use crate::sub::Spot;

/// How long an Agent may take to come back.
const KEPT_FOR: Duration = Duration::from_secs(3600);
/// Rounds that are remembered; the oldest goes first.
const MOST: usize = 4096;

/// Whose call, and the keys it was asked for.
struct Round {
    spot: Spot,
    digest: Digest,
    keys: Vec<String>,
    since: Instant,
}

/// All of them.
#[derive(Default)]
pub(super) struct Handed(Mutex<Vec<Round>>);

/// What identifies a call apart from the rounds it goes through.
pub(super) fn digest(inbound: &Inbound) -> Option<Digest> {
    let Kind::Message { method, params, .. } = &inbound.kind else { return None };
    let mut params = params.clone();
    params.remove("requestState");
    params.remove("inputResponses");
    Some(call::digest(method, &params))
}

/// What a message brings along.
fn brings(inbound: &Inbound) -> Option<&Json> {
    let Kind::Message { params, .. } = &inbound.kind else { return None };
    params.member("inputResponses")
}

/// What an Agent is told that answers what it was not asked.
pub(super) fn unasked() -> Refusal {
    let text = "This agent was not asked what it answers here. Call without inputResponses: the person is asked.";
    Refusal::new(RefusalCode::Malformed, text)
}

/// Whether a message answers anything at all.
pub(super) fn answers(inbound: &Inbound) -> bool {
    brings(inbound).is_some()
}

impl Handed {
    /// The Agent is asked itself, by this result.
    pub fn note(&self, inbound: &Inbound, result: &Json) {
        let requests = result.member("inputRequests").and_then(Json::members).unwrap_or_default();
        let keys: Vec<String> = requests.iter().map(|(key, _)| key.clone()).collect();
        let (false, Some(digest)) = (keys.is_empty(), digest(inbound)) else { return };
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|round| round.since.elapsed() < KEPT_FOR);
        if table.len() >= MOST {
            table.remove(0);
        }
        table.push(Round { spot: Spot::of(inbound), digest, keys, since: Instant::now() });
    }

    /// Whether it answers only what it was asked in this very call.
    ///
    /// # Errors
    /// What the Agent is told otherwise.
    pub fn check(&self, inbound: &Inbound) -> Result<(), Refusal> {
        let Some(given) = brings(inbound) else { return Ok(()) };
        let (spot, digest) = (Spot::of(inbound), digest(inbound));
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |round: &&Round| round.spot == spot && Some(round.digest) == digest;
        let asked = |key: &String| table.iter().filter(own).any(|round| round.keys.contains(key));
        let known = given.members().is_some_and(|all| all.iter().all(|(key, _)| asked(key)));
        if known { Ok(()) } else { Err(unasked()) }
    }
}
