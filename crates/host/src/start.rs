//! Starting, recovering and stopping.

mod keep;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prokura_account::http::Network;
use prokura_account::{AccountBook, Options as AccountOptions, PublicDocuments};
use prokura_api::Api;
use prokura_delegation::{Delegation, Parts};
use prokura_domain::id::base32;
use prokura_domain::port::{Accounts, Passphrases, Prompter, Sealer, Signer};
use prokura_domain::{Change, Clock, Durability, Entropy, Event, Json, RecordKind};
use prokura_gateway::{Gateway, GatewayError, Router};
use prokura_store::{Log, Store, StoreError};
use prokura_upstream::HttpUpstream;
use prokura_upstream::local::LocalUpstream;
use prokura_vault::{KeySource, Vault};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::collector::{self, Progress, Sender, Signal};
use crate::control::Control;
use crate::copied;
use crate::door::{Behind, Door};
use crate::folder::{Folder, agents_socket_of, socket_of};
use crate::guard::Guard;
use crate::local::{self, Ways};
use crate::surroundings::{Around, Entrance, StoreDirectory};
use crate::{HostError, Options, SystemClock, SystemEntropy, VaultChoice};

/// Ports that are tried first for a new folder.
const PORTS: std::ops::Range<u16> = 47200..47300;
/// The setting that holds the URL of the client metadata document; empty is none.
const CLIENT_DOCUMENT: &str = "client_document";

/// A running Host.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("http", &self.0.http).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub api: Arc<Api>,
    pub changes: broadcast::Sender<Change>,
    pub http: String,
    log: Log,
    accounts: AccountBook,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    _folder: Folder,
}

/// What everything is built on.
struct Ground {
    store: Store,
    log: Log,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    changes: broadcast::Sender<Change>,
    /// One for everything that goes out: what the person sets holds everywhere at once.
    network: Network,
    progress: Arc<Progress>,
}

impl Host {
    /// Starts a Host on a data folder.
    ///
    /// # Errors
    /// [`HostError`] says what is in the way and what to do.
    pub async fn start(options: Options) -> Result<Self, HostError> {
        Self::start_at(options, Arc::new(SystemClock)).await
    }

    /// Starts a Host that lives by another clock.
    ///
    /// # Errors
    /// [`HostError`] says what is in the way and what to do.
    pub async fn start_at(options: Options, clock: Arc<dyn Clock>) -> Result<Self, HostError> {
        let folder = Folder::hold(&options.data)?;
        let ground = ground(&folder.path, options.vault, clock).await?;
        recover(&ground).await?;
        let own = own_port(&ground.store)?;
        let listener = listen(own, options.port, options.new_port).await?;
        let port = listener.local_addr().map_or(0, |address| address.port());
        let http = format!("http://127.0.0.1:{port}");
        if let Some(url) = &options.client_document {
            ground.store.put_setting(CLIENT_DOCUMENT, url)?;
        }
        let accounts = accounts(&ground)?;
        doubt_a_copy(&ground, &folder.path, &accounts).await?;
        let guard = Guard::new();
        let (local, incidents) =
            local::way(&folder.path, (&ground.store, &accounts), &ground.entropy, &guard);
        let delegation = delegation(&ground, (&accounts, &local), options.prompter)?;
        keep_address(&ground, &delegation, own, port).await?;
        let entrance = Arc::new(OnceLock::new());
        let around = around(&ground, &http, &folder, &entrance);
        let api = Arc::new(api(&ground, &delegation, &accounts, around));
        let (control, door) = sockets(&folder.path)?;
        note(&ground.log, RecordKind::HostStarted, Json::object([("http", Json::text(&http))]))
            .await?;
        let stop = CancellationToken::new();
        let path = Arc::new(delegation.clone());
        let sealer = Arc::clone(&ground.vault) as Arc<dyn Sealer>;
        let router = Gateway::router(path, Arc::clone(&ground.entropy), sealer, port);
        entrance.get_or_init(|| Entrance { router: router.clone(), stop: stop.clone() });
        let behind = Behind {
            router: router.clone(),
            delegation: delegation.clone(),
            guard: Arc::clone(&guard),
            stop: stop.clone(),
        };
        let tasks = vec![
            tokio::spawn(serve(listener, router, stop.clone())),
            tokio::spawn(control.serve(Arc::clone(&api), guard, stop.clone())),
            tokio::spawn(door.serve(behind)),
            tokio::spawn(local::attend(delegation.clone(), local, incidents, stop.clone())),
            tokio::spawn(keep::log(delegation.clone(), stop.clone())),
            tokio::spawn(collector::run(sender(&ground, &delegation), stop.clone())),
            tokio::spawn(keep::time(delegation, stop.clone())),
            tokio::spawn(keep::vault(ground.vault, ground.changes.clone(), stop.clone())),
        ];
        Ok(Self(Arc::new(Inner {
            api,
            changes: ground.changes,
            http,
            log: ground.log,
            accounts,
            stop,
            tasks: Mutex::new(tasks),
            _folder: folder,
        })))
    }

