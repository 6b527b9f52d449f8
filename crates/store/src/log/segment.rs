//! Segments: the oldest records, closed, signed and moved into an archive file that verifies by itself. The chain goes on
//! from the hash of its last record. It must never remove a record that is not in an archive that was verified and synced.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, VerifyingKey};
use prokura_domain::Json;
use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::record::{Durability, Event, RecordKind};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::log::writer::Writer;
use crate::log::{Log, index, payload, read, verify_file};
use crate::store::Safety;

/// Only what a closed segment covers may leave the file.
pub(crate) const SCHEMA_8: &str = "
CREATE TABLE segment(
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    hash BLOB NOT NULL,
    file TEXT NOT NULL,
    digest BLOB NOT NULL,
    signature BLOB NOT NULL,
    public_key BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER segment_is_never_changed BEFORE UPDATE ON segment
BEGIN SELECT RAISE(ABORT, 'segments are never changed'); END;
CREATE TRIGGER segment_is_never_removed BEFORE DELETE ON segment
BEGIN SELECT RAISE(ABORT, 'segments are never removed'); END;
DROP TRIGGER record_is_never_removed;
CREATE TRIGGER record_is_never_removed BEFORE DELETE ON record
WHEN OLD.seq > coalesce((SELECT max(last) FROM segment), 0)
BEGIN SELECT RAISE(ABORT, 'audit records are never removed'); END;
";

/// The folder beside the database that archives lie in.
pub(crate) const FOLDER: &str = "archive";

/// How many records leave the file between two turns of the writer.
const AT_ONCE: i64 = 500;

/// What an archive holds: the same tables, and the segments before it, so that it verifies by itself.
const ARCHIVE: &str = "
CREATE TABLE log(log_id TEXT PRIMARY KEY, opened_at INTEGER NOT NULL) STRICT;
CREATE TABLE record(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, v INTEGER NOT NULL,
    body TEXT NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE payload(seq INTEGER PRIMARY KEY, call TEXT NOT NULL, part TEXT NOT NULL, at INTEGER NOT NULL,
    size INTEGER NOT NULL, salt BLOB NOT NULL, sealed BLOB) STRICT;
CREATE TABLE checkpoint(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, signature BLOB NOT NULL, public_key BLOB NOT NULL,
    at INTEGER NOT NULL) STRICT;
CREATE TABLE segment(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, hash BLOB NOT NULL, file TEXT NOT NULL,
    digest BLOB NOT NULL, signature BLOB NOT NULL, public_key BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
";

/// A closed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its first record.
    pub first: i64,
    /// Its last record.
    pub last: i64,
    /// The hash of its last record, which the next segment goes on from.
    pub hash: Digest,
    /// The name of its file in the archive folder.
    pub file: String,
    /// SHA-256 of that file.
    pub digest: Digest,
    /// The signature over all of this.
    pub(super) signature: [u8; 64],
    /// The key it was made with.
    pub(super) key: [u8; 32],
    /// When it was closed.
    pub at: Timestamp,
}

impl Segment {
    fn message(&self, log_id: &str) -> Vec<u8> {
        let mut out = b"prokura-segment-v1".to_vec();
        out.extend_from_slice(&(log_id.len() as u64).to_be_bytes());
        out.extend_from_slice(log_id.as_bytes());
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.last.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(&self.digest.0);
        out
    }

    /// Whether its own key signed it.
    pub(super) fn is_signed(&self, log_id: &str) -> bool {
        VerifyingKey::from_bytes(&self.key).is_ok_and(|key| {
            let signature = Signature::from_bytes(&self.signature);
            key.verify_strict(&self.message(log_id), &signature).is_ok()
        })
    }
}

/// All segments, oldest first. A file from before segments has none.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Segment>> {
    let there: Option<i64> = db
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'segment'", [], |row| row.get(0))
        .optional()?;
    if there.is_none() {
        return Ok(Vec::new());
    }
    db.prepare("SELECT * FROM segment ORDER BY first")?.query_map([], segment)?.collect()
}

fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment {
        first: row.get("first")?,
        last: row.get("last")?,
        hash: row.get("hash").map(Digest)?,
        file: row.get("file")?,
        digest: row.get("digest").map(Digest)?,
        signature: row.get("signature")?,
        key: row.get("public_key")?,
        at: row.get("at").map(Timestamp)?,
    })
}

