//! The one thread that writes the chain. It takes all who wait into one transaction; when that fails, nothing of it is
//! there and the chain goes on from where it was.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use prokura_domain::clock::{Clock, Entropy};
use prokura_domain::digest::Digest;
use prokura_domain::id::base32;
use prokura_domain::json::Json;
use prokura_domain::port::{Anchor, Signer};
use prokura_domain::record::{Durability, Event, RECORD_VERSION, RecordKind, link};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::log::anchor::Anchorer;
use crate::log::draft::Draft;
use crate::log::reserve::reserve;
use crate::log::ticker::Ticker;
use crate::log::{checkpoint, read, wal_of};
use crate::store::{self, Safety};

/// How many records share one transaction at most.
const BATCH: usize = 256;
/// How many records a checkpoint may lag behind.
const RECORDS_PER_CHECKPOINT: i64 = 1_000;
/// How many reminders (of half a second) a checkpoint may lag behind.
const TICKS_PER_CHECKPOINT: u32 = 120;

pub(super) type Answer = Result<i64, StoreError>;
type Reply = oneshot::Sender<Answer>;

pub(super) enum Order {
    Append(Box<Draft>, Reply),
    Checkpoint(mpsc::Sender<Result<Anchor, StoreError>>),
    Close(mpsc::Sender<Option<Anchor>>),
    Tick,
    Stop,
    #[cfg(test)]
    Look(Box<dyn FnOnce(&mut Writer) + Send>),
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
    head: Head,
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
        let log_id = found_or_founded(&mut connection, clock.as_ref(), entropy)?;
        let head = read::head(&connection)?;
        let signed =
            connection
                .query_row("SELECT coalesce(max(seq), 0) FROM checkpoint", [], |row| row.get(0))?;
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
            signed,
            unsynced: false,
            ticks: 0,
        };
        Ok((writer, log_id))
    }

    pub(super) fn anchorer(&self) -> Arc<Anchorer> {
        Arc::clone(&self.anchorer)
    }

    /// Works until the log is closed or dropped.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        while let Ok(first) = inbox.recv() {
            let mut drafts = Vec::new();
            let mut next = Some(first);
            let mut other = None;
            while let Some(order) = next.take() {
                let Order::Append(draft, reply) = order else {
                    other = Some(order);
                    break;
                };
                drafts.push((draft, reply));
                if drafts.len() < BATCH {
                    next = inbox.try_recv().ok();
                }
            }
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
            #[cfg(test)]
            Order::Look(look) => look(self),
        }
        Step::GoOn
    }

    fn append(&mut self, drafts: Vec<(Box<Draft>, Reply)>) {
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
        match write(&mut self.connection, &self.log_id, self.head, now, safety, drafts) {
            Ok((head, answers)) => {
                // A full sync covers everything that was in the write-ahead log before; without a record there is none.
                if head != self.head {
                    self.unsynced = !synced;
                }
                self.head = head;
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
        self.connection.pragma_update(None, "synchronous", Safety::Synced.pragma())?;
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

fn write(
    connection: &mut Connection,
    log_id: &str,
    mut head: Head,
    now: prokura_domain::Timestamp,
    safety: Safety,
    drafts: &[&Draft],
) -> rusqlite::Result<(Head, Vec<Answer>)> {
    connection.pragma_update(None, "synchronous", safety.pragma())?;
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
    index(db, seq, kind, draft)?;
    if let Some(payload) = &draft.payload {
        db.prepare_cached(
            "INSERT INTO payload(seq, call, part, salt, sealed) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![seq, payload.call, payload.part, payload.salt, payload.bytes])?;
    }
    note_open(db, seq, draft)?;
    Ok(Head { seq, hash })
}

fn index(db: &Transaction<'_>, seq: i64, kind: &str, draft: &Draft) -> rusqlite::Result<()> {
    let subject = &draft.subject;
    let first = |pair: &'_ Option<(String, String)>| pair.as_ref().map(|(first, _)| first.clone());
    let second =
        |pair: &'_ Option<(String, String)>| pair.as_ref().map(|(_, second)| second.clone());
    db.prepare_cached(
        "INSERT INTO record_index(seq, kind, call, agent, agent_name, server, server_name, account, account_name,
         target_kind, target) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        seq,
        kind,
        subject.call,
        first(&subject.agent),
        second(&subject.agent),
        first(&subject.server),
        second(&subject.server),
        first(&subject.account),
        second(&subject.account),
        first(&subject.target),
        second(&subject.target),
    ])?;
    Ok(())
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
fn found_or_founded(
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