    /// Stops in good order: no new calls, a last record, a checkpoint, an anchor.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.accounts.close();
        let tasks: Vec<JoinHandle<()>> = {
            let mut held = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            held.drain(..).collect()
        };
        if tasks.is_empty() {
            return;
        }
        for task in tasks {
            // A task that panicked has nothing left to stop.
            let _ = task.await;
        }
        let noted = note(&self.0.log, RecordKind::HostStopped, Json::object::<String>([])).await;
        if let Err(error) = noted {
            tracing::error!(%error, "the stop could not be recorded");
        }
        let log = self.0.log.clone();
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
    }
}

/// What the windows and the command line wish to.
fn api(
    ground: &Ground,
    delegation: &Delegation,
    accounts: &AccountBook,
    surroundings: Around,
) -> Api {
    Api::new(prokura_api::Parts {
        store: ground.store.clone(),
        log: ground.log.clone(),
        delegation: delegation.clone(),
        accounts: accounts.clone(),
        sealer: Arc::clone(&ground.vault) as Arc<dyn Sealer>,
        surroundings: Arc::new(surroundings),
    })
}

/// What the Host knows of itself.
fn around(
    ground: &Ground,
    http: &str,
    folder: &Folder,
    entrance: &Arc<OnceLock<Entrance>>,
) -> Around {
    Around {
        http: http.to_owned(),
        data: folder.path.clone(),
        vault: Arc::clone(&ground.vault),
        store: ground.store.clone(),
        progress: Arc::clone(&ground.progress),
        entrance: Arc::clone(entrance),
    }
}

/// What sends the log to a collector.
fn sender(ground: &Ground, delegation: &Delegation) -> Sender {
    Sender {
        signal: Signal::Logs,
        store: ground.store.clone(),
        log: ground.log.clone(),
        delegation: delegation.clone(),
        network: ground.network.clone(),
        clock: Arc::clone(&ground.clock),
        progress: Arc::clone(&ground.progress),
    }
}

/// Both sockets of the folder.
fn sockets(folder: &Path) -> Result<(Control, Door), HostError> {
    let fault = |path| move |source| HostError::Control { path, source };
    let control = Control::open(folder).map_err(fault(socket_of(folder)))?;
    let door = Door::open(folder).map_err(fault(agents_socket_of(folder)))?;
    Ok((control, door))
}

async fn ground(
    folder: &Path,
    choice: VaultChoice,
    clock: Arc<dyn Clock>,
) -> Result<Ground, HostError> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let store = Store::open(folder)?;
    let source = match choice {
        VaultChoice::Keyring => KeySource::Keyring {
            service: "prokura".to_owned(),
            entry: entry_of(&store, &*entropy)?,
        },
        VaultChoice::KeyFile(path) => KeySource::KeyFile(path),
        VaultChoice::PassphraseFile(path) => KeySource::PassphraseFile(path),
    };
    let (path, random) = (folder.to_owned(), Arc::clone(&entropy));
    // The keyring can take its time to answer.
    let opened = tokio::task::spawn_blocking(move || Vault::open(source, &path, random)).await;
    let vault = Arc::new(opened.map_err(|error| HostError::Folder {
        path: folder.to_owned(),
        source: std::io::Error::other(error),
    })??);
    let log = Log::open(
        &store,
        Arc::clone(&clock),
        Arc::clone(&entropy),
        Arc::clone(&vault) as Arc<dyn Sealer>,
        Arc::clone(&vault) as Arc<dyn Signer>,
    )?;
    let (changes, _) = broadcast::channel(256);
    let network = Network::system();
    let progress = Arc::default();
    Ok(Ground { store, log, vault, clock, entropy, changes, network, progress })
}

/// A copied folder renews no sign-in: that would end it in the original.
async fn doubt_a_copy(
    ground: &Ground,
    folder: &Path,
    accounts: &AccountBook,
) -> Result<(), HostError> {
    if copied::is_copy(&ground.store, folder)? {
        accounts.doubt()?;
        note(&ground.log, RecordKind::HostCopied, Json::object::<String>([])).await?;
    }
    Ok(())
}