impl Log {
    /// Closes the records from before `moment` as a segment and moves them into an archive file; `None` when there is
    /// nothing to close. Calls under way, and what no checkpoint covers, stay. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NoCheckpoint`] while the Vault is locked, [`StoreError::Unwritable`] when the archive cannot be
    /// written; then nothing was removed.
    pub fn archive(&self, moment: Timestamp) -> Result<Option<Segment>, StoreError> {
        self.checkpoint()?;
        let Some((first, last, hash)) = closable(&read::connect(&self.0.path)?, moment)? else {
            return Ok(None);
        };
        let (file, digest) = self.write_archive(first, last)?;
        let mut segment = Segment {
            first,
            last,
            hash,
            file,
            digest,
            signature: [0; 64],
            key: self.0.signer.public_key().ok_or(StoreError::NoCheckpoint)?,
            at: moment,
        };
        let message = segment.message(&self.0.log_id);
        segment.signature = self.0.signer.sign(&message).ok_or(StoreError::NoCheckpoint)?;
        self.append_waiting(closed(&segment), Durability::Synced)?;
        let row = segment.clone();
        self.on_writer(move |writer| insert(writer, &row))??;
        self.shorten(last)?;
        Ok(Some(segment))
    }

    /// Removes from the file what closed segments hold, also what a crash had left of it. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be written.
    pub fn finish_archiving(&self) -> Result<(), StoreError> {
        match self.reading(|db| Ok(all(db)?))?.last() {
            Some(segment) => self.shorten(segment.last),
            None => Ok(()),
        }
    }

    fn shorten(&self, last: i64) -> Result<(), StoreError> {
        while self.on_writer(move |writer| shorten(writer, last))?? {}
        Ok(())
    }

    fn write_archive(&self, first: i64, last: i64) -> Result<(String, Digest), StoreError> {
        let folder = self.0.path.with_file_name(FOLDER);
        let file = format!("records-{first:010}-{last:010}.db");
        let path = folder.join(&file);
        let written = write_file(&self.0.path, &folder, &path, first, last)?;
        let verdict = verify_file(&path, None)?;
        if !verdict.is_whole() || verdict.records != last - first + 1 {
            let why = verdict.faults.first().cloned().unwrap_or_default();
            return Err(StoreError::AuditBroken(format!("the archive is not whole: {why}")));
        }
        Ok((file, written))
    }
}

/// The records that can be closed: up to the newest checkpoint over records from before `moment`.
fn closable(db: &Connection, moment: Timestamp) -> Result<Option<(i64, i64, Digest)>, StoreError> {
    let first = read::oldest(db)?;
    let sql = "SELECT min(seq) FROM record WHERE at >= ?";
    let kept: Option<i64> = db.query_row(sql, [moment.0], |row| row.get(0))?;
    // The newest record always stays: the chain goes on from it.
    let sql =
        "SELECT max(c.seq) FROM checkpoint c JOIN record r ON r.seq = c.seq AND r.hash = c.hash
        WHERE c.seq < (SELECT max(seq) FROM record) AND c.seq < ?1
        AND c.seq < coalesce((SELECT min(seq) FROM open_call), c.seq + 1)";
    let last: Option<i64> = db.query_row(sql, [kept.unwrap_or(i64::MAX)], |row| row.get(0))?;
    let Some(last) = last.filter(|last| *last >= first && first > 0) else { return Ok(None) };
    Ok(read::one(db, last)?.map(|record| (first, last, record.hash)))
}

