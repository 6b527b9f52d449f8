//! Search mode: which Agents find their tools by searching instead of being given all of them. It changes what is listed,
//! never what may be called.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use prokura_domain::{AgentId, Change, Json, RecordKind};

use crate::{Delegation, DelegationError};

/// What was read; most Agents are given all of their tools.
#[derive(Debug, Default)]
pub(crate) struct Searching(RwLock<HashMap<AgentId, bool>>);

fn setting(agent: &AgentId) -> String {
    format!("search/{agent}")
}

impl Delegation {
    /// Whether this Agent finds its tools by searching.
    #[must_use]
    pub fn searches(&self, agent: &AgentId) -> bool {
        let kept = &self.0.searching.0;
        let known = kept.read().unwrap_or_else(PoisonError::into_inner).get(agent).copied();
        if let Some(known) = known {
            return known;
        }
        // What cannot be read is off, and is read again the next time.
        let Ok(read) = self.store().setting(&setting(agent)) else { return false };
        let read = read.as_deref() == Some("on");
        kept.write().unwrap_or_else(PoisonError::into_inner).insert(agent.clone(), read);
        read
    }

    /// Switches search mode. It holds from the Agent's next message on.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn set_searches(&self, agent: &AgentId, on: bool) -> Result<(), DelegationError> {
        let was = self.searches(agent);
        if was == on {
            return Ok(());
        }
        let word = |on: bool| if on { "on" } else { "off" };
        self.store().put_setting(&setting(agent), word(on))?;
        let kept = &self.0.searching.0;
        kept.write().unwrap_or_else(PoisonError::into_inner).insert(agent.clone(), on);
        let detail = Json::object([
            ("setting", Json::text("search")),
            ("was", Json::text(word(was))),
            ("is", Json::text(word(on))),
        ]);
        self.note_agent(RecordKind::SettingChanged, agent, detail).await?;
        self.tell(Change::Agents);
        Ok(())
    }
}
