//! The table of clients: programs of agents that registered at Prokura's own authorization server. One that the person
//! never let in is forgotten after a day, and at most a hundred such are kept.

use prokura_domain::client::{Client, RedirectUri};
use prokura_domain::clock::Timestamp;
use prokura_domain::id::AgentId;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{from_word, json, moment, to_json, to_word, word, word_or_none};
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = "
CREATE TABLE client(
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    agent TEXT REFERENCES agent(id) ON DELETE SET NULL,
    added_at INTEGER NOT NULL
) STRICT;
CREATE INDEX client_strange ON client(added_at) WHERE agent IS NULL;
";

/// How long a client is kept that nobody let in, in seconds.
const STRANGE_SECONDS: i64 = 86_400;
/// How many of them are kept.
const STRANGE: i64 = 100;

impl Store {
    /// One client.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn client(&self, id: &str) -> Result<Option<Client>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM client WHERE id = ?")?
                .query_row([id], client)
                .optional()
        })
    }

    /// Adds a client, or changes what it says of itself; the oldest strangers make room.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_client(&self, client: &Client, now: Timestamp) -> Result<(), StoreError> {
        self.write(Safety::Logged, |db| {
            db.prepare_cached("DELETE FROM client WHERE agent IS NULL AND added_at < ?")?
                .execute([now.plus_seconds(-STRANGE_SECONDS).0])?;
            db.prepare_cached(
                "INSERT INTO client(id, source, name, redirect_uris, agent, added_at) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT(id) DO UPDATE SET name = excluded.name, redirect_uris = excluded.redirect_uris,
                 agent = excluded.agent",
            )?
            .execute(params![
                client.id,
                to_word(&client.source)?,
                client.name,
                to_json(&client.redirect_uris)?,
                client.agent.as_ref().map(AgentId::as_str),
                client.added_at.0,
            ])?;
            db.prepare_cached(
                "DELETE FROM client WHERE agent IS NULL AND id NOT IN
                 (SELECT id FROM client WHERE agent IS NULL ORDER BY added_at DESC, rowid DESC LIMIT ?)",
            )?
            .execute([STRANGE])?;
            Ok(())
        })
    }
}

fn client(row: &Row<'_>) -> rusqlite::Result<Client> {
    Ok(Client {
        id: row.get("id")?,
        source: word(row, "source", from_word)?,
        name: row.get("name")?,
        redirect_uris: json::<Vec<RedirectUri>>(row, "redirect_uris")?,
        agent: word_or_none(row, "agent", |id| Some(AgentId::from_text(id)))?,
        added_at: moment(row, "added_at")?,
    })
}
