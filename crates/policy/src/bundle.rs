//! A bundle: Guardrails that an organisation publishes, signed with Ed25519. It must never be read before its signature is
//! checked, and there is no word in it that could allow anything.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use prokura_domain::{GuardrailFault, GuardrailId, Json, Timestamp};

use crate::guardrail::parse_guardrail;

/// The form of bundles that is written and read.
const VERSION: i64 = 1;
/// What stands before the signed bytes, so that no signature of something else fits.
const PREFIX: &[u8] = b"prokura-bundle-v1\n";
/// The longest bundle, in bytes.
const LONGEST: usize = 1 << 20;
/// Sequences are below this, so that every reader of JSON counts alike.
const HIGHEST: u64 = 1 << 53;
/// Guardrails in one bundle at most.
const MOST: usize = 500;

/// What a bundle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The organisation's name for it.
    pub name: String,
    /// Grows with every publication; an older one is never taken after a newer one.
    pub sequence: u64,
    /// When it was published, by the word of who did.
    pub issued_at: Timestamp,
    /// Its Guardrails: names and texts.
    pub guardrails: Vec<(String, String)>,
}

/// Why a bundle cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// It is no bundle, or one of a form that is not known.
    #[error("this is no bundle that can be read: {0}")]
    Form(String),
    /// The key is no Ed25519 key.
    #[error("this is no Ed25519 key: 64 hexadecimal digits")]
    Key,
    /// It was not signed with the key, or changed afterwards.
    #[error("the signature is not by this key, or the bundle was changed after it was signed")]
    Signature,
    /// A Guardrail in it is wrong, or would allow something.
    #[error("its guardrail \"{name}\" cannot be used: {fault}")]
    Guardrail {
        /// Which.
        name: String,
        /// Why not.
        fault: String,
    },
}

impl Bundle {
    /// Checks the signature of an envelope, then reads what is in it.
    ///
    /// # Errors
    /// [`BundleFault`]; then nothing of it may be used.
    pub fn open(envelope: &str, key: &str) -> Result<Self, BundleFault> {
        let (payload, signature) = parts(envelope)?;
        let key = bytes::<32>(key).and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let key = key.ok_or(BundleFault::Key)?;
        let signed = [PREFIX, payload.as_bytes()].concat();
        key.verify_strict(&signed, &signature).map_err(|_| BundleFault::Signature)?;
        Self::read(&payload)
    }

    /// Signs what is to be published; the seed is 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`BundleFault`] where it could not be opened afterwards.
    pub fn sign(payload: &str, seed: &str) -> Result<String, BundleFault> {
        Self::read(payload)?;
        let seed = bytes::<32>(seed).ok_or(BundleFault::Key)?;
        let signature = SigningKey::from_bytes(&seed).sign(&[PREFIX, payload.as_bytes()].concat());
        let envelope = Json::object([
            ("prokura", Json::text("bundle")),
            ("version", Json::from(VERSION)),
            ("payload", Json::text(payload)),
            ("signature", Json::text(hex(&signature.to_bytes()))),
        ]);
        Ok(envelope.to_text())
    }

    /// The public key that belongs to a seed.
    #[must_use]
    pub fn key_of(seed: &[u8; 32]) -> String {
        hex(SigningKey::from_bytes(seed).verifying_key().as_bytes())
    }

    fn read(payload: &str) -> Result<Self, BundleFault> {
        let json = Json::read(payload.as_bytes()).map_err(|fault| form(fault.to_string()))?;
        only(&json, &["name", "sequence", "issued_at", "guardrails"])?;
        let name = text(&json, "name")?;
        let fine = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 32
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !fine {
            return Err(form("its name is not 1 to 32 of a-z, 0-9 and \"-\""));
        }
        let sequence = match json.member("sequence") {
            Some(Json::Number(text)) => text
                .parse()
                .ok()
                .filter(|sequence| *sequence < HIGHEST)
                .ok_or_else(|| form("its sequence is no count below 2^53"))?,
            _ => return Err(form("it has no sequence")),
        };
        let issued_at = text(&json, "issued_at")?
            .parse()
            .map_err(|_| form("its issued_at is no RFC 3339 time"))?;
        let items = json.member("guardrails").and_then(Json::items);
        let items = items.ok_or_else(|| form("it has no guardrails"))?;
        if items.len() > MOST {
            return Err(form("it has more guardrails than anybody reads"));
        }
        let mut guardrails: Vec<(String, String)> = Vec::new();
        for item in items {
            only(item, &["name", "text"])?;
            let (name, policies) = (text(item, "name")?, text(item, "text")?);
            if name.trim().is_empty()
                || name.chars().count() > 80
                || name.chars().any(char::is_control)
            {
                return Err(form("a guardrail in it has no name of 1 to 80 visible characters"));
            }
            if guardrails.iter().any(|(known, _)| *known == name) {
                return Err(form("two guardrails in it have one name"));
            }
            if let Err(faults) = parse_guardrail(&GuardrailId::from_text("new"), &policies) {
                return Err(BundleFault::Guardrail { name, fault: words(&faults) });
            }
            guardrails.push((name, policies));
        }
        Ok(Self { name, sequence, issued_at, guardrails })
    }
}

/// The signed text and the signature of an envelope.
fn parts(envelope: &str) -> Result<(String, Signature), BundleFault> {
    if envelope.len() > LONGEST {
        return Err(form("it is longer than 1 MiB"));
    }
    let json = Json::read(envelope.as_bytes()).map_err(|fault| form(fault.to_string()))?;
    if json.member("prokura").and_then(Json::as_str) != Some("bundle") {
        return Err(form("it does not say that it is one"));
    }
    if json.member("version") != Some(&Json::from(VERSION)) {
        return Err(form("it is of a version that this Prokura does not know"));
    }
    only(&json, &["prokura", "version", "payload", "signature"])?;
    let signature = bytes::<64>(&text(&json, "signature")?);
    let signature = signature.ok_or_else(|| form("its signature is not 128 hexadecimal digits"))?;
    Ok((text(&json, "payload")?, Signature::from_bytes(&signature)))
}

/// An object with these members and no other: what is not understood is never passed over.
fn only(json: &Json, names: &[&str]) -> Result<(), BundleFault> {
    let members = json.members().ok_or_else(|| form("something in it is no object"))?;
    match members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(form(format!("\"{name}\" has no place in it"))),
        None => Ok(()),
    }
}

fn text(json: &Json, name: &str) -> Result<String, BundleFault> {
    let text = json.member(name).and_then(Json::as_str).map(str::to_owned);
    text.ok_or_else(|| form(format!("\"{name}\" is missing or no text")))
}

fn form(why: impl Into<String>) -> BundleFault {
    BundleFault::Form(why.into())
}

fn words(faults: &[GuardrailFault]) -> String {
    faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; ")
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let hex = hex.trim();
    if hex.len() != 2 * N || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0u8; N];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
