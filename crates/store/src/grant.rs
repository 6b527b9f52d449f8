//! The table of Grants. A revoked Grant stays, so that the past can be explained.

use prokura_domain::budget::Budget;
use prokura_domain::clock::Timestamp;
use prokura_domain::condition::Condition;
use prokura_domain::digest::Digest;
use prokura_domain::grant::{Effect, Grant, TargetPattern};
use prokura_domain::id::{AccountId, AgentId, GrantId, ServerId};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{json, moment, moment_or_none, to_json, word, word_or_none};
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = r#"
CREATE TABLE "grant"(
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    server TEXT NOT NULL,
    account TEXT,
    target TEXT NOT NULL,
    effect TEXT NOT NULL,
    arguments TEXT,
    until INTEGER,
    note TEXT,
    origin TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    revoked_at INTEGER,
    used_at INTEGER
) STRICT;
CREATE INDEX grant_agent_server ON "grant"(agent, server) WHERE revoked_at IS NULL;
"#;

/// Conditions, as a JSON array.
pub(crate) const SCHEMA_2: &str = r#"
ALTER TABLE "grant" ADD COLUMN conditions TEXT NOT NULL DEFAULT '[]';
"#;

/// A budget, as a JSON object.
pub(crate) const SCHEMA_3: &str = r#"
ALTER TABLE "grant" ADD COLUMN budget TEXT;
"#;

impl Store {
    /// All Grants ever made, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        self.read_seen(|db| {
            db.prepare_cached(r#"SELECT * FROM "grant" ORDER BY added_at, rowid"#)?
                .query_map([], grant)?
                .collect()
        })
    }

    /// One Grant.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        self.read_seen(|db| {
            db.prepare_cached(r#"SELECT * FROM "grant" WHERE id = ?"#)?
                .query_row([id.as_str()], grant)
                .optional()
        })
    }

    /// The Grants that are not revoked, oldest first. Expired ones are among them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn open_grants(&self) -> Result<Vec<Grant>, StoreError> {
        self.read_seen(|db| {
            db.prepare_cached(
                r#"SELECT * FROM "grant" WHERE revoked_at IS NULL ORDER BY added_at, rowid"#,
            )?
            .query_map([], grant)?
            .collect()
        })
    }

    /// The Grants of an Agent at a Server that are not revoked, oldest first. Expired ones are among them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn grants_of(&self, agent: &AgentId, server: &ServerId) -> Result<Vec<Grant>, StoreError> {
        self.read_seen(|db| {
            db.prepare_cached(
                r#"SELECT * FROM "grant" WHERE agent = ? AND server = ? AND revoked_at IS NULL
                   ORDER BY added_at, rowid"#,
            )?
            .query_map([agent.as_str(), server.as_str()], grant)?
            .collect()
        })
    }

    /// Adds or changes a Grant; it is on the disk when this returns, because it may take authority away.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_grant(&self, grant: &Grant) -> Result<(), StoreError> {
        self.put_grants(std::slice::from_ref(grant))
    }

    /// Adds or changes Grants: all of them or none, and on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_grants(&self, grants: &[Grant]) -> Result<(), StoreError> {
        self.write_grants(grants, Safety::Synced)
    }

    /// The same, on the disk with whatever is synced next: for who writes a synced record right after it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_grants_before_a_sync(&self, grants: &[Grant]) -> Result<(), StoreError> {
        self.write_grants(grants, Safety::Logged)
    }

    fn write_grants(&self, grants: &[Grant], safety: Safety) -> Result<(), StoreError> {
        self.write(safety, |db| {
            let mut put = db.prepare_cached(
                r#"INSERT INTO "grant"(id, agent, server, account, target, effect, arguments, conditions, budget,
                   until, note, origin, added_at, revoked_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT(id) DO UPDATE SET account = excluded.account, target = excluded.target,
                   effect = excluded.effect, arguments = excluded.arguments, conditions = excluded.conditions,
                   budget = excluded.budget, until = excluded.until, note = excluded.note, revoked_at = excluded.revoked_at, used_at = max(coalesce(used_at, excluded.used_at), coalesce(excluded.used_at, used_at))"#,
            )?;
            for grant in grants {
                put.execute(params![
                    grant.id.as_str(),
                    grant.agent.as_str(),
                    grant.server.as_str(),
                    grant.account.as_ref().map(AccountId::as_str),
                    grant.target.to_text(),
                    grant.effect.as_str(),
                    grant.arguments.map(|digest| digest.to_string()),
                    Condition::list_to_text(&grant.conditions),
                    grant.budget.as_ref().map(Budget::to_json_text),
                    grant.until.map(|at| at.0),
                    grant.note,
                    to_json(&grant.origin)?,
                    grant.added_at.0,
                    grant.revoked_at.map(|at| at.0),
                    grant.used_at.map(|at| at.0),
                ])?;
            }
            Ok(())
        })
    }

    /// Notes that a Call went through these Grants.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn touch_grants(&self, ids: &[GrantId], at: Timestamp) -> Result<(), StoreError> {
        self.see(|seen| ids.iter().for_each(|id| seen.grant(id, at)), at)
    }
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        id: word(row, "id", |id| Some(GrantId::from_text(id)))?,
        agent: word(row, "agent", |id| Some(AgentId::from_text(id)))?,
        server: word(row, "server", |id| Some(ServerId::from_text(id)))?,
        account: word_or_none(row, "account", |id| Some(AccountId::from_text(id)))?,
        target: word(row, "target", TargetPattern::from_text)?,
        effect: word(row, "effect", Effect::from_text)?,
        arguments: word_or_none(row, "arguments", Digest::from_hex)?,
        conditions: word(row, "conditions", Condition::list_from_text)?,
        budget: word_or_none(row, "budget", Budget::from_json_text)?,
        until: moment_or_none(row, "until")?,
        note: row.get("note")?,
        origin: json(row, "origin")?,
        added_at: moment(row, "added_at")?,
        revoked_at: moment_or_none(row, "revoked_at")?,
        used_at: moment_or_none(row, "used_at")?,
    })
}
