//! What the interface and the command line may ask and are told: requests, views, events, failures.
//! It must never decide, hold a secret longer than a request lasts, or know a window.

#![deny(clippy::wildcard_enum_match_arm)]

mod answer;
pub mod arguments;
pub mod audit;
pub mod evidence;
pub mod export;
pub mod failure;
mod fault;
pub mod pieces;
pub mod places;
pub mod portable;
pub mod request;
pub mod view;
mod wish;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prokura_account::AccountBook;
use prokura_delegation::Delegation;
use prokura_domain::level::Passphrase;
use prokura_domain::port::Sealer;
use prokura_domain::{Agent, Change, Server};
use prokura_store::{Log, Store};
pub use prokura_wiring::Folders;
use tokio::sync::broadcast;

pub use audit::AuditFilter;
pub use failure::{Failure, FailureCode};
pub use prokura_domain::{GuardrailOrigin, Origin};
pub use request::{
    AccessWish, AccountWish, AnswerWish, AskingWish, AuditWish, BundleWish, ClientWish,
    ConfineWish, FilledWish, GrantWish, GuardrailWish, LaunchWish, LocalWish, MachineWish,
    NetworkWish, Request, RulesWish, RunWish, SignInChoice, SimulationWish, WireWish, seconds_in,
};
pub use wish::RunCall;

/// How far the collector is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// The newest record that was taken.
    pub sent: i64,
    /// What is in the way of more.
    pub fault: Option<String>,
    /// How many it refused for good.
    pub refused: i64,
    /// What it said of that.
    pub why: Option<String>,
    /// What is in the way of traces.
    pub traces: Option<String>,
    /// What is in the way of metrics.
    pub metrics: Option<String>,
}

/// What `host` knows of itself.
pub trait Surroundings: Send + Sync {
    /// The address agents use.
    fn http(&self) -> String;
    /// The data folder, for people.
    fn data(&self) -> String;
    /// The data folder, where it is another than the one that programs look in by themselves.
    fn other_data(&self) -> Option<PathBuf>;
    /// Whether the vault is open, and a sentence about it.
    fn vault(&self) -> (bool, String);
    /// Where the person's files are.
    fn folders(&self) -> Folders;
    /// The `prokura` program.
    fn program(&self) -> PathBuf;
    /// The newest record that the collector took, and what is in the way of more.
    fn collected(&self) -> Collected;
    /// Writes a backup of everything into a new file.
    ///
    /// # Errors
    /// [`Failure`] when the vault is locked, or the file cannot be written or is there already.
    fn back_up(&self, passphrase: &Passphrase, to: &Path) -> Result<(), Failure>;
    /// Lets an Agent of this process in, as one that came in over a socket: MCP, line by line, to one Server as
    /// `NAME@ACCOUNT`. Dropping it is leaving.
    fn let_in(&self, agent: Agent, place: String) -> tokio::io::DuplexStream;
    /// Looks for trouble outside of the parts below: keyring, folder, port.
    fn checks(&self) -> Vec<view::CheckView>;
}

/// What `host` hands in.
pub struct Parts {
    /// What is remembered.
    pub store: Store,
    /// The audit log.
    pub log: Log,
    /// The use cases.
    pub delegation: Delegation,
    /// The use cases of Accounts.
    pub accounts: AccountBook,
    /// Keeps what has to be taken back one day.
    pub sealer: Arc<dyn Sealer>,
    /// What the Host knows of itself.
    pub surroundings: Arc<dyn Surroundings>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// Everything that can be asked of a Host.
pub struct Api(Parts, wish::Runs);

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

impl Api {
    /// The border over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(parts, wish::Runs::default())
    }

    /// What changed, as it changes.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.delegation.changes()
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    /// A Server by name or id.
    fn server_named(&self, name: &str) -> Result<Server, Failure> {
        self.store().find_server(name)?.ok_or_else(|| {
            Failure::new(
                FailureCode::NotFound,
                format!("There is no server \"{name}\"."),
                "List the servers with `prokura servers list`.",
            )
        })
    }
}
