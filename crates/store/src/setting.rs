//! The table of settings: names and texts.

use rusqlite::OptionalExtension as _;

use crate::error::StoreError;
use crate::store::{Safety, Store};

pub(crate) const SCHEMA: &str = "
CREATE TABLE setting(
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl Store {
    /// A setting.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        // That one is not set is known too: the names are all ours.
        let known = self.known("setting", name, |db| {
            let value: Option<String> = db
                .prepare_cached("SELECT value FROM setting WHERE name = ?")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            Ok(Some(value))
        });
        Ok(known?.flatten())
    }

    /// Sets a setting; it is on the disk when this returns, because "paused" is one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute(
                "INSERT INTO setting(name, value) VALUES (?, ?)
                 ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                [name, value],
            )?;
            Ok(())
        })
    }
}
