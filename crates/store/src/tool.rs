//! The table of Tools with their pins.

use prokura_domain::id::ServerId;
use prokura_domain::tool::{Labels, Pin, Tool, ToolClass};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{digest, moment, word, word_or_none};
use crate::store::{Safety, Store, name_taken};

pub(crate) const SCHEMA: &str = "
CREATE TABLE tool(
    server TEXT NOT NULL REFERENCES server(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    digest TEXT NOT NULL,
    offered TEXT,
    pin TEXT NOT NULL,
    class TEXT,
    suggested TEXT NOT NULL,
    labels TEXT,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY(server, name)
) STRICT;
";

impl Store {
    /// The Tools of a Server, the longest known first, then by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn tools(&self, server: &ServerId) -> Result<Vec<Tool>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM tool WHERE server = ? ORDER BY seen_at, name")?
                .query_map([server.as_str()], tool)?
                .collect()
        })
    }

    /// One Tool of a Server.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn tool(&self, server: &ServerId, name: &str) -> Result<Option<Tool>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM tool WHERE server = ? AND name = ?")?
                .query_row([server.as_str(), name], tool)
                .optional()
        })
    }

    /// Adds or changes Tools: all of them or none.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] when a Server does not exist.
    pub fn put_tools(&self, tools: &[Tool]) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            let mut put = db.prepare_cached(
                "INSERT INTO tool(server, name, definition, digest, offered, pin, class, suggested, labels, seen_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(server, name) DO UPDATE SET definition = excluded.definition,
                 digest = excluded.digest, offered = excluded.offered, pin = excluded.pin,
                 class = excluded.class, suggested = excluded.suggested, labels = excluded.labels,
                 seen_at = excluded.seen_at",
            )?;
            for tool in tools {
                put.execute(params![
                    tool.server.as_str(),
                    tool.name,
                    tool.definition,
                    tool.digest.to_string(),
                    tool.offered,
                    tool.pin.as_str(),
                    tool.class.map(ToolClass::as_str),
                    tool.suggested.as_str(),
                    tool.labels.map(Labels::to_text),
                    tool.seen_at.0,
                ])
                .map_err(|fault| name_taken(fault, &tool.name))?;
            }
            Ok(())
        })
    }
}

impl Store {
    /// Sets the flow labels of Tools and nothing else of them: all of them or none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn label_tools(
        &self,
        server: &ServerId,
        labels: &[(String, Labels)],
    ) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            let mut label =
                db.prepare_cached("UPDATE tool SET labels = ? WHERE server = ? AND name = ?")?;
            for (name, labels) in labels {
                label.execute(params![labels.to_text(), server.as_str(), name])?;
            }
            Ok(())
        })
    }
}

fn tool(row: &Row<'_>) -> rusqlite::Result<Tool> {
    Ok(Tool {
        server: word(row, "server", |id| Some(ServerId::from_text(id)))?,
        name: row.get("name")?,
        definition: row.get("definition")?,
        digest: digest(row, "digest")?,
        offered: row.get("offered")?,
        pin: word(row, "pin", Pin::from_text)?,
        class: word_or_none(row, "class", ToolClass::from_text)?,
        suggested: word(row, "suggested", ToolClass::from_text)?,
        labels: word_or_none(row, "labels", Labels::from_text)?,
        seen_at: moment(row, "seen_at")?,
    })
}
