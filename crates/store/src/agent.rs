//! The table of Agents. Of a key only its digest is known.

use prokura_domain::agent::Agent;
use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::id::AgentId;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{from_word, moment, moment_or_none, to_word, word, word_or_none};
use crate::store::{Safety, Store, name_taken};

pub(crate) const SCHEMA: &str = "
CREATE TABLE agent(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    key TEXT UNIQUE,
    claim TEXT,
    added_at INTEGER NOT NULL,
    seen_at INTEGER
) STRICT;
";

impl Store {
    /// All Agents, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        self.read_seen(|db| {
            db.prepare_cached("SELECT * FROM agent ORDER BY name")?.query_map([], agent)?.collect()
        })
    }

    /// One Agent.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn agent(&self, id: &AgentId) -> Result<Option<Agent>, StoreError> {
        let mut found = self.known("agent", id.as_str(), |db| {
            db.prepare_cached("SELECT * FROM agent WHERE id = ?")?
                .query_row([id.as_str()], agent)
                .optional()
        })?;
        if let Some(agent) = &mut found {
            self.seen(|seen| seen.tell(agent));
        }
        Ok(found)
    }

    /// The Agent with this name, else with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn find_agent(&self, name_or_id: &str) -> Result<Option<Agent>, StoreError> {
        self.read_seen(|db| {
            db.prepare_cached(
                "SELECT * FROM agent WHERE name = ?1 OR id = ?1 ORDER BY name = ?1 DESC LIMIT 1",
            )?
            .query_row([name_or_id], agent)
            .optional()
        })
    }

    /// The Agent whose key has this digest, whatever its state.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn agent_by_key(&self, key: &Digest) -> Result<Option<Agent>, StoreError> {
        self.known("agent by key", &key.to_string(), |db| {
            db.prepare_cached("SELECT * FROM agent WHERE key = ?")?
                .query_row([key.to_string()], agent)
                .optional()
        })
    }

    /// Adds or changes an Agent; it is on the disk when this returns, because it may take authority away.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another Agent has the name or the key.
    pub fn put_agent(&self, agent: &Agent) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached(
                "INSERT INTO agent(id, name, state, key, claim, added_at, seen_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(id) DO UPDATE SET name = excluded.name, state = excluded.state,
                 key = excluded.key, claim = excluded.claim, seen_at = excluded.seen_at",
            )?
            .execute(params![
                agent.id.as_str(),
                agent.name,
                to_word(&agent.state)?,
                agent.key.map(|key| key.to_string()),
                agent.claim,
                agent.added_at.0,
                agent.seen_at.map(|at| at.0),
            ])
            .map_err(|fault| name_taken(fault, &agent.name))?;
            Ok(())
        })
    }

    /// Notes that an Agent called, and what it said of itself.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn touch_agent(
        &self,
        id: &AgentId,
        at: Timestamp,
        claim: Option<&str>,
    ) -> Result<(), StoreError> {
        self.see(|seen| seen.agent(id, at, claim), at)
    }
}

fn agent(row: &Row<'_>) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: word(row, "id", |id| Some(AgentId::from_text(id)))?,
        name: row.get("name")?,
        state: word(row, "state", from_word)?,
        key: word_or_none(row, "key", Digest::from_hex)?,
        claim: row.get("claim")?,
        added_at: moment(row, "added_at")?,
        seen_at: moment_or_none(row, "seen_at")?,
    })
}
