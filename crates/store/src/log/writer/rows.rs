//! The rows of one transaction: records with their hashes, payloads, and the list of Calls under way.

use prokura_domain::clock::{Clock, Entropy};
use prokura_domain::digest::Digest;
use prokura_domain::id::base32;
use prokura_domain::json::Json;
use prokura_domain::record::{Durability, Event, RECORD_VERSION, RecordKind, link};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Answer, Head};
use crate::error::StoreError;
use crate::log::draft::Draft;
use crate::log::reserve::reserve;

pub(super) fn write(
    connection: &mut Connection,
    log_id: &str,
    mut head: Head,
    now: prokura_domain::Timestamp,
    drafts: &[&Draft],
) -> rusqlite::Result<(Head, Vec<Answer>)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(drafts.len());
    for draft in drafts {
        answers.push(match reserve(&transaction, &draft.reservation, now)? {
            None => {
                head = insert(&transaction, log_id, head, now, draft)?;
                Ok(head.seq)
            }
            Some(fault) => Err(fault),
        });
    }
    transaction.commit()?;
    Ok((head, answers))
}

fn insert(
    db: &Transaction<'_>,
    log_id: &str,
    head: Head,
    at: prokura_domain::Timestamp,
    draft: &Draft,
) -> rusqlite::Result<Head> {
    let seq = head.seq + 1;
    let kind = draft.kind.as_str();
    let hash = link(log_id, seq, at, kind, RECORD_VERSION, &draft.body, head.hash);
    db.prepare_cached(
        "INSERT INTO record(seq, at, kind, v, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![seq, at.0, kind, RECORD_VERSION, draft.body, head.hash.0, hash.0])?;
    if let Some(payload) = &draft.payload {
        db.prepare_cached(
            "INSERT INTO payload(seq, call, part, salt, sealed, at, size) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            seq,
            payload.call,
            payload.part,
            payload.salt,
            payload.bytes,
            at.0,
            payload.bytes.as_ref().map_or(0, |bytes| bytes.len() as i64),
        ])?;
    }
    note_open(db, seq, draft)?;
    Ok(Head { seq, hash })
}

/// Keeps the list of intents without an outcome, so that a start need not read the whole log.
fn note_open(db: &Transaction<'_>, seq: i64, draft: &Draft) -> rusqlite::Result<()> {
    if draft.kind == RecordKind::HostRecovered {
        db.execute("DELETE FROM open_call", [])?;
    }
    let Some(call) = &draft.subject.call else { return Ok(()) };
    if draft.kind == RecordKind::CallIntent {
        db.prepare_cached("INSERT OR REPLACE INTO open_call(call, seq) VALUES (?, ?)")?
            .execute(params![call, seq])?;
    } else if draft.kind == RecordKind::CallOutcome {
        db.prepare_cached("DELETE FROM open_call WHERE call = ?")?.execute([call])?;
    }
    Ok(())
}

/// The log's name; a new log gets one, and its first record.
pub(super) fn found_or_founded(
    connection: &mut Connection,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<String, StoreError> {
    let db = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: Option<String> =
        db.query_row("SELECT log_id FROM log", [], |row| row.get(0)).optional()?;
    if let Some(log_id) = found {
        return Ok(log_id);
    }
    let mut bytes = [0u8; 16];
    entropy.fill(&mut bytes);
    let log_id = format!("log_{}", base32(&bytes));
    let now = clock.now();
    db.execute("INSERT INTO log(log_id, opened_at) VALUES (?, ?)", params![log_id, now.0])?;
    let detail = Json::object([("log_id", Json::text(&log_id))]);
    let event = Event::new(RecordKind::LogOpened, detail);
    let draft = Draft::plain(event, Durability::Synced)?;
    insert(&db, &log_id, Head { seq: 0, hash: Digest([0; 32]) }, now, &draft)?;
    db.commit()?;
    Ok(log_id)
}
