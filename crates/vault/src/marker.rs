//! The marker of a data folder: which key it was sealed with, never the key itself. While it exists, a missing key is
//! an alarm and no new one is made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use prokura_domain::json::Json;

use crate::error::VaultError;
use crate::file;
use crate::keys::KeyId;

const NAME: &str = "vault.json";

/// What kind of key the folder was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Keyring,
    KeyFile,
    Passphrase,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Keyring, Self::KeyFile, Self::Passphrase];

    fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::KeyFile => "key_file",
            Self::Passphrase => "passphrase",
        }
    }

    /// As people say it.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Keyring => "a key in the keyring",
            Self::KeyFile => "a key file",
            Self::Passphrase => "a passphrase",
        }
    }
}

/// Salt and cost of Argon2id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kdf {
    pub(crate) salt: [u8; 16],
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
}

/// What is known of the key of a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) kind: Kind,
    pub(crate) key_id: KeyId,
    pub(crate) kdf: Option<Kdf>,
}

impl Marker {
    /// The marker of `dir`, where it has one.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, VaultError> {
        let path = path(dir);
        let damaged = |fault: String| VaultError::Marker { path: path.clone(), fault };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(damaged(fault.to_string())),
        };
        let value = Json::read(&text).map_err(|fault| damaged(fault.to_string()))?;
        Self::parse(&value)
            .map(Some)
            .ok_or_else(|| damaged("it does not hold what it should".to_owned()))
    }

    /// Writes the marker of `dir`.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), VaultError> {
        let mut members = vec![
            ("version", Json::from(1i64)),
            ("source", Json::text(self.kind.word())),
            ("key_id", Json::text(to_hex(&self.key_id))),
        ];
        if let Some(kdf) = &self.kdf {
            members.push((
                "argon2id",
                Json::object([
                    ("salt", Json::text(to_hex(&kdf.salt))),
                    ("memory_kib", Json::from(i64::from(kdf.memory_kib))),
                    ("passes", Json::from(i64::from(kdf.passes))),
                ]),
            ));
        }
        file::replace(&path(dir), &Json::object(members).to_text())
    }

    fn parse(value: &Json) -> Option<Self> {
        if number(value.member("version")?)? != 1 {
            return None;
        }
        let word = value.member("source")?.as_str()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let key_id = from_hex(value.member("key_id")?.as_str()?)?;
        let kdf = match value.member("argon2id") {
            None => None,
            Some(kdf) => Some(Kdf {
                salt: from_hex(kdf.member("salt")?.as_str()?)?,
                memory_kib: number(kdf.member("memory_kib")?)?,
                passes: number(kdf.member("passes")?)?,
            }),
        };
        Some(Self { kind, key_id, kdf })
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

fn number(value: &Json) -> Option<u32> {
    match value {
        Json::Number(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads exactly `N` bytes of hexadecimal digits.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut out = [0u8; N];
    for (slot, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}
