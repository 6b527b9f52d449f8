//! The yardstick: plain rusqlite with a write-ahead log, one table, one row a record, nothing computed.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::stage;

pub struct Raw {
    db: Connection,
    bodies: [String; 2],
    next: i64,
}

impl Raw {
    pub fn new(dir: &Path) -> Self {
        let db = Connection::open(dir.join("raw.db")).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.execute_batch(
            "CREATE TABLE record(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, v INTEGER NOT NULL,
             body TEXT NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT",
        )
        .unwrap();
        let bodies =
            [stage::intent(1).0, stage::outcome(1)].map(|event| event.body().to_canonical());
        Self { db, bodies, next: 1 }
    }

    /// `rows` rows in one transaction: intents synced, outcomes not, as the log does it.
    pub fn commit(&mut self, rows: i64, synced: bool) {
        let safety = if synced { "FULL" } else { "NORMAL" };
        self.db.pragma_update(None, "synchronous", safety).unwrap();
        let body = &self.bodies[usize::from(!synced)];
        let transaction = self.db.transaction().unwrap();
        for _ in 0..rows {
            transaction
                .prepare_cached(
                    "INSERT INTO record(seq, at, kind, v, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                )
                .unwrap()
                .execute(params![self.next, self.next, "call.intent", 2, body, [1u8; 32], [2u8; 32]])
                .unwrap();
            self.next += 1;
        }
        transaction.commit().unwrap();
    }
}
