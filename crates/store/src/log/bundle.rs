//! Evidence: records with their checkpoints in a folder of plain text files, under a manifest that the key of the log
//! signed, to be given away and verified without this program's data. It must never hold a payload.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use prokura_domain::Json;
use prokura_domain::digest::Digest;
use prokura_domain::record::AuditRecord;
use rusqlite::Connection;

use crate::error::StoreError;
use crate::log::segment::digest_of;
use crate::log::{Log, read};

/// Its records, one a line, oldest first.
pub(super) const RECORDS: &str = "records.jsonl";
/// The checkpoints over them.
pub(super) const CHECKPOINTS: &str = "checkpoints.jsonl";
/// What it holds, with the digest of every file.
pub(super) const MANIFEST: &str = "manifest.json";
/// The signature over the manifest.
pub(super) const SIGNATURE: &str = "manifest.sig";

/// The form of the manifest.
pub(super) const VERSION: i64 = 1;
/// Records that are read at once.
const PAGE: usize = 1_000;

/// What is signed: a tag and the manifest as it lies there.
pub(super) fn message(manifest: &[u8]) -> Vec<u8> {
    let mut out = b"prokura-evidence-v1".to_vec();
    out.extend_from_slice(&(manifest.len() as u64).to_be_bytes());
    out.extend_from_slice(manifest);
    out
}

/// Records that lie in a folder to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The log they are of.
    pub log_id: String,
    /// The number of the first.
    pub first: i64,
    /// The number of the last.
    pub last: i64,
    /// The hash before the first.
    pub prev: Digest,
    /// The hash of the last.
    pub hash: Digest,
    /// The key that signs, as 64 hexadecimal digits.
    pub key: String,
}

impl Log {
    /// Writes the records from `first` to `last` and their checkpoints into `folder`, which exists and is empty, and shows
    /// each to `visit`. What is missing at either end is taken as the log's own. From archives too. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NoCheckpoint`] while the Vault is locked, [`StoreError::NoSuch`] when there is no such record,
    /// [`StoreError::Unwritable`] when a file cannot be written.
    pub fn write_evidence(
        &self,
        folder: &Path,
        (first, last): (Option<i64>, Option<i64>),
        visit: &mut dyn FnMut(&AuditRecord) -> io::Result<()>,
    ) -> Result<Evidence, StoreError> {
        self.checkpoint()?;
        let key = Digest(self.0.signer.public_key().ok_or(StoreError::NoCheckpoint)?).to_string();
        let newest = self.extent()?.1;
        let first = first.unwrap_or(1).max(1);
        let last = last.unwrap_or(newest).min(newest);
        let unwritable = unwritable(folder);
        let mut out = create(&folder.join(RECORDS)).map_err(&unwritable)?;
        let mut at = first - 1;
        let mut ends: Option<(Digest, Digest)> = None;
        while at < last {
            let most = PAGE.min(usize::try_from(last - at).unwrap_or(PAGE));
            let page = self.records_onwards(at, most)?;
            let Some(newest) = page.last() else { break };
            at = newest.seq;
            for record in &page {
                let written = out.write_all(line(record).as_bytes()).and_then(|()| visit(record));
                written.map_err(&unwritable)?;
                ends = Some((ends.map_or(record.prev, |(prev, _)| prev), record.hash));
            }
        }
        settle(out).map_err(&unwritable)?;
        let Some((prev, hash)) = ends.filter(|_| at == last) else {
            return Err(StoreError::NoSuch(format!("a record from {first} to {last}")));
        };
        let mut out = create(&folder.join(CHECKPOINTS)).map_err(&unwritable)?;
        let db = read::connect(&self.0.path)?;
        checkpoints(&db, first, last, &mut |line| out.write_all(line.as_bytes()))
            .map_err(|fault| fault.unwrap_or_else(&unwritable))?;
        settle(out).map_err(&unwritable)?;
        Ok(Evidence { log_id: self.0.log_id.clone(), first, last, prev, hash, key })
    }