fn closed(segment: &Segment) -> Event {
    let detail = Json::object([
        ("first", Json::from(segment.first)),
        ("last", Json::from(segment.last)),
        ("hash", Json::text(segment.hash.to_string())),
        ("file", Json::text(&segment.file)),
        ("file_sha256", Json::text(segment.digest.to_string())),
    ]);
    Event::new(RecordKind::SegmentClosed, detail)
}

/// Writes the archive beside its place, syncs it, and puts it there.
fn write_file(
    source: &Path,
    folder: &Path,
    path: &Path,
    first: i64,
    last: i64,
) -> Result<Digest, StoreError> {
    let unwritable = |fault: io::Error| StoreError::Unwritable {
        path: path.to_owned(),
        source: std::sync::Arc::new(fault),
    };
    make_private(folder).map_err(unwritable)?;
    let draft: PathBuf = path.with_extension("part");
    match fs::remove_file(&draft) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(unwritable(fault)),
        Ok(()) | Err(_) => {}
    }
    let db = Connection::open(&draft)?;
    db.pragma_update(None, "journal_mode", "DELETE")?;
    db.execute("ATTACH DATABASE ? AS source", [source.to_string_lossy()])?;
    let copying = db.unchecked_transaction()?;
    copying.execute_batch(ARCHIVE)?;
    copying.execute_batch("INSERT INTO log SELECT * FROM source.log")?;
    let between = params![first, last];
    for (table, columns) in [
        ("record", "seq, at, kind, v, body, prev, hash"),
        ("checkpoint", "seq, hash, signature, public_key, at"),
        ("payload", "seq, call, part, at, size, salt, sealed"),
    ] {
        let sql = format!(
            "INSERT INTO main.{table}({columns}) SELECT {columns} FROM source.{table} WHERE seq BETWEEN ? AND ?"
        );
        copying.execute(&sql, between)?;
    }
    copying
        .execute("INSERT INTO main.segment SELECT * FROM source.segment WHERE last < ?", [first])?;
    copying.commit()?;
    db.execute_batch("DETACH DATABASE source")?;
    db.close().map_err(|(_, fault)| fault)?;
    settle(&draft, path, folder).map_err(unwritable)
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn settle(draft: &Path, path: &Path, folder: &Path) -> io::Result<Digest> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(draft, fs::Permissions::from_mode(0o600))?;
    }
    File::options().write(true).open(draft)?.sync_all()?;
    fs::rename(draft, path)?;
    // The name has to be as safe as the bytes; not every system syncs a folder.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    digest_of(path)
}

/// SHA-256 of a file, read in pieces.
pub(super) fn digest_of(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0u8; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Digest(hash.finalize().into())),
            length => hash.update(piece.get(..length).unwrap_or_default()),
        }
    }
}

fn insert(writer: &mut Writer, segment: &Segment) -> Result<(), StoreError> {
    writer.be(Safety::Synced)?;
    writer.connection.execute(
        "INSERT INTO segment(first, last, hash, file, digest, signature, public_key, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            segment.first,
            segment.last,
            segment.hash.0,
            segment.file,
            segment.digest.0,
            segment.signature,
            segment.key,
            segment.at.0,
        ],
    )?;
    writer.unsynced = false;
    Ok(())
}

/// Removes some of the records up to `last`; whether there are more.
fn shorten(writer: &mut Writer, last: i64) -> Result<bool, StoreError> {
    while writer.backlog() > 0 {
        writer.index()?;
    }
    writer.be(Safety::Logged)?;
    let db = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = read::oldest(&db)?;
    if from == 0 || from > last {
        return Ok(false);
    }
    let to = last.min(from + AT_ONCE - 1);
    index::forget(&db, from, to)?;
    payload::count(&db, -1, payload::within(&db, from - 1, to)?)?;
    db.execute("DELETE FROM payload WHERE seq BETWEEN ? AND ?", [from, to])?;
    db.execute("DELETE FROM record WHERE seq BETWEEN ? AND ?", [from, to])?;
    db.commit()?;
    writer.unsynced = true;
    Ok(to < last)
}
