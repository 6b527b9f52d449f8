//! Payloads: arguments and results, sealed beside the chain. The chain knows only their salted digest, so one can be
//! deleted and nothing of it can be guessed back.

use prokura_domain::clock::Entropy;
use prokura_domain::digest::Digest;
use prokura_domain::id::CallId;
use prokura_domain::json::Json;
use prokura_domain::port::{SealContext, SealFault, Sealer};
use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::log::read;

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

/// What is written beside a record.
pub(super) struct SealedPayload {
    pub(super) call: String,
    pub(super) part: &'static str,
    pub(super) salt: Vec<u8>,
    pub(super) bytes: Option<Vec<u8>>,
}

/// What the record says of a payload, and what is written beside it.
pub(super) struct Digested {
    pub(super) digest: Digest,
    /// `None`: the Vault is locked, so neither bytes nor salt can be kept.
    pub(super) sealed: Option<SealedPayload>,
}

pub(super) fn digest(
    payload: &Payload,
    entropy: &dyn Entropy,
    sealer: &dyn Sealer,
) -> Result<Digested, StoreError> {
    let mut salt = [0u8; 16];
    entropy.fill(&mut salt);
    let digest = Digest::of(&[&salt, &payload.bytes]);
    let sealed = match seal(payload, &salt, sealer) {
        Ok(sealed) => Some(sealed),
        Err(SealFault::Locked(_)) => None,
        Err(fault @ SealFault::DoesNotOpen) => return Err(fault.into()),
    };
    Ok(Digested { digest, sealed })
}

fn seal(payload: &Payload, salt: &[u8], sealer: &dyn Sealer) -> Result<SealedPayload, SealFault> {
    let call = payload.call.as_str();
    let bytes = if payload.keep {
        Some(sealer.seal(&context(call, payload.part), &payload.bytes)?)
    } else {
        None
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
            "SELECT seq, salt, sealed FROM payload WHERE call = ? AND part = ? ORDER BY id DESC LIMIT 1",
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

/// The member of a record's detail that holds the digest.
pub(super) fn digest_member(part: &str) -> String {
    format!("{part}_digest")
}

fn said(body: &str, part: &str) -> Option<Digest> {
    let body = Json::read(body.as_bytes()).ok()?;
    Digest::from_hex(body.member("detail")?.member(&digest_member(part))?.as_str()?)
}

fn salt_field(part: &str) -> String {
    format!("{part}.salt")
}

fn context<'a>(call: &'a str, field: &'a str) -> SealContext<'a> {
    SealContext { purpose: "payload", row: call, field, generation: 0, bound_to: None }
}
