//! The file and its connection. Calls block, but only for as long as a small transaction takes.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use prokura_domain::clock::Timestamp;
use prokura_domain::port::Sealer;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::migration;

mod kept;
mod seen;

use kept::Kept;
pub(crate) use seen::Seen;

const FILE: &str = "prokura.db";

/// How long one connection waits for another.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Everything remembered but the audit log, which is [`crate::Log`].
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    held: Mutex<Held>,
    path: PathBuf,
    sealer: OnceLock<Arc<dyn Sealer>>,
}

/// The connection, and what is known without asking it. Whoever has the lock is alone with both, so what is kept is never
/// older than what was written.
struct Held {
    connection: Connection,
    kept: Kept,
    seen: Seen,
    /// What the connection is set to.
    safety: Option<Safety>,
}

/// Whether a write has to survive a power cut before the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// It may be lost with the power, not with the process.
    Logged,
    /// It is on the disk.
    Synced,
}

impl Safety {
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Self::Logged => "NORMAL",
            Self::Synced => "FULL",
        }
    }
}

impl Store {
    /// Opens the data folder `dir`, and makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`], [`StoreError::Newer`] or [`StoreError::Corrupt`]; nothing was overwritten then.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        prepare(dir)?;
        let path = dir.join(FILE);
        let mut connection = connect(&path)?;
        let version = migration::check(&connection, &path)?;
        configure(&connection)?;
        migration::run(&mut connection, version)?;
        let sealer = OnceLock::new();
        let (kept, seen) = (Kept::default(), Seen::default());
        let held = Mutex::new(Held { connection, kept, seen, safety: None });
        Ok(Self(Arc::new(Inner { held, path, sealer })))
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Seals from now on what a row may not hold in clear. Only the first one counts; [`crate::Log::open`] gives its own.
    pub fn seal_with(&self, sealer: Arc<dyn Sealer>) {
        let _ = self.0.sealer.set(sealer);
    }

    pub(crate) fn sealer(&self) -> Option<&dyn Sealer> {
        self.0.sealer.get().map(AsRef::as_ref)
    }

    /// What SQLite finds wrong with the file; empty when it is whole. Reads the file on a connection of its own.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read at all.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let mut check = connection.prepare("PRAGMA quick_check(20)")?;
        let told = check.query_map([], |row| row.get::<_, String>(0))?;
        let told = told.collect::<rusqlite::Result<Vec<String>>>()?;
        Ok(told.into_iter().filter(|line| line != "ok").collect())
    }

    /// Writes a whole copy of this moment into a new file, while everybody goes on; without what is no longer used.
    ///
    /// # Errors
    /// [`StoreError`] when there is such a file, or it cannot be written.
    pub fn copy_into(&self, path: &Path) -> Result<(), StoreError> {
        self.held().write_seen()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute("VACUUM INTO ?", [path.to_string_lossy()])?;
        Ok(())
    }

    /// The folder beside the database that holds the archives of the log.
    #[must_use]
    pub fn archives(&self) -> PathBuf {
        self.0.path.with_file_name(crate::log::ARCHIVES)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        ask(&self.held().connection).map_err(StoreError::from)
    }

    /// A small row that every Call asks for: kept until anything is written. `what` names the question with its answer's
    /// type, `of` what is asked about. That there is none is not kept: strangers can ask for names without end.
    pub(crate) fn known<T: Clone + Send + 'static>(
        &self,
        what: &'static str,
        of: &str,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>,
    ) -> Result<Option<T>, StoreError> {
        let mut held = self.held();
        if let Some(known) = held.kept.get(what, of) {
            return Ok(Some(known));
        }
        let found = ask(&held.connection)?;
        if let Some(found) = &found {
            held.kept.put(what, of, found.clone());
        }
        Ok(found)
    }

    /// What was used lately, and is not written yet.
    pub(crate) fn seen<T>(&self, tell: impl FnOnce(&Seen) -> T) -> T {
        tell(&self.held().seen)
    }

    /// As [`Self::read`], after everything is written that was seen lately.
    pub(crate) fn read_seen<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut held = self.held();
        held.write_seen()?;
        ask(&held.connection).map_err(StoreError::from)
    }

    /// Remembers when something was used last. It is written within a second of use, and before anybody reads it; what is
    /// lost when the process is killed stands in the audit log.
    pub(crate) fn see(&self, see: impl FnOnce(&mut Seen), at: Timestamp) -> Result<(), StoreError> {
        let mut held = self.held();
        see(&mut held.seen);
        if held.seen.is_due(at) { held.write_seen() } else { Ok(()) }
    }

    /// One transaction: whole or not at all.
    pub(crate) fn write<T>(
        &self,
        safety: Safety,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut held = self.held();
        held.write_seen()?;
        held.write(safety, change)
    }
}

impl Held {
    fn write<T>(
        &mut self,
        safety: Safety,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.kept.forget();
        if self.safety != Some(safety) {
            self.connection.pragma_update(None, "synchronous", safety.pragma())?;
            self.safety = Some(safety);
        }
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = change(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn write_seen(&mut self) -> Result<(), StoreError> {
        if self.seen.is_empty() {
            return Ok(());
        }
        let seen = std::mem::take(&mut self.seen);
        self.write(Safety::Logged, |db| Ok(seen.write(db)?))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever cannot write it now has said so before; the audit log knows it too.
        let _ = self.write_seen();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.path).finish()
    }
}

/// Opens the database file with the settings that every writing connection shares.
pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Sets what writes to the file; only after [`migration::check`] said that it is ours.
pub(crate) fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is emptied or deleted is overwritten, not only unlinked.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    // The log moves the write-ahead log into the file while nobody waits; this is for when somebody always does.
    connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the folder and the file, private to this user, and checks that both can be written.
fn prepare(dir: &Path) -> Result<(), StoreError> {
    let unwritable = |path: &Path, source: io::Error| StoreError::Unwritable {
        path: path.to_owned(),
        source: Arc::new(source),
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        builder.mode(0o700);
        options.mode(0o600);
    }
    builder.create(dir).map_err(|fault| unwritable(dir, fault))?;
    // SQLite needs to make files beside its own.
    let probe = dir.join(".prokura-write-check");
    options.open(&probe).map_err(|fault| unwritable(dir, fault))?;
    fs::remove_file(&probe).map_err(|fault| unwritable(dir, fault))?;
    let path = dir.join(FILE);
    let mut file = options.open(&path).map_err(|fault| unwritable(&path, fault))?;
    check_header(&mut file, &path)
}

/// SQLite would play a left-over write-ahead log into a file that is not its own; so the header is looked at first.
fn check_header(file: &mut fs::File, path: &Path) -> Result<(), StoreError> {
    let mut header = Vec::new();
    let read = file.take(16).read_to_end(&mut header);
    let fault = match read {
        Ok(0) => return Ok(()),
        Ok(_) if header == b"SQLite format 3\0" => return Ok(()),
        Ok(_) => "it is no SQLite file".to_owned(),
        Err(fault) => fault.to_string(),
    };
    Err(StoreError::Corrupt { path: path.to_owned(), fault })
}

/// The error of a write under a unique name.
pub(crate) fn name_taken(fault: rusqlite::Error, name: &str) -> StoreError {
    match fault.sqlite_error().map(|fault| fault.extended_code) {
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) => StoreError::NameTaken(name.to_owned()),
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
            StoreError::NoSuch(format!("what \"{name}\" belongs to"))
        }
        _ => fault.into(),
    }
}

#[cfg(test)]
mod tests;
