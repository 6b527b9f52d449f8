//! The OS keyring. Its calls block, and may block for as long as a person lets a prompt stand, so nobody may call it
//! on a thread that others wait for: see [`bounded`].

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi as _;
use zeroize::Zeroizing;

use crate::trouble::Trouble;

/// How long anybody waits for the keyring.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// Why the keyring gave nothing; the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{1}")]
pub(crate) struct KeyringFault(pub(crate) Trouble, pub(crate) String);

/// A keyring; blocking.
pub(crate) trait Keyring: Send + Sync {
    /// What is stored under `entry`.
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringFault>;

    /// Stores `value` under `entry`.
    fn write(&self, entry: &str, value: &[u8]) -> Result<(), KeyringFault>;
}

/// The keyring of this user. It connects anew each time: a connection that failed once must not be remembered.
pub(crate) struct OsKeyring {
    service: String,
}

impl OsKeyring {
    pub(crate) fn new(service: String) -> Self {
        Self { service }
    }

    fn entry(&self, entry: &str) -> Result<keyring_core::Entry, Error> {
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new()?;
        #[cfg(target_os = "windows")]
        let store = windows_native_keyring_store::Store::new()?;
        #[cfg(all(unix, not(target_os = "macos")))]
        let store = zbus_secret_service_keyring_store::Store::new()?;
        store.build(&self.service, entry, None)
    }
}

impl Keyring for OsKeyring {
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringFault> {
        match self.entry(entry).and_then(|entry| entry.get_secret()) {
            Ok(value) => Ok(Some(Zeroizing::new(value))),
            Err(Error::NoEntry) => Ok(None),
            Err(fault) => Err(told(&fault)),
        }
    }

    fn write(&self, entry: &str, value: &[u8]) -> Result<(), KeyringFault> {
        self.entry(entry).and_then(|entry| entry.set_secret(value)).map_err(|fault| told(&fault))
    }
}

/// What a person can do about it. The stored bytes that some faults carry are left out.
fn told(fault: &Error) -> KeyringFault {
    let (trouble, text) = match fault {
        Error::NoStorageAccess(why) if why.to_string().contains("dismissed") => (
            Trouble::Dismissed,
            "the keyring's prompt was dismissed, so it stays locked; unlock it when you are asked again".to_owned(),
        ),
        Error::NoStorageAccess(_) => (
            Trouble::Locked,
            "the keyring is locked; unlock it (log in to the desktop, or open it in the password program)".to_owned(),
        ),
        Error::PlatformFailure(why) => (
            Trouble::NoKeyring,
            format!(
                "no keyring answers ({why}); start one such as gnome-keyring or KWallet, or start with a key file"
            ),
        ),
        Error::Ambiguous(_) => (
            Trouble::Damaged,
            "the keyring holds several entries for this data folder; remove the wrong ones".to_owned(),
        ),
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => (
            Trouble::Damaged,
            "the keyring's entry is damaged; restore it from a backup of the keyring".to_owned(),
        ),
        other => (Trouble::NoKeyring, format!("the keyring cannot be used ({other})")),
    };
    KeyringFault(trouble, text)
}

/// Runs `ask` on a thread of its own and waits at most `patience`. `None`: no answer yet; the thread goes on alone.
pub(crate) fn bounded<T: Send + 'static>(
    patience: Duration,
    ask: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = mpsc::channel();
    let started = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = answer.send(ask());
    });
    started.ok().and_then(|_| answered.recv_timeout(patience).ok())
}
