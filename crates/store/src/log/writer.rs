//! The one thread that writes the chain. It takes all who wait into one transaction; when that fails, nothing of it is
//! there and the chain goes on from where it was.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use prokura_domain::clock::{Clock, Entropy};
use prokura_domain::digest::Digest;
use prokura_domain::port::{Anchor, Signer};
use prokura_domain::record::Durability;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::log::anchor::Anchorer;
use crate::log::draft::Draft;
use crate::log::index::{self, Known};
use crate::log::ticker::Ticker;
use crate::log::{checkpoint, read, wal_of};
use crate::store::{self, Safety};

mod rows;

/// How many records share one transaction at most.
const BATCH: usize = 256;
/// How many records a checkpoint may lag behind.
const RECORDS_PER_CHECKPOINT: i64 = 1_000;
/// How many records are indexed before the writer looks for orders again: a Call waits for no more than these.
const INDEXED_AT_ONCE: usize = 128;
/// After a burst so many at once: they share the pages that the index is written to.
const INDEXED_BEHIND: usize = 1_024;
const BEHIND: i64 = 4_096;
/// How long nothing has to come before the index is caught up with, and how long after it could not be written.
const IDLE: Duration = Duration::from_millis(20);
const BROKEN: Duration = Duration::from_secs(2);
/// With so many writing at once, those who are not there yet are waited for, while the next comes within this time: one
/// sync for all of them costs less than one for each half. With fewer nobody ever waits.
const ABREAST: usize = 4;
const GATHER: Duration = Duration::from_micros(500);
/// After so many records the write-ahead log is moved into the main file while nothing comes; else SQLite does it in the
/// middle of somebody's append, once it is much longer ([`store::configure`]).
const RECORDS_PER_SETTLING: usize = 256;
/// How many reminders (of half a second) a checkpoint may lag behind.
const TICKS_PER_CHECKPOINT: u32 = 120;

pub(super) type Answer = Result<i64, StoreError>;
type Reply = oneshot::Sender<Answer>;
type Waiting = (Box<Draft>, Reply);

