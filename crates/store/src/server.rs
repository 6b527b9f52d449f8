//! The table of Servers.

use prokura_domain::id::ServerId;
use prokura_domain::launch::Plan;
use prokura_domain::server::{AuditLevel, Server};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{moment, to_json, unreadable, word};
use crate::store::{Safety, Store, name_taken};

pub(crate) const SCHEMA: &str = "
CREATE TABLE server(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    resource TEXT,
    audit_level TEXT NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;
";

/// Local Servers: how one is started, and which plan of that the person approved.
pub(crate) const SCHEMA_11: &str = "
ALTER TABLE server ADD COLUMN launch TEXT;
ALTER TABLE server ADD COLUMN approved TEXT;
";

/// Whether what a Server asks of the person is shown by Prokura, where its Agent cannot.
pub(crate) const SCHEMA_12: &str = "
ALTER TABLE server ADD COLUMN shows_questions INTEGER NOT NULL DEFAULT 0;
";

impl Store {
    /// All Servers, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn servers(&self) -> Result<Vec<Server>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM server ORDER BY name")?
                .query_map([], server)?
                .collect()
        })
    }

    /// One Server.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn server(&self, id: &ServerId) -> Result<Option<Server>, StoreError> {
        self.known("server", id.as_str(), |db| {
            db.prepare_cached("SELECT * FROM server WHERE id = ?")?
                .query_row([id.as_str()], server)
                .optional()
        })
    }

    /// The Server with this name, else with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn find_server(&self, name_or_id: &str) -> Result<Option<Server>, StoreError> {
        self.known("server by name", name_or_id, |db| {
            db.prepare_cached(
                "SELECT * FROM server WHERE name = ?1 OR id = ?1 ORDER BY name = ?1 DESC LIMIT 1",
            )?
            .query_row([name_or_id], server)
            .optional()
        })
    }

    /// Adds or changes a Server.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another Server has the name.
    pub fn put_server(&self, server: &Server) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached(
                "INSERT INTO server(id, name, endpoint, resource, audit_level, added_at, launch)
                 VALUES (?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(id) DO UPDATE SET name = excluded.name, endpoint = excluded.endpoint,
                 resource = excluded.resource, audit_level = excluded.audit_level, launch = excluded.launch",
            )?
            .execute(params![
                server.id.as_str(),
                server.name,
                server.endpoint,
                server.resource,
                server.audit_level.as_str(),
                server.added_at.0,
                server.launch.as_ref().map(to_json).transpose()?,
            ])
            .map_err(|fault| name_taken(fault, &server.name))?;
            Ok(())
        })
    }

    /// The plan that the person approved for a local Server.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn approved_plan(&self, id: &ServerId) -> Result<Option<Plan>, StoreError> {
        let found = self.read(|db| {
            db.prepare_cached("SELECT approved FROM server WHERE id = ?")?
                .query_row([id.as_str()], |row| held(row, "approved"))
                .optional()
        })?;
        Ok(found.flatten())
    }

    /// Keeps the plan that the person approved, in place of an earlier one; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn approve_plan(&self, id: &ServerId, plan: &Plan) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached("UPDATE server SET approved = ? WHERE id = ?")?
                .execute(params![to_json(plan)?, id.as_str()])?;
            Ok(())
        })
    }

    /// The Servers whose questions Prokura shows where the Agent cannot.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn shown_servers(&self) -> Result<Vec<ServerId>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT id FROM server WHERE shows_questions = 1")?
                .query_map([], |row| word(row, "id", |id| Some(ServerId::from_text(id))))?
                .collect()
        })
    }

    /// Says whether Prokura shows the questions of a Server; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn show_questions_of(&self, id: &ServerId, on: bool) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached("UPDATE server SET shows_questions = ? WHERE id = ?")?
                .execute(params![i64::from(on), id.as_str()])?;
            Ok(())
        })
    }

    /// Removes a Server with its Accounts, Tools, registrations and everything sealed for them. Its Grants stay.
    /// Sealed rows count as its own when they are named after the Server (`<id>` or `<id>/…`) or one of its Accounts.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn remove_server(&self, id: &ServerId) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute(
                "DELETE FROM secret WHERE row = ?1 OR substr(row, 1, length(?1) + 1) = ?1 || '/'
                 OR row IN (SELECT id FROM account WHERE server = ?1)",
                [id.as_str()],
            )?;
            // Accounts, tools, registrations and choices go with it (ON DELETE CASCADE).
            db.execute("DELETE FROM server WHERE id = ?", [id.as_str()])?;
            Ok(())
        })
    }
}

fn server(row: &Row<'_>) -> rusqlite::Result<Server> {
    Ok(Server {
        id: word(row, "id", |id| Some(ServerId::from_text(id)))?,
        name: row.get("name")?,
        endpoint: row.get("endpoint")?,
        resource: row.get("resource")?,
        audit_level: word(row, "audit_level", AuditLevel::from_text)?,
        launch: held(row, "launch")?,
        added_at: moment(row, "added_at")?,
    })
}

/// A column that holds JSON, or nothing.
fn held<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    read.map_err(|fault| unreadable(column, fault))
}
