//! The table of Questions: kind, version and body, so that kinds can be added and changed. What is asked about is
//! sealed: it holds whatever an Agent sends, and pages of the file outlive the row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::id::{AccountId, AgentId, QuestionId, ServerId};
use prokura_domain::port::{SealContext, SealFault};
use prokura_domain::question::{Question, QuestionState};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::row::{digest, json, moment, moment_or_none, to_json, word, word_or_none};
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = "
CREATE TABLE question(
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    v INTEGER NOT NULL,
    body TEXT NOT NULL,
    agent TEXT NOT NULL,
    server TEXT NOT NULL,
    account TEXT NOT NULL,
    digest TEXT NOT NULL,
    params TEXT NOT NULL,
    why TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    settled_at INTEGER,
    note TEXT
) STRICT;
CREATE INDEX question_raised ON question(raised_at);
CREATE INDEX question_pending ON question(raised_at) WHERE state = 'pending';
";

/// Not every kind is about an Agent, a Server and an Account.
pub(crate) const SCHEMA_4: &str = "
CREATE TABLE question_4(
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    v INTEGER NOT NULL,
    body TEXT NOT NULL,
    agent TEXT,
    server TEXT,
    account TEXT,
    digest TEXT NOT NULL,
    params TEXT NOT NULL,
    why TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    settled_at INTEGER,
    note TEXT
) STRICT;
INSERT INTO question_4 SELECT id, kind, v, body, agent, server, account, digest, params, why, raised_at, expires_at,
    state, settled_at, note FROM question ORDER BY rowid;
DROP TABLE question;
ALTER TABLE question_4 RENAME TO question;
CREATE INDEX question_raised ON question(raised_at);
CREATE INDEX question_pending ON question(raised_at) WHERE state = 'pending';
";

