//! The reading half of the log.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use prokura_domain::clock::Timestamp;
use prokura_domain::record::AuditRecord;
use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::log::find::{self, DayCount, RecordQuery, Touched};
use crate::log::{Log, payload, read, segment};

/// So many records a search waits for until they are indexed; with more to do, it is told how many are missing.
const PATIENCE: i64 = 2_048;

impl Log {
    /// What was kept of a Call: its `arguments` or its `result`. Checked against the digest in its record.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] when the Vault is locked or the payload was changed.
    pub fn payload(
        &self,
        call: &str,
        part: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.catch_up();
        self.reading(|db| payload::read(db, self.0.sealer.as_ref(), call, part))
    }

    /// A page of records, newest first. Blocks for a moment while newest records are indexed.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn records(&self, query: &RecordQuery) -> Result<Vec<AuditRecord>, StoreError> {
        self.catch_up();
        self.reading(|db| find::page(db, query))
    }

    /// One record.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn record(&self, seq: i64) -> Result<Option<AuditRecord>, StoreError> {
        self.reading(|db| read::one(db, seq))
    }

    /// Records after `seq`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn records_after(&self, seq: i64, most: usize) -> Result<Vec<AuditRecord>, StoreError> {
        self.reading(|db| Ok(read::after(db, seq, most)?))
    }

    /// Records after `seq`, oldest first and without a gap: from the archive that holds the next one, where one does.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read, or the archive is not in its place.
    pub fn records_onwards(&self, seq: i64, most: usize) -> Result<Vec<AuditRecord>, StoreError> {
        let next = seq.saturating_add(1);
        let segments = self.reading(|db| Ok(segment::all(db)?))?;
        let holds = |segment: &segment::Segment| (segment.first..=segment.last).contains(&next);
        let found = match segments.iter().find(|segment| holds(segment)) {
            None => self.records_after(seq, most)?,
            Some(segment) => {
                let folder = self.0.path.with_file_name(segment::FOLDER);
                let archive = read::connect(&folder.join(&segment.file));
                let found = archive.and_then(|db| Ok(read::after(&db, seq, most)?));
                found.map_err(|fault| {
                    gap(next, &format!("{} cannot be read ({fault})", segment.file))
                })?
            }
        };
        match found.first() {
            Some(first) if first.seq != next => Err(gap(next, "it is in no archive that is known")),
            Some(_) | None => Ok(found),
        }
    }

    /// All records, oldest first, until `visit` says `false`. Sees one moment of the log, whatever is appended meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn each(&self, visit: &mut dyn FnMut(AuditRecord) -> bool) -> Result<(), StoreError> {
        // A connection of its own: `visit` may ask the log for something else.
        read::each(&read::connect(&self.0.path)?, i64::MIN, visit)
    }

    /// Like [`Self::each`], but those of whole days before `moment` are not read. Some from before it may be visited.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn each_since(
        &self,
        moment: Timestamp,
        visit: &mut dyn FnMut(AuditRecord) -> bool,
    ) -> Result<(), StoreError> {
        let db = read::connect(&self.0.path)?;
        let first = find::first_since(&db, moment)?;
        read::each(&db, first, visit)
    }

    /// The records of one Call, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn records_of_call(&self, call: &str) -> Result<Vec<AuditRecord>, StoreError> {
        self.catch_up();
        self.reading(|db| read::of_call(db, call))
    }

    /// The intents that have no outcome yet, with their numbers. A `host.recovered` record settles those before it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn open_calls(&self) -> Result<Vec<(i64, AuditRecord)>, StoreError> {
        self.reading(read::open_calls)
    }

    /// What happened day by day, from one day to another, both included; days count from 1970-01-01, in UTC.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn days(&self, from: i64, to: i64) -> Result<Vec<DayCount>, StoreError> {
        self.catch_up();
        self.reading(|db| Ok(find::days(db, from, to)?))
    }

    /// Ids and names of every `agent`, `server` or `account` in the log, removed ones too.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn names(&self, party: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.catch_up();
        self.reading(|db| Ok(find::names(db, party)?))
    }

    /// What an Agent (by id) touched, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn touched(&self, agent: &str, most: u32) -> Result<Vec<Touched>, StoreError> {
        self.catch_up();
        self.reading(|db| Ok(find::touched(db, agent, most)?))
    }

    /// The numbers of the oldest record in the file and of the newest.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn extent(&self) -> Result<(i64, i64), StoreError> {
        self.reading(|db| Ok((read::oldest(db)?, self.0.progress.head.load(Ordering::Acquire))))
    }

    /// How many records are not in the index yet, so that a search does not find them.
    #[must_use]
    pub fn unindexed(&self) -> i64 {
        let progress = &self.0.progress;
        let head = progress.head.load(Ordering::Acquire);
        (head - progress.indexed.load(Ordering::Acquire)).max(0)
    }

    /// Lets the index catch up, unless that would take long.
    fn catch_up(&self) {
        let missing = self.unindexed();
        if missing == 0 || missing > PATIENCE {
            return;
        }
        // A closed log, or one that cannot be written, is read as far as it is indexed.
        let _ = self.on_writer(|writer| while writer.backlog() > 0 && writer.index().is_ok() {});
    }

    pub(super) fn reading<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let reader = self.0.reader.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&reader)
    }
}

fn gap(next: i64, why: &str) -> StoreError {
    StoreError::AuditBroken(format!("record {next} is not there: {why}"))
}
