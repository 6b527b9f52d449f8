//! The person's attention: do not disturb, and Agents that ask too often. It must never allow anything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use prokura_domain::{AgentId, Change, Json, Keys, Question, QuestionState, RecordKind, Timestamp};
use prokura_store::StoreError;

use crate::message::{Refusal, RefusalCode};
use crate::{Delegation, DelegationError};

const SETTING: &str = "do_not_disturb";
/// The setting that says whether questions come as notifications too.
const NOTICES: &str = "approval_notices";
/// The setting that holds the keys that pause everything.
const PAUSE_KEYS: &str = "pause_keys";
/// So many questions of one Agent within the time of a question are more than anybody reads.
const MOST: usize = 120;
const WITHIN_MS: i64 = 600_000;

/// What happens to new questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disturb {
    /// They come to the front.
    #[default]
    Yes,
    /// They wait, and nothing comes to the front.
    Wait,
    /// They are refused.
    Deny,
}

impl Disturb {
    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "off",
            Self::Wait => "wait",
            Self::Deny => "deny",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Yes, Self::Wait, Self::Deny].into_iter().find(|one| one.as_str() == text)
    }
}

/// When each Agent asked lately.
#[derive(Debug, Default)]
pub(crate) struct Floods(Mutex<HashMap<AgentId, VecDeque<Timestamp>>>);

impl Floods {
    /// Whether this Agent may ask once more now.
    fn passes(&self, agent: &AgentId, now: Timestamp) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = table.entry(agent.clone()).or_default();
        times.retain(|at| now.millis_since(*at) < WITHIN_MS);
        if times.len() >= MOST {
            return false;
        }
        times.push_back(now);
        true
    }

    fn full(&self, agent: &AgentId, now: Timestamp) -> bool {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(agent).is_some_and(|times| {
            times.iter().filter(|at| now.millis_since(**at) < WITHIN_MS).count() >= MOST
        })
    }
}

impl Delegation {
    /// What happens to new questions.
    #[must_use]
    pub fn disturb(&self) -> Disturb {
        let kept = self.store().setting(SETTING).ok().flatten();
        kept.and_then(|word| Disturb::from_text(&word)).unwrap_or_default()
    }

    /// Says what happens to new questions.
    ///
    /// # Errors
    /// [`DelegationError::Store`] when it cannot be remembered.
    pub fn set_disturb(&self, disturb: Disturb) -> Result<(), DelegationError> {
        self.store().put_setting(SETTING, disturb.as_str())?;
        self.tell(Change::State);
        Ok(())
    }

    /// Whether new questions come as notifications of the desktop too.
    #[must_use]
    pub fn notices(&self) -> bool {
        self.store().setting(NOTICES).ok().flatten().as_deref() != Some("off")
    }

    /// Says whether they do.
    ///
    /// # Errors
    /// [`DelegationError::Store`] when it cannot be remembered.
    pub fn set_notices(&self, on: bool) -> Result<(), DelegationError> {
        self.store().put_setting(NOTICES, if on { "on" } else { "off" })?;
        self.tell(Change::State);
        Ok(())
    }

    /// The keys that pause everything, wherever the person is; what cannot be read is none.
    #[must_use]
    pub fn pause_keys(&self) -> Option<Keys> {
        self.store().setting(PAUSE_KEYS).ok().flatten()?.parse().ok()
    }

    /// Sets them, or takes them away.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn set_pause_keys(&self, keys: Option<&Keys>) -> Result<(), DelegationError> {
        let text = |keys: Option<&Keys>| keys.map_or("off", Keys::as_str).to_owned();
        let before = self.pause_keys();
        self.note_setting(PAUSE_KEYS, &text(before.as_ref()), &text(keys), None).await?;
        self.store().put_setting(PAUSE_KEYS, &text(keys))?;
        self.tell(Change::State);
        Ok(())
    }

    /// Whether an Agent asked so often that more of its questions are refused now.
    #[must_use]
    pub fn asks_too_often(&self, agent: &AgentId) -> bool {
        self.0.floods.full(agent, self.now())
    }

    /// Whether the person may be asked once more by this Agent.
    pub(crate) async fn may_ask(&self, agent: &AgentId) -> Result<(), Refusal> {
        if self.disturb() == Disturb::Deny {
            let text = "The person does not want to be asked now, so the call was refused. Try again later.";
            return Err(Refusal::new(RefusalCode::Unanswered, text));
        }
        if self.0.floods.passes(agent, self.now()) {
            return Ok(());
        }
        self.note_refused(Some(agent), "the agent asks too often").await;
        self.tell(Change::Agents);
        self.tell(Change::Approvals);
        let text = "This agent asked the person too often, so the call was refused. Wait ten minutes, and ask for less.";
        Err(Refusal::new(RefusalCode::Denied, text))
    }

    /// Whether new questions come to the front.
    pub(crate) fn quiet(&self) -> bool {
        self.disturb() == Disturb::Wait
    }

    fn pause_of(agent: &AgentId) -> String {
        format!("paused/{agent}")
    }

    /// Whether this one Agent is paused.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be read.
    pub fn agent_paused(&self, agent: &AgentId) -> Result<bool, StoreError> {
        Ok(self.store().setting(&Self::pause_of(agent))?.as_deref() == Some("true"))
    }

    /// Pauses one Agent: its Calls under way are cancelled, its Questions dropped, its next Call refused.
    ///
    /// # Errors
    /// Store and log faults; it is paused first in any case.
    pub async fn pause_agent(&self, agent: &AgentId) -> Result<(), DelegationError> {
        self.store().put_setting(&Self::pause_of(agent), "true")?;
        self.rules_changed(Change::Agents);
        let cancelled = self.0.flights.cancel(|flight| flight.agent == *agent);
        let own = |question: &Question| question.agent.as_ref() == Some(agent);
        let dropped = self.drop_questions(QuestionState::Dropped, own).await?;
        let detail = Json::object([
            ("calls_cancelled", Json::from(cancelled as u64)),
            ("questions_dropped", Json::from(dropped as u64)),
        ]);
        self.note_agent(RecordKind::AgentPaused, agent, detail).await?;
        Ok(())
    }

    /// Ends the pause of one Agent.
    ///
    /// # Errors
    /// Store and log faults; then it stays paused.
    pub async fn resume_agent(&self, agent: &AgentId) -> Result<(), DelegationError> {
        let nothing = Json::object::<String>([]);
        self.note_agent(RecordKind::AgentResumed, agent, nothing).await?;
        self.store().put_setting(&Self::pause_of(agent), "false")?;
        self.rules_changed(Change::Agents);
        Ok(())
    }
}
