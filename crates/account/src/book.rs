//! The Accounts of all Servers: what every use case here shares. It must never hand a token to a Server that it was not
//! issued for, nor keep one outside the Vault's seal.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prokura_domain::port::Sealer;
use prokura_domain::{
    Account, AccountId, AccountKind, AccountState, Change, Clock, Durability, Entropy, Event, Json,
    RecordKind, Server, Subject, Timestamp,
};
use prokura_store::{Log, Store};
use prokura_vault::{Vault, VaultState};
use url::Url;

use crate::client::Client;
use crate::discovery::Issuer;
use crate::dpop::Nonces;
use crate::error::AccountError;
use crate::http::{Guard, Network};
use crate::name;
use crate::network;
use crate::proof::Flights;
use crate::sign_in::Desk;
use crate::step_up::Upgrades;
use crate::text;
use crate::token::Talk;

/// How long an authorization server's metadata is used again for refresh and revocation.
const METADATA_SECONDS: i64 = 600;

/// What a host decides about Accounts.
#[derive(Debug, Clone)]
pub struct Options {
    /// How Prokura calls itself when it registers.
    pub client_name: String,
    /// The URL of a client metadata document, where there is one.
    pub client_document: Option<String>,
    /// Names and roots for every request.
    pub network: Network,
}

/// The use cases of Accounts.
#[derive(Clone)]
pub struct AccountBook(pub(crate) Arc<Book>);

impl fmt::Debug for AccountBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountBook").finish_non_exhaustive()
    }
}

/// What was read of authorization servers and when, by endpoint and issuer.
type Issuers = HashMap<(String, String), (Timestamp, Arc<Issuer>)>;

pub(crate) struct Book {
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) options: Options,
    changes: Arc<dyn Fn(Change) + Send + Sync>,
    /// By endpoint, with the version of the network they were built over.
    guards: Mutex<HashMap<String, (u64, Guard)>>,
    issuers: Mutex<Issuers>,
    keys: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) flights: Flights,
    pub(crate) desk: Desk,
    pub(crate) upgrades: Upgrades,
    pub(crate) nonces: Nonces,
}

impl AccountBook {
    /// The Accounts in `store`, their secrets sealed by `vault`; every change is told to `changes`.
    ///
    /// # Errors
    /// [`AccountError`] when the client metadata document's URL cannot be one.
    pub fn new(
        store: Store,
        log: Log,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: Options,
        changes: Arc<dyn Fn(Change) + Send + Sync>,
    ) -> Result<Self, AccountError> {
        if let Some(document) = &options.client_document {
            // CA-13: https, with a path.
            let fits = Url::parse(document).is_ok_and(|url| {
                url.scheme() == "https" && url.path() != "/" && url.fragment().is_none()
            });
            if !fits {
                return Err(AccountError::BadMetadata {
                    url: text::printable(document, 200),
                    reason: "a client document needs an https URL with a path".to_owned(),
                });
            }
        }
        network::apply(&store, &options.network)?;
        Ok(Self(Arc::new(Book {
            store,
            log,
            vault,
            clock,
            entropy,
            options,
            changes,
            guards: Mutex::default(),
            issuers: Mutex::default(),
            keys: Mutex::default(),
            flights: Flights::default(),
            desk: Desk::default(),
            upgrades: Upgrades::default(),
            nonces: Nonces::default(),
        })))
    }

    /// The Account of a Server that asks for nothing; made when it is not there yet.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails.
    pub async fn ensure_anonymous(&self, server: &Server) -> Result<Account, AccountError> {
        let book = &self.0;
        let _turn = book.turn(server.id.as_str()).await;
        let known = book.store.accounts(&server.id)?;
        if let Some(account) = known.iter().find(|a| a.kind == AccountKind::Anonymous) {
            return Ok(account.clone());
        }
        let taken: Vec<String> = known.into_iter().map(|account| account.name).collect();
        let account =
            book.fresh(server, AccountKind::Anonymous, name::unique(name::ANONYMOUS, &taken));
        book.store.put_account(&account)?;
        book.changed(Change::Accounts);
        Ok(account)
    }
}

impl Book {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn changed(&self, change: Change) {
        (self.changes)(change);
    }

    /// A new Account that is not stored yet.
    pub(crate) fn fresh(&self, server: &Server, kind: AccountKind, name: String) -> Account {
        Account {
            id: AccountId::new(self.entropy.as_ref()),
            server: server.id.clone(),
            name,
            kind,
            state: AccountState::SignedIn,
            issuer: None,
            resource: None,
            subject: None,
            tenant: None,
            scopes: Vec::new(),
            generation: 0,
            expires_at: None,
            added_at: self.now(),
        }
    }

    /// An Account and its Server, as they are stored now.
    pub(crate) fn account(&self, id: &AccountId) -> Result<(Account, Server), AccountError> {
        let account = self.store.account(id)?.ok_or(AccountError::NoAccount)?;
        let server = self.store.server(&account.server)?.ok_or(AccountError::NoServer)?;
        Ok((account, server))
    }

