//! What the Host knows of itself, for views and for `doctor`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prokura_api::view::CheckView;
use prokura_api::{Failure, Folders, Surroundings};
use prokura_domain::level::Passphrase;
use prokura_domain::{AccountId, Agent, ServerId};
use prokura_gateway::{Gateway, LinePlan, Router};
use prokura_store::Store;
use prokura_upstream::Directory;
use prokura_vault::{Vault, VaultState};
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

use crate::collector::Progress;
use crate::folder::default_data_dir;
use crate::{backup, doctor};

/// See [`Surroundings`].
pub(crate) struct Around {
    pub http: String,
    pub data: PathBuf,
    pub vault: Arc<Vault>,
    pub store: Store,
    pub progress: Arc<Progress>,
    /// The entrance for Agents, once it is there.
    pub entrance: Arc<OnceLock<Entrance>>,
}

/// The entrance, for Agents of this process.
pub(crate) struct Entrance {
    pub router: Router,
    pub stop: CancellationToken,
}

/// What is held between the two ends; more waits for the reader.
const HELD: usize = 64 * 1024;
/// An Agent of this process is known at once, so it is never told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

impl Surroundings for Around {
    fn http(&self) -> String {
        self.http.clone()
    }

    fn data(&self) -> String {
        self.data.display().to_string()
    }

    fn other_data(&self) -> Option<PathBuf> {
        (self.data != default_data_dir())
            .then(|| std::path::absolute(&self.data).unwrap_or_else(|_| self.data.clone()))
    }

    fn vault(&self) -> (bool, String) {
        match self.vault.state() {
            VaultState::Open => (true, "open".to_owned()),
            VaultState::Locked(why) => (false, why),
        }
    }

    fn folders(&self) -> Folders {
        let home = dirs::home_dir().unwrap_or_default();
        let config = dirs::config_dir().unwrap_or_else(|| home.join(".config"));
        Folders { home, config }
    }

    fn program(&self) -> PathBuf {
        own_program()
    }

    fn collected(&self) -> prokura_api::Collected {
        self.progress.get()
    }

    fn back_up(&self, passphrase: &Passphrase, to: &Path) -> Result<(), Failure> {
        backup::write((&self.store, &self.vault), &self.data, passphrase, to)
    }

    fn let_in(&self, agent: Agent, place: String) -> DuplexStream {
        let (theirs, ours) = tokio::io::duplex(HELD);
        if let Some(Entrance { router, stop }) = self.entrance.get() {
            let (router, stop) = (router.clone(), stop.clone());
            let plan = LinePlan { place: Some(place), patience: PATIENCE };
            tokio::spawn(async move {
                let admitted = std::future::ready(Ok(agent));
                let ends = (std::future::pending(), stop);
                Gateway::lines(router, plan, admitted, tokio::io::split(ours), ends).await;
            });
        }
        theirs
    }

    fn checks(&self) -> Vec<CheckView> {
        doctor::of_running(self)
    }
}

/// The `prokura` program. The window's program lies beside it.
pub(crate) fn own_program() -> PathBuf {
    let name = format!("prokura{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().map(|this| this.with_file_name(&name)).unwrap_or_else(|_| name.into())
}

/// Where Servers are, read from the store at the moment of sending.
pub(crate) struct StoreDirectory(pub Store);

impl Directory for StoreDirectory {
    fn endpoint(&self, server: &ServerId, account: &AccountId) -> Option<(String, String)> {
        let account = self.0.account(account).ok().flatten()?;
        let server = self.0.server(server).ok().flatten()?;
        (account.server == server.id).then_some((server.name, server.endpoint))
    }
}
