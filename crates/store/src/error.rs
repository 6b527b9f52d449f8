//! Why something could not be remembered or recalled. Every sentence says what to do next.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use prokura_domain::id::GrantId;
use prokura_domain::port::SealFault;
use rusqlite::ErrorCode;

/// Why something could not be remembered or recalled. It is `Clone`, because one failed commit is told to many.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be written.
    #[error(
        "the data folder {} cannot be written ({source}); make it writable or choose another folder",
        path.display()
    )]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file was written by a newer version.
    #[error(
        "{} was written by a newer Prokura (format {found}, this program knows {known}); install that version. \
         Nothing was changed",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The file is damaged or is not Prokura's.
    #[error(
        "{} is damaged or is no database of Prokura ({fault}); move it away and restore a copy of the whole data \
         folder, or start with another one. Nothing was changed",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A stored row does not read back.
    #[error("a stored value does not read back ({0}); restore a copy of the data folder")]
    Unreadable(String),
    /// The name belongs to another one.
    #[error("the name \"{0}\" is taken; choose another one")]
    NameTaken(String),
    /// What it belongs to does not exist.
    #[error("{0} does not exist; it may have been removed meanwhile")]
    NoSuch(String),
    /// A record could not be written: what it tells of must not happen.
    #[error("the audit log cannot be written ({0}); nothing is let through until it can")]
    AuditBroken(String),
    /// A Call does not fit into the budget of this Grant any more; nothing of it was written.
    #[error("the budget of the grant {0} is used up")]
    BudgetUsedUp(GrantId),
    /// The Call would send out what flowed together before it, and nobody was asked; nothing of it was written.
    #[error("private and untrusted data flowed together before this call")]
    FlowsTogether,
    /// An event cannot be written as a record.
    #[error("the event cannot be recorded ({0})")]
    NotARecord(String),
    /// No checkpoint could be signed.
    #[error(
        "no checkpoint of the audit log can be signed while the vault is locked; unlock it first"
    )]
    NoCheckpoint,
    /// A sealed value does not open.
    #[error(transparent)]
    Sealed(#[from] SealFault),
    /// SQLite failed.
    #[error("the database failed ({0}); {hint}", hint = hint(.0))]
    Database(#[source] Arc<rusqlite::Error>),
}

impl From<rusqlite::Error> for StoreError {
    fn from(fault: rusqlite::Error) -> Self {
        let unreadable = matches!(
            fault,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        );
        if unreadable {
            Self::Unreadable(fault.to_string())
        } else {
            Self::Database(Arc::new(fault))
        }
    }
}

fn hint(fault: &rusqlite::Error) -> &'static str {
    match fault.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "free some space on the disk and try again",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "make the data folder writable and try again"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds it; close that program and try again"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "restore a copy of the whole data folder"
        }
        _ => "try again, and look at the disk if it stays",
    }
}
