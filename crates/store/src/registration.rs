//! The table of client registrations at authorization servers: one per Server and issuer, never shared between Servers.

use prokura_domain::clock::Timestamp;
use prokura_domain::id::ServerId;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::row::{count, from_count, from_word, moment, moment_or_none, to_word, word};
use crate::store::{Safety, Store, name_taken};

pub(crate) const SCHEMA: &str = "
CREATE TABLE registration(
    server TEXT NOT NULL REFERENCES server(id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    redirect_uri TEXT,
    source TEXT NOT NULL,
    expires_at INTEGER,
    added_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY(server, issuer)
) STRICT, WITHOUT ROWID;
";

/// How a registration came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationSource {
    /// Dynamic client registration (RFC 7591).
    Dcr,
    /// The person entered it.
    Manual,
}

/// What an authorization server knows Prokura as. A client secret, where there is one, is sealed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The authorization server.
    pub issuer: String,
    /// The client's id there.
    pub client_id: String,
    /// How the client proves itself at the token endpoint.
    pub auth_method: String,
    /// The redirect URI it was registered with.
    pub redirect_uri: Option<String>,
    /// How it came about.
    pub source: RegistrationSource,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub added_at: Timestamp,
    /// How often it was written; part of what seals its secret.
    pub generation: u64,
}

impl Store {
    /// The registration for `server` at `issuer`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn registration(
        &self,
        issuer: &str,
        server: &ServerId,
    ) -> Result<Option<Registration>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM registration WHERE server = ? AND issuer = ?")?
                .query_row([server.as_str(), issuer], registration)
                .optional()
        })
    }

    /// The authorization servers at which there is a registration for `server`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn registered_at(&self, server: &ServerId) -> Result<Vec<String>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT issuer FROM registration WHERE server = ? ORDER BY issuer")?
                .query_map([server.as_str()], |row| row.get(0))?
                .collect()
        })
    }

    /// Adds or replaces the registration for `server` at its issuer.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] without that Server.
    pub fn put_registration(
        &self,
        server: &ServerId,
        registration: &Registration,
    ) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached(
                "INSERT INTO registration(server, issuer, client_id, auth_method, redirect_uri, source, expires_at,
                 added_at, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(server, issuer) DO UPDATE SET client_id = excluded.client_id,
                 auth_method = excluded.auth_method, redirect_uri = excluded.redirect_uri,
                 source = excluded.source, expires_at = excluded.expires_at, added_at = excluded.added_at,
                 generation = excluded.generation",
            )?
            .execute(params![
                server.as_str(),
                registration.issuer,
                registration.client_id,
                registration.auth_method,
                registration.redirect_uri,
                to_word(&registration.source)?,
                registration.expires_at.map(|at| at.0),
                registration.added_at.0,
                from_count(registration.generation)?,
            ])
            .map_err(|fault| name_taken(fault, &registration.issuer))?;
            Ok(())
        })
    }

    /// Forgets the registration for `server` at `issuer`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn remove_registration(&self, issuer: &str, server: &ServerId) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute(
                "DELETE FROM registration WHERE server = ? AND issuer = ?",
                [server.as_str(), issuer],
            )?;
            Ok(())
        })
    }
}

fn registration(row: &Row<'_>) -> rusqlite::Result<Registration> {
    Ok(Registration {
        issuer: row.get("issuer")?,
        client_id: row.get("client_id")?,
        auth_method: row.get("auth_method")?,
        redirect_uri: row.get("redirect_uri")?,
        source: word(row, "source", from_word)?,
        expires_at: moment_or_none(row, "expires_at")?,
        added_at: moment(row, "added_at")?,
        generation: count(row, "generation")?,
    })
}
