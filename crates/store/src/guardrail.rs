//! The table of Guardrails. What was removed is gone here; the audit log keeps its text.

use prokura_domain::guardrail::Guardrail;
use prokura_domain::id::GuardrailId;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{json, moment, to_json, word};
use crate::store::{Safety, Store, name_taken};

pub(crate) const SCHEMA: &str = "
CREATE TABLE guardrail(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    origin TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
";

impl Store {
    /// All Guardrails, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn guardrails(&self) -> Result<Vec<Guardrail>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM guardrail ORDER BY name")?
                .query_map([], guardrail)?
                .collect()
        })
    }

    /// A Guardrail by name or id.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn find_guardrail(&self, name: &str) -> Result<Option<Guardrail>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM guardrail WHERE name = ?1 OR id = ?1")?
                .query_row([name], guardrail)
                .optional()
        })
    }

    /// Adds or changes Guardrails: all of them or none; on the disk when this returns, because they take authority away.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another one has the name.
    pub fn put_guardrails(&self, guardrails: &[Guardrail]) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            let mut put = db.prepare_cached(
                "INSERT INTO guardrail(id, name, text, enabled, origin, added_at, changed_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(id) DO UPDATE SET name = excluded.name, text = excluded.text,
                 enabled = excluded.enabled, origin = excluded.origin, changed_at = excluded.changed_at",
            )?;
            for one in guardrails {
                put.execute(params![
                    one.id.as_str(),
                    one.name,
                    one.text,
                    one.enabled,
                    to_json(&one.origin)?,
                    one.added_at.0,
                    one.changed_at.0,
                ])
                .map_err(|fault| name_taken(fault, &one.name))?;
            }
            Ok(())
        })
    }

    /// Removes a Guardrail.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn remove_guardrail(&self, id: &GuardrailId) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute("DELETE FROM guardrail WHERE id = ?", [id.as_str()])?;
            Ok(())
        })
    }
}

fn guardrail(row: &Row<'_>) -> rusqlite::Result<Guardrail> {
    Ok(Guardrail {
        id: word(row, "id", |id| Some(GuardrailId::from_text(id)))?,
        name: row.get("name")?,
        text: row.get("text")?,
        enabled: row.get("enabled")?,
        origin: json(row, "origin")?,
        added_at: moment(row, "added_at")?,
        changed_at: moment(row, "changed_at")?,
    })
}
