//! The table of pairings: which programs may come in over the local socket, and as which Agent.

use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::id::{AgentId, PairingId};
use prokura_domain::process::{Pairing, Program, SeenFile};
use rusqlite::{Row, params};

use crate::error::StoreError;
use crate::row::{digest, moment, moment_or_none, word, word_or_none};
use crate::store::{Safety, Store};

pub(crate) const SCHEMA_4: &str = "
CREATE TABLE pairing(
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    executable TEXT NOT NULL,
    digest TEXT NOT NULL,
    script TEXT,
    script_digest TEXT,
    added_at INTEGER NOT NULL,
    seen_at INTEGER
) STRICT;
CREATE INDEX pairing_agent ON pairing(agent);
";

impl Store {
    /// The pairings of an Agent, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn pairings(&self, agent: &AgentId) -> Result<Vec<Pairing>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM pairing WHERE agent = ? ORDER BY rowid")?
                .query_map([agent.as_str()], pairing)?
                .collect()
        })
    }

    /// Adds a pairing; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_pairing(&self, pairing: &Pairing) -> Result<(), StoreError> {
        let script = pairing.program.script.as_ref();
        self.write(Safety::Synced, |db| {
            db.prepare_cached(
                "INSERT INTO pairing(id, agent, executable, digest, script, script_digest, added_at, seen_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                pairing.id.as_str(),
                pairing.agent.as_str(),
                pairing.program.executable.path,
                pairing.program.executable.digest.to_string(),
                script.map(|script| script.path.as_str()),
                script.map(|script| script.digest.to_string()),
                pairing.added_at.0,
                pairing.seen_at.map(|at| at.0),
            ])?;
            Ok(())
        })
    }

    /// Notes that a paired program came in.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn touch_pairing(&self, id: &PairingId, at: Timestamp) -> Result<(), StoreError> {
        self.write(Safety::Logged, |db| {
            db.prepare_cached("UPDATE pairing SET seen_at = ? WHERE id = ?")?
                .execute(params![at.0, id.as_str()])?;
            Ok(())
        })
    }

    /// Takes a pairing away; says whether it was there. It is gone from the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn remove_pairing(&self, id: &PairingId) -> Result<bool, StoreError> {
        self.write(Safety::Synced, |db| {
            Ok(db.prepare_cached("DELETE FROM pairing WHERE id = ?")?.execute([id.as_str()])? == 1)
        })
    }
}

fn pairing(row: &Row<'_>) -> rusqlite::Result<Pairing> {
    let path: Option<String> = row.get("script")?;
    let held = word_or_none(row, "script_digest", Digest::from_hex)?;
    Ok(Pairing {
        id: word(row, "id", |id| Some(PairingId::from_text(id)))?,
        agent: word(row, "agent", |id| Some(AgentId::from_text(id)))?,
        program: Program {
            executable: SeenFile { path: row.get("executable")?, digest: digest(row, "digest")? },
            script: path.zip(held).map(|(path, digest)| SeenFile { path, digest }),
        },
        added_at: moment(row, "added_at")?,
        seen_at: moment_or_none(row, "seen_at")?,
    })
}