    /// The endpoint of a Server, and the guarded way to it and to what it points at.
    pub(crate) fn way_to(&self, server: &Server) -> Result<(Guard, Url), AccountError> {
        let endpoint = endpoint(server)?;
        let version = self.options.network.version();
        let mut guards = lock(&self.guards);
        let guard = match guards.get(endpoint.as_str()) {
            Some((of, guard)) if *of == version => guard.clone(),
            Some(_) | None => {
                let guard = Guard::new(&endpoint, &self.options.network)?;
                guards.insert(endpoint.to_string(), (version, guard.clone()));
                guard
            }
        };
        Ok((guard, endpoint))
    }

    /// A guarded way to `url` by its own right: the person entered it.
    pub(crate) fn way_by_itself(&self, url: &Url) -> Result<Guard, AccountError> {
        Ok(Guard::new(url, &self.options.network)?)
    }

    /// A conversation with an authorization server, with tokens that are bound to nothing.
    pub(crate) fn talk<'a>(
        &'a self,
        guard: &'a Guard,
        issuer: &'a Issuer,
        client: &'a Client,
        resource: &'a str,
    ) -> Talk<'a> {
        Talk {
            guard,
            issuer,
            client,
            resource,
            key: None,
            nonces: &self.nonces,
            now: self.now(),
            entropy: self.entropy.as_ref(),
        }
    }

    /// The metadata of an Account's authorization server, read again when it is not fresh.
    pub(crate) async fn issuer(
        &self,
        guard: &Guard,
        server: &Server,
        issuer: &str,
    ) -> Result<Arc<Issuer>, AccountError> {
        let key = (server.endpoint.clone(), issuer.to_owned());
        let now = self.now();
        let is_fresh = |at: Timestamp| (0..METADATA_SECONDS * 1000).contains(&now.millis_since(at));
        if let Some((at, known)) = lock(&self.issuers).get(&key)
            && is_fresh(*at)
        {
            return Ok(known.clone());
        }
        let read = Arc::new(Issuer::read(guard, issuer, self.excuses(server)?).await?);
        lock(&self.issuers).insert(key, (now, read.clone()));
        Ok(read)
    }

    /// Forgets what was read of an authorization server, because it did not do as it said.
    pub(crate) fn forget_issuer(&self, server: &Server, issuer: &str) {
        lock(&self.issuers).remove(&(server.endpoint.clone(), issuer.to_owned()));
    }

    /// Forgets what was read of all authorization servers of a Server.
    pub(crate) fn forget_issuers(&self, server: &Server) {
        lock(&self.issuers).retain(|(endpoint, _), _| *endpoint != server.endpoint);
    }

    /// Waits for the turn to change what `key` names. Nobody else changes it until the turn is dropped.
    pub(crate) async fn turn(&self, key: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut keys = lock(&self.keys);
            // Turns nobody holds or waits for are of no use any more.
            keys.retain(|_, turn| Arc::strong_count(turn) > 1);
            keys.entry(key.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// Refuses early while the Vault is locked: tokens that could not be kept are not asked for.
    pub(crate) fn needs_vault(&self) -> Result<(), AccountError> {
        match self.vault.state() {
            VaultState::Open => Ok(()),
            VaultState::Locked(why) => Err(AccountError::VaultLocked(why)),
        }
    }

    pub(crate) fn sealer(&self) -> &dyn Sealer {
        self.vault.as_ref()
    }

    /// Writes one event to the audit log. `detail` never holds a token or a code.
    pub(crate) async fn record(
        &self,
        kind: RecordKind,
        server: &Server,
        account: Option<&Account>,
        detail: Vec<(&str, Json)>,
    ) -> Result<(), AccountError> {
        let subject = Subject {
            server: Some((server.id.to_string(), server.name.clone())),
            account: account.map(|account| (account.id.to_string(), account.name.clone())),
            ..Subject::default()
        };
        let event = Event::new(kind, Json::object(detail)).about(subject);
        self.log.append(event, Durability::Logged).await?;
        Ok(())
    }

    /// The Account as it is stored now; `None` when its tokens were written since. One that was removed meanwhile is an
    /// error, so that nothing makes it again.
    pub(crate) fn unchanged(&self, account: &Account) -> Result<Option<Account>, AccountError> {
        let stored = self.store.account(&account.id)?.ok_or(AccountError::NoAccount)?;
        Ok(Some(stored).filter(|stored| stored.generation == account.generation))
    }

    /// Notes that an Account needs the person, unless that is known already.
    pub(crate) fn needs_sign_in(&self, account: &Account) -> Result<(), AccountError> {
        if let Some(mut account) = self.unchanged(account)?
            && account.state == AccountState::SignedIn
        {
            account.state = AccountState::NeedsSignIn;
            self.store.put_account(&account)?;
            self.changed(Change::Accounts);
        }
        Ok(())
    }
}

/// The endpoint of a Server.
pub(crate) fn endpoint(server: &Server) -> Result<Url, AccountError> {
    Url::parse(&server.endpoint)
        .map_err(|_| AccountError::BadEndpoint(text::printable(&server.endpoint, 200)))
}

/// The value behind a lock; a panic elsewhere does not make it unusable, because every change to it is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
