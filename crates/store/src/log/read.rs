//! Reading the log. Readers see one moment of it and never hold the writer up.

use std::path::Path;

use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::record::AuditRecord;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::log::writer::Head;
use crate::store::PATIENCE;

pub(super) const RECORD: &str = "r.seq, r.at, r.kind, r.v, r.body, r.prev, r.hash";

/// A connection that cannot write.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

pub(super) fn head(db: &Connection) -> Result<Head, StoreError> {
    let head = db
        .query_row("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(Head { seq: row.get("seq")?, hash: row.get("hash").map(Digest)? })
        })
        .optional()?;
    Ok(head.unwrap_or(Head { seq: 0, hash: Digest([0; 32]) }))
}

/// The number of the oldest record that is still in this file; 0 where there is none.
pub(super) fn oldest(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(min(seq), 0) FROM record", [], |row| row.get(0))
}

pub(super) fn one(db: &Connection, seq: i64) -> Result<Option<AuditRecord>, StoreError> {
    Ok(db
        .prepare_cached(&format!("SELECT {RECORD} FROM record r WHERE r.seq = ?"))?
        .query_row([seq], record)
        .optional()?)
}

/// Records after `seq`, oldest first.
pub(super) fn after(db: &Connection, seq: i64, most: usize) -> rusqlite::Result<Vec<AuditRecord>> {
    let sql = format!("SELECT {RECORD} FROM record r WHERE r.seq > ? ORDER BY r.seq LIMIT ?");
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    db.prepare_cached(&sql)?.query_map(params![seq, most], record)?.collect()
}

pub(super) fn each(
    db: &Connection,
    from: i64,
    visit: &mut dyn FnMut(AuditRecord) -> bool,
) -> Result<(), StoreError> {
    let mut all =
        db.prepare(&format!("SELECT {RECORD} FROM record r WHERE r.seq >= ? ORDER BY r.seq"))?;
    let mut rows = all.query([from])?;
    while let Some(row) = rows.next()? {
        if !visit(record(row)?) {
            break;
        }
    }
    Ok(())
}

pub(super) fn of_call(db: &Connection, call: &str) -> Result<Vec<AuditRecord>, StoreError> {
    let sql = format!(
        "SELECT {RECORD} FROM record_index i JOIN record r ON r.seq = i.seq WHERE i.call = ? ORDER BY i.seq"
    );
    let found =
        db.prepare_cached(&sql)?.query_map([call], record)?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

pub(super) fn open_calls(db: &Connection) -> Result<Vec<(i64, AuditRecord)>, StoreError> {
    let sql =
        format!("SELECT {RECORD} FROM open_call o JOIN record r ON r.seq = o.seq ORDER BY o.seq");
    let found = db
        .prepare_cached(&sql)?
        .query_map([], |row| record(row).map(|record| (record.seq, record)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        seq: row.get(0)?,
        at: row.get(1).map(Timestamp)?,
        kind: row.get(2)?,
        v: row.get(3)?,
        body: row.get(4)?,
        prev: row.get(5).map(Digest)?,
        hash: row.get(6).map(Digest)?,
    })
}
