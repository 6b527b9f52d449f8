//! The Vault: opens once its key is there, says what is missing until then, and never keeps its caller waiting for a
//! keyring longer than a few seconds.

mod master;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use prokura_domain::clock::Entropy;
use prokura_domain::port::{Anchor, AnchorFault, SealContext, SealFault, Sealer, Signer};
use zeroize::Zeroizing;

use crate::anchor;
use crate::error::VaultError;
use crate::file;
use crate::keyring::{Keyring, KeyringFault, OsKeyring, PATIENCE, bounded};
use crate::keys::Keys;
use crate::marker::{Kdf, Kind, Marker};
use crate::seal;
use crate::trouble::Trouble;
use master::attempt;

const UNANSWERED: &str =
    "the keyring has not answered yet; answer its prompt or unlock it, then try again";

/// Where the master key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// An entry of the OS keyring.
    Keyring {
        /// The program's name there.
        service: String,
        /// The entry's name; one per data folder.
        entry: String,
    },
    /// A file with exactly 32 random bytes, mode 600.
    KeyFile(PathBuf),
    /// A file with a passphrase, mode 600.
    PassphraseFile(PathBuf),
}

/// Whether the Vault can seal and open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultState {
    /// It can.
    Open,
    /// It cannot; the sentence tells the person what to do.
    Locked(String),
}

/// The only place that can open a secret. Used as `Arc<Vault>`.
pub struct Vault {
    shared: Arc<Shared>,
    place: Place,
    entropy: Arc<dyn Entropy>,
}

/// Where anchors go, and whom to ask again.
enum Place {
    Keyring(Arc<KeyringPlace>),
    Beside(PathBuf),
}

struct KeyringPlace {
    keyring: Arc<dyn Keyring>,
    entry: String,
    dir: PathBuf,
    patience: Duration,
    /// An anchor is on its way; a second one would only wait behind it.
    anchoring: AtomicBool,
}

struct Shared {
    inner: Mutex<Inner>,
    answered: Condvar,
}

struct Inner {
    keys: Result<Arc<Keys>, KeyringFault>,
    asking: bool,
}

impl Vault {
    /// Opens the Vault of the data folder `dir`. A key is made only for a folder that was never sealed. Trouble with the
    /// keyring is no error: the Vault is [`VaultState::Locked`] and opens by itself when a late answer comes.
    ///
    /// # Errors
    /// [`VaultError`] when a key file or passphrase cannot be used, or the folder belongs to another key.
    pub fn open(
        source: KeySource,
        dir: &Path,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        file::folder(dir)?;
        match source {
            KeySource::Keyring { service, entry } => {
                Self::in_keyring(Arc::new(OsKeyring::new(service)), entry, dir, entropy, PATIENCE)
            }
            KeySource::KeyFile(path) => {
                let master = file::key(&path)?;
                Self::with_master(Kind::KeyFile, &path, dir, entropy, |_| Ok((master, None)))
            }
            KeySource::PassphraseFile(path) => {
                let passphrase = file::passphrase(&path)?;
                let fresh = fresh_kdf(entropy.as_ref());
                Self::with_master(Kind::Passphrase, &path, dir, entropy, |marker| {
                    let kdf = marker.and_then(|marker| marker.kdf.clone()).unwrap_or(fresh);
                    file::stretch(&passphrase, &kdf).map(|master| (master, Some(kdf)))
                })
            }
        }
    }

    /// Its source of randomness.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Whether it can seal and open now.
    #[must_use]
    pub fn state(&self) -> VaultState {
        match &self.shared.lock().keys {
            Ok(_) => VaultState::Open,
            Err(why) => VaultState::Locked(why.1.clone()),
        }
    }

    /// What keeps it from opening.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.lock().keys.as_ref().err().map(|why| why.0)
    }

    /// Where its key comes from, as people say it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match &self.place {
            Place::Keyring(_) => "a key in the keyring",
            Place::Beside(_) => "a file that was given at the start",
        }
    }

    /// Asks the keyring again. Waits a few seconds at most.
    pub fn retry(&self) -> VaultState {
        if let Place::Keyring(place) = &self.place
            && self.state() != VaultState::Open
        {
            ask(&self.shared, place, &self.entropy);
        }
        self.state()
    }

    pub(crate) fn in_keyring(
        keyring: Arc<dyn Keyring>,
        entry: String,
        dir: &Path,
        entropy: Arc<dyn Entropy>,
        patience: Duration,
    ) -> Result<Self, VaultError> {
        check_kind(Marker::read(dir)?.as_ref(), Kind::Keyring)?;
        let place = Arc::new(KeyringPlace {
            keyring,
            entry,
            dir: dir.to_owned(),
            patience,
            anchoring: AtomicBool::new(false),
        });
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner { keys: Err(unanswered()), asking: false }),
            answered: Condvar::new(),
        });
        ask(&shared, &place, &entropy);
        Ok(Self { shared, place: Place::Keyring(place), entropy })
    }

    fn with_master(
        kind: Kind,
        path: &Path,
        dir: &Path,
        entropy: Arc<dyn Entropy>,
        master: impl FnOnce(Option<&Marker>) -> Result<(Zeroizing<[u8; 32]>, Option<Kdf>), VaultError>,
    ) -> Result<Self, VaultError> {
        let marker = Marker::read(dir)?;
        check_kind(marker.as_ref(), kind)?;
        let (master, kdf) = master(marker.as_ref())?;
        let keys = Keys::new(master);
        match marker {
            Some(marker) if marker.key_id != keys.id() => {
                return Err(VaultError::OtherKey { path: path.to_owned() });
            }
            Some(_) => {}
            None => Marker { kind, key_id: keys.id(), kdf }.write(dir)?,
        }
        let beside = anchor::beside(dir).ok_or_else(|| VaultError::AnchorFile {
            path: dir.to_owned(),
            fault: "has no place beside the data folder; choose a folder that has a name"
                .to_owned(),
        })?;
        let inner = Inner { keys: Ok(Arc::new(keys)), asking: false };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), answered: Condvar::new() });
        Ok(Self { shared, place: Place::Beside(beside), entropy })
    }

    pub(crate) fn keys(&self) -> Result<Arc<Keys>, SealFault> {
        self.shared.lock().keys.clone().map_err(|why| SealFault::Locked(why.1))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vault").field(&self.state()).finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_kind(marker: Option<&Marker>, given: Kind) -> Result<(), VaultError> {
    match marker {
        Some(marker) if marker.kind != given => {
            Err(VaultError::OtherSource { wanted: marker.kind.said(), given: given.said() })
        }
        _ => Ok(()),
    }
}

