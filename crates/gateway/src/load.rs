//! How much an Agent may have under way at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::AgentId;

use crate::away::{Away, own};

/// Messages of one Agent under way at once.
const LIMIT: usize = 64;

type Table = Mutex<HashMap<AgentId, usize>>;

/// What is under way, by Agent.
#[derive(Debug, Default)]
pub(crate) struct Load(Arc<Table>);

/// One message under way; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    agent: AgentId,
    table: Arc<Table>,
}

impl Load {
    /// Takes one more message of the Agent.
    pub fn enter(&self, agent: &AgentId) -> Result<Slot, Away> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.entry(agent.clone()).or_default();
        if *count >= LIMIT {
            let text = format!(
                "This agent has {LIMIT} messages under way. Wait until some of them are answered."
            );
            return Err(Away::new(429, own::TOO_MANY, "too many messages at once", text));
        }
        *count += 1;
        Ok(Slot { agent: agent.clone(), table: Arc::clone(&self.0) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = table.get_mut(&self.agent) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                table.remove(&self.agent);
            }
        }
    }
}
