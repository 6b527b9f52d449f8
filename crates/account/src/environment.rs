//! Secrets for the environment of local Servers: sealed, each bound to its Server and its variable. There is no OAuth
//! over standard input and output (CA-45). They must never leave but for the start of their own Server.

use prokura_domain::port::SealContext;
use prokura_domain::{Change, Server, ServerId};
use prokura_store::Sealed;
use prokura_vault::Secret;

use crate::book::AccountBook;
use crate::error::AccountError;

const FIELD: &str = "environment";
/// The longest value of a variable.
const LONGEST: usize = 64 * 1024;

impl AccountBook {
    /// Keeps the value of a variable for a local Server.
    ///
    /// # Errors
    /// [`AccountError::BadKey`] when it cannot be the value of a variable, [`AccountError::VaultLocked`], or storage
    /// failed.
    pub async fn set_variable(
        &self,
        server: &Server,
        name: &str,
        value: Secret,
    ) -> Result<(), AccountError> {
        let book = &self.0;
        book.needs_vault()?;
        let text = value.expose();
        if text.is_empty() || text.len() > LONGEST || text.contains('\0') {
            let why = "it is empty, too long, or holds what no variable can hold";
            return Err(AccountError::BadKey(why));
        }
        let _turn = book.turn(server.id.as_str()).await;
        let row = row(&server.id, name);
        let before = book.store.secret(&row, FIELD)?.map_or(0, |sealed| sealed.generation);
        let generation = before.saturating_add(1);
        let bytes = book.sealer().seal(&context(&row, generation), text.as_bytes())?;
        book.store.put_secret(&row, FIELD, &Sealed { generation, bytes })?;
        book.changed(Change::Servers);
        Ok(())
    }

    /// Whether there is a value for a variable of a local Server.
    ///
    /// # Errors
    /// [`AccountError`] when storage failed.
    pub fn has_variable(&self, server: &ServerId, name: &str) -> Result<bool, AccountError> {
        Ok(self.0.store.secret(&row(server, name), FIELD)?.is_some())
    }

    /// The value of a variable, for the start of its Server; `None` where none was given.
    ///
    /// # Errors
    /// [`AccountError::VaultLocked`], [`AccountError::DoesNotOpen`], or storage failed.
    pub fn variable(&self, server: &ServerId, name: &str) -> Result<Option<Secret>, AccountError> {
        let row = row(server, name);
        let Some(sealed) = self.0.store.secret(&row, FIELD)? else { return Ok(None) };
        self.0.needs_vault()?;
        let plain = self.0.sealer().open(&context(&row, sealed.generation), &sealed.bytes)?;
        let text = std::str::from_utf8(&plain).map_err(|_| AccountError::DoesNotOpen)?;
        Ok(Some(Secret::new(text.to_owned())))
    }

    /// Forgets the value of a variable.
    ///
    /// # Errors
    /// [`AccountError`] when storage failed.
    pub fn forget_variable(&self, server: &ServerId, name: &str) -> Result<(), AccountError> {
        Ok(self.0.store.remove_secrets(&row(server, name))?)
    }
}

/// Named after the Server, so that it goes with it.
fn row(server: &ServerId, name: &str) -> String {
    format!("{server}/environment/{name}")
}

fn context(row: &str, generation: u64) -> SealContext<'_> {
    SealContext { purpose: FIELD, row, field: FIELD, generation, bound_to: None }
}
