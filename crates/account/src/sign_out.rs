//! Signing out: forgotten here first, then revoked at the authorization server as far as it offers that (RFC 7009).
//! Whatever the server answers, nothing usable stays behind.

use std::sync::Arc;

use async_trait::async_trait;
use prokura_domain::port::{Accounts, SignOut};
use prokura_domain::{
    Account, AccountId, AccountKind, AccountState, Change, Json, RecordKind, Server, Timestamp,
};
use zeroize::Zeroizing;

use crate::book::{AccountBook, Book};
use crate::error::AccountError;
use crate::stored::Tokens;
use crate::text;
use crate::token::Talk;

#[async_trait]
impl Accounts for AccountBook {
    async fn sign_out(&self, account: &AccountId) -> Result<SignOut, String> {
        AccountBook::sign_out(self, account).await.map_err(|fault| fault.to_string())
    }
}

impl AccountBook {
    /// Revokes the tokens of `account` at the authorization server as far as it offers that, and forgets them here in any
    /// case. The Account itself stays, signed out.
    ///
    /// # Errors
    /// [`AccountError`] when there is no such Account, or storage fails and nothing was forgotten.
    pub async fn sign_out(&self, account: &AccountId) -> Result<SignOut, AccountError> {
        let (book, id) = (self.0.clone(), account.clone());
        // On its own: half a sign-out is none.
        let task = tokio::spawn(async move { book.sign_out(&id).await });
        task.await.unwrap_or(Err(AccountError::Stopping))
    }
}

impl Book {
    async fn sign_out(self: Arc<Self>, id: &AccountId) -> Result<SignOut, AccountError> {
        self.desk.cancel_of(id);
        self.upgrades.forget(id);
        let _turn = self.turn(id.as_str()).await;
        let (account, server) = self.account(id)?;
        let tokens = match account.kind {
            kind if kind.has_tokens() => self.tokens(&account),
            _ => Ok(None),
        };
        self.forget(&account)?;
        self.changed(Change::Accounts);
        let signed_out = match (account.kind, tokens) {
            (AccountKind::Key, _) => told(
                false,
                "The key was forgotten here. It stays valid until you withdraw it at the server."
                    .to_owned(),
            ),
            (AccountKind::Anonymous, _) => {
                told(false, "There was nothing to revoke: the server asks for nothing.".to_owned())
            }
            (_, Ok(Some(tokens))) => self.revoke(&account, &server, &tokens).await,
            (_, Ok(None)) => told(false, "There was no token left to revoke.".to_owned()),
            (_, Err(fault)) => told(
                false,
                format!("The tokens were forgotten here, but could not be revoked: {fault}."),
            ),
        };
        self.note(&account, &server, &signed_out).await;
        Ok(signed_out)
    }

    /// Forgets everything sealed. The count goes on, so that nothing put back later opens.
    fn forget(&self, account: &Account) -> Result<(), AccountError> {
        let generation = account.generation.saturating_add(1);
        let state = AccountState::SignedOut;
        let forgotten =
            Account { state, generation, expires_at: None, scopes: Vec::new(), ..account.clone() };
        self.store.put_account(&forgotten)?;
        self.store.remove_secrets(account.id.as_str())?;
        Ok(())
    }

    async fn revoke(&self, account: &Account, server: &Server, tokens: &Tokens) -> SignOut {
        match self.try_revoke(account, server, tokens).await {
            Ok(Some(true)) => told(true, "The tokens were revoked at the server.".to_owned()),
            Ok(Some(false)) => told(
                true,
                format!("The sign-in was revoked at the server; {}.", lives_on(account.expires_at)),
            ),
            Ok(None) => told(
                false,
                format!("The server offers no revocation: {}.", lives_on(account.expires_at)),
            ),
            Err(fault) => told(
                false,
                format!(
                    "The tokens were forgotten here, but the server did not revoke them ({fault}): {}.",
                    lives_on(account.expires_at)
                ),
            ),
        }
    }

    /// Revokes the refresh token, then the access token. `None` where that is not offered; `false` when only the access
    /// token could not be revoked, as is usual for tokens that a server does not look up.
    async fn try_revoke(
        &self,
        account: &Account,
        server: &Server,
        tokens: &Tokens,
    ) -> Result<Option<bool>, AccountError> {
        let (Some(issuer), Some(resource)) = (&account.issuer, &account.resource) else {
            return Ok(None);
        };
        let (guard, _) = self.way_to(server)?;
        let issuer = self.issuer(&guard, server, issuer).await?;
        let Some(at) = &issuer.revocation else { return Ok(None) };
        let client = self.current_client(server, &issuer.issuer, tokens)?;
        let talk = self.talk(&guard, &issuer, &client, resource);
        let Some(refresh) = &tokens.refresh else {
            let revoked = talk.revoke(at, &tokens.access, "access_token").await;
            return revoked.map(|()| Some(true)).map_err(|fault| fault.told(&issuer.issuer));
        };
        talk.revoke(at, refresh, "refresh_token")
            .await
            .map_err(|fault| fault.told(&issuer.issuer))?;
        Ok(Some(talk.revoke(at, &tokens.access, "access_token").await.is_ok()))
    }

    /// Revokes tokens that were issued but are not kept, as far as that goes.
    pub(crate) async fn give_back(
        &self,
        talk: &Talk<'_>,
        refresh: Option<&Zeroizing<String>>,
        access: &str,
    ) {
        let Some(at) = &talk.issuer.revocation else { return };
        let tokens = refresh.map(|token| (token.as_str(), "refresh_token"));
        for (token, hint) in tokens.into_iter().chain([(access, "access_token")]) {
            if talk.revoke(at, token, hint).await.is_err() {
                tracing::warn!(issuer = %text::printable(&talk.issuer.issuer, 200),
                    "a token that was not kept could not be revoked");
            }
        }
    }

    /// Tells the log. What was forgotten stays forgotten even if the log is broken.
    async fn note(&self, account: &Account, server: &Server, signed_out: &SignOut) {
        let mut events = vec![RecordKind::AccountSignedOut];
        if signed_out.revoked {
            events.push(RecordKind::TokenRevoked);
        }
        for kind in events {
            let detail = vec![
                ("revoked", signed_out.revoked.into()),
                ("told", Json::text(&signed_out.told)),
            ];
            if let Err(broken) = self.record(kind, server, Some(account), detail).await {
                tracing::error!(%broken, "a sign-out could not be recorded");
            }
        }
    }
}

fn told(revoked: bool, told: String) -> SignOut {
    SignOut { revoked, told }
}

fn lives_on(expires_at: Option<Timestamp>) -> String {
    match expires_at {
        Some(at) => format!("the access token expires at {at}"),
        None => "when the access token expires is not known".to_owned(),
    }
}
