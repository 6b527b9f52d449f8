//! The only place that can open a secret: one master key, in the OS keyring or a file given explicitly, from which
//! every sealing key and the signing key of the log are derived.
//! It must never write a key or a secret in clear, make a new key where an old one is missing, or hang its caller.

mod anchor;
mod backup;
mod error;
mod file;
mod keyring;
mod keys;
mod marker;
mod passphrase;
mod seal;
mod secret;
mod trouble;
mod vault;

pub use anchor::{AnchorFile, read_anchor_file};
pub use backup::{BackupFault, Restored, restore};
pub use error::VaultError;
pub use secret::Secret;
pub use trouble::Trouble;
pub use vault::{KeySource, Vault, VaultState};
pub use zeroize::Zeroizing;
