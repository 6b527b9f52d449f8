//! The table of tasks that Servers made: for which Agent each was made, so that no other one can ask for it. Only a digest
//! of its id is kept.

use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::id::{AccountId, AgentId, ServerId};
use rusqlite::{OptionalExtension as _, params};

use crate::error::StoreError;
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = "
CREATE TABLE task(
    server TEXT NOT NULL,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    agent TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (server, account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_agent ON task(agent, made_at);
";

/// Tasks of one Agent that are remembered; the oldest goes first.
const MOST: u32 = 1024;
/// How long a task is remembered.
const KEPT_FOR: i64 = 30 * 24 * 3600 * 1000;

impl Store {
    /// Notes that a Server made a task for an Agent; says whether it is that Agent's now. A task that was made for one
    /// Agent never becomes another's. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn keep_task(
        &self,
        (server, account): (&ServerId, &AccountId),
        id: &Digest,
        agent: &AgentId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached("DELETE FROM task WHERE agent = ? AND made_at < ?")?
                .execute(params![agent.as_str(), now.0.saturating_sub(KEPT_FOR)])?;
            db.prepare_cached(
                "DELETE FROM task WHERE (server, account, id) IN (SELECT server, account, id FROM task
                 WHERE agent = ? ORDER BY made_at DESC LIMIT -1 OFFSET ?)",
            )?
            .execute(params![agent.as_str(), MOST - 1])?;
            let kept = db
                .prepare_cached(
                    "INSERT INTO task(server, account, id, agent, made_at) VALUES (?, ?, ?, ?, ?)
                     ON CONFLICT DO UPDATE SET made_at = excluded.made_at WHERE agent = excluded.agent",
                )?
                .execute(params![
                    server.as_str(),
                    account.as_str(),
                    id.to_string(),
                    agent.as_str(),
                    now.0,
                ])?;
            Ok(kept == 1)
        })
    }

    /// The Agent a task was made for.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn task_agent(
        &self,
        (server, account): (&ServerId, &AccountId),
        id: &Digest,
    ) -> Result<Option<AgentId>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT agent FROM task WHERE server = ? AND account = ? AND id = ?")?
                .query_row([server.as_str(), account.as_str(), &id.to_string()], |row| {
                    row.get::<_, String>(0)
                })
                .optional()
                .map(|found| found.map(|agent| AgentId::from_text(&agent)))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_task_stays_with_the_agent_it_was_made_for_and_the_oldest_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let at = (&ServerId::from_text("srv_1"), &AccountId::from_text("acc_1"));
        let (own, other) = (AgentId::from_text("agt_1"), AgentId::from_text("agt_2"));
        let id = |number: u32| Digest::of(&[&number.to_be_bytes()]);
        assert!(store.keep_task(at, &id(0), &own, Timestamp(1)).unwrap());
        assert!(!store.keep_task(at, &id(0), &other, Timestamp(2)).unwrap());
        assert!(store.keep_task(at, &id(0), &own, Timestamp(3)).unwrap());
        assert_eq!(store.task_agent(at, &id(0)).unwrap(), Some(own.clone()));
        let elsewhere = (at.0, &AccountId::from_text("acc_2"));
        assert_eq!(store.task_agent(elsewhere, &id(0)).unwrap(), None);
        for number in 1..=MOST {
            store.keep_task(at, &id(number), &own, Timestamp(3 + i64::from(number))).unwrap();
        }
        assert_eq!(store.task_agent(at, &id(0)).unwrap(), None);
        assert_eq!(store.task_agent(at, &id(1)).unwrap(), Some(own.clone()));
        store.keep_task(at, &id(0), &own, Timestamp(KEPT_FOR + 10)).unwrap();
        assert_eq!(store.task_agent(at, &id(1)).unwrap(), None);
    }
}
