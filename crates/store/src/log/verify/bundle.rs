//! Verifies evidence: a folder of text files that anybody may have written. Everything in it is read with care, and what is
//! wrong is named, the record too where one was changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use ed25519_dalek::{Signature, VerifyingKey};
use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use prokura_domain::json::Json;
use prokura_domain::record::AuditRecord;

use super::chain::{Chain, Found, is_sound};
use super::checkpoints::{Checkpoints, Stored};
use super::{Verdict, check_anchored};
use crate::error::StoreError;
use crate::log::bundle::{CHECKPOINTS, MANIFEST, RECORDS, SIGNATURE, VERSION, message};
use crate::log::segment::digest_of;
use prokura_domain::port::Anchor;

/// The longest manifest, and the longest line, that is read.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What the manifest says.
struct Manifest {
    log_id: String,
    first: i64,
    last: i64,
    prev: Digest,
    hash: Digest,
    key: [u8; 32],
    files: BTreeMap<String, Digest>,
}

impl Manifest {
    fn read(bytes: &[u8]) -> Option<Self> {
        let json = Json::read(bytes).ok()?;
        let text = |name: &str| json.member(name).and_then(Json::as_str);
        let digest = |name: &str| text(name).and_then(Digest::from_hex);
        let files = json.member("sha256")?.members()?.iter();
        let files =
            files.map(|(name, digest)| Some((name.clone(), Digest::from_hex(digest.as_str()?)?)));
        (number(&json, "evidence")? == VERSION).then_some(())?;
        Some(Self {
            log_id: text("log_id")?.to_owned(),
            first: number(&json, "first")?,
            last: number(&json, "last")?,
            prev: digest("prev")?,
            hash: digest("hash")?,
            key: digest("public_key")?.0,
            files: files.collect::<Option<_>>()?,
        })
    }
}

/// Verifies the evidence in `folder`; signatures have to be by `key`, where it is known.
///
/// # Errors
/// [`StoreError::Corrupt`] when there is no manifest that reads.
pub fn verify_evidence(
    folder: &Path,
    anchor: Option<&Anchor>,
    key: Option<[u8; 32]>,
) -> Result<Verdict, StoreError> {
    let corrupt = |fault: String| StoreError::Corrupt { path: folder.join(MANIFEST), fault };
    let bytes = limited(&folder.join(MANIFEST)).map_err(|fault| corrupt(fault.to_string()))?;
    let manifest = Manifest::read(&bytes)
        .ok_or_else(|| corrupt("it is no manifest of evidence".to_owned()))?;
    let mut verdict = Verdict::default();
    check_signature(folder, &bytes, &manifest, key, &mut verdict);
    check_files(folder, &manifest, &mut verdict);
    let by = key.unwrap_or(manifest.key);
    let mut checkpoints = Checkpoints::new(Some(by));
    let read = each_line(&folder.join(CHECKPOINTS), &mut |line, at| match stored(line) {
        Some((seq, one)) => checkpoints.add(seq, Ok(one), &manifest.log_id, &mut verdict),
        None => verdict.fault(format!("line {at} of {CHECKPOINTS} does not read")),
    });
    if let Err(fault) = read {
        verdict.fault(format!("{CHECKPOINTS} cannot be read: {fault}"));
    }
    follow(folder, &manifest, checkpoints, anchor, &mut verdict);
    if key.is_none() {
        verdict.notes.push(format!(
            "The evidence is signed by the key {}; compare it with the key you were told, for nothing in the folder \
             itself can prove whose it is.",
            Digest(manifest.key)
        ));
    }
    if manifest.first > 1 {
        verdict.notes.push(format!(
            "It begins with record {}: what was before is vouched for by the signature only.",
            manifest.first
        ));
    }
    Ok(verdict)
}

