//! Checks the signed checkpoints against the records.

use std::collections::BTreeMap;

use prokura_domain::digest::Digest;
use rusqlite::{Connection, Row};

use super::Verdict;
use super::chain::Found;
use crate::error::StoreError;
use crate::log::checkpoint;

pub(super) struct Checkpoints {
    /// The key that all have to be by, once it is known.
    key: Option<[u8; 32]>,
    /// Those with a good signature that no record has met yet.
    open: BTreeMap<i64, Digest>,
    last: i64,
}

/// A checkpoint as it was found.
pub(super) struct Stored {
    pub(super) hash: Digest,
    pub(super) signature: [u8; 64],
    pub(super) key: [u8; 32],
}

impl Checkpoints {
    /// Reads them and checks their signatures: all by one key, which is `expected` where that is known.
    pub(super) fn read(
        db: &Connection,
        log_id: &str,
        expected: Option<[u8; 32]>,
        from: i64,
        verdict: &mut Verdict,
    ) -> Result<Self, StoreError> {
        let mut checkpoints = Self::new(expected);
        let mut all = db.prepare(
            "SELECT seq, hash, signature, public_key FROM checkpoint WHERE seq >= ? ORDER BY seq",
        )?;
        let mut rows = all.query([from])?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get("seq")?;
            checkpoints.add(seq, stored(row), log_id, verdict);
        }
        Ok(checkpoints)
    }

    /// None yet; all have to be by the key `expected`, where that is known.
    pub(super) fn new(expected: Option<[u8; 32]>) -> Self {
        Self { key: expected, open: BTreeMap::new(), last: 0 }
    }

    /// Checks the signature of one.
    pub(super) fn add(
        &mut self,
        seq: i64,
        found: rusqlite::Result<Stored>,
        log_id: &str,
        verdict: &mut Verdict,
    ) {
        let Ok(found) = found else {
            verdict.fault(format!("the checkpoint at record {seq} does not read"));
            return;
        };
        if *self.key.get_or_insert(found.key) != found.key {
            verdict.fault(format!("the checkpoint at record {seq} is signed by another key"));
        } else if checkpoint::is_signed(&found.key, log_id, seq, found.hash, &found.signature) {
            self.open.insert(seq, found.hash);
            self.last = seq;
        } else {
            verdict.fault(format!("the signature of the checkpoint at record {seq} is wrong"));
        }
    }

    /// Compares a record with its checkpoint, where it has one.
    pub(super) fn meet(&mut self, found: &Found, verdict: &mut Verdict) {
        if let Found::Record(record) = found
            && let Some(hash) = self.open.remove(&record.seq)
            && hash != record.hash
        {
            verdict.fault(format!("record {} is not the one that was signed", record.seq));
        }
    }

    /// The place it signed, where it is good and no record has met it yet.
    pub(super) fn at(&self, seq: i64) -> Option<Digest> {
        self.open.get(&seq).copied()
    }

    /// What is left has no record, but for those that went into archives.
    pub(super) fn end(self, archived: i64, last: i64, verdict: &mut Verdict) {
        for seq in self.open.keys().filter(|seq| **seq > archived) {
            verdict.fault(if *seq > last {
                format!("the log ends at record {last}, and record {seq} was signed: its end was cut off")
            } else {
                format!("record {seq} was signed and is not there as it was")
            });
        }
        if self.last < last {
            let from = self.last.max(archived) + 1;
            verdict
                .notes
                .push(format!("Records {from} to {last} are not covered by a checkpoint yet."));
        }
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        hash: row.get("hash").map(Digest)?,
        signature: row.get("signature")?,
        key: row.get("public_key")?,
    })
}
