//! Why a Vault could not be set up. A locked keyring is not among it: that is a state, not an error.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a Vault could not be set up from what was given. Every sentence says what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// The key file is not usable.
    #[error(
        "the key file {} {fault}; it has to hold exactly 32 random bytes and be readable by its owner only \
         (make one with: head -c 32 /dev/urandom > FILE && chmod 600 FILE)",
        path.display()
    )]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The passphrase file is not usable.
    #[error(
        "the passphrase file {} {fault}; it has to hold one line of text and be readable by its owner only (chmod 600)",
        path.display()
    )]
    PassphraseFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The key given is not the one the data was sealed with.
    #[error(
        "the key given by {} is not the key this data folder was sealed with; give the key that belongs to it",
        path.display()
    )]
    OtherKey {
        /// The file that was given.
        path: PathBuf,
    },
    /// The data folder was sealed with another kind of key.
    #[error(
        "this data folder was sealed with {wanted}, and {given} was given; start with {wanted}, or use another folder"
    )]
    OtherSource {
        /// What it was sealed with.
        wanted: &'static str,
        /// What was given.
        given: &'static str,
    },
    /// The marker of the data folder cannot be read.
    #[error("{} is damaged ({fault}); restore it from a backup of the data folder", path.display())]
    Marker {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The anchor file cannot be used.
    #[error("the anchor file {} {fault}", path.display())]
    AnchorFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written ({source}); make it writable or choose another data folder", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: Arc<io::Error>,
    },
    /// The passphrase could not be turned into a key.
    #[error("the passphrase could not be turned into a key: {0}")]
    Derivation(String),
}
