//! Payloads: arguments and results, sealed beside the chain. The chain knows only their salted digest, so one can be
//! deleted and nothing of it can be guessed back. What looks like a secret is masked before it is sealed.

use prokura_domain::clock::{Entropy, Timestamp};
use prokura_domain::digest::Digest;
use prokura_domain::id::CallId;
use prokura_domain::json::Json;
use prokura_domain::pointer::Pointer;
use prokura_domain::port::{SealContext, SealFault, Sealer};
use prokura_domain::record::Event;
use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::log::mask::{self, MaskRule};
use crate::log::read;

/// Version 7 knows how old and how large payloads are, so that they can be deleted by it.
pub(crate) const SCHEMA_8: &str = "
ALTER TABLE payload ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payload ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE payload SET at = coalesce((SELECT r.at FROM record r WHERE r.seq = payload.seq), 0),
    size = coalesce(length(sealed), 0);
CREATE INDEX payload_kept ON payload(id, at, size) WHERE sealed IS NOT NULL;
";

/// Version 9: a payload lies under the number of its record, which the index of the log finds, so that an append writes
/// to the end of one table; how many there are is counted with that index.
pub(crate) const SCHEMA_9: &str = "
CREATE TABLE payload_9(
    seq INTEGER PRIMARY KEY,
    call TEXT NOT NULL,
    part TEXT NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    salt BLOB NOT NULL,
    sealed BLOB
) STRICT;
INSERT OR REPLACE INTO payload_9(seq, call, part, at, size, salt, sealed)
    SELECT seq, call, part, at, size, salt, sealed FROM payload ORDER BY id;
DROP TABLE payload;
ALTER TABLE payload_9 RENAME TO payload;
CREATE INDEX payload_kept ON payload(seq, at, size) WHERE sealed IS NOT NULL;
CREATE TABLE payload_total(
    id INTEGER PRIMARY KEY CHECK(id = 1),
    payloads INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO payload_total(id, payloads, bytes) SELECT 1, count(*), coalesce(sum(size), 0) FROM payload
    WHERE sealed IS NOT NULL AND seq <= (SELECT coalesce(max(seq), 0) FROM record_index);
";

/// Arguments or results of a Call, as they went over the wire.
#[derive(Clone)]
pub struct Payload {
    /// The Call.
    pub call: CallId,
    /// `arguments` or `result`.
    pub part: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether they are kept, or only their digest.
    pub keep: bool,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} of {}, {} bytes)", self.part, self.call, self.bytes.len())
    }
}

/// How payloads are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// So many bytes of a payload are kept at most; of a longer one, its beginning.
    pub most: usize,
    /// Places that the person named as secret.
    pub rules: Vec<MaskRule>,
}

impl Default for Capture {
    fn default() -> Self {
        Self { most: 64 * 1024, rules: Vec::new() }
    }
}

/// What is written beside a record.
pub(super) struct SealedPayload {
    pub(super) call: String,
    pub(super) part: &'static str,
    pub(super) salt: Vec<u8>,
    pub(super) bytes: Option<Vec<u8>>,
}

/// What is kept of a payload, before it is sealed.
struct Kept {
    bytes: Zeroizing<Vec<u8>>,
    masked: Vec<String>,
    whole: bool,
}

/// Writes into `event` what its record says of a payload, and answers what is written beside it: nothing while the
/// Vault is locked, for then neither bytes nor salt can be kept.
pub(super) fn take(
    event: &mut Event,
    payload: &Payload,
    capture: &Capture,
    entropy: &dyn Entropy,
    sealer: &dyn Sealer,
) -> Result<Option<SealedPayload>, StoreError> {
    if event.detail.members().is_none() {
        event.detail = Json::object([("value", event.detail.clone())]);
    }
    let mut salt = [0u8; 16];
    entropy.fill(&mut salt);
    // The digest is of what went over the wire, so that what was sent can be proved by who has it.
    let digest = Digest::of(&[&salt, &payload.bytes]);
    event.detail.set(&digest_member(payload.part), Json::text(digest.to_string()));
    let kept = payload.keep.then(|| keep(event, payload, capture));
    let sealed = match seal(payload, kept.as_ref(), &salt, sealer) {
        Ok(sealed) => Some(sealed),
        Err(SealFault::Locked(_)) => {
            event.detail.set("payload", Json::text("not kept"));
            None
        }
        Err(fault @ SealFault::DoesNotOpen) => return Err(fault.into()),
    };
    if let (Some(kept), true) = (&kept, sealed.is_some()) {
        tell(event, payload, kept, &salt);
    }
    Ok(sealed)
}

