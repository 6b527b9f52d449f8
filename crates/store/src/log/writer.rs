//! What writes the chain, one at a time ([`super::turn`]). It takes all who wait into one transaction; when that fails,
//! nothing of it is there and the chain goes on from where it was.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use prokura_domain::clock::{Clock, Entropy};
use prokura_domain::digest::Digest;
use prokura_domain::port::{Anchor, Signer};
use prokura_domain::record::Durability;
use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::log::anchor::Anchorer;
use crate::log::draft::Draft;
use crate::log::index::{self, Known};
use crate::log::ticker::Ticker;
use crate::log::turn::{Answer, Order, Progress, Waiting};
use crate::log::{checkpoint, read, wal_of};
use crate::store::{self, Safety};

mod rows;

/// How many records a checkpoint may lag behind.
const RECORDS_PER_CHECKPOINT: i64 = 1_000;
/// How many records are indexed before the writer looks for orders again: a Call waits for no more than these.
const INDEXED_AT_ONCE: usize = 128;
/// After a burst so many at once: they share the pages that the index is written to.
const INDEXED_BEHIND: usize = 1_024;
const BEHIND: i64 = 4_096;
/// After so many records the write-ahead log is moved into the main file while nothing comes; else SQLite does it in the
/// middle of somebody's append, once it is much longer ([`store::configure`]).
const RECORDS_PER_SETTLING: usize = 256;
/// How many reminders (of half a second) a checkpoint may lag behind.
const TICKS_PER_CHECKPOINT: u32 = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: Digest,
}

/// The new head, and what each draft is answered.
type Written = (Head, Vec<Answer>);

pub(super) struct Writer {
    pub(super) connection: Connection,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    signer: Arc<dyn Signer>,
    anchorer: Arc<Anchorer>,
    ticker: Ticker,
    log_id: String,
    pub(super) head: Head,
    progress: Arc<Progress>,
    known: Known,
    /// How safe the connection's commits are now.
    safety: Option<Safety>,
    /// How many records lie in the write-ahead log only, as far as this thread knows.
    unsettled: usize,
    /// Up to where checkpoints reach.
    pub(super) signed: i64,
    /// Something is in the write-ahead log that was not synced.
    pub(super) unsynced: bool,
    ticks: u32,
    /// How many records were written by who had them, not by the thread.
    #[cfg(test)]
    pub(super) by_callers: usize,
}

