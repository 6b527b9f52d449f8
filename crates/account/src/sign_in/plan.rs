//! What a sign-in will ask for, before anything leaves: the person sees it, and can ask for less. It registers nothing.

use prokura_domain::{Account, AccountId, Server};

use crate::book::{AccountBook, Book};
use crate::challenge::is_scope;
use crate::discovery::{Discovery, Issuer, Need};
use crate::error::AccountError;
use crate::text;

/// A sign-in as the person wishes it.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Who signs in again; `None` for a new Account.
    pub account: Option<AccountId>,
    /// Scopes beside those that are asked for anyway.
    pub extra: Vec<String>,
    /// Of the planned scopes those to ask for; `None` for all.
    pub scopes: Option<Vec<String>>,
    /// Which of the Server's authorization servers; `None` for the one chosen last, else the first that works.
    pub issuer: Option<String>,
    /// With a browser anywhere, instead of one on this machine.
    pub device: bool,
}

impl Wish {
    pub(super) fn extra(&self) -> Vec<String> {
        self.extra.iter().filter(|scope| is_scope(scope)).cloned().collect()
    }
}

/// What a sign-in will ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Who will issue the tokens.
    pub issuer: String,
    /// Everybody who could.
    pub issuers: Vec<String>,
    /// What the tokens will be bound to.
    pub resource: String,
    /// What would be asked for.
    pub scopes: Vec<String>,
    /// Those of them that the Account has already.
    pub had: Vec<String>,
    /// Whether a browser on this machine will do.
    pub browser: bool,
    /// Whether a browser anywhere will do.
    pub device: bool,
    /// Whether tokens will be bound to a key.
    pub bound: bool,
}

impl AccountBook {
    /// What a sign-in would ask for.
    ///
    /// # Errors
    /// [`AccountError`] says what stands in the way.
    pub async fn plan_sign_in(&self, server: &Server, wish: &Wish) -> Result<Plan, AccountError> {
        let book = &self.0;
        let account = book.to_sign_in(server, wish.account.clone())?;
        let by_browser = book.look(server, account.as_ref(), wish, Need::Browser).await;
        let browser = by_browser.is_ok();
        let (discovery, issuer) = match by_browser {
            Ok(found) => found,
            // What keeps a browser from it may not keep another device from it.
            Err(fault) => match book.look(server, account.as_ref(), wish, Need::Device).await {
                Ok(found) => found,
                Err(_) => return Err(fault),
            },
        };
        let scopes = book.scopes_to_ask(account.as_ref(), &discovery, &issuer, &wish.extra());
        let bound = book.binding_key(account.as_ref(), &discovery, &issuer)?.is_some();
        Ok(Plan {
            issuer: issuer.issuer,
            resource: discovery.resource,
            scopes,
            had: account.map(|account| account.scopes).unwrap_or_default(),
            browser,
            device: issuer.device.is_some(),
            issuers: discovery.issuers,
            bound,
        })
    }
}

impl Book {
    /// Looks at the Server and the authorization server that the person wishes, chose last, or that comes first.
    pub(super) async fn look(
        &self,
        server: &Server,
        account: Option<&Account>,
        wish: &Wish,
        need: Need,
    ) -> Result<(Discovery, Issuer), AccountError> {
        let (guard, endpoint) = self.way_to(server)?;
        let discovery = self.discovery(server, &guard, &endpoint).await?;
        let mut named = discovery.clone();
        if let Some(wished) = &wish.issuer {
            named.issuers.retain(|issuer| issuer == wished);
            if named.issuers.is_empty() {
                return Err(AccountError::IssuerMismatch { issuer: text::printable(wished, 200) });
            }
        }
        let chosen = self.store.setting(&choice(server))?;
        let own = account.and_then(|account| account.issuer.as_deref());
        let preferred = wish.issuer.as_deref().or(own).or(chosen.as_deref());
        let issuer = self.choose_issuer(server, &guard, &named, preferred, need).await?;
        Ok((discovery, issuer))
    }

    /// Remembers which authorization server the person chose.
    pub(super) fn remember_choice(&self, server: &Server, wish: &Wish) -> Result<(), AccountError> {
        if let Some(issuer) = &wish.issuer {
            self.store.put_setting(&choice(server), issuer)?;
        }
        Ok(())
    }
}

fn choice(server: &Server) -> String {
    format!("issuer_choice/{}", server.id)
}