/// Where what is kept is not all that was sent, the record says so, with the digest of what is kept.
fn tell(event: &mut Event, payload: &Payload, kept: &Kept, salt: &[u8]) {
    let part = payload.part;
    if !kept.masked.is_empty() {
        let places = kept.masked.iter().take(64).map(Json::text).collect();
        event.detail.set(&format!("{part}_masked"), Json::Array(places));
    }
    if !kept.whole {
        event.detail.set(&format!("{part}_kept_bytes"), Json::from(kept.bytes.len() as u64));
    }
    if !kept.masked.is_empty() || !kept.whole {
        let digest = Digest::of(&[salt, &kept.bytes]);
        event.detail.set(&kept_member(part), Json::text(digest.to_string()));
    }
}

fn keep(event: &Event, payload: &Payload, capture: &Capture) -> Kept {
    let server = event.subject.server.as_ref().map(|(id, _)| id.as_str());
    let tool = event.subject.target.as_ref().map(|(_, name)| name.as_str());
    let rules = capture.rules.iter().filter(|rule| rule.covers(server, tool));
    let pointers: Vec<&Pointer> = rules.map(|rule| &rule.pointer).collect();
    let (bytes, masked) = masked(&payload.bytes, &pointers);
    let whole = bytes.len() <= capture.most;
    let bytes = if whole {
        bytes
    } else {
        Zeroizing::new(bytes.iter().copied().take(capture.most).collect())
    };
    Kept { bytes, masked, whole }
}

/// The payload without what looks like a secret, and where that was. What is no JSON is masked as a text, line by line.
fn masked(bytes: &[u8], pointers: &[&Pointer]) -> (Zeroizing<Vec<u8>>, Vec<String>) {
    if let Ok(mut value) = Json::read(bytes) {
        let places = mask::payload(&mut value, pointers);
        let bytes = if places.is_empty() { bytes.to_vec() } else { value.to_text().into_bytes() };
        return (Zeroizing::new(bytes), places);
    }
    let mut places = Vec::new();
    let mut out = Vec::with_capacity(bytes.len());
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let data = line.strip_prefix(b"data:").unwrap_or(line);
        let head = line.get(..line.len() - data.len()).unwrap_or_default();
        let (clean, found) = match Json::read(data.trim_ascii()) {
            Ok(mut value) => {
                let found = !mask::payload(&mut value, pointers).is_empty();
                (found.then(|| format!("{}\n", value.to_text())), found)
            }
            Err(_) => {
                let clean = mask::text(&String::from_utf8_lossy(data));
                let found = clean.is_some();
                (clean, found)
            }
        };
        out.extend_from_slice(head);
        out.extend_from_slice(clean.as_deref().map_or(data, str::as_bytes));
        if found {
            places.push(format!("line {}", at + 1));
        }
    }
    (Zeroizing::new(out), places)
}

fn seal(
    payload: &Payload,
    kept: Option<&Kept>,
    salt: &[u8],
    sealer: &dyn Sealer,
) -> Result<SealedPayload, SealFault> {
    let call = payload.call.as_str();
    let bytes = match kept {
        Some(kept) => Some(sealer.seal(&context(call, payload.part), &kept.bytes)?),
        None => None,
    };
    let field = salt_field(payload.part);
    let salt = sealer.seal(&context(call, &field), salt)?;
    Ok(SealedPayload { call: call.to_owned(), part: payload.part, salt, bytes })
}

pub(super) fn read(
    db: &Connection,
    sealer: &dyn Sealer,
    call: &str,
    part: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let found: Option<(i64, Vec<u8>, Option<Vec<u8>>)> = db
        .prepare_cached(
            "SELECT p.seq, p.salt, p.sealed FROM record_index i JOIN payload p ON p.seq = i.seq
             WHERE i.call = ?1 AND p.call = ?1 AND p.part = ?2 ORDER BY p.seq DESC LIMIT 1",
        )?
        .query_row([call, part], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((seq, salt, Some(sealed))) = found else { return Ok(None) };
    let salt = sealer.open(&context(call, &salt_field(part)), &salt)?;
    let bytes = sealer.open(&context(call, part), &sealed)?;
    let said = read::one(db, seq)?.and_then(|record| said(&record.body, part));
    if said == Some(Digest::of(&[&salt, &bytes])) {
        Ok(Some(bytes))
    } else {
        // It opens, so it was sealed here, but for another record.
        Err(SealFault::DoesNotOpen.into())
    }
}

/// What was deleted, or is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayloadCount {
    /// How many payloads.
    pub payloads: i64,
    /// Their bytes, as they were sealed.
    pub bytes: i64,
}

