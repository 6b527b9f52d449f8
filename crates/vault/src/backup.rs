//! A backup: what a data folder holds, with its key, as a tar archive that is sealed under a passphrase. It must never be
//! written in clear, and nothing that a backup names is put anywhere but into the folder it is restored to.

mod stream;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use prokura_domain::level::Passphrase;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::keyring::{Keyring as _, OsKeyring};
use crate::keys::Keys;
use crate::marker::{Kind, Marker};
use crate::vault::{KeySource, Vault, fresh_kdf};
use stream::{Opening, Sealing};

/// The member that holds the master key.
const KEY: &str = "master.key";
/// The most bytes that one member may have; a database with many millions of records is smaller.
const LARGEST: u64 = 1 << 40;

/// Why a backup was not written or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupFault {
    /// The Vault is locked, so that its key is not there.
    #[error("the vault is locked: {0}")]
    Locked(String),
    /// The passphrase is another one.
    #[error("the passphrase does not open this backup, or its beginning was changed")]
    Passphrase,
    /// It is no backup of Prokura, or it was cut or changed.
    #[error("this file is no whole backup of Prokura: {0}")]
    NoBackup(String),
    /// A file cannot be read or written.
    #[error("a file of the backup cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The key cannot be kept here.
    #[error("the key cannot be kept: {0}")]
    Key(String),
    /// The folder's marker cannot be written.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Vault {
    /// Writes a backup of the named files, in the order given, with the key that opens them.
    ///
    /// # Errors
    /// [`BackupFault::Locked`] while there is no key, [`BackupFault::Io`].
    pub fn back_up(
        &self,
        files: &[(String, PathBuf)],
        passphrase: &Passphrase,
        out: impl Write,
    ) -> Result<(), BackupFault> {
        let keys = self.keys().map_err(|fault| BackupFault::Locked(fault.to_string()))?;
        let mut nonce = [0u8; 19];
        self.entropy().fill(&mut nonce);
        let kdf = fresh_kdf(self.entropy());
        let sealing = Sealing::begin(out, passphrase.expose(), &kdf, nonce)?;
        let mut archive = tar::Builder::new(sealing);
        add(&mut archive, KEY, 32, keys.master().as_slice())?;
        for (name, path) in files {
            let file = File::open(path)?;
            add(&mut archive, name, file.metadata()?.len(), file)?;
        }
        archive.into_inner()?.finish()?.flush()?;
        Ok(())
    }
}

fn add(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    size: u64,
    bytes: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    // A file that grew meanwhile is cut where it ended, or the archive would be torn.
    archive.append_data(&mut header, name, bytes.take(size))
}

/// What a backup held, put into a folder; its key is not kept yet.
pub struct Restored {
    master: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Restored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Restored")
    }
}

/// Puts what a backup holds into an empty folder.
///
/// # Errors
/// [`BackupFault`]; what was put there so far stays, for the caller to take away.
pub fn restore(
    input: impl Read,
    passphrase: &Passphrase,
    into: &Path,
) -> Result<Restored, BackupFault> {
    let torn = |fault: io::Error| BackupFault::NoBackup(fault.to_string());
    let mut opening = Opening::begin(input, passphrase.expose()).map_err(torn)?;
    let unpacked = unpack(&mut opening, into);
    match unpacked {
        Err(_) if !opening.opened => Err(BackupFault::Passphrase),
        Err(fault) => Err(fault),
        // What stands behind the end of the archive has to be its padding, to the last piece.
        Ok(restored) => {
            io::copy(&mut opening, &mut io::sink()).map_err(torn)?;
            Ok(restored)
        }
    }
}

fn unpack(opening: &mut impl Read, into: &Path) -> Result<Restored, BackupFault> {
    let torn = |fault: io::Error| BackupFault::NoBackup(fault.to_string());
    let mut archive = tar::Archive::new(opening);
    let mut master = None;
    for member in archive.entries().map_err(torn)? {
        let mut member = member.map_err(torn)?;
        let name = member.path().map_err(torn)?.to_string_lossy().into_owned();
        if name == KEY {
            let mut bytes = Zeroizing::new([0u8; 32]);
            member.read_exact(bytes.as_mut_slice()).map_err(torn)?;
            master = Some(bytes);
            continue;
        }
        let place = place_of(&name, into)
            .filter(|_| member.header().entry_type().is_file() && member.size() <= LARGEST)
            .ok_or_else(|| BackupFault::NoBackup(format!("it holds {name:?}")))?;
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = private(&place)?;
        io::copy(&mut member, &mut file).map_err(torn)?;
        file.sync_all()?;
    }
    let master = master.ok_or_else(|| BackupFault::NoBackup("it holds no key".to_owned()))?;
    Ok(Restored { master })
}

