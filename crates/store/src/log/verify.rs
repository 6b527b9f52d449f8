//! Verification: reads the whole chain and says what is wrong with it, and what could not be checked. It only reads, and
//! needs neither a running host nor the Vault.

use std::path::Path;

use prokura_domain::digest::Digest;
use prokura_domain::port::Anchor;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::error::StoreError;
use crate::log::segment::{self, Segment};
use crate::log::{read, wal_of};
use crate::store::PATIENCE;

mod bundle;
mod chain;
mod checkpoints;
mod work;

pub use bundle::verify_evidence;
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

/// Verifies the log in a file, which may be a copy, an archive, or the file of a running host. Nothing is written to it;
/// beside a copy that brought its write-ahead log along, SQLite leaves its index of that (`-shm`).
///
/// # Errors
/// [`StoreError::Corrupt`] when it is no database of Prokura at all, [`StoreError::Database`] when it cannot be opened.
pub fn verify_file(path: &Path, anchor: Option<Anchor>) -> Result<Verdict, StoreError> {
    verify_file_by(path, anchor, None)
}

/// Like [`verify_file`]; all signatures have to be by `key`, where it is known.
///
/// # Errors
/// Those of [`verify_file`].
pub fn verify_file_by(
    path: &Path,
    anchor: Option<Anchor>,
    key: Option<[u8; 32]>,
) -> Result<Verdict, StoreError> {
    let db = connect(path)?;
    let mut verdict = verify(&db, path, Some(anchor.as_ref()), key, None)?;
    if let (Some(key), None) = (signing_key(&db)?, key) {
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
/// With `tail` only what came after the newest good checkpoint before that record.
pub(super) fn verify(
    db: &Connection,
    path: &Path,
    anchor: Option<Option<&Anchor>>,
    key: Option<[u8; 32]>,
    tail: Option<i64>,
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
    let segments = segments(&db, path, &log_id, key, &mut verdict)?;
    let from = start_of_tail(&db, tail)?;
    let mut checkpoints = Checkpoints::read(&db, &log_id, key, from, &mut verdict)?;
    let mut chain = match (checkpoints.at(from), read::one(&db, from)) {
        (Some(hash), Ok(Some(record))) if record.hash == hash => {
            Chain::after(&log_id, &segments, from, hash)
        }
        _ => Chain::new(&log_id, &segments),
    };
    let begin = chain.last();
    let own = anchor.flatten().filter(|anchor| anchor.log_id == log_id);
    let walked = work::walk(&db, &log_id, begin, |found, sound| {
        chain.follow(found, sound, &mut verdict);
        checkpoints.meet(found, &mut verdict);
        check_anchored(found, own, &mut verdict);
    });
    if let Err(fault) = walked {
        verdict.fault(format!("the file is damaged after record {}: {fault}", chain.last()));
    }
    verdict.records = chain.count();
    if verdict.records == 0 && begin == 0 {
        verdict.fault("the log holds no record: even its first one was removed");
    }
    let archived = segments.last().map_or(0, |segment| segment.last);
    checkpoints.end(archived.max(begin), chain.last(), &mut verdict);
    let own = anchor.flatten().filter(|anchor| anchor.seq <= begin && anchor.log_id == log_id);
    if let Some(anchor) = own
        && let Some(record) = read::one(&db, anchor.seq)?
    {
        check_anchored(&Found::Record(record), Some(anchor), &mut verdict);
    }
    if let Some(anchor) = anchor {
        check_end(chain.last(), &log_id, anchor, &mut verdict);
    }
    Ok(verdict)
}

/// The newest checkpoint at or before `tail`; 0 for the whole log.
fn start_of_tail(db: &Connection, tail: Option<i64>) -> Result<i64, StoreError> {
    let Some(tail) = tail else { return Ok(0) };
    let sql = "SELECT coalesce(max(seq), 0) FROM checkpoint WHERE seq <= ?";
    Ok(db.query_row(sql, [tail], |row| row.get(0))?)
}

/// The closed segments: each signed, each going on from the one before, and their archives as they were signed, as far as
/// they lie beside the file.
fn segments(
    db: &Connection,
    path: &Path,
    log_id: &str,
    key: Option<[u8; 32]>,
    verdict: &mut Verdict,
) -> Result<Vec<Segment>, StoreError> {
    let Ok(found) = segment::all(db) else {
        verdict.fault("the list of closed segments does not read");
        return Ok(Vec::new());
    };
    let mut good: Vec<Segment> = Vec::new();
    for one in found {
        let place = format!("records {} to {}", one.first, one.last);
        let expected = good.last().map_or(1, |before| before.last + 1);
        let by = key.or(good.last().map(|before| before.key)).unwrap_or(one.key);
        if one.first != expected || one.last < one.first {
            verdict.fault(format!(
                "the segment of {place} does not go on from record {}",
                expected - 1
            ));
            break;
        }
        if by != one.key || !one.is_signed(log_id) {
            verdict.fault(format!("the segment of {place} is not signed by the key of this log"));
            break;
        }
        look_at_archive(&one, path, &place, verdict);
        good.push(one);
    }
    Ok(good)
}

fn look_at_archive(one: &Segment, path: &Path, place: &str, verdict: &mut Verdict) {
    let beside = path.with_file_name(segment::FOLDER).join(&one.file);
    match segment::digest_of(&beside) {
        Ok(digest) if digest == one.digest => {}
        Ok(_) => verdict.fault(format!("the archive of {place} was changed: {}", one.file)),
        Err(_) => verdict.notes.push(format!(
            "Of {place} only their end was checked: their archive {} is not beside this file.",
            one.file
        )),
    }
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

/// The key of the newest checkpoint, for people to compare.
fn signing_key(db: &Connection) -> Result<Option<Digest>, StoreError> {
    let sql = "SELECT public_key FROM checkpoint ORDER BY seq DESC LIMIT 1";
    Ok(db.query_row(sql, [], |row| row.get(0).map(Digest)).optional().unwrap_or_default())
}

#[cfg(test)]
mod tests;