/// 64 MiB and three passes: about a fifth of a second on an ordinary machine, and once per start.
pub(crate) fn fresh_kdf(entropy: &dyn Entropy) -> Kdf {
    let mut salt = [0u8; 16];
    entropy.fill(&mut salt);
    Kdf { salt, memory_kib: 64 * 1024, passes: 3 }
}

/// Asks the keyring on a thread of its own, unless that is under way already, and waits a bounded time. A late answer
/// still opens the Vault.
fn ask(shared: &Arc<Shared>, place: &Arc<KeyringPlace>, entropy: &Arc<dyn Entropy>) {
    let mut inner = shared.lock();
    if !inner.asking {
        let (theirs, their_place, their_entropy) =
            (Arc::clone(shared), Arc::clone(place), Arc::clone(entropy));
        let started = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            let asking = Asking(theirs);
            let keys = attempt(&their_place, their_entropy.as_ref());
            asking.0.lock().keys = keys.map(Arc::new);
        });
        inner.asking = started.is_ok();
        inner.keys = Err(unanswered());
    }
    let _ = shared.answered.wait_timeout_while(inner, place.patience, |inner| inner.asking);
}

/// An asking that is under way; it ends however its thread ends.
struct Asking(Arc<Shared>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.lock().asking = false;
        self.0.answered.notify_all();
    }
}

/// An anchor that is under way; it ends however its thread ends.
struct Anchoring(Arc<KeyringPlace>);

impl Drop for Anchoring {
    fn drop(&mut self) {
        self.0.anchoring.store(false, Ordering::SeqCst);
    }
}

fn unanswered() -> KeyringFault {
    KeyringFault(Trouble::Silent, UNANSWERED.to_owned())
}

impl Sealer for Vault {
    fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        seal::seal(self.keys()?.as_ref(), self.entropy.as_ref(), context, plain)
    }

    fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        seal::open(self.keys()?.as_ref(), context, sealed)
    }
}

impl Signer for Vault {
    fn public_key(&self) -> Option<[u8; 32]> {
        self.keys().ok().map(|keys| keys.public())
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        self.keys().ok().map(|keys| keys.sign(message))
    }

    fn anchor(&self, checkpoint: &Anchor) {
        let Ok(keys) = self.keys() else { return };
        let text = anchor::write(&keys, checkpoint);
        match &self.place {
            // An anchor that cannot be written shows in the next verification; a Call must not fail for it.
            Place::Beside(path) => drop(file::replace(path, &text)),
            Place::Keyring(place) => {
                if place.anchoring.swap(true, Ordering::SeqCst) {
                    return;
                }
                let theirs = Anchoring(Arc::clone(place));
                let _ = bounded(place.patience, move || {
                    let place = &theirs.0;
                    let _ = place.keyring.write(&place.anchor_entry(), text.as_bytes());
                });
            }
        }
    }

    fn anchored(&self, log_id: &str) -> Result<Option<Anchor>, AnchorFault> {
        let fault = |text: &str| AnchorFault(text.to_owned());
        let keys = self.keys().map_err(|why| AnchorFault(why.to_string()))?;
        let text = match &self.place {
            Place::Beside(path) => match std::fs::read(path) {
                Ok(text) => Some(Zeroizing::new(text)),
                Err(why) if why.kind() == io::ErrorKind::NotFound => None,
                Err(why) => return Err(AnchorFault(format!("{}: {why}", path.display()))),
            },
            Place::Keyring(place) => {
                let theirs = Arc::clone(place);
                bounded(place.patience, move || theirs.keyring.read(&theirs.anchor_entry()))
                    .ok_or_else(|| fault(UNANSWERED))?
                    .map_err(|why| AnchorFault(why.to_string()))?
            }
        };
        let Some(text) = text else { return Ok(None) };
        let found = anchor::parse(&text).ok_or_else(|| fault("the anchor is damaged"))?;
        if found.public_key != keys.public() {
            return Err(fault("the anchor is signed with another key"));
        }
        Ok(Some(found.anchor).filter(|anchor| anchor.log_id == log_id))
    }
}

impl KeyringPlace {
    fn anchor_entry(&self) -> String {
        format!("{}.anchor", self.entry)
    }
}

#[cfg(test)]
mod tests;
