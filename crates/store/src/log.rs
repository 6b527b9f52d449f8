//! The audit log: a chain of records that is only ever appended to, written by one at a time; one sync is
//! shared among all who wait. It must never let an append return before the record is as safe as was asked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};

use prokura_domain::clock::{Clock, Entropy};
use prokura_domain::flow::Reservation;
use prokura_domain::json::Json;
use prokura_domain::port::{Anchor, AnchorFault, Sealer, Signer};
use prokura_domain::record::{Durability, Event};
use rusqlite::Connection;

use crate::error::StoreError;
use crate::store::Store;

mod anchor;
mod bundle;
mod checkpoint;
mod draft;
mod find;
mod index;
mod mask;
mod payload;
mod read;
mod reader;
mod reserve;
mod segment;
mod ticker;
mod turn;
mod upkeep;
mod verify;
mod writer;

pub use bundle::Evidence;
pub use find::{DayCount, RecordQuery, Touched};
pub use mask::{MaskRule, text as masked};
pub use payload::{Capture, Payload, PayloadCount, Retention};
pub(crate) use segment::FOLDER as ARCHIVES;
pub use segment::Segment;
pub use upkeep::Keeping;
pub use verify::{Verdict, verify_evidence, verify_file, verify_file_by};

use anchor::Anchorer;
use draft::Draft;
use turn::{Order, Progress, Turns, closed};
use writer::Writer;