/// The name of this folder's entry in the keyring: random, so that two folders never share one.
pub(crate) fn entry_of(store: &Store, entropy: &dyn Entropy) -> Result<String, StoreError> {
    const SETTING: &str = "keyring_entry";
    if let Some(entry) = store.setting(SETTING)? {
        return Ok(entry);
    }
    let mut bytes = [0u8; 10];
    entropy.fill(&mut bytes);
    let entry = format!("master-key-{}", base32(&bytes));
    store.put_setting(SETTING, &entry)?;
    Ok(entry)
}

/// Calls whose outcome is unknown, because the last run was killed, are named in the log once.
async fn recover(ground: &Ground) -> Result<(), StoreError> {
    let open = ground.log.open_calls()?;
    if open.is_empty() {
        return Ok(());
    }
    let calls = open.iter().map(|(seq, _)| Json::from(*seq)).collect();
    let detail = Json::object([("outcome_unknown", Json::Array(calls))]);
    note(&ground.log, RecordKind::HostRecovered, detail).await
}

fn delegation(
    ground: &Ground,
    (accounts, local): (&AccountBook, &LocalUpstream),
    prompter: Arc<dyn Prompter>,
) -> Result<Delegation, StoreError> {
    let directory = Arc::new(StoreDirectory(ground.store.clone()));
    let http = HttpUpstream::new(directory, accounts.clone(), ground.network.clone());
    let upstream = Ways { http, local: local.clone() };
    Delegation::new(Parts {
        store: ground.store.clone(),
        log: ground.log.clone(),
        upstream: Arc::new(upstream),
        programs: local::programs(local),
        prompter,
        accounts: Arc::new(accounts.clone()) as Arc<dyn Accounts>,
        documents: Arc::new(PublicDocuments::new(ground.network.clone())),
        passphrases: Arc::clone(&ground.vault) as Arc<dyn Passphrases>,
        presence: crate::presence::of_this_machine(),
        clock: Arc::clone(&ground.clock),
        entropy: Arc::clone(&ground.entropy),
        changes: ground.changes.clone(),
    })
}

async fn note(log: &Log, kind: RecordKind, detail: Json) -> Result<(), StoreError> {
    log.append(Event::new(kind, detail), Durability::Synced).await.map(|_| ())
}

fn accounts(ground: &Ground) -> Result<AccountBook, HostError> {
    let changes = ground.changes.clone();
    let options = AccountOptions {
        client_name: "Prokura".to_owned(),
        client_document: ground.store.setting(CLIENT_DOCUMENT)?.filter(|url| !url.is_empty()),
        network: ground.network.clone(),
    };
    Ok(AccountBook::new(
        ground.store.clone(),
        ground.log.clone(),
        Arc::clone(&ground.vault),
        Arc::clone(&ground.clock),
        Arc::clone(&ground.entropy),
        options,
        Arc::new(move |change| {
            // Nobody listening is fine.
            let _ = changes.send(change);
        }),
    )?)
}

/// Keeps the port. Whoever listens at the old one now must not be shown tokens that still open something.
async fn keep_address(
    ground: &Ground,
    delegation: &Delegation,
    own: Option<u16>,
    port: u16,
) -> Result<(), HostError> {
    if own.is_some_and(|own| own != port) {
        let ended = delegation.end_all_sign_ins().await;
        ended.map_err(|error| HostError::GivenUp(error.to_string()))?;
    }
    Ok(ground.store.put_setting("port", &port.to_string())?)
}

fn own_port(store: &Store) -> Result<Option<u16>, StoreError> {
    Ok(store.setting("port")?.and_then(|text| text.parse::<u16>().ok()))
}

/// The folder's own port, or a free one that becomes it: it is part of the issuer and of every resource.
async fn listen(
    own: Option<u16>,
    wished: Option<u16>,
    give_up: bool,
) -> Result<TcpListener, HostError> {
    if let Some(port) = wished.filter(|port| *port != 0).or(own.filter(|_| !give_up)) {
        return Ok(Gateway::bind(port).await?);
    }
    if wished.is_none() {
        for port in PORTS.filter(|port| Some(*port) != own) {
            match Gateway::bind(port).await {
                Ok(listener) => return Ok(listener),
                Err(GatewayError::PortTaken(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(Gateway::bind(0).await?)
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let ended = Gateway::serve(listener, router, async move { stop.cancelled().await }).await;
    if let Err(error) = ended {
        tracing::error!(%error, "the endpoint for agents broke");
    }
}
