//! Backups of a data folder: written by the Host that runs on it, restored into an empty folder by the command line. A backup
//! must never lie in clear, also not for a moment outside of the data folder, and never be written over another file.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use prokura_api::{Failure, FailureCode};
use prokura_domain::level::Passphrase;
use prokura_store::Store;
use prokura_vault::{BackupFault, KeySource, Vault};

use crate::folder::Folder;
use crate::start::entry_of;
use crate::{SystemEntropy, VaultChoice};

/// The database in a backup, and in a data folder.
const DATABASE: &str = "prokura.db";
/// The folder of the log's archives. What is there before a backup is restored is never taken away again.
const ARCHIVE: &str = "archive";
/// A copy of the database, while a backup is written.
const COPY: &str = "backup.tmp";

/// Writes a backup into a new file.
pub(crate) fn write(
    (store, vault): (&Store, &Vault),
    data: &Path,
    passphrase: &Passphrase,
    to: &Path,
) -> Result<(), Failure> {
    if to.exists() {
        return Err(Failure::new(
            FailureCode::Conflict,
            format!("There is a file {} already.", to.display()),
            "Choose another name; a backup never takes the place of a file.",
        ));
    }
    let copy = data.join(COPY);
    // One that a killed Host left.
    let _ = fs::remove_file(&copy);
    let done = packed(store, vault, &copy, passphrase, to);
    let _ = fs::remove_file(&copy);
    done.map_err(|fault| told(&fault))
}

fn packed(
    store: &Store,
    vault: &Vault,
    copy: &Path,
    passphrase: &Passphrase,
    to: &Path,
) -> Result<(), BackupFault> {
    store.copy_into(copy).map_err(io::Error::other)?;
    let mut files = vec![(DATABASE.to_owned(), copy.to_owned())];
    files.extend(archives(&store.archives())?);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = to.with_extension("part");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&draft)?;
    let written = vault.back_up(&files, passphrase, BufWriter::new(&file));
    let kept =
        written.and_then(|()| Ok(file.sync_all()?)).and_then(|()| Ok(fs::rename(&draft, to)?));
    if kept.is_err() {
        let _ = fs::remove_file(&draft);
    }
    kept
}

/// The archives of the log, with their names in a backup.
fn archives(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let of = name(folder).unwrap_or_default();
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = name(&path).filter(|_| path.is_file()) {
            found.push((format!("{of}/{name}"), path));
        }
    }
    found.sort();
    Ok(found)
}

/// Puts a backup into a data folder that holds nothing yet, and its key into the keyring or a new key file. A Host that is
/// started there afterwards finds that it is a copy, and renews no sign-in until the person says that the original is gone.
///
/// # Errors
/// [`Failure`]; then nothing of it is left in the folder.
pub fn restore(
    data: &Path,
    file: &Path,
    passphrase: &Passphrase,
    vault: VaultChoice,
) -> Result<(), Failure> {
    let folder = Folder::hold(data).map_err(|fault| {
        Failure::new(
            FailureCode::Conflict,
            format!("{fault}."),
            "Name an empty folder with --data.",
        )
    })?;
    let taken = |name: &&str| folder.path.join(name).exists();
    if let Some(name) = [DATABASE, "vault.json", ARCHIVE].into_iter().find(taken) {
        return Err(Failure::new(
            FailureCode::Conflict,
            format!("{} holds a Prokura already ({name}).", folder.path.display()),
            "Name an empty folder with --data; a backup never takes the place of what is there.",
        ));
    }
    let done = unpacked(&folder.path, file, passphrase, vault);
    if done.is_err() {
        let _ = fs::remove_file(folder.path.join(DATABASE));
        let _ = fs::remove_dir_all(folder.path.join(ARCHIVE));
        let _ = fs::remove_file(folder.path.join("vault.json"));
    }
    done.map_err(|fault| told(&fault))
}

fn unpacked(
    data: &Path,
    file: &Path,
    passphrase: &Passphrase,
    vault: VaultChoice,
) -> Result<(), BackupFault> {
    let restored = prokura_vault::restore(BufReader::new(File::open(file)?), passphrase, data)?;
    let source = match vault {
        VaultChoice::Keyring => {
            let no = |fault: prokura_store::StoreError| BackupFault::NoBackup(fault.to_string());
            let store = Store::open(data).map_err(no)?;
            let entry = entry_of(&store, &SystemEntropy).map_err(no)?;
            KeySource::Keyring { service: "prokura".to_owned(), entry }
        }
        VaultChoice::KeyFile(path) => KeySource::KeyFile(path),
        VaultChoice::PassphraseFile(path) => KeySource::PassphraseFile(path),
    };
    restored.keep(&source, data)
}

fn told(fault: &BackupFault) -> Failure {
    let (code, next) = match fault {
        BackupFault::Locked(_) => (FailureCode::VaultLocked, "Unlock it, then try again."),
        BackupFault::Passphrase => {
            (FailureCode::PassphraseNeeded, "Give the passphrase that the backup was made with.")
        }
        BackupFault::NoBackup(_) => (FailureCode::BadRequest, "Take another copy of the backup."),
        BackupFault::Io(_) => (FailureCode::BadRequest, "Check the path and the free space."),
        BackupFault::Key(_) => (
            FailureCode::BadRequest,
            "Unlock the keyring, or name a new file with --vault-key-file.",
        ),
        BackupFault::Vault(_) => (FailureCode::Internal, "Run `prokura doctor`."),
    };
    let mut message = fault.to_string();
    if let Some(first) = message.get(..1).map(str::to_uppercase) {
        message.replace_range(..1, &first);
    }
    Failure::new(code, format!("{message}."), next)
}