/// Which payloads go. All that are given are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Those from before this moment.
    pub before: Option<Timestamp>,
    /// The oldest, until no more than so many bytes are left.
    pub most_bytes: Option<i64>,
}

pub(super) fn kept(db: &Connection) -> rusqlite::Result<PayloadCount> {
    // What the index has is counted; the few records after it are looked at.
    let sql = "SELECT t.payloads + count(p.seq), t.bytes + coalesce(sum(p.size), 0) FROM payload_total t
        LEFT JOIN payload p ON p.sealed IS NOT NULL AND p.seq > (SELECT coalesce(max(seq), 0) FROM record_index)";
    db.query_row(sql, [], |row| Ok(PayloadCount { payloads: row.get(0)?, bytes: row.get(1)? }))
}

/// What is kept of the records after `from` up to `to`.
pub(super) fn within(db: &Connection, from: i64, to: i64) -> rusqlite::Result<PayloadCount> {
    let sql = "SELECT count(*), coalesce(sum(size), 0) FROM payload
        WHERE sealed IS NOT NULL AND seq > ? AND seq <= ?";
    db.prepare_cached(sql)?
        .query_row([from, to], |row| Ok(PayloadCount { payloads: row.get(0)?, bytes: row.get(1)? }))
}

/// Counts payloads that came (`sign` 1) or went (-1) among the records that are indexed.
pub(super) fn count(db: &Connection, sign: i64, some: PayloadCount) -> rusqlite::Result<()> {
    if some.payloads != 0 {
        db.prepare_cached("UPDATE payload_total SET payloads = payloads + ?, bytes = bytes + ?")?
            .execute([sign * some.payloads, sign * some.bytes])?;
    }
    Ok(())
}

/// Deletes at most `most` payloads of indexed records from before a moment, else the oldest while there are `excess` bytes too many; with
/// their salts, so that nothing of them can be guessed back.
pub(super) fn delete(
    db: &Connection,
    before: Option<Timestamp>,
    excess: i64,
    most: i64,
) -> rusqlite::Result<PayloadCount> {
    let moment = before.map_or(i64::MIN, |before| before.0);
    let mut gone = PayloadCount::default();
    for (id, size) in oldest(db, "at < ?1", moment, most)? {
        remove(db, id, size, &mut gone)?;
    }
    let left = most - gone.payloads;
    let others = if gone.bytes < excess && left > 0 {
        oldest(db, "at >= ?1", moment, left)?
    } else {
        Vec::new()
    };
    for (id, size) in others {
        if gone.bytes >= excess {
            break;
        }
        remove(db, id, size, &mut gone)?;
    }
    count(db, -1, gone)?;
    Ok(gone)
}

fn oldest(
    db: &Connection,
    which: &str,
    moment: i64,
    most: i64,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let sql = format!(
        "SELECT seq, size FROM payload WHERE sealed IS NOT NULL AND {which} ORDER BY seq LIMIT ?2"
    );
    db.prepare_cached(&sql)?
        .query_map([moment, most], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn remove(db: &Connection, seq: i64, size: i64, gone: &mut PayloadCount) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM payload WHERE seq = ?")?.execute([seq])?;
    gone.payloads += 1;
    gone.bytes += size;
    Ok(())
}

/// The member of a record's detail that holds the digest of what went over the wire.
pub(super) fn digest_member(part: &str) -> String {
    format!("{part}_digest")
}

/// The member that holds the digest of what is kept, where that is not the same.
fn kept_member(part: &str) -> String {
    format!("{part}_kept_digest")
}

fn said(body: &str, part: &str) -> Option<Digest> {
    let body = Json::read(body.as_bytes()).ok()?;
    let detail = body.member("detail")?;
    let kept = detail.member(&kept_member(part));
    Digest::from_hex(kept.or_else(|| detail.member(&digest_member(part)))?.as_str()?)
}

fn salt_field(part: &str) -> String {
    format!("{part}.salt")
}

fn context<'a>(call: &'a str, field: &'a str) -> SealContext<'a> {
    SealContext { purpose: "payload", row: call, field, generation: 0, bound_to: None }
}
