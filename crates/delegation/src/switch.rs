//! The pause: one switch over all Agents.

use std::sync::atomic::Ordering;

use prokura_domain::{Change, Durability, Event, Json, QuestionState, RecordKind};

use crate::{Delegation, DelegationError};

pub(crate) const PAUSED: &str = "paused";

impl Delegation {
    /// Whether all Agents are paused.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.0.paused.load(Ordering::SeqCst)
    }

    /// Pauses all Agents: Calls under way are cancelled, Questions dropped, the next Call refused.
    ///
    /// # Errors
    /// [`DelegationError::Store`] when it cannot be remembered; it is paused all the same.
    pub async fn pause(&self) -> Result<(), DelegationError> {
        self.0.paused.store(true, Ordering::SeqCst);
        self.rules_changed(Change::State);
        let cancelled = self.0.flights.cancel(|_| true);
        let dropped = self.drop_questions(QuestionState::Dropped, |_| true).await?;
        self.store().put_setting(PAUSED, "true")?;
        self.note_counts(RecordKind::Paused, cancelled, dropped).await
    }

    /// Ends the pause.
    ///
    /// # Errors
    /// [`DelegationError::Store`] when it cannot be remembered; then it stays paused.
    pub async fn resume(&self) -> Result<(), DelegationError> {
        let event = Event::new(RecordKind::Resumed, Json::object::<String>([]));
        self.log().append(event, Durability::Synced).await?;
        self.store().put_setting(PAUSED, "false")?;
        self.0.paused.store(false, Ordering::SeqCst);
        self.rules_changed(Change::State);
        Ok(())
    }

    async fn note_counts(
        &self,
        kind: RecordKind,
        cancelled: usize,
        dropped: usize,
    ) -> Result<(), DelegationError> {
        let detail = Json::object([
            ("calls_cancelled", Json::from(cancelled as u64)),
            ("questions_dropped", Json::from(dropped as u64)),
        ]);
        self.log().append(Event::new(kind, detail), Durability::Synced).await?;
        Ok(())
    }
}
