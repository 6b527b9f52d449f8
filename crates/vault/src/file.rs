//! Keys from files: a raw key, or a passphrase for Argon2id. No keyring is touched on this way.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::marker::Kdf;

/// Reads a key file: exactly 32 bytes, for its owner's eyes only.
pub(crate) fn key(path: &Path) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let refuse = |fault: String| VaultError::KeyFile { path: path.to_owned(), fault };
    let bytes = private(path).map_err(refuse)?;
    let key: &[u8; 32] =
        bytes.as_slice().try_into().map_err(|_| refuse(format!("holds {} bytes", bytes.len())))?;
    if key.iter().skip(1).zip(key.iter()).all(|(one, other)| one == other) {
        return Err(refuse("holds the same byte 32 times".to_owned()));
    }
    Ok(Zeroizing::new(*key))
}

/// Reads a passphrase file: its text without the line end.
pub(crate) fn passphrase(path: &Path) -> Result<Zeroizing<String>, VaultError> {
    let refuse = |fault: String| VaultError::PassphraseFile { path: path.to_owned(), fault };
    let bytes = private(path).map_err(refuse)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("is not text".to_owned()))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(refuse("is empty".to_owned()));
    }
    if text.contains(['\n', '\r']) {
        return Err(refuse("holds more than one line".to_owned()));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Argon2id over the passphrase, with the salt and the cost that stand in the marker.
pub(crate) fn stretch(passphrase: &str, kdf: &Kdf) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let fault = |fault: argon2::Error| VaultError::Derivation(fault.to_string());
    let params = Params::new(kdf.memory_kib, kdf.passes, 1, Some(32)).map_err(fault)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0u8; 32]);
    argon
        .hash_password_into(passphrase.as_bytes(), &kdf.salt, key.as_mut_slice())
        .map_err(fault)?;
    Ok(key)
}

fn private(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let about = fs::metadata(path).map_err(|fault| format!("cannot be read ({fault})"))?;
    if !about.is_file() {
        return Err("is not a file".to_owned());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!("can be read by others (mode {mode:03o})"));
        }
    }
    if about.len() > 4096 {
        return Err("is larger than a key".to_owned());
    }
    fs::read(path).map(Zeroizing::new).map_err(|fault| format!("cannot be read ({fault})"))
}

/// Makes the data folder where there is none, for its owner's eyes only.
pub(crate) fn folder(dir: &Path) -> Result<(), VaultError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
        .create(dir)
        .map_err(|source| VaultError::Unwritable { path: dir.to_owned(), source: Arc::new(source) })
}

/// Puts `text` at `path` whole or not at all, synced, for its owner's eyes only.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), VaultError> {
    let unwritable =
        |source| VaultError::Unwritable { path: path.to_owned(), source: Arc::new(source) };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let draft = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&draft).map_err(unwritable)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unwritable)?;
    fs::rename(&draft, path).map_err(unwritable)?;
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        // The rename itself has to survive a power cut.
        let _ = fs::File::open(parent).and_then(|folder| folder.sync_all());
    }
    Ok(())
}
