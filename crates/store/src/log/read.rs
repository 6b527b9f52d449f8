//! Reading the log. Readers see one moment of it and never hold the writer up.

use std::path::Path;

use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::record::AuditRecord;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::log::writer::Head;
use crate::store::PATIENCE;

const RECORD: &str = "r.seq, r.at, r.kind, r.v, r.body, r.prev, r.hash";

/// Which records are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordQuery {
    /// How many at most.
    pub limit: u32,
    /// Only records before this one.
    pub before: Option<i64>,
    /// Only records whose agent, server, account, target or kind contains this text, whatever the case of a to z.
    pub search: Option<String>,
}

/// A connection that cannot write.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
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

pub(super) fn page(db: &Connection, query: &RecordQuery) -> Result<Vec<AuditRecord>, StoreError> {
    let before = query.before.unwrap_or(i64::MAX);
    let sought = query.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let found = match sought {
        None => db
            .prepare_cached(&page_sql())?
            .query_map(params![before, query.limit], record)?
            .collect::<rusqlite::Result<_>>()?,
        Some(text) => db
            .prepare_cached(&search_sql())?
            .query_map(params![before, query.limit, like(text)], record)?
            .collect::<rusqlite::Result<_>>()?,
    };
    Ok(found)
}

pub(super) fn page_sql() -> String {
    format!("SELECT {RECORD} FROM record r WHERE r.seq < ?1 ORDER BY r.seq DESC LIMIT ?2")
}

fn search_sql() -> String {
    let columns = ["agent_name", "server_name", "account_name", "target", "kind"];
    let any = columns.map(|column| format!(r"i.{column} LIKE ?3 ESCAPE '\'")).join(" OR ");
    format!(
        "SELECT {RECORD} FROM record_index i JOIN record r ON r.seq = i.seq
         WHERE i.seq < ?1 AND ({any}) ORDER BY i.seq DESC LIMIT ?2"
    )
}

/// `text` anywhere, its own wildcards taken literally.
fn like(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

pub(super) fn one(db: &Connection, seq: i64) -> Result<Option<AuditRecord>, StoreError> {
    Ok(db
        .prepare_cached(&format!("SELECT {RECORD} FROM record r WHERE r.seq = ?"))?
        .query_row([seq], record)
        .optional()?)
}

pub(super) fn each(
    db: &Connection,
    visit: &mut dyn FnMut(AuditRecord) -> bool,
) -> Result<(), StoreError> {
    let mut all = db.prepare(&format!("SELECT {RECORD} FROM record r ORDER BY r.seq"))?;
    let mut rows = all.query([])?;
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
        seq: row.get("seq")?,
        at: row.get("at").map(Timestamp)?,
        kind: row.get("kind")?,
        v: row.get("v")?,
        body: row.get("body")?,
        prev: row.get("prev").map(Digest)?,
        hash: row.get("hash").map(Digest)?,
    })
}