impl Store {
    /// Questions, newest first: those that wait for the person, or all.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn questions(&self, pending_only: bool) -> Result<Vec<Question>, StoreError> {
        let sql = if pending_only {
            "SELECT * FROM question WHERE state = 'pending' ORDER BY raised_at DESC, rowid DESC"
        } else {
            "SELECT * FROM question ORDER BY raised_at DESC, rowid DESC"
        };
        let found: Vec<Question> =
            self.read(|db| db.prepare_cached(sql)?.query_map([], question)?.collect())?;
        found.into_iter().map(|question| self.opened(question)).collect()
    }

    /// The Questions that can still lead to a Call, pending or allowed and not used yet, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn open_questions(&self) -> Result<Vec<Question>, StoreError> {
        let sql = "SELECT * FROM question WHERE state IN ('pending', 'allowed')
                   ORDER BY raised_at DESC, rowid DESC";
        let found: Vec<Question> =
            self.read(|db| db.prepare_cached(sql)?.query_map([], question)?.collect())?;
        found.into_iter().map(|question| self.opened(question)).collect()
    }

    /// One Question.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn question(&self, id: &QuestionId) -> Result<Option<Question>, StoreError> {
        let found = self.read(|db| {
            db.prepare_cached("SELECT * FROM question WHERE id = ?")?
                .query_row([id.as_str()], question)
                .optional()
        })?;
        found.map(|question| self.opened(question)).transpose()
    }

    /// Adds a Question, or changes where it stands. What is asked never changes.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written, or the Vault is locked: what cannot be sealed is not kept.
    pub fn put_question(&self, question: &Question) -> Result<(), StoreError> {
        let params = self.sealed(question)?;
        self.write(Safety::Synced, |db| {
            db.prepare_cached(
                "INSERT INTO question(id, kind, v, body, agent, server, account, digest, params, why, raised_at,
                 expires_at, state, settled_at, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(id) DO UPDATE SET expires_at = excluded.expires_at, state = excluded.state,
                 settled_at = excluded.settled_at, note = excluded.note",
            )?
            .execute(params![
                question.id.as_str(),
                question.kind.as_str(),
                question.kind.version(),
                to_json(&question.kind)?,
                question.agent.as_ref().map(AgentId::as_str),
                question.server.as_ref().map(ServerId::as_str),
                question.account.as_ref().map(AccountId::as_str),
                question.digest.to_string(),
                params,
                to_json(&question.why)?,
                question.raised_at.0,
                question.expires_at.0,
                question.state.as_str(),
                question.settled_at.map(|at| at.0),
                question.note,
            ])?;
            Ok(())
        })
    }

    /// Moves a Question to state `to`, if it still stands at one of `from`. Says whether it did: of two that try, one
    /// succeeds. `settled_at` is the moment it left `pending`. What was asked about goes once no Call can follow any more:
    /// parameters and digest are emptied, so that they are not kept for longer than they are needed.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn settle_question(
        &self,
        id: &QuestionId,
        from: &[QuestionState],
        to: QuestionState,
        at: Timestamp,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.write(Safety::Synced, |db| {
            let mut settle = db.prepare_cached(
                "UPDATE question SET state = ?1, settled_at = coalesce(settled_at, ?2), note = coalesce(?3, note),
                 params = CASE ?1 WHEN 'allowed' THEN params ELSE '' END,
                 digest = CASE ?1 WHEN 'allowed' THEN digest ELSE ?6 END
                 WHERE id = ?4 AND state = ?5",
            )?;
            let none = Digest([0; 32]).to_string();
            for state in from {
                let changed = settle.execute(params![
                    to.as_str(),
                    at.0,
                    note,
                    id.as_str(),
                    state.as_str(),
                    none
                ])?;
                if changed == 1 {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Lays a used yes open again, for a Call that was not carried out. Says whether it was used.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written, or the Vault is locked.
    pub fn reopen_question(
        &self,
        id: &QuestionId,
        (digest, params): (Digest, &str),
    ) -> Result<bool, StoreError> {
        let sealer = self.sealer().ok_or_else(unready)?;
        let sealed = sealer.seal(&context(id.as_str()), params.as_bytes())?;
        let sealed = format!("{SEALED}{}", STANDARD_NO_PAD.encode(sealed));
        self.write(Safety::Synced, |db| {
            let changed = db
                .prepare_cached(
                    "UPDATE question SET state = 'allowed', params = ?2, digest = ?3
                     WHERE id = ?1 AND state = 'used' AND kind = 'call'",
                )?
                .execute(params![id.as_str(), sealed, digest.to_string()])?;
            Ok(changed == 1)
        })
    }

    /// The parameters as they are written.
    fn sealed(&self, question: &Question) -> Result<String, StoreError> {
        // Only these carry what an Agent or a Server wrote; a pairing can be asked about without a Vault.
        let strange = matches!(question.kind.as_str(), "call" | "elicitation");
        if question.params.is_empty() || !strange {
            return Ok(question.params.clone());
        }
        let sealer = self.sealer().ok_or_else(unready)?;
        let sealed = sealer.seal(&context(question.id.as_str()), question.params.as_bytes())?;
        Ok(format!("{SEALED}{}", STANDARD_NO_PAD.encode(sealed)))
    }

    /// A Question with its parameters. While the Vault is locked they are empty; but what the person allowed is what
    /// will be sent, so there nothing else can stand for it.
    fn opened(&self, mut question: Question) -> Result<Question, StoreError> {
        // What an earlier version wrote stands there as it is.
        let Some(text) = question.params.strip_prefix(SEALED) else { return Ok(question) };
        let opened =
            STANDARD_NO_PAD.decode(text).map_err(|_| SealFault::DoesNotOpen).and_then(|bytes| {
                let sealer = self.sealer().ok_or_else(unready)?;
                let plain = sealer.open(&context(question.id.as_str()), &bytes)?;
                String::from_utf8(plain.to_vec()).map_err(|_| SealFault::DoesNotOpen)
            });
        question.params = match opened {
            Ok(params) => params,
            Err(SealFault::Locked(_)) if question.state != QuestionState::Allowed => String::new(),
            Err(fault) => return Err(fault.into()),
        };
        Ok(question)
    }
}

/// What stands before sealed parameters; no JSON begins so.
const SEALED: &str = "sealed:";

fn context(id: &str) -> SealContext<'_> {
    SealContext { purpose: "question", row: id, field: "params", generation: 0, bound_to: None }
}

fn unready() -> SealFault {
    SealFault::Locked("no vault was opened".to_owned())
}

fn question(row: &Row<'_>) -> rusqlite::Result<Question> {
    Ok(Question {
        id: word(row, "id", |id| Some(QuestionId::from_text(id)))?,
        kind: json(row, "body")?,
        agent: word_or_none(row, "agent", |id| Some(AgentId::from_text(id)))?,
        server: word_or_none(row, "server", |id| Some(ServerId::from_text(id)))?,
        account: word_or_none(row, "account", |id| Some(AccountId::from_text(id)))?,
        digest: digest(row, "digest")?,
        params: row.get("params")?,
        why: json(row, "why")?,
        raised_at: moment(row, "raised_at")?,
        expires_at: moment(row, "expires_at")?,
        state: word(row, "state", QuestionState::from_text)?,
        settled_at: moment_or_none(row, "settled_at")?,
        note: row.get("note")?,
    })
}