/// Where a member goes: the database, or an archive of the log under a plain name. A backup holds nothing else.
fn place_of(name: &str, into: &Path) -> Option<PathBuf> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|sign| sign.is_ascii_alphanumeric() || "._-".contains(sign))
    };
    match name.split_once('/') {
        None => (name == "prokura.db").then(|| into.join(name)),
        Some(("archive", file)) if plain(file) => Some(into.join("archive").join(file)),
        Some(_) => None,
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Restored {
    /// Keeps the key where the folder will look for it: in the keyring, or in a new key file.
    ///
    /// # Errors
    /// [`BackupFault::Key`] when the keyring does not take it, or the file is there already.
    pub fn keep(self, source: &KeySource, dir: &Path) -> Result<(), BackupFault> {
        let kind = match source {
            KeySource::Keyring { service, entry } => {
                let keyring = OsKeyring::new(service.clone());
                let kept = keyring.write(entry, self.master.as_slice());
                kept.map_err(|fault| BackupFault::Key(fault.to_string()))?;
                Kind::Keyring
            }
            KeySource::KeyFile(path) => {
                let told = |fault: io::Error| {
                    BackupFault::Key(format!("{} cannot be made: {fault}", path.display()))
                };
                let mut file = private(path).map_err(told)?;
                file.write_all(self.master.as_slice()).map_err(told)?;
                file.sync_all().map_err(told)?;
                Kind::KeyFile
            }
            KeySource::PassphraseFile(_) => {
                let text = "a key cannot be derived from another passphrase; restore it into the keyring or a key file";
                return Err(BackupFault::Key(text.to_owned()));
            }
        };
        let key_id = Keys::new(self.master).id();
        Marker { kind, key_id, kdf: None }.write(dir)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use super::*;

    struct Bytes;

    impl prokura_domain::Entropy for Bytes {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    fn say(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned())
    }

    fn backup(root: &Path) -> Vec<u8> {
        let key = root.join("key");
        fs::write(&key, (0u8..32).collect::<Vec<u8>>()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let data = root.join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("prokura.db"), b"everything that is remembered").unwrap();
        let vault = Vault::open(KeySource::KeyFile(key), &data, Arc::new(Bytes)).unwrap();
        let files = [
            ("prokura.db".to_owned(), data.join("prokura.db")),
            ("archive/one.db".to_owned(), data.join("prokura.db")),
        ];
        let mut out = Vec::new();
        vault.back_up(&files, &say("correct horse battery"), &mut out).unwrap();
        out
    }

    #[test]
    fn a_backup_is_restored_with_its_passphrase_and_nothing_of_it_lies_in_clear() {
        let root = tempfile::tempdir().unwrap();
        let sealed = backup(root.path());
        for clear in [&b"everything"[..], &(0u8..32).collect::<Vec<u8>>(), b"prokura.db"] {
            assert!(!sealed.windows(clear.len()).any(|part| part == clear));
        }
        let there = root.path().join("there");
        fs::create_dir(&there).unwrap();
        let wrong = restore(&*sealed, &say("correct horse"), &there).unwrap_err();
        assert!(matches!(wrong, BackupFault::Passphrase), "{wrong}");
        let restored = restore(&*sealed, &say("correct horse battery"), &there).unwrap();
        for name in ["prokura.db", "archive/one.db"] {
            let file = there.join(name);
            assert_eq!(fs::read(&file).unwrap(), b"everything that is remembered", "{name}");
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let key = root.path().join("new-key");
        restored.keep(&KeySource::KeyFile(key.clone()), &there).unwrap();
        assert_eq!(fs::read(&key).unwrap(), (0u8..32).collect::<Vec<u8>>());
        Vault::open(KeySource::KeyFile(key), &there, Arc::new(Bytes)).unwrap();
    }

    #[test]
    fn a_backup_that_was_cut_or_changed_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let sealed = backup(root.path());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        for (at, torn) in [&sealed[..sealed.len() / 2], &changed, b"no backup"].iter().enumerate() {
            let there = root.path().join(format!("there-{at}"));
            fs::create_dir(&there).unwrap();
            let fault = restore(*torn, &say("correct horse battery"), &there).unwrap_err();
            // Of a backup as short as this one nobody can tell whether it was cut or the passphrase is another.
            let told = matches!(fault, BackupFault::NoBackup(_) | BackupFault::Passphrase);
            assert!(told, "{at}: {fault}");
        }
    }

    #[test]
    fn a_backup_puts_nothing_outside_of_its_folder() {
        let into = Path::new("/data");
        for name in [
            "../x",
            "/etc/x",
            "archive/../b",
            "archive/b/c",
            ".ssh",
            "archive/.b",
            "archive/",
            "vault.json",
            "host.lock",
            "other/x",
            "a b",
        ] {
            assert_eq!(place_of(name, into), None, "{name:?}");
        }
        assert_eq!(place_of("archive/2026-1.db", into), Some(into.join("archive/2026-1.db")));
    }
}
