//! The table of sealed values. What is in it was sealed by the Vault; nothing here can open it.

use prokura_domain::account::Account;
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::account;
use crate::error::StoreError;
use crate::row::{count, from_count};
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = "
CREATE TABLE secret(
    row TEXT NOT NULL,
    field TEXT NOT NULL,
    generation INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY(row, field)
) STRICT, WITHOUT ROWID;
";

/// A sealed value, and how often it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Part of what it was sealed with.
    pub generation: u64,
    /// What the Vault made.
    pub bytes: Vec<u8>,
}

impl Store {
    /// The sealed value at `row` and `field`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn secret(&self, row: &str, field: &str) -> Result<Option<Sealed>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT generation, bytes FROM secret WHERE row = ? AND field = ?")?
                .query_row([row, field], |found| {
                    Ok(Sealed {
                        generation: count(found, "generation")?,
                        bytes: found.get("bytes")?,
                    })
                })
                .optional()
        })
    }

    /// Puts a sealed value; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_secret(&self, row: &str, field: &str, sealed: &Sealed) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| put(db, row, field, sealed))
    }

    /// Puts an Account and a sealed value of it in one transaction, so that neither is ever there with another
    /// generation of the other; both are on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_account_secret(
        &self,
        account: &Account,
        field: &str,
        sealed: &Sealed,
    ) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            account::put(db, account)?;
            put(db, account.id.as_str(), field, sealed)
        })
    }

    /// Forgets everything sealed at `row`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn remove_secrets(&self, row: &str) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute("DELETE FROM secret WHERE row = ?", [row])?;
            Ok(())
        })
    }
}

fn put(db: &Transaction<'_>, row: &str, field: &str, sealed: &Sealed) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO secret(row, field, generation, bytes) VALUES (?, ?, ?, ?)
         ON CONFLICT(row, field) DO UPDATE SET generation = excluded.generation, bytes = excluded.bytes",
    )?
    .execute(params![row, field, from_count(sealed.generation)?, sealed.bytes])?;
    Ok(())
}
