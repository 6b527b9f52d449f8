//! What a copied data folder may not do. A refresh token is good once: of two folders with the same one, the second to use
//! it ends the sign-in of both. So a copy uses its access tokens to their end, and renews nothing, until the person signs
//! in there, or says that the original is gone.

use prokura_domain::{Account, AccountKind, AccountState, Change};

use crate::book::{AccountBook, Book};
use crate::error::AccountError;

impl AccountBook {
    /// This data folder is a copy: no Account that is signed in now is renewed.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails.
    pub fn doubt(&self) -> Result<(), AccountError> {
        let book = &self.0;
        for account in book.renewable()? {
            book.store.put_setting(&setting(&account), &account.generation.to_string())?;
        }
        book.changed(Change::State);
        Ok(())
    }

    /// The person says that this data folder is the only one left: everything is renewed again.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails.
    pub fn adopt(&self) -> Result<(), AccountError> {
        let book = &self.0;
        for account in book.renewable()? {
            if book.is_doubtful(&account)? {
                book.store.put_setting(&setting(&account), "")?;
            }
        }
        book.changed(Change::State);
        Ok(())
    }

    /// The Accounts that are not renewed here, with their Servers' names.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails.
    pub fn doubtful(&self) -> Result<Vec<(String, String)>, AccountError> {
        let mut found = Vec::new();
        for account in self.0.renewable()? {
            if self.0.is_doubtful(&account)? {
                let server = self.0.store.server(&account.server)?;
                found.push((server.map(|server| server.name).unwrap_or_default(), account.name));
            }
        }
        Ok(found)
    }
}

impl Book {
    /// Whether the tokens of an Account are those that were copied. Every sign-in since has its own.
    pub(crate) fn is_doubtful(&self, account: &Account) -> Result<bool, AccountError> {
        let doubted = self.store.setting(&setting(account))?;
        Ok(doubted.is_some_and(|generation| generation == account.generation.to_string()))
    }

    fn renewable(&self) -> Result<Vec<Account>, AccountError> {
        let mut all = Vec::new();
        for server in self.store.servers()? {
            all.extend(self.store.accounts(&server.id)?);
        }
        all.retain(|account| {
            account.kind == AccountKind::Oauth && account.state == AccountState::SignedIn
        });
        Ok(all)
    }
}

fn setting(account: &Account) -> String {
    format!("copied/{}", account.id)
}