pub(crate) const SCHEMA: &str = "
CREATE TABLE log(
    log_id TEXT PRIMARY KEY,
    opened_at INTEGER NOT NULL
) STRICT;
CREATE TABLE record(
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    v INTEGER NOT NULL,
    body TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER record_is_never_changed BEFORE UPDATE ON record
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER record_is_never_removed BEFORE DELETE ON record
BEGIN SELECT RAISE(ABORT, 'audit records are never removed'); END;
CREATE TRIGGER record_is_appended BEFORE INSERT ON record
WHEN NEW.seq <> coalesce((SELECT max(seq) FROM record), NEW.seq - 1) + 1
BEGIN SELECT RAISE(ABORT, 'audit records are appended'); END;
CREATE TABLE record_index(
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    call TEXT,
    agent TEXT,
    agent_name TEXT,
    server TEXT,
    server_name TEXT,
    account TEXT,
    account_name TEXT,
    target_kind TEXT,
    target TEXT
) STRICT;
CREATE INDEX record_index_call ON record_index(call) WHERE call IS NOT NULL;
CREATE TABLE open_call(
    call TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE payload(
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    call TEXT NOT NULL,
    part TEXT NOT NULL,
    salt BLOB NOT NULL,
    sealed BLOB
) STRICT;
CREATE INDEX payload_call ON payload(call, part);
CREATE TABLE checkpoint(
    seq INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    public_key BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
CREATE TRIGGER checkpoint_is_never_removed BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are never removed'); END;
";

/// What version 7 of the file adds: an index that is derived from the records, ages of payloads, archived segments.
pub(crate) const SCHEMA_8: [&str; 3] = [index::SCHEMA_8, payload::SCHEMA_8, segment::SCHEMA_8];

/// What version 9 adds: payloads under the numbers of their records.
pub(crate) const SCHEMA_9: [&str; 1] = [payload::SCHEMA_9];

/// The audit log of one data folder.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    turns: Arc<Turns>,
    reader: Mutex<Connection>,
    path: PathBuf,
    log_id: String,
    entropy: Arc<dyn Entropy>,
    sealer: Arc<dyn Sealer>,
    signer: Arc<dyn Signer>,
    anchorer: Arc<Anchorer>,
    progress: Arc<Progress>,
    capture: RwLock<Capture>,
}

impl Log {
    /// Opens the log in the file of `store`; the first record of a new one says so.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or written.
    pub fn open(
        store: &Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        sealer: Arc<dyn Sealer>,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, StoreError> {
        let path = store.path().to_owned();
        store.seal_with(Arc::clone(&sealer));
        let (orders, inbox) = mpsc::channel();
        let (writer, log_id) =
            Writer::open(&path, clock, entropy.as_ref(), Arc::clone(&signer), orders.clone())?;
        let anchorer = writer.anchorer();
        let progress = writer.progress();
        let reader = Mutex::new(read::connect(&path)?);
        let turns = Turns::start(writer, orders, inbox)?;
        Ok(Self(Arc::new(Shared {
            turns,
            reader,
            path,
            log_id,
            entropy,
            sealer,
            signer,
            anchorer,
            progress,
            capture: RwLock::default(),
        })))
    }

    /// What tells this log from all others.
    #[must_use]
    pub fn log_id(&self) -> &str {
        &self.0.log_id
    }

    /// Appends a record; returns its number once it is as safe as `durability` asks.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] when it could not be written: then nothing of it is there.
    pub async fn append(&self, event: Event, durability: Durability) -> Result<i64, StoreError> {
        self.append_call(event, None, durability).await
    }

    /// Appends a record that carries the salted digest of a payload; the payload itself is kept sealed when it says so.
    /// While the Vault is locked the record is written all the same, and says `"payload":"not kept"`.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] when it could not be written: then nothing of it is there.
    pub async fn append_call(
        &self,
        event: Event,
        payload: Option<Payload>,
        durability: Durability,
    ) -> Result<i64, StoreError> {
        self.append_charged(event, payload, durability, Reservation::default()).await
    }

    /// Appends a record, and in the same transaction takes what it costs from the budgets of Grants and notes what flows:
    /// all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError::BudgetUsedUp`] when a budget has too little left, [`StoreError::FlowsTogether`] when what flowed
    /// before stops it, [`StoreError::AuditBroken`] when it could not be written: then nothing of it is there.
    pub async fn append_charged(
        &self,
        event: Event,
        payload: Option<Payload>,
        durability: Durability,
        reservation: impl Into<Reservation>,
    ) -> Result<i64, StoreError> {
        let shared = &self.0;
        let capture = shared.capture.read().unwrap_or_else(PoisonError::into_inner).clone();
        let sealing = (shared.entropy.as_ref(), shared.sealer.as_ref());
        let mut draft = Draft::new(event, payload, durability, &capture, sealing)?;
        draft.reservation = reservation.into();
        shared.turns.append(draft).await
    }

    /// Syncs, signs the newest record and anchors the signature. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NoCheckpoint`] while the Vault is locked.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let (reply, answer) = mpsc::channel();
        self.0.turns.send(Order::Checkpoint(reply))?;
        let anchor = answer.recv().map_err(|_| closed())??;
        self.0.anchorer.anchor(&anchor);
        Ok(())
    }

    /// Ends the log in good order: writes what waits, syncs, and makes a checkpoint where the Vault is open. Blocks.
    pub fn close(&self) {
        let (reply, answer) = mpsc::channel();
        if self.0.turns.send(Order::Close(reply)).is_ok()
            && let Ok(Some(anchor)) = answer.recv()
        {
            self.0.anchorer.anchor(&anchor);
        }
    }

    /// What is known of the anchor. Blocks for as long as the keyring is given.
    ///
    /// # Errors
    /// [`AnchorFault`] when it cannot be read now.
    pub fn anchor(&self) -> Result<Option<Anchor>, AnchorFault> {
        self.0.signer.anchored(&self.0.log_id)
    }

    /// Checks the whole chain, its checkpoints against the Vault's key, and its end against the anchor. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read at all.
    pub fn verify(&self) -> Result<Verdict, StoreError> {
        self.verify_from(None)
    }

    /// Checks the newest records only, from a checkpoint at least `records` before the end, and the end against the
    /// anchor: quick whatever the size of the log. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read at all.
    pub fn verify_tail(&self, records: i64) -> Result<Verdict, StoreError> {
        let head = self.0.progress.head.load(Ordering::Acquire);
        self.verify_from(Some(head.saturating_sub(records)))
    }

    fn verify_from(&self, tail: Option<i64>) -> Result<Verdict, StoreError> {
        // First the anchor, then the snapshot: so the snapshot is never the older one.
        let (anchor, unread) = match self.0.signer.anchored(&self.0.log_id) {
            Ok(anchor) => (anchor, None),
            Err(fault) => (None, Some(fault)),
        };
        let db = read::connect(&self.0.path)?;
        let key = self.0.signer.public_key();
        let known = unread.is_none();
        let mut verdict =
            verify::verify(&db, &self.0.path, known.then_some(anchor.as_ref()), key, tail)?;
        if let Some(fault) = unread {
            verdict.notes.push(format!(
                "The anchor could not be read ({fault}): whether the log was put back to an older copy, or cut after its \
                 last checkpoint, is not known."
            ));
        }
        if key.is_none() {
            verdict.notes.push(
                "The vault is locked: its key could not be compared with the checkpoints'."
                    .to_owned(),
            );
        }
        Ok(verdict)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The ticker holds a sender too, so the writer would not end by itself.
        let _ = self.turns.send(Order::Stop);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.0.log_id).finish()
    }
}

/// A body that reads back as what it is: the hash takes it as it stands.
fn canonical(body: &Json) -> Result<String, StoreError> {
    let text = body.to_canonical();
    if Json::is_canonical(&text) {
        return Ok(text);
    }
    let why = Json::read(text.as_bytes()).err().map(|fault| fault.to_string());
    Err(StoreError::NotARecord(why.unwrap_or_else(|| "its body is ambiguous".to_owned())))
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
