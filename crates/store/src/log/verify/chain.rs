//! Follows the chain record by record.

use prokura_domain::digest::Digest;
use prokura_domain::json::Json;
use prokura_domain::record::{AuditRecord, RecordKind, link};

use super::Verdict;
use crate::log::segment::Segment;

/// One row of the log.
pub(super) enum Found {
    /// It reads.
    Record(AuditRecord),
    /// A column holds what it cannot hold; the number is all that is known.
    Unreadable(i64),
}

pub(super) struct Chain<'a> {
    log_id: &'a str,
    segments: &'a [Segment],
    last: i64,
    /// The hash the next record has to follow; unknown after one that does not read.
    hash: Option<Digest>,
    count: i64,
}

impl<'a> Chain<'a> {
    /// A chain that begins with record 1, or after what went into archives.
    pub(super) fn new(log_id: &'a str, segments: &'a [Segment]) -> Self {
        Self { log_id, segments, last: 0, hash: Some(Digest([0; 32])), count: 0 }
    }

    /// A chain that goes on after a record that is known.
    pub(super) fn after(log_id: &'a str, segments: &'a [Segment], last: i64, hash: Digest) -> Self {
        Self { last, hash: Some(hash), ..Self::new(log_id, segments) }
    }

    /// Where the first record found is one that may come first, because those before it went into archives.
    fn begin(&mut self, seq: i64) {
        let archived = self.segments.last().map_or(0, |segment| segment.last);
        if self.count == 0 && self.last == 0 && archived > 0 {
            self.last = archived.min(seq - 1);
            let ended = self.segments.iter().find(|segment| segment.last == self.last);
            self.hash = match self.last {
                0 => Some(Digest([0; 32])),
                _ => ended.map(|segment| segment.hash),
            };
        }
    }

    pub(super) fn last(&self) -> i64 {
        self.last
    }

    pub(super) fn count(&self) -> i64 {
        self.count
    }

    /// Takes the next record; `sound` says that it is what its own hash was taken of ([`is_sound`]).
    pub(super) fn follow(&mut self, found: &Found, sound: bool, verdict: &mut Verdict) {
        let seq = match found {
            Found::Record(record) => record.seq,
            Found::Unreadable(seq) => *seq,
        };
        self.begin(seq);
        let expected = self.last + 1;
        if seq == expected + 1 {
            verdict.fault(format!("record {expected} is missing"));
        } else if seq != expected {
            verdict.fault(format!("records {expected} to {} are missing", seq - 1));
        }
        match found {
            Found::Unreadable(seq) => {
                verdict.fault(format!("record {seq} was changed: it does not read"));
                self.hash = None;
            }
            Found::Record(record) => {
                self.check(record, sound, verdict);
                self.hash = Some(record.hash);
            }
        }
        self.last = seq;
        self.count += 1;
    }

    fn check(&self, record: &AuditRecord, sound: bool, verdict: &mut Verdict) {
        let seq = record.seq;
        if self.hash.is_some_and(|hash| hash != record.prev) {
            verdict.fault(format!(
                "record {seq} does not follow the record before it: one was changed, removed, inserted or moved"
            ));
        }
        if !sound {
            verdict.fault(format!("record {seq} was changed"));
        }
        let ended = self.segments.iter().find(|segment| segment.last == seq);
        if ended.is_some_and(|segment| segment.hash != record.hash) {
            verdict.fault(format!("record {seq} is not the one that its closed segment ends with"));
        }
        if seq != 1 {
            return;
        }
        let body = Json::read(record.body.as_bytes()).ok();
        let named = body.and_then(|body| body.at("/detail/log_id").cloned());
        if record.kind != RecordKind::LogOpened.as_str()
            || named.as_ref().and_then(Json::as_str) != Some(self.log_id)
        {
            verdict.fault("record 1 is not the first record of this log");
        }
    }
}

/// Whether a record is what its own hash was taken of. All that can be said of it without those around it, and most of the
/// work.
pub(super) fn is_sound(log_id: &str, record: &AuditRecord) -> bool {
    let AuditRecord { seq, at, kind, v, body, prev, hash } = record;
    // The hash takes the body as it stands, so a body that is not canonical could hide other members.
    link(log_id, *seq, *at, kind, *v, body, *prev) == *hash && Json::is_canonical(body)
}
