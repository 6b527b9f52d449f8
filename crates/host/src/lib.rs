//! All parts wired to one data folder: starts, stops, recovers. Used by the Shell and by the `prokura` program.
//! It must never decide or carry a message itself.

mod backup;
pub mod bridge;
mod collector;
pub mod control;
mod copied;
pub mod doctor;
mod door;
mod folder;
mod guard;
#[cfg(unix)]
pub mod keeper;
mod kin;
mod local;
pub mod notice;
mod presence;
mod process;
mod program;
mod start;
mod surroundings;
mod time;

use std::path::PathBuf;
use std::sync::Arc;

use prokura_account::AccountError;
use prokura_api::Api;
use prokura_domain::Change;
use prokura_domain::port::Prompter;
use prokura_gateway::GatewayError;
use prokura_store::StoreError;
use prokura_vault::VaultError;
use tokio::sync::broadcast;

pub use backup::restore;
pub use folder::default_data_dir;
pub use start::Host;
pub use time::{SystemClock, SystemEntropy};

/// Where the master key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultChoice {
    /// The OS keyring.
    Keyring,
    /// A file with exactly 32 random bytes, mode 600; the keyring is not touched.
    KeyFile(PathBuf),
    /// A file with a passphrase, mode 600; the keyring is not touched.
    PassphraseFile(PathBuf),
}

/// How a Host is started.
pub struct Options {
    /// The data folder; made when it does not exist.
    pub data: PathBuf,
    /// The port of the gateway. `None` and 0: the folder's own, or a free one that becomes it.
    pub port: Option<u16>,
    /// Where the master key is.
    pub vault: VaultChoice,
    /// The way to the person.
    pub prompter: Arc<dyn Prompter>,
    /// The URL of a published client metadata document, by which Prokura names itself where an authorization server
    /// takes one (REG CIMD). `None`: the folder's own, if it has one; it is kept.
    pub client_document: Option<String>,
    /// Whether the folder's port is given up for another one, because somebody else has listened there.
    pub new_port: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("data", &self.data).finish_non_exhaustive()
    }
}

/// Why a Host did not start. Every sentence says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Another Host has the folder.
    #[error(
        "another Prokura is running on the data folder {0}; use that one, or choose another folder with --data"
    )]
    InUse(PathBuf),
    /// The folder cannot be used.
    #[error("the data folder {path} cannot be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault was set up otherwise.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Accounts cannot be used.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The endpoint for agents cannot be opened.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The old address could not be given up.
    #[error("the sign-ins at the old address could not be ended: {0}")]
    GivenUp(String),
    /// The control socket cannot be opened.
    #[error("the control socket {path} cannot be opened: {source}")]
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Host {
    /// Everything that can be asked of it.
    #[must_use]
    pub fn api(&self) -> Arc<Api> {
        Arc::clone(&self.0.api)
    }

    /// What changed, as it changes.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// The address agents use.
    #[must_use]
    pub fn http(&self) -> &str {
        &self.0.http
    }
}
