//! What a Server's refusal means: another token, other scopes, or another authorization server. It remembers how often
//! more scopes were asked for in vain, so that no Server can send a person round in circles (CA-44).

use std::collections::HashMap;
use std::sync::Mutex;

use prokura_domain::{Account, AccountId, AccountKind, Server, Timestamp};

use crate::book::{AccountBook, Book, lock};
use crate::challenge::{self, Bearer};
use crate::discovery::discover;
use crate::error::AccountError;

/// How often the same scopes are asked for again; with the first sign-in that makes three.
const MAX_UPGRADES: u32 = 2;
/// How long failures are remembered.
const MEMORY_MILLIS: i64 = 3_600_000;

/// What a Server wants when it refuses an Account's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// The token is not accepted: ask for a proof again, naming the rejected one.
    InvalidToken,
    /// These scopes are missing: a sign-in with them may help.
    InsufficientScope {
        /// What the challenge names.
        scopes: Vec<String>,
    },
    /// These scopes are missing, and asking for them has not helped before.
    StepUpExhausted {
        /// What the challenge names.
        scopes: Vec<String>,
    },
    /// The person has to sign in: the Server asks for authorization where it did not, or names another issuer or resource.
    SignInNeeded,
    /// Nothing that a token could change.
    Other,
}

/// Upgrades that were tried, by Account and scopes.
#[derive(Default)]
pub(crate) struct Upgrades(Mutex<HashMap<(AccountId, String), (u32, Timestamp)>>);

impl Upgrades {
    fn is_exhausted(&self, account: &AccountId, scopes: &[String], now: Timestamp) -> bool {
        lock(&self.0)
            .get(&key(account, scopes))
            .is_some_and(|(tries, at)| *tries >= MAX_UPGRADES && is_recent(*at, now))
    }

    /// Counts one more; `false` when there were too many already.
    pub(crate) fn count(&self, account: &AccountId, scopes: &[String], now: Timestamp) -> bool {
        if self.is_exhausted(account, scopes, now) {
            return false;
        }
        let mut tried = lock(&self.0);
        tried.retain(|_, (_, at)| is_recent(*at, now));
        let (tries, at) = tried.entry(key(account, scopes)).or_insert((0, now));
        *tries += 1;
        *at = now;
        true
    }

    /// Forgets an Account.
    pub(crate) fn forget(&self, account: &AccountId) {
        lock(&self.0).retain(|(known, _), _| known != account);
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.millis_since(at) < MEMORY_MILLIS
}

fn key(account: &AccountId, scopes: &[String]) -> (AccountId, String) {
    let mut scopes = scopes.to_vec();
    scopes.sort();
    (account.clone(), scopes.join(" "))
}

impl AccountBook {
    /// What it means that a request of `account` was answered with `status` and these `WWW-Authenticate` fields.
    ///
    /// # Errors
    /// [`AccountError`] when the Server now presents itself as another resource, or storage fails.
    pub async fn on_challenge(
        &self,
        account: &AccountId,
        status: u16,
        www_authenticate: &[String],
    ) -> Result<Challenge, AccountError> {
        let book = &self.0;
        let (account, server) = book.account(account)?;
        let bearer = challenge::bearer(www_authenticate);
        match (status, account.kind) {
            (401, AccountKind::Anonymous) => Ok(Challenge::SignInNeeded),
            (401, AccountKind::Key) => Ok(Challenge::InvalidToken),
            (401, kind) if kind.has_tokens() => {
                if book.has_moved(&account, &server, bearer.as_ref()).await? {
                    book.needs_sign_in(&account)?;
                    return Ok(Challenge::SignInNeeded);
                }
                Ok(Challenge::InvalidToken)
            }
            (403, kind) if kind.has_tokens() => Ok(book.missing_scopes(&account, bearer)),
            _ => Ok(Challenge::Other),
        }
    }
}

impl Book {
    fn missing_scopes(&self, account: &Account, bearer: Option<Bearer>) -> Challenge {
        let named = bearer
            .filter(|bearer| bearer.error.as_deref() == Some("insufficient_scope"))
            .map(|bearer| bearer.scopes)
            .filter(|scopes| !scopes.is_empty());
        match named {
            None => Challenge::Other,
            Some(scopes) if self.upgrades.is_exhausted(&account.id, &scopes, self.now()) => {
                Challenge::StepUpExhausted { scopes }
            }
            Some(scopes) => Challenge::InsufficientScope { scopes },
        }
    }

    /// Whether the Server now names another issuer or resource than the Account's (CA-20). Trouble on the way to its
    /// metadata says nothing.
    async fn has_moved(
        &self,
        account: &Account,
        server: &Server,
        bearer: Option<&Bearer>,
    ) -> Result<bool, AccountError> {
        let (guard, endpoint) = self.way_to(server)?;
        match discover(&guard, &endpoint, bearer).await {
            Ok(Some(found)) => {
                let is_same = account.resource.as_ref() == Some(&found.resource)
                    && account.issuer.as_ref().is_some_and(|own| found.issuers.contains(own));
                Ok(!is_same)
            }
            Err(fault @ AccountError::ResourceMismatch { .. }) => Err(fault),
            Ok(None) | Err(_) => Ok(false),
        }
    }
}
