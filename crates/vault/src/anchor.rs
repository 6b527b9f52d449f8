//! Anchors: the latest checkpoint of the log, signed and kept where whoever changes the log cannot reach it: in a
//! second keyring item, or in a file beside the data folder. Never inside it.

use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, VerifyingKey};
use prokura_domain::digest::Digest;
use prokura_domain::json::Json;
use prokura_domain::port::Anchor;

use crate::error::VaultError;
use crate::keys::{Keys, framed};
use crate::marker::{from_hex, to_hex};

/// An anchor as it was found in a file, its signature checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorFile {
    /// The checkpoint.
    pub anchor: Anchor,
    /// The key that signed it; who has no Vault compares it with the one noted elsewhere.
    pub public_key: [u8; 32],
}

/// Reads an anchor file and checks its signature. Needs no Vault.
///
/// # Errors
/// [`VaultError::AnchorFile`] when it cannot be read, or is not signed by the key it names.
pub fn read_anchor_file(path: &Path) -> Result<AnchorFile, VaultError> {
    let fault = |fault: String| VaultError::AnchorFile { path: path.to_owned(), fault };
    let text = fs::read(path).map_err(|why| fault(format!("cannot be read ({why})")))?;
    parse(&text).ok_or_else(|| fault("is damaged, or its signature is wrong".to_owned()))
}

/// Where the anchor of the data folder `dir` lies when there is no keyring.
pub(crate) fn beside(dir: &Path) -> Option<PathBuf> {
    let dir = fs::canonicalize(dir).ok()?;
    let mut name = dir.file_name()?.to_owned();
    name.push(".anchor.json");
    Some(dir.with_file_name(name))
}

pub(crate) fn write(keys: &Keys, anchor: &Anchor) -> String {
    let signature = keys.sign(&message(anchor));
    Json::object([
        ("version", Json::from(1i64)),
        ("log_id", Json::text(&anchor.log_id)),
        ("seq", Json::from(anchor.seq)),
        ("hash", Json::text(anchor.hash.to_string())),
        ("public_key", Json::text(to_hex(&keys.public()))),
        ("signature", Json::text(to_hex(&signature))),
    ])
    .to_text()
}

pub(crate) fn parse(text: &[u8]) -> Option<AnchorFile> {
    let value = Json::read(text).ok()?;
    let seq = match value.member("seq")? {
        Json::Number(text) => text.parse().ok()?,
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            return None;
        }
    };
    let said = |name: &str| value.member(name).and_then(Json::as_str);
    let anchor =
        Anchor { log_id: said("log_id")?.to_owned(), seq, hash: Digest::from_hex(said("hash")?)? };
    let public_key = from_hex::<32>(said("public_key")?)?;
    let signature = Signature::from_bytes(&from_hex::<64>(said("signature")?)?);
    let key = VerifyingKey::from_bytes(&public_key).ok()?;
    key.verify_strict(&message(&anchor), &signature).ok()?;
    Some(AnchorFile { anchor, public_key })
}

fn message(anchor: &Anchor) -> Vec<u8> {
    let mut out = Vec::new();
    framed(&mut out, b"prokura-anchor-v1");
    framed(&mut out, anchor.log_id.as_bytes());
    out.extend_from_slice(&anchor.seq.to_be_bytes());
    out.extend_from_slice(&anchor.hash.0);
    out
}
