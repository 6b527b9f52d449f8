//! Verification: reads the whole chain and says what is wrong with it, and what could not be checked. It only reads, and
//! needs neither a running host nor the Vault.

use std::path::Path;

use prokura_domain::digest::Digest;
use prokura_domain::port::Anchor;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::error::StoreError;
use crate::log::{read, wal_of};
use crate::store::PATIENCE;

mod chain;
mod checkpoints;

use chain::{Chain, Found};
use checkpoints::Checkpoints;

/// So many faults are told; a file with more is no better explained by all of them.
const FAULTS: usize = 50;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// How many records were read.
    pub records: i64,
    /// What is wrong, and where. Empty: the log is whole.
    pub faults: Vec<String>,
    /// What could not be checked.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether nothing wrong was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, text: impl Into<String>) {
        match self.faults.len() {
            count if count < FAULTS => self.faults.push(text.into()),
            FAULTS => self.faults.push("there are more faults".to_owned()),
            _ => {}
        }
    }
}

/// Verifies the log in a file, which may be a copy, or the file of a running host. Nothing is written to it; beside a copy
/// that brought its write-ahead log along, SQLite leaves its index of that (`-shm`).
///
/// # Errors
/// [`StoreError::Corrupt`] when it is no database of Prokura at all, [`StoreError::Database`] when it cannot be opened.
pub fn verify_file(path: &Path, anchor: Option<Anchor>) -> Result<Verdict, StoreError> {
    let db = connect(path)?;
    let mut verdict = verify(&db, path, Some(anchor.as_ref()), None)?;
    if let Some(key) = signing_key(&db)? {
        verdict.notes.push(format!(
            "The checkpoints are signed by the key {key}; compare it with the key you noted, for nothing in the file \
             itself can prove whose it is."
        ));
    }
    Ok(verdict)
}

/// A copy without a write-ahead log is read as it lies, without locks or side files; beside a write-ahead log it is
/// read with it.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    if wal_of(path).exists() {
        return read::connect(path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path), flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn uri(path: &Path) -> String {
    let mut out = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                out.push(char::from(*byte));
            }
            other => out.push_str(&format!("%{other:02x}")),
        }
    }
    out.push_str("?mode=ro&immutable=1");
    out
}

/// Verifies what `db` sees. `anchor` is what is known of the anchor: nothing, that there is none, or which; `key` is the
/// Vault's, where it is open.
pub(super) fn verify(
    db: &Connection,
    path: &Path,
    anchor: Option<Option<&Anchor>>,
    key: Option<[u8; 32]>,
) -> Result<Verdict, StoreError> {
    let corrupt = |fault: rusqlite::Error| StoreError::Corrupt {
        path: path.to_owned(),
        fault: fault.to_string(),
    };
    // One moment for all queries.
    let db = db.unchecked_transaction()?;
    let log_id: Option<String> =
        db.query_row("SELECT log_id FROM log", [], |row| row.get(0)).optional().map_err(corrupt)?;
    let mut verdict = Verdict::default();
    let Some(log_id) = log_id else {
        verdict.fault("the log has no name: its first rows were removed");
        return Ok(verdict);
    };
    let mut checkpoints = Checkpoints::read(&db, &log_id, key, &mut verdict)?;
    let mut chain = Chain::new(&log_id);
    let walked = walk(&db, |found| {
        chain.follow(found, &mut verdict);
        checkpoints.meet(found, &mut verdict);
        let own = anchor.flatten().filter(|anchor| anchor.log_id == log_id);
        check_anchored(found, own, &mut verdict);
    });
    if let Err(fault) = walked {
        verdict.fault(format!("the file is damaged after record {}: {fault}", chain.last()));
    }
    verdict.records = chain.count();
    if verdict.records == 0 {
        verdict.fault("the log holds no record: even its first one was removed");
    }
    checkpoints.end(chain.last(), &mut verdict);
    if let Some(anchor) = anchor {
        check_end(chain.last(), &log_id, anchor, &mut verdict);
    }
    Ok(verdict)
}

fn check_anchored(found: &Found, anchor: Option<&Anchor>, verdict: &mut Verdict) {
    if let (Found::Record(record), Some(anchor)) = (found, anchor)
        && anchor.seq == record.seq
        && anchor.hash != record.hash
    {
        verdict.fault(format!(
            "record {} is not the one that was anchored: the log was put back or rewritten before it",
            record.seq
        ));
    }
}

fn check_end(last: i64, log_id: &str, anchor: Option<&Anchor>, verdict: &mut Verdict) {
    match anchor {
        None => verdict.notes.push(
            "There is no anchor: that the log was put back to an older copy, or cut after its last checkpoint, \
             cannot be detected."
                .to_owned(),
        ),
        Some(anchor) if anchor.log_id != log_id => verdict.fault(format!(
            "the anchor belongs to the log {} and this is the log {log_id}: it was replaced",
            anchor.log_id
        )),
        Some(anchor) if anchor.seq > last => verdict.fault(format!(
            "the log ends at record {last}, and record {} was anchored: its end was cut off or an older copy was put back",
            anchor.seq
        )),
        Some(_) => {}
    }
}

/// Visits the records by number, also those that do not read.
fn walk(db: &Connection, mut visit: impl FnMut(&Found)) -> rusqlite::Result<()> {
    let mut all =
        db.prepare("SELECT seq, at, kind, v, body, prev, hash FROM record ORDER BY seq")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let seq = row.get("seq")?;
        visit(&read::record(row).map_or(Found::Unreadable(seq), Found::Record));
    }
    Ok(())
}

/// The key of the newest checkpoint, for people to compare.
fn signing_key(db: &Connection) -> Result<Option<Digest>, StoreError> {
    let sql = "SELECT public_key FROM checkpoint ORDER BY seq DESC LIMIT 1";
    Ok(db.query_row(sql, [], |row| row.get(0).map(Digest)).optional().unwrap_or_default())
}

#[cfg(test)]
mod tests;
