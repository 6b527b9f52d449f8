//! How much one Agent may take: kept for each, with defaults for those nobody thought about.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use prokura_domain::{AgentId, AgentLimits, Change, Json, RecordKind};
use prokura_store::StoreError;

use crate::{Delegation, DelegationError};

/// The limits that were read; most Agents have the defaults.
#[derive(Debug, Default)]
pub(crate) struct Kept(RwLock<HashMap<AgentId, AgentLimits>>);

fn setting(agent: &AgentId) -> String {
    format!("limits/{agent}")
}

impl Delegation {
    /// How much this Agent may take.
    #[must_use]
    pub fn limits(&self, agent: &AgentId) -> AgentLimits {
        let kept = &self.0.limits.0;
        let known = kept.read().unwrap_or_else(PoisonError::into_inner).get(agent).copied();
        if let Some(known) = known {
            return known;
        }
        // What cannot be read limits by the defaults, and is read again the next time.
        let Ok(read) = self.read_limits(agent) else { return AgentLimits::default() };
        kept.write().unwrap_or_else(PoisonError::into_inner).insert(agent.clone(), read);
        read
    }

    fn read_limits(&self, agent: &AgentId) -> Result<AgentLimits, StoreError> {
        let kept = self.store().setting(&setting(agent))?;
        let read = kept.and_then(|text| serde_json::from_str::<AgentLimits>(&text).ok());
        Ok(read.filter(|limits| limits.check().is_ok()).unwrap_or_default())
    }

    /// Sets how much an Agent may take. It holds from its next message on.
    ///
    /// # Errors
    /// [`DelegationError::Name`] where a limit makes no sense; store and log faults.
    pub async fn set_limits(
        &self,
        agent: &AgentId,
        limits: AgentLimits,
    ) -> Result<(), DelegationError> {
        limits.check().map_err(DelegationError::Name)?;
        let was = self.limits(agent);
        let text = |limits: &AgentLimits| serde_json::to_string(limits).unwrap_or_default();
        self.store().put_setting(&setting(agent), &text(&limits))?;
        let kept = &self.0.limits.0;
        kept.write().unwrap_or_else(PoisonError::into_inner).insert(agent.clone(), limits);
        let detail = Json::object([
            ("setting", Json::text("limits")),
            ("was", Json::text(text(&was))),
            ("is", Json::text(text(&limits))),
        ]);
        self.note_agent(RecordKind::SettingChanged, agent, detail).await?;
        self.tell(Change::Agents);
        Ok(())
    }
}