    /// Writes the manifest over every file in `folder` and signs it: from then on the folder says by itself when something
    /// of it was changed. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NoCheckpoint`] while the Vault is locked, [`StoreError::Unwritable`] when a file cannot be read or
    /// written.
    pub fn seal_evidence(&self, folder: &Path, evidence: &Evidence) -> Result<(), StoreError> {
        let unwritable = unwritable(folder);
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(&unwritable)? {
            let entry = entry.map_err(&unwritable)?;
            let digest = digest_of(&entry.path()).map_err(&unwritable)?;
            files.push((entry.file_name().to_string_lossy().into_owned(), digest));
        }
        let manifest = manifest(evidence, files).to_canonical();
        let signature =
            self.0.signer.sign(&message(manifest.as_bytes())).ok_or(StoreError::NoCheckpoint)?;
        for (name, text) in [(MANIFEST, manifest), (SIGNATURE, format!("{}\n", hex(&signature)))] {
            let mut out = create(&folder.join(name)).map_err(&unwritable)?;
            out.write_all(text.as_bytes()).map_err(&unwritable)?;
            settle(out).map_err(&unwritable)?;
        }
        Ok(())
    }
}

fn manifest(evidence: &Evidence, files: Vec<(String, Digest)>) -> Json {
    let files = files.into_iter().map(|(name, digest)| (name, Json::text(digest.to_string())));
    Json::object([
        ("evidence", Json::from(VERSION)),
        ("log_id", Json::text(&evidence.log_id)),
        ("first", Json::from(evidence.first)),
        ("last", Json::from(evidence.last)),
        ("prev", Json::text(evidence.prev.to_string())),
        ("hash", Json::text(evidence.hash.to_string())),
        ("public_key", Json::text(&evidence.key)),
        ("sha256", Json::object(files)),
    ])
}

fn line(record: &AuditRecord) -> String {
    let value = Json::object([
        ("seq", Json::from(record.seq)),
        ("at", Json::from(record.at.0)),
        ("kind", Json::text(&record.kind)),
        ("v", Json::from(i64::from(record.v))),
        ("body", Json::text(&record.body)),
        ("prev", Json::text(record.prev.to_string())),
        ("hash", Json::text(record.hash.to_string())),
    ]);
    format!("{}\n", value.to_text())
}

/// The checkpoints over the records, a line each.
fn checkpoints(
    db: &Connection,
    first: i64,
    last: i64,
    write: &mut dyn FnMut(String) -> io::Result<()>,
) -> Result<(), Result<StoreError, io::Error>> {
    let sql = "SELECT seq, hash, signature, public_key FROM checkpoint
        WHERE seq BETWEEN ? AND ? ORDER BY seq";
    let read = |fault: rusqlite::Error| Ok(StoreError::from(fault));
    let mut all = db.prepare(sql).map_err(read)?;
    let mut rows = all.query([first, last]).map_err(read)?;
    while let Some(row) = rows.next().map_err(read)? {
        let seq: i64 = row.get(0).map_err(read)?;
        let hash = Digest(row.get(1).map_err(read)?);
        let signature: [u8; 64] = row.get(2).map_err(read)?;
        let key = Digest(row.get(3).map_err(read)?);
        let value = Json::object([
            ("seq", Json::from(seq)),
            ("hash", Json::text(hash.to_string())),
            ("signature", Json::text(hex(&signature))),
            ("public_key", Json::text(key.to_string())),
        ]);
        write(format!("{}\n", value.to_text())).map_err(Err)?;
    }
    Ok(())
}

/// A new file that only its owner can read.
fn create(path: &Path) -> io::Result<BufWriter<File>> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(BufWriter::new)
}

fn settle(out: BufWriter<File>) -> io::Result<()> {
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn unwritable(folder: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = folder.to_owned();
    move |fault| StoreError::Unwritable { path: path.clone(), source: Arc::new(fault) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
