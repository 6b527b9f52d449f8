//! What is kept of an Account, sealed: bound to the Account, its resource and its issuer, and to how often it was written.
//! Moved to another row, or put back from an older file, it does not open.

use prokura_domain::port::{Binding, SealContext};
use prokura_domain::{Account, Server};
use prokura_store::Sealed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::book::Book;
use crate::client::{AuthMethod, Client};
use crate::error::AccountError;
use crate::jws::{SigningKey, StoredKey};
use crate::machine::Standing;

const TOKENS: &str = "tokens";
const KEY: &str = "key";
const CLIENT: &str = "client";
const ACCESS: &str = "registration";

/// The tokens of an Account, and the client they were issued to: no other client can refresh or revoke them.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    /// The scopes that were asked for; what was granted is in the Account.
    pub(crate) requested: Vec<String>,
    /// When to refresh, in milliseconds: before the access token expires.
    pub(crate) renew_at: Option<i64>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    #[zeroize(skip)]
    pub(crate) client_method: AuthMethod,
    /// The key they are bound to, where they are.
    #[serde(default)]
    pub(crate) key: Option<StoredKey>,
    /// What new ones are asked for with.
    #[serde(default)]
    pub(crate) standing: Standing,
}

impl Tokens {
    /// Whether new ones can be had without the person.
    pub(crate) fn can_renew(&self) -> bool {
        self.refresh.is_some() || self.standing != Standing::Person
    }

    /// The key they are bound to, ready to sign; a key that does not open is a fault, not the lack of one.
    pub(crate) fn signing_key(&self) -> Result<Option<SigningKey>, AccountError> {
        self.key.as_ref().map(|key| key.open().map_err(|_| AccountError::DoesNotOpen)).transpose()
    }

    /// The client they were issued to.
    pub(crate) fn client(&self) -> Client {
        Client {
            id: self.client_id.clone(),
            secret: self.client_secret.clone().map(Zeroizing::new),
            method: self.client_method,
        }
    }
}

/// A static key.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key {
    pub(crate) header: String,
    pub(crate) value: String,
}

impl Book {
    /// The tokens of an Account; `None` where there are none.
    pub(crate) fn tokens(&self, account: &Account) -> Result<Option<Tokens>, AccountError> {
        self.open(account, TOKENS)
    }

    /// Keeps the tokens of an Account, with the Account as it is now; both are on the disk when this returns.
    pub(crate) fn keep_tokens(
        &self,
        account: &mut Account,
        tokens: &Tokens,
    ) -> Result<(), AccountError> {
        self.keep(account, TOKENS, tokens)
    }

    /// The static key of an Account.
    pub(crate) fn key(&self, account: &Account) -> Result<Option<Key>, AccountError> {
        self.open(account, KEY)
    }

    /// Keeps the static key of an Account.
    pub(crate) fn keep_key(&self, account: &mut Account, key: &Key) -> Result<(), AccountError> {
        self.keep(account, KEY, key)
    }

    /// The secret of the client that `server` uses at `issuer`.
    pub(crate) fn client_secret(
        &self,
        server: &Server,
        issuer: &str,
        generation: u64,
    ) -> Result<Option<Zeroizing<String>>, AccountError> {
        let row = client_row(server, issuer);
        let Some(sealed) = self.store.secret(&row, CLIENT)? else { return Ok(None) };
        let plain = self.sealer().open(&client_context(&row, generation), &sealed.bytes)?;
        let text = std::str::from_utf8(&plain).map_err(|_| AccountError::DoesNotOpen)?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// Keeps or forgets the secret of the client that `server` uses at `issuer`.
    pub(crate) fn keep_client_secret(
        &self,
        server: &Server,
        issuer: &str,
        generation: u64,
        secret: Option<&str>,
    ) -> Result<(), AccountError> {
        let row = client_row(server, issuer);
        match secret {
            None => self.store.remove_secrets(&row)?,
            Some(secret) => {
                let bytes =
                    self.sealer().seal(&client_context(&row, generation), secret.as_bytes())?;
                self.store.put_secret(&row, CLIENT, &Sealed { generation, bytes })?;
            }
        }
        Ok(())
    }

    /// What a registration is deleted with.
    pub(crate) fn access_text(
        &self,
        server: &Server,
        issuer: &str,
    ) -> Result<Option<Zeroizing<String>>, AccountError> {
        let row = client_row(server, issuer);
        let Some(sealed) = self.store.secret(&row, ACCESS)? else { return Ok(None) };
        let context = SealContext { field: ACCESS, ..client_context(&row, sealed.generation) };
        let plain = self.sealer().open(&context, &sealed.bytes)?;
        let text = std::str::from_utf8(&plain).map_err(|_| AccountError::DoesNotOpen)?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// Keeps what a registration is deleted with.
    pub(crate) fn keep_access_text(
        &self,
        server: &Server,
        issuer: &str,
        text: &str,
    ) -> Result<(), AccountError> {
        let row = client_row(server, issuer);
        let context = SealContext { field: ACCESS, ..client_context(&row, 1) };
        let bytes = self.sealer().seal(&context, text.as_bytes())?;
        self.store.put_secret(&row, ACCESS, &Sealed { generation: 1, bytes })?;
        Ok(())
    }

    fn open<T: DeserializeOwned>(
        &self,
        account: &Account,
        field: &str,
    ) -> Result<Option<T>, AccountError> {
        let Some(sealed) = self.store.secret(account.id.as_str(), field)? else { return Ok(None) };
        // The Account's own count decides, not the one beside the sealed value: an older pair of row and value would
        // have to be put back together with the Account.
        let plain = self.sealer().open(&context(account, field), &sealed.bytes)?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| AccountError::DoesNotOpen)
    }

    fn keep<T: Serialize>(
        &self,
        account: &mut Account,
        field: &str,
        value: &T,
    ) -> Result<(), AccountError> {
        account.generation = account.generation.saturating_add(1);
        let mut plain = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer(&mut *plain, value).map_err(|_| AccountError::DoesNotOpen)?;
        let bytes = self.sealer().seal(&context(account, field), &plain)?;
        let sealed = Sealed { generation: account.generation, bytes };
        self.store.put_account_secret(account, field, &sealed)?;
        Ok(())
    }
}

fn context<'a>(account: &'a Account, field: &'a str) -> SealContext<'a> {
    SealContext {
        purpose: field,
        row: account.id.as_str(),
        field,
        generation: account.generation,
        bound_to: Some(Binding {
            account: account.id.as_str(),
            resource: account.resource.as_deref().unwrap_or_default(),
            issuer: account.issuer.as_deref().unwrap_or_default(),
        }),
    }
}

fn client_row(server: &Server, issuer: &str) -> String {
    format!("{}/{issuer}", server.id)
}

fn client_context(row: &str, generation: u64) -> SealContext<'_> {
    SealContext { purpose: CLIENT, row, field: CLIENT, generation, bound_to: None }
}