pub(super) enum Order {
    Append(Box<Draft>, Reply),
    Checkpoint(mpsc::Sender<Result<Anchor, StoreError>>),
    Close(mpsc::Sender<Option<Anchor>>),
    Tick,
    Stop,
    /// Something else that only this thread may do: keeping the index, the payloads and the archives.
    Run(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// Up to where the log reaches, and up to where its index does.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) head: AtomicI64,
    pub(super) indexed: AtomicI64,
}

/// What an order means for the thread.
enum Step {
    GoOn,
    End,
    Close(mpsc::Sender<Option<Anchor>>, Option<Anchor>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: Digest,
}

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
    /// How long nothing has to come before the index is caught up with.
    idle: Duration,
    /// How safe the connection's commits are now.
    safety: Option<Safety>,
    /// How many wrote at once lately.
    abreast: usize,
    /// How many records lie in the write-ahead log only, as far as this thread knows.
    unsettled: usize,
    /// Up to where checkpoints reach.
    pub(super) signed: i64,
    /// Something is in the write-ahead log that was not synced.
    pub(super) unsynced: bool,
    ticks: u32,
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
            idle: IDLE,
            safety: None,
            abreast: 1,
            unsettled: 0,
            signed,
            unsynced: false,
            ticks: 0,
        };
        Ok((writer, log_id))
    }

    pub(super) fn anchorer(&self) -> Arc<Anchorer> {
        Arc::clone(&self.anchorer)
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The next order; while none comes, the index is caught up with, then the main file.
    fn next(&mut self, inbox: &mpsc::Receiver<Order>) -> Option<Order> {
        while self.backlog() > 0 {
            match inbox.recv_timeout(self.idle) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    let wait = if self.index().is_ok() { Duration::ZERO } else { BROKEN };
                    self.idle = wait;
                }
            }
        }
        if self.unsettled >= RECORDS_PER_SETTLING {
            match inbox.recv_timeout(IDLE) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    self.unsettled = 0;
                    let passive = "PRAGMA wal_checkpoint(PASSIVE)";
                    let _ = self.connection.query_row(passive, [], |_| Ok(()));
                }
            }
        }
        inbox.recv().ok()
    }

    /// All who wait to append, beginning with `first`, and the order that came among them that is something else.
    fn gather(
        &mut self,
        first: Order,
        inbox: &mpsc::Receiver<Order>,
    ) -> (Vec<Waiting>, Option<Order>) {
        let mut drafts = Vec::new();
        let mut next = Some(first);
        while let Some(order) = next.take() {
            let Order::Append(draft, reply) = order else { return (drafts, Some(order)) };
            drafts.push((draft, reply));
            if drafts.len() >= BATCH {
                break;
            }
            next = inbox.try_recv().ok();
            if next.is_none() && self.abreast >= ABREAST && drafts.len() < self.abreast {
                next = inbox.recv_timeout(GATHER).ok();
            }
        }
        self.abreast = drafts.len().max(self.abreast - self.abreast / 4);
        (drafts, None)
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
        self.head.seq - self.progress.indexed.load(Ordering::Relaxed)
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

    /// Works until the log is closed or dropped.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        while let Some(first) = self.next(inbox) {
            self.idle = IDLE;
            let (drafts, other) = self.gather(first, inbox);
            self.append(drafts);
            match other.map_or(Step::GoOn, |order| self.obey(order)) {
                Step::GoOn => {}
                Step::End => return,
                Step::Close(reply, anchor) => {
                    // Whoever waits may copy the file as soon as it is answered.
                    drop(self);
                    drop(reply.send(anchor));
                    return;
                }
            }
        }
    }

    /// Does anything but appending.
    fn obey(&mut self, order: Order) -> Step {
        match order {
            Order::Append(draft, reply) => self.append(vec![(draft, reply)]),
            Order::Tick => self.tick(),
            Order::Checkpoint(reply) => drop(reply.send(self.checkpoint())),
            Order::Close(reply) => {
                let anchor = self.checkpoint().ok();
                self.sync();
                self.settle();
                return Step::Close(reply, anchor);
            }
            Order::Stop => {
                self.sync();
                return Step::End;
            }
            Order::Run(work) => work(self),
        }
        Step::GoOn
    }

    fn append(&mut self, drafts: Vec<Waiting>) {
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
        self.ticker.wish(self.unsynced || self.signed < self.head.seq);
    }

    /// Writes all of `drafts` or none, but for those that a budget has no room for; answers each.
    pub(super) fn commit(&mut self, drafts: &[&Draft]) -> Result<Vec<Answer>, StoreError> {
        let synced = drafts.iter().any(|draft| draft.durability == Durability::Synced);
        let safety = if synced { Safety::Synced } else { Safety::Logged };
        let now = self.clock.now();
        let written = self
            .be(safety)
            .and_then(|()| rows::write(&mut self.connection, &self.log_id, self.head, now, drafts));
        match written {
            Ok((head, answers)) => {
                self.unsettled += answers.len();
                // A full sync covers everything that was in the write-ahead log before; without a record there is none.
                if head != self.head {
                    self.unsynced = !synced;
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

    fn tick(&mut self) {
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
    fn sync(&mut self) {
        if self.unsynced {
            // For writing, because not every system syncs a file that was opened for reading.
            let wal = File::options().write(true).open(wal_of(&self.path));
            let synced = wal.and_then(|wal| wal.sync_data());
            self.unsynced = synced.is_err();
        }
    }

    /// Moves everything into the main file, so that a copy of it alone is whole. Fails harmlessly while somebody reads.
    fn settle(&self) {
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
    fn checkpoint(&mut self) -> Result<Anchor, StoreError> {
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
