//! A data folder with its store, log and vault, an Account book on it, and a browser.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use prokura_account::http::Network;
use prokura_account::{AccountBook, AccountError, Options, Proof, SignIn};
use prokura_domain::{
    Account, AccountState, AuditLevel, Change, Clock, Entropy, Server, ServerId, Timestamp,
};
use prokura_store::{Log, RecordQuery, Store};
use prokura_vault::{KeySource, Vault};
use tempfile::TempDir;

use crate::authority::Authority;

pub struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).unwrap();
    }
}

pub struct World {
    pub dir: TempDir,
    pub store: Store,
    pub log: Log,
    pub clock: Arc<SetClock>,
    pub book: AccountBook,
    pub changes: Arc<Mutex<Vec<Change>>>,
}

impl World {
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A world whose Prokura has this client metadata document.
    pub fn with(client_document: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("master.key");
        let mut bytes = [0u8; 32];
        RealEntropy.fill(&mut bytes);
        std::fs::write(&key, bytes).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self::at(dir, client_document)
    }

    /// A world whose names and trusted roots are these.
    pub fn over(network: Network) -> Self {
        let world = Self::new();
        let Self { dir, store, log, book, .. } = world;
        drop(book);
        log.close();
        drop((store, log));
        Self::build(dir, None, network)
    }

    fn at(dir: TempDir, client_document: Option<&str>) -> Self {
        Self::build(dir, client_document, Network::system())
    }

    fn build(dir: TempDir, client_document: Option<&str>, network: Network) -> Self {
        let data = dir.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(RealEntropy);
        let clock = Arc::new(SetClock(AtomicI64::new(1_800_000_000_000)));
        let source = KeySource::KeyFile(dir.path().join("master.key"));
        let vault = Arc::new(Vault::open(source, &data, entropy.clone()).unwrap());
        let store = Store::open(&data).unwrap();
        let log = Log::open(&store, clock.clone(), entropy.clone(), vault.clone(), vault.clone())
            .unwrap();
        let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
        let seen = changes.clone();
        let book = AccountBook::new(
            store.clone(),
            log.clone(),
            vault,
            clock.clone(),
            entropy,
            Options {
                client_name: "Prokura".to_owned(),
                client_document: client_document.map(str::to_owned),
                network,
            },
            Arc::new(move |change| seen.lock().unwrap().push(change)),
        )
        .unwrap();
        Self { dir, store, log, clock, book, changes }
    }

    /// The same data folder, opened anew: nothing in memory survives.
    pub fn restarted(self) -> Self {
        let now = self.clock.now();
        let Self { dir, store, log, book, .. } = self;
        drop(book);
        log.close();
        drop((store, log));
        // Names are asked of the system again: what a test made up about them is gone.
        let world = Self::at(dir, None);
        world.clock.0.store(now.0, Ordering::SeqCst);
        world
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub fn server(&self, endpoint: &str) -> Server {
        let server = Server {
            id: ServerId::new(&RealEntropy),
            name: format!("server-{}", self.store.servers().unwrap().len()),
            endpoint: endpoint.to_owned(),
            resource: None,
            audit_level: AuditLevel::Digest,
            launch: None,
            added_at: self.clock.now(),
        };
        self.store.put_server(&server).unwrap();
        server
    }

    /// A new Account at `authority`, signed in.
    pub async fn signed_in(&self, authority: &Authority) -> (Server, Account) {
        let server = self.server(&authority.endpoint());
        let account = self.sign_in(authority, &server).await.unwrap();
        (server, account)
    }

    pub async fn sign_in(
        &self,
        authority: &Authority,
        server: &Server,
    ) -> Result<Account, AccountError> {
        let sign_in = self.book.start_sign_in(server, None, &[]).await?;
        self.finish(authority, &sign_in).await
    }

    pub async fn finish(
        &self,
        authority: &Authority,
        sign_in: &SignIn,
    ) -> Result<Account, AccountError> {
        browse(sign_in, &authority.approve(sign_in)).await;
        self.book.wait_sign_in(&sign_in.id).await
    }

    pub fn state(&self, account: &Account) -> AccountState {
        self.store.account(&account.id).unwrap().unwrap().state
    }

    /// The kinds and bodies of all records about Accounts and tokens, oldest first.
    pub fn records(&self) -> Vec<(String, String)> {
        let query = RecordQuery { limit: 1000, ..RecordQuery::default() };
        let mut all: Vec<_> = self.log.records(&query).unwrap();
        all.reverse();
        all.into_iter()
            .map(|record| (record.kind, record.body))
            .filter(|(kind, _)| kind.starts_with("account.") || kind.starts_with("token."))
            .collect()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.records().into_iter().map(|(kind, _)| kind).collect()
    }
}

/// What a proof puts on a request.
pub fn bearer(proof: &Proof) -> String {
    proof.header().unwrap().1.expose().to_owned()
}

/// Comes back to the redirect address with `answer`; gives status, headers and page.
pub async fn browse(
    sign_in: &SignIn,
    answer: &HashMap<String, String>,
) -> (u16, http::HeaderMap, String) {
    let mut url = url::Url::parse(&sign_in.redirect).unwrap();
    url.query_pairs_mut().extend_pairs(answer);
    visit(url.as_str()).await
}

pub async fn visit(url: &str) -> (u16, http::HeaderMap, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.text().await.unwrap())
}
