//! When Agents and Grants were used last, gathered for a second: a write for each Call would cost more than the Call.

use std::collections::HashMap;

use prokura_domain::agent::Agent;
use prokura_domain::clock::Timestamp;
use prokura_domain::id::{AgentId, GrantId};
use rusqlite::{Transaction, params};

/// How long what was seen is gathered.
const GATHERED_MS: i64 = 1000;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    since: Option<Timestamp>,
    grants: HashMap<GrantId, Timestamp>,
    agents: HashMap<AgentId, (Timestamp, Option<String>)>,
}

impl Seen {
    pub fn grant(&mut self, id: &GrantId, at: Timestamp) {
        self.since.get_or_insert(at);
        self.grants.insert(id.clone(), at);
    }

    /// A claim that is not said again stays.
    pub fn agent(&mut self, id: &AgentId, at: Timestamp, claim: Option<&str>) {
        self.since.get_or_insert(at);
        let known = self.agents.entry(id.clone()).or_insert((at, None));
        known.0 = at;
        if let Some(claim) = claim {
            known.1 = Some(claim.to_owned());
        }
    }

    /// Puts what was seen since into a row.
    pub fn tell(&self, agent: &mut Agent) {
        if let Some((at, claim)) = self.agents.get(&agent.id) {
            agent.seen_at = Some(*at);
            agent.claim = claim.clone().or(agent.claim.take());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    /// Whether it was gathered for long enough; also where the clock was set back.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| !(0..GATHERED_MS).contains(&now.millis_since(since)))
    }

    pub fn write(&self, db: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut grant = db.prepare_cached(r#"UPDATE "grant" SET used_at = ? WHERE id = ?"#)?;
        for (id, at) in &self.grants {
            grant.execute(params![at.0, id.as_str()])?;
        }
        let mut agent = db.prepare_cached(
            "UPDATE agent SET seen_at = ?, claim = coalesce(?, claim) WHERE id = ?",
        )?;
        for (id, (at, claim)) in &self.agents {
            agent.execute(params![at.0, claim, id.as_str()])?;
        }
        Ok(())
    }
}