impl Writer {
    pub(super) fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        signer: Arc<dyn Signer>,
        orders: mpsc::Sender<Order>,
    ) -> Result<(Self, String), StoreError> {
        let mut connection = store::connect(path)?;
        store::configure(&connection)?;
        // KiB: what is searched by lies all over the file once there are a million records.
        connection.pragma_update(None, "cache_size", -24_000)?;
        let log_id = rows::found_or_founded(&mut connection, clock.as_ref(), entropy)?;
        let head = read::head(&connection)?;
        let signed =
            connection
                .query_row("SELECT coalesce(max(seq), 0) FROM checkpoint", [], |row| row.get(0))?;
        let progress = Progress {
            head: AtomicI64::new(head.seq),
            indexed: AtomicI64::new(index::reach(&connection)?),
        };
        let anchorer = Arc::new(Anchorer::new(Arc::clone(&signer), path.to_owned()));
        let ticker = Ticker::start(orders)?;
        let writer = Self {
            connection,
            path: path.to_owned(),
            clock,
            signer,
            anchorer,
            ticker,
            log_id: log_id.clone(),
            head,
            progress: Arc::new(progress),
            known: Known::default(),
            safety: None,
            unsettled: 0,
            signed,
            unsynced: false,
            ticks: 0,
            #[cfg(test)]
            by_callers: 0,
        };
        Ok((writer, log_id))
    }

    pub(super) fn anchorer(&self) -> Arc<Anchorer> {
        Arc::clone(&self.anchorer)
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Says how safe the next commits have to be.
    pub(super) fn be(&mut self, safety: Safety) -> rusqlite::Result<()> {
        if self.safety != Some(safety) {
            self.connection.pragma_update(None, "synchronous", safety.pragma())?;
            self.safety = Some(safety);
        }
        Ok(())
    }

    /// How many records the index does not have yet.
    pub(super) fn backlog(&self) -> i64 {
        self.progress.backlog()
    }

    /// Indexes some of the records that are not indexed yet.
    pub(super) fn index(&mut self) -> Result<(), StoreError> {
        let from = self.progress.indexed.load(Ordering::Relaxed);
        // It can be made again from the records, so it need not be synced.
        self.be(Safety::Logged)?;
        let most = if self.backlog() < BEHIND { INDEXED_AT_ONCE } else { INDEXED_BEHIND };
        let to = index::catch_up(&mut self.connection, from, most, &mut self.known)?;
        self.unsynced |= to > from;
        self.progress.indexed.store(to, Ordering::Release);
        Ok(())
    }

    /// Whether the write-ahead log is to be moved into the main file when nothing comes.
    pub(super) fn is_to_settle(&self) -> bool {
        self.unsettled >= RECORDS_PER_SETTLING
    }

    pub(super) fn settle_quietly(&mut self) {
        self.unsettled = 0;
        let passive = "PRAGMA wal_checkpoint(PASSIVE)";
        let _ = self.connection.query_row(passive, [], |_| Ok(()));
    }

    /// Writes one record that need not be synced, unless something has to be waited for: another who writes to the file,
    /// or a checkpoint that is due.
    pub(super) fn at_once(&mut self, draft: &Draft) -> Option<Answer> {
        if self.head.seq + 1 - self.signed >= RECORDS_PER_CHECKPOINT {
            return None;
        }
        self.connection.busy_timeout(Duration::ZERO).ok()?;
        let written = self.write(&[draft], Safety::Logged);
        let _ = self.connection.busy_timeout(store::PATIENCE);
        let mut answers = match written {
            Err(fault) if is_busy(&fault) => return None,
            written => self.told(written, Safety::Logged).ok()?,
        };
        #[cfg(test)]
        {
            self.by_callers += answers.len();
        }
        self.wish();
        answers.pop()
    }

    pub(super) fn append(&mut self, drafts: Vec<Waiting>) {
        if drafts.is_empty() {
            return;
        }
        let all: Vec<&Draft> = drafts.iter().map(|(draft, _)| draft.as_ref()).collect();
        match self.commit(&all) {
            Ok(answers) => {
                for (answer, (_, reply)) in answers.into_iter().zip(drafts) {
                    // Who no longer waits has a record all the same.
                    let _ = reply.send(answer);
                }
            }
            Err(fault) if drafts.len() == 1 => {
                drafts.into_iter().for_each(|(_, reply)| drop(reply.send(Err(fault.clone()))));
            }
            // One record may be too large for the disk and another not: each gets its own answer.
            Err(_) => drafts.into_iter().for_each(|one| self.append(vec![one])),
        }
        if self.head.seq - self.signed >= RECORDS_PER_CHECKPOINT {
            self.checkpoint_by_itself();
        }
        self.wish();
    }

    fn wish(&mut self) {
        self.ticker.wish(self.unsynced || self.signed < self.head.seq);
    }

    /// Writes all of `drafts` or none, but for those that a budget has no room for; answers each.
    pub(super) fn commit(&mut self, drafts: &[&Draft]) -> Result<Vec<Answer>, StoreError> {
        let synced = drafts.iter().any(|draft| draft.durability == Durability::Synced);
        let safety = if synced { Safety::Synced } else { Safety::Logged };
        let written = self.write(drafts, safety);
        self.told(written, safety)
    }

    fn write(&mut self, drafts: &[&Draft], safety: Safety) -> rusqlite::Result<Written> {
        let now = self.clock.now();
        self.be(safety)?;
        rows::write(&mut self.connection, &self.log_id, self.head, now, drafts)
    }

    /// Takes note of what was written, or of why it was not.
    fn told(
        &mut self,
        written: rusqlite::Result<Written>,
        safety: Safety,
    ) -> Result<Vec<Answer>, StoreError> {
        match written {
            Ok((head, answers)) => {
                self.unsettled += answers.len();
                // A full sync covers everything that was in the write-ahead log before; without a record there is none.
                if head != self.head {
                    self.unsynced = safety == Safety::Logged;
                }
                self.head = head;
                self.progress.head.store(head.seq, Ordering::Release);
                Ok(answers)
            }
            Err(fault) => {
                if let Ok(head) = read::head(&self.connection) {
                    self.head = head;
                }
                Err(StoreError::AuditBroken(fault.to_string()))
            }
        }
    }

    pub(super) fn tick(&mut self) {
        self.sync();
        self.ticks += 1;
        if self.ticks >= TICKS_PER_CHECKPOINT {
            self.checkpoint_by_itself();
        }
        // Without a key there is nothing to wait for but the next record.
        let signable = self.signed < self.head.seq && self.signer.public_key().is_some();
        self.ticker.wish(self.unsynced || signable);
    }

    /// Syncs what is only in the write-ahead log; when that fails, the next reminder tries again.
    pub(super) fn sync(&mut self) {
        if self.unsynced {
            // For writing, because not every system syncs a file that was opened for reading.
            let wal = File::options().write(true).open(wal_of(&self.path));
            let synced = wal.and_then(|wal| wal.sync_data());
            self.unsynced = synced.is_err();
        }
    }

    /// Moves everything into the main file, so that a copy of it alone is whole. Fails harmlessly while somebody reads.
    pub(super) fn settle(&self) {
        let _ = self.connection.busy_timeout(Duration::from_millis(200));
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    fn checkpoint_by_itself(&mut self) {
        self.ticks = 0;
        if let Ok(anchor) = self.checkpoint() {
            let anchorer = Arc::clone(&self.anchorer);
            // The keyring may take its time; no Call waits for it.
            let _ = thread::Builder::new()
                .name("audit anchor".to_owned())
                .spawn(move || anchorer.anchor(&anchor));
        }
    }

    /// Signs the head of the chain; everything up to it is synced with it.
    pub(super) fn checkpoint(&mut self) -> Result<Anchor, StoreError> {
        let Head { seq, hash } = self.head;
        let anchor = Anchor { log_id: self.log_id.clone(), seq, hash };
        if self.signed >= seq {
            return Ok(anchor);
        }
        let signed = self.signer.sign(&checkpoint::message(&self.log_id, seq, hash));
        let (Some(signature), Some(key)) = (signed, self.signer.public_key()) else {
            return Err(StoreError::NoCheckpoint);
        };
        self.be(Safety::Synced)?;
        self.connection
            .prepare_cached(
                "INSERT INTO checkpoint(seq, hash, signature, public_key, at) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![seq, hash.0, signature, key, self.clock.now().0])?;
        self.signed = seq;
        self.unsynced = false;
        self.ticks = 0;
        Ok(anchor)
    }
}

/// Another connection writes to the file just now.
fn is_busy(fault: &rusqlite::Error) -> bool {
    fault.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}
