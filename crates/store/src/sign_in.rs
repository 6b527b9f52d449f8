//! The tables of sign-ins of Agents and of their tokens. Of a token only its digest is known; one that was renewed stays
//! as spent, so that somebody who shows it again is noticed.

use prokura_domain::client::{Endpoint, SignIn};
use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::id::{AgentId, SignInId};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::row::{from_word, moment, moment_or_none, to_word, word};
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = "
CREATE TABLE sign_in(
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    used_at INTEGER,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX sign_in_agent ON sign_in(agent);
CREATE TABLE token(
    digest TEXT PRIMARY KEY,
    sign_in TEXT NOT NULL REFERENCES sign_in(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_sign_in ON token(sign_in);
";

/// How long a sign-in that ended is still listed, in seconds.
const ENDED_SECONDS: i64 = 30 * 86_400;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// It opens the endpoint.
    Access,
    /// It is traded for the next pair, once.
    Refresh,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// The digest of the token.
    pub digest: Digest,
    /// What it is good for.
    pub kind: TokenKind,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was traded.
    pub spent_at: Option<Timestamp>,
}

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The new pair is good, the old refresh token is spent.
    Done,
    /// The refresh token was spent before: somebody shows it a second time.
    Reused,
    /// It is not good: unknown, expired, of another kind, or of a sign-in that ended.
    NotGood,
}

impl Store {
    /// The sign-ins of an Agent, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn sign_ins(&self, agent: &AgentId) -> Result<Vec<SignIn>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM sign_in WHERE agent = ? ORDER BY rowid DESC")?
                .query_map([agent.as_str()], sign_in)?
                .collect()
        })
    }

    /// One sign-in.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn sign_in(&self, id: &SignInId) -> Result<Option<SignIn>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM sign_in WHERE id = ?")?
                .query_row([id.as_str()], sign_in)
                .optional()
        })
    }

    /// A token and the sign-in it belongs to, however they stand.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn token(&self, digest: &Digest) -> Result<Option<(KeptToken, SignIn)>, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT s.*, t.digest, t.kind, t.expires_at AS token_expires_at, t.spent_at
                 FROM token t JOIN sign_in s ON s.id = t.sign_in WHERE t.digest = ?",
            )?
            .query_row([digest.to_string()], |row| Ok((token(row)?, sign_in(row)?)))
            .optional()
        })
    }

    /// Begins a sign-in with its first tokens; what ended long ago goes. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn begin_sign_in(&self, begun: &SignIn, tokens: &[KeptToken]) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            let long_ago = begun.added_at.plus_seconds(-ENDED_SECONDS).0;
            db.prepare_cached("DELETE FROM sign_in WHERE min(coalesce(ended_at, expires_at), expires_at) < ?")?
                .execute([long_ago])?;
            db.prepare_cached(
                "INSERT INTO sign_in(id, agent, client, name, endpoint, added_at, used_at, expires_at, ended_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                begun.id.as_str(),
                begun.agent.as_str(),
                begun.client,
                begun.name,
                begun.endpoint.to_text(),
                begun.added_at.0,
                begun.used_at.map(|at| at.0),
                begun.expires_at.0,
                begun.ended_at.map(|at| at.0),
            ])?;
            tokens.iter().try_for_each(|token| put(db, &begun.id, token))
        })
    }

    /// Trades a refresh token of `client` for `next`, whole or not at all; of two that try, one succeeds.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; then nothing was traded.
    pub fn renew_sign_in(
        &self,
        refresh: &Digest,
        now: Timestamp,
        until: Timestamp,
        next: &[KeptToken],
    ) -> Result<Renewal, StoreError> {
        self.write(Safety::Synced, |db| {
            let found = db
                .prepare_cached(
                    "SELECT t.sign_in, t.spent_at IS NOT NULL, t.expires_at > ?2 AND s.ended_at IS NULL
                     FROM token t JOIN sign_in s ON s.id = t.sign_in WHERE t.digest = ?1 AND t.kind = 'refresh'",
                )?
                .query_row(params![refresh.to_string(), now.0], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?))
                })
                .optional()?;
            let id = match found {
                Some((_, true, _)) => return Ok(Renewal::Reused),
                Some((id, false, true)) => SignInId::from_text(&id),
                Some((_, false, false)) | None => return Ok(Renewal::NotGood),
            };
            db.prepare_cached("UPDATE token SET spent_at = ? WHERE digest = ?")?
                .execute(params![now.0, refresh.to_string()])?;
            db.prepare_cached("DELETE FROM token WHERE sign_in = ? AND expires_at <= ?")?
                .execute(params![id.as_str(), now.0])?;
            next.iter().try_for_each(|token| put(db, &id, token))?;
            db.prepare_cached("UPDATE sign_in SET expires_at = ?, used_at = ? WHERE id = ?")?
                .execute(params![until.0, now.0, id.as_str()])?;
            Ok(Renewal::Done)
        })
    }

    /// Notes that a token of a sign-in was used.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn touch_sign_in(&self, id: &SignInId, at: Timestamp) -> Result<(), StoreError> {
        self.write(Safety::Logged, |db| {
            db.prepare_cached("UPDATE sign_in SET used_at = ? WHERE id = ?")?
                .execute(params![at.0, id.as_str()])?;
            Ok(())
        })
    }

    /// Ends a sign-in: its tokens are gone from the disk when this returns. Says whether it had not ended before.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn end_sign_in(&self, id: &SignInId, at: Timestamp) -> Result<bool, StoreError> {
        self.write(Safety::Synced, |db| {
            db.prepare_cached("DELETE FROM token WHERE sign_in = ?")?.execute([id.as_str()])?;
            let ended = db
                .prepare_cached(
                    "UPDATE sign_in SET ended_at = ? WHERE id = ? AND ended_at IS NULL",
                )?
                .execute(params![at.0, id.as_str()])?;
            Ok(ended == 1)
        })
    }
}

fn put(db: &Transaction<'_>, sign_in: &SignInId, token: &KeptToken) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO token(digest, sign_in, kind, expires_at, spent_at) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        token.digest.to_string(),
        sign_in.as_str(),
        to_word(&token.kind)?,
        token.expires_at.0,
        token.spent_at.map(|at| at.0),
    ])?;
    Ok(())
}

fn sign_in(row: &Row<'_>) -> rusqlite::Result<SignIn> {
    Ok(SignIn {
        id: word(row, "id", |id| Some(SignInId::from_text(id)))?,
        agent: word(row, "agent", |id| Some(AgentId::from_text(id)))?,
        client: row.get("client")?,
        name: row.get("name")?,
        endpoint: word(row, "endpoint", Endpoint::from_text)?,
        added_at: moment(row, "added_at")?,
        used_at: moment_or_none(row, "used_at")?,
        expires_at: moment(row, "expires_at")?,
        ended_at: moment_or_none(row, "ended_at")?,
    })
}

fn token(row: &Row<'_>) -> rusqlite::Result<KeptToken> {
    Ok(KeptToken {
        digest: word(row, "digest", Digest::from_hex)?,
        kind: word(row, "kind", from_word)?,
        expires_at: moment(row, "token_expires_at")?,
        spent_at: moment_or_none(row, "spent_at")?,
    })
}
