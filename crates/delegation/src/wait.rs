//! How long an Agent waits for the person, as far as that was said or seen. An Agent is answered before its own patience
//! ends, so that what the person decides later still finds its Call. It must never let a Call go, or keep one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prokura_domain::question::EXPIRY_SECONDS;
use prokura_domain::{AgentId, Call, Digest, Question, QuestionId, Timestamp};
use tokio::time::Instant;

use crate::Delegation;

/// What most clients wait for an answer is 60 seconds; this is said well before.
const USUAL: Duration = Duration::from_secs(50);
/// Who gives up sooner than this did not run out of patience.
const SHORTEST: Duration = Duration::from_millis(1500);
/// How long a lesson counts. After it the Agent is waited for again as if nothing had been seen.
const LESSON_MS: i64 = 7 * 86_400_000;

/// What the gateway knows of a message that may have to wait for the person.
#[derive(Debug, Clone, Default)]
pub struct Wait {
    /// After this time the Agent is told to ask again; `None` waits for as long as the Question can be answered.
    pub within: Option<Duration>,
    /// The Question that an earlier message of the same Call waited for.
    pub resumes: Option<QuestionId>,
}

/// What was seen of one Agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    last: Duration,
    /// Two times the Agent gave up after about the same time.
    limit: Option<Duration>,
    at: Timestamp,
}

/// How long each Agent was seen to wait.
#[derive(Debug, Default)]
pub(crate) struct Patience(Mutex<HashMap<AgentId, Option<Seen>>>);

/// What identifies a Call that is repeated.
type Same = (AgentId, prokura_domain::ServerId, prokura_domain::AccountId, Digest);

/// Denials that no waiting Call has heard of, so that a repeat hears it instead of asking again.
#[derive(Debug, Default)]
pub(crate) struct Unheard(Mutex<HashMap<Same, (QuestionId, Timestamp)>>);

impl Unheard {
    pub fn keep(&self, question: &Question, now: Timestamp) {
        let (Some(agent), Some(server), Some(account)) =
            (&question.agent, &question.server, &question.account)
        else {
            return;
        };
        let same = (agent.clone(), server.clone(), account.clone(), question.digest);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, (_, until)| now < *until);
        table.insert(same, (question.id.clone(), question.expires_at));
    }

    /// The denial of this very Call, told once.
    pub fn take(&self, call: &Call, now: Timestamp) -> Option<QuestionId> {
        let same = (call.agent.clone(), call.server.clone(), call.account.clone(), call.digest);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&same).filter(|(_, until)| now < *until).map(|(question, _)| question)
    }
}

/// A Call that waits for the person. Dropped before it is defused, its Agent gave up.
pub(crate) struct Waiter<'a> {
    delegation: &'a Delegation,
    agent: AgentId,
    since: Instant,
    defused: bool,
}

impl Waiter<'_> {
    pub fn defuse(&mut self) {
        self.defused = true;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if !self.defused {
            self.delegation.gave_up(&self.agent, self.since.elapsed());
        }
    }
}

impl Delegation {
    /// `impatient` where somebody waits who may give up; a task waits for nobody.
    pub(crate) fn waiter(&self, agent: &AgentId, since: Instant, impatient: bool) -> Waiter<'_> {
        Waiter { delegation: self, agent: agent.clone(), since, defused: !impatient }
    }

    /// How long a message of this Agent can wait for the person before it has to be answered. `hears` says whether the
    /// Agent is told of progress meanwhile, which most take as a reason to go on waiting.
    #[must_use]
    pub fn patience(&self, agent: &AgentId, hears: bool) -> Duration {
        let seen = self.seen_of(agent);
        let fresh = seen.filter(|seen| self.now().millis_since(seen.at) < LESSON_MS);
        match fresh.and_then(|seen| seen.limit) {
            Some(limit) => before(limit),
            None if hears => Duration::from_secs(EXPIRY_SECONDS.unsigned_abs() + 1),
            None => USUAL,
        }
    }

    /// After how long the Agent was seen to give up, where it was seen twice.
    #[must_use]
    pub fn gives_up_after(&self, agent: &AgentId) -> Option<Duration> {
        self.seen_of(agent).and_then(|seen| seen.limit)
    }

    fn seen_of(&self, agent: &AgentId) -> Option<Seen> {
        let mut table = self.0.patience.0.lock().unwrap_or_else(PoisonError::into_inner);
        *table.entry(agent.clone()).or_insert_with(|| {
            let kept = self.store().setting(&setting_of(agent)).ok().flatten()?;
            let (millis, at) = kept.split_once(' ')?;
            let limit = Duration::from_millis(millis.parse().ok()?);
            Some(Seen { last: limit, limit: Some(limit), at: Timestamp(at.parse().ok()?) })
        })
    }

    fn gave_up(&self, agent: &AgentId, after: Duration) {
        if after < SHORTEST {
            return;
        }
        let before = self.seen_of(agent);
        let seen = learn(before, after, self.now());
        let mut table = self.0.patience.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(agent.clone(), Some(seen));
        drop(table);
        let Some(limit) = seen.limit.filter(|_| before.and_then(|seen| seen.limit) != seen.limit)
        else {
            return;
        };
        let kept = format!("{} {}", limit.as_millis(), seen.at.0);
        if let Err(error) = self.store().put_setting(&setting_of(agent), &kept) {
            tracing::warn!(%error, "how long an agent waits could not be kept");
        }
    }
}

fn setting_of(agent: &AgentId) -> String {
    format!("patience/{agent}")
}

/// A fifth of the time, or half a second, is left for the way back.
fn before(limit: Duration) -> Duration {
    let margin = (limit / 5).max(Duration::from_millis(500));
    limit.saturating_sub(margin).max(Duration::from_secs(1))
}

/// A time-out comes again after the same time; a person who presses Escape does not.
fn learn(before: Option<Seen>, after: Duration, at: Timestamp) -> Seen {
    let again = before.filter(|seen| {
        let margin = (seen.last / 4).max(Duration::from_secs(1));
        seen.last.abs_diff(after) <= margin
    });
    let limit = match again {
        Some(seen) => Some(seen.last.min(after)),
        None => before.and_then(|seen| seen.limit),
    };
    Seen { last: after, limit, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(times: &[u64]) -> Option<Duration> {
        let mut seen = None;
        for time in times {
            seen = Some(learn(seen, Duration::from_millis(*time), Timestamp(0)));
        }
        seen.and_then(|seen| seen.limit)
    }

    #[test]
    fn a_time_out_is_learnt_when_it_comes_twice_and_a_change_of_mind_is_not() {
        assert_eq!(taught(&[5012]), None);
        assert_eq!(taught(&[5012, 5590]), Some(Duration::from_millis(5012)));
        assert_eq!(taught(&[2000, 31_000, 9000]), None);
        assert_eq!(taught(&[60_010, 60_300, 4000]), Some(Duration::from_millis(60_010)));
    }

    #[test]
    fn an_agent_is_answered_before_its_patience_ends() {
        for limit in [2u64, 5, 10, 60, 600] {
            let limit = Duration::from_secs(limit);
            assert!(before(limit) <= limit - Duration::from_millis(500), "{limit:?}");
            assert!(before(limit) >= Duration::from_secs(1), "{limit:?}");
        }
    }
}