fn follow(
    folder: &Path,
    manifest: &Manifest,
    mut checkpoints: Checkpoints,
    anchor: Option<&Anchor>,
    verdict: &mut Verdict,
) {
    let mut chain = Chain::after(&manifest.log_id, &[], manifest.first - 1, manifest.prev);
    let mut hash = None;
    let own = anchor.filter(|anchor| anchor.log_id == manifest.log_id);
    let read = each_line(&folder.join(RECORDS), &mut |line, at| {
        let Some(record) = record(line) else {
            verdict.fault(format!(
                "line {at} of {RECORDS} does not read: the record after {} was changed",
                chain.last()
            ));
            return;
        };
        hash = Some(record.hash);
        let sound = is_sound(&manifest.log_id, &record);
        let found = Found::Record(record);
        chain.follow(&found, sound, verdict);
        checkpoints.meet(&found, verdict);
        check_anchored(&found, own, verdict);
    });
    if let Err(fault) = read {
        verdict.fault(format!("{RECORDS} cannot be read after record {}: {fault}", chain.last()));
    }
    verdict.records = chain.count();
    if chain.last() != manifest.last {
        verdict.fault(format!(
            "the records end at {}, and the manifest says {}",
            chain.last(),
            manifest.last
        ));
    } else if hash != Some(manifest.hash) {
        verdict.fault(format!("record {} is not the one that the manifest names", manifest.last));
    }
    checkpoints.end(manifest.first - 1, chain.last(), verdict);
    // The signature over the manifest covers the end.
    verdict.notes.retain(|note| !note.contains("not covered by a checkpoint yet"));
}

fn check_signature(
    folder: &Path,
    bytes: &[u8],
    manifest: &Manifest,
    key: Option<[u8; 32]>,
    verdict: &mut Verdict,
) {
    if key.is_some_and(|key| key != manifest.key) {
        verdict.fault(format!("the evidence is signed by another key: {}", Digest(manifest.key)));
    }
    let signature = limited(&folder.join(SIGNATURE)).ok();
    let signature = signature.and_then(|text| from_hex(std::str::from_utf8(&text).ok()?.trim()));
    let good = signature.is_some_and(|signature: [u8; 64]| {
        VerifyingKey::from_bytes(&key.unwrap_or(manifest.key)).is_ok_and(|key| {
            key.verify_strict(&message(bytes), &Signature::from_bytes(&signature)).is_ok()
        })
    });
    if !good {
        verdict.fault(format!("{MANIFEST} is not what was signed"));
    }
}

/// Every file is there as it was signed, and no other.
fn check_files(folder: &Path, manifest: &Manifest, verdict: &mut Verdict) {
    for (name, digest) in &manifest.files {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            verdict.fault(format!("the manifest names a file elsewhere: {name:?}"));
            continue;
        }
        match digest_of(&folder.join(name)) {
            Ok(found) if found == *digest => {}
            Ok(_) => verdict.fault(format!("{name} was changed")),
            Err(_) => verdict.fault(format!("{name} is missing")),
        }
    }
    for name in [RECORDS, CHECKPOINTS] {
        if !manifest.files.contains_key(name) {
            verdict.fault(format!("the manifest does not name {name}"));
        }
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !manifest.files.contains_key(&name) && name != MANIFEST && name != SIGNATURE {
            verdict.fault(format!("{name:?} was added"));
        }
    }
}

/// The lines of a file with their numbers; one that is too long ends it.
fn each_line(path: &Path, visit: &mut dyn FnMut(&[u8], usize)) -> std::io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    for at in 1.. {
        line.clear();
        if file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        visit(&line, at);
    }
    Ok(())
}

fn limited(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn record(line: &[u8]) -> Option<AuditRecord> {
    let json = Json::read(line.trim_ascii()).ok()?;
    let text = |name: &str| json.member(name).and_then(Json::as_str);
    let digest = |name: &str| text(name).and_then(Digest::from_hex);
    Some(AuditRecord {
        seq: number(&json, "seq")?,
        at: Timestamp(number(&json, "at")?),
        kind: text("kind")?.to_owned(),
        v: u32::try_from(number(&json, "v")?).ok()?,
        body: text("body")?.to_owned(),
        prev: digest("prev")?,
        hash: digest("hash")?,
    })
}

fn stored(line: &[u8]) -> Option<(i64, Stored)> {
    let json = Json::read(line.trim_ascii()).ok()?;
    let text = |name: &str| json.member(name).and_then(Json::as_str);
    let one = Stored {
        hash: Digest::from_hex(text("hash")?)?,
        signature: from_hex(text("signature")?)?,
        key: Digest::from_hex(text("public_key")?)?.0,
    };
    Some((number(&json, "seq")?, one))
}

fn number(json: &Json, name: &str) -> Option<i64> {
    match json.member(name)? {
        Json::Number(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn from_hex(text: &str) -> Option<[u8; 64]> {
    let (first, second) = (text.get(..64)?, text.get(64..)?);
    let halves = [Digest::from_hex(first)?.0, Digest::from_hex(second)?.0];
    halves.concat().try_into().ok()
}
