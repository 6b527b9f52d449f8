//! What proves an Account to its Server, at the moment it is needed: refreshed shortly before it expires or when the
//! Server refused it, once for all who wait. It must never lose tokens over a passing trouble.

mod bound;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use prokura_domain::{
    Account, AccountId, AccountKind, AccountState, Change, Json, RecordKind, Server,
};
use prokura_vault::Secret;
use url::Url;
use zeroize::Zeroizing;

use crate::book::{AccountBook, Book, endpoint, lock};
use crate::discovery::covers;
use crate::error::AccountError;
use crate::jws::SigningKey;
use crate::machine::Standing;
use crate::stored::Tokens;
use crate::token::{Granted, Talk, TokenFault};

/// How long before its end an access token is refreshed.
const EARLY_SECONDS: i64 = 60;
/// How often one request renews at most.
const MAX_RENEWALS: u32 = 2;
/// No token is believed to live longer than this.
const LONGEST_SECONDS: i64 = 10 * 365 * 86_400;

/// The header that proves an Account, for one request to its Server.
#[derive(Debug)]
pub struct Proof {
    header: Option<(String, Secret)>,
    /// The token and the key it is bound to.
    bound: Option<(Zeroizing<String>, SigningKey)>,
    resource: String,
    generation: u64,
}

impl Proof {
    /// The header's name and value; `None` for an anonymous Account.
    #[must_use]
    pub fn header(&self) -> Option<(&str, &Secret)> {
        self.header.as_ref().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether it may be sent to `endpoint`: ask this last, because a Server's endpoint can be edited at any time.
    #[must_use]
    pub fn is_for(&self, endpoint: &Url) -> bool {
        self.header.is_none() || covers(&self.resource, endpoint)
    }

    /// Which writing of the tokens this came from.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn of_tokens(account: &Account, tokens: &Tokens) -> Result<Self, AccountError> {
        let key = tokens.signing_key()?;
        let scheme = if key.is_some() { "DPoP" } else { "Bearer" };
        let value = Secret::new(format!("{scheme} {}", tokens.access));
        Ok(Self {
            header: Some(("authorization".to_owned(), value)),
            bound: key.map(|key| (Zeroizing::new(tokens.access.clone()), key)),
            resource: account.resource.clone().unwrap_or_default(),
            generation: account.generation,
        })
    }
}

type Flight = Shared<BoxFuture<'static, Result<(), AccountError>>>;

/// The refreshes on their way, by Account.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<AccountId, Flight>>);

impl AccountBook {
    /// The header that proves `account` to its Server. `rejected` is the proof that the Server just refused with 401: it
    /// is replaced, unless that already happened.
    ///
    /// # Errors
    /// [`AccountError::SignInNeeded`] when only the person can help, [`AccountError::Unreachable`] when it may pass.
    pub async fn proof(
        &self,
        account: &AccountId,
        rejected: Option<&Proof>,
    ) -> Result<Proof, AccountError> {
        let (stored, server) = self.0.account(account)?;
        let rejected = rejected.map(Proof::generation);
        match stored.kind {
            AccountKind::Anonymous if rejected.is_some() => {
                Err(AccountError::SignInNeeded { server: server.name })
            }
            AccountKind::Anonymous => Ok(Proof {
                header: None,
                bound: None,
                resource: String::new(),
                generation: stored.generation,
            }),
            AccountKind::Key => match self.0.key_proof(&stored, &server, rejected) {
                Err(AccountError::DoesNotOpen) if self.0.unchanged(&stored)?.is_none() => {
                    let (stored, server) = self.0.account(account)?;
                    self.0.key_proof(&stored, &server, rejected)
                }
                proof => proof,
            },
            AccountKind::Oauth
            | AccountKind::Client
            | AccountKind::Workload
            | AccountKind::Enterprise => self.0.token_proof(account, rejected).await,
        }
    }
}

impl Book {
    fn key_proof(
        &self,
        account: &Account,
        server: &Server,
        rejected: Option<u64>,
    ) -> Result<Proof, AccountError> {
        if rejected.is_some_and(|generation| generation >= account.generation) {
            self.needs_sign_in(account)?;
            return Err(AccountError::KeyRefused { server: server.name.clone() });
        }
        if account.state != AccountState::SignedIn {
            return Err(AccountError::KeyRefused { server: server.name.clone() });
        }
        fits(account, server)?;
        let key = self
            .key(account)?
            .ok_or_else(|| AccountError::SignInNeeded { server: server.name.clone() })?;
        let value = Secret::new(key.value.clone());
        Ok(Proof {
            header: Some((key.header.clone(), value)),
            bound: None,
            resource: account.resource.clone().unwrap_or_default(),
            generation: account.generation,
        })
    }

    async fn token_proof(
        self: &Arc<Self>,
        id: &AccountId,
        rejected: Option<u64>,
    ) -> Result<Proof, AccountError> {
        let mut renewals = 0;
        loop {
            let (account, server) = self.account(id)?;
            let needed = || AccountError::SignInNeeded { server: server.name.clone() };
            if account.state != AccountState::SignedIn {
                return Err(needed());
            }
            fits(&account, &server)?;
            let tokens = match self.tokens(&account) {
                // Written between the two readings: both are read again.
                Err(AccountError::DoesNotOpen) if self.unchanged(&account)?.is_none() => continue,
                tokens => tokens?.ok_or_else(needed)?,
            };
            let now = self.now();
            let refused = rejected.is_some_and(|generation| generation >= account.generation);
            let expired = account.expires_at.is_some_and(|at| at <= now);
            let due = expired || tokens.renew_at.is_some_and(|at| at <= now.0);
            let usable = !refused && !expired;
            // Tokens that were renewed just now are used however short their life is.
            let is_new = renewals > 0 && !refused;
            if is_new || (usable && (!due || !tokens.can_renew())) {
                return Proof::of_tokens(&account, &tokens);
            }
            if !tokens.can_renew() {
                self.needs_sign_in(&account)?;
                return Err(needed());
            }
            if renewals == MAX_RENEWALS {
                return Err(needed());
            }
            match self.renew(id, account.generation).await {
                // A renewal that somebody else began may have been of tokens before the refused ones: then once more.
                Ok(()) => renewals += 1,
                // A refresh ahead of time that fails costs nothing while the token still lives.
                Err(
                    AccountError::Unreachable { .. }
                    | AccountError::Refused { .. }
                    | AccountError::ForAnother { .. }
                    | AccountError::Copied { .. }
                    | AccountError::BadMetadata { .. },
                ) if usable => return Proof::of_tokens(&account, &tokens),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Refreshes the tokens written as `seen`, together with everybody who asks meanwhile. It runs on its own, because a
    /// refresh token that was spent must be replaced even when nobody waits any more.
    async fn renew(self: &Arc<Self>, id: &AccountId, seen: u64) -> Result<(), AccountError> {
        let flight = {
            let mut flights = lock(&self.flights.0);
            match flights.get(id) {
                Some(flight) => flight.clone(),
                None => {
                    let (book, key) = (self.clone(), id.clone());
                    let task = tokio::spawn(async move {
                        let outcome = book.refresh(&key, seen).await;
                        lock(&book.flights.0).remove(&key);
                        outcome
                    });
                    let (book, key) = (self.clone(), id.clone());
                    let flight = async move {
                        task.await.unwrap_or_else(|_| {
                            lock(&book.flights.0).remove(&key);
                            Err(AccountError::Stopping)
                        })
                    }
                    .boxed()
                    .shared();
                    flights.insert(id.clone(), flight.clone());
                    flight
                }
            }
        };
        flight.await
    }

    async fn refresh(&self, id: &AccountId, seen: u64) -> Result<(), AccountError> {
        let _turn = self.turn(id.as_str()).await;
        let (account, server) = self.account(id)?;
        if account.generation != seen || account.state != AccountState::SignedIn {
            return Ok(());
        }
        self.needs_vault()?;
        if self.is_doubtful(&account)? {
            return Err(AccountError::Copied { server: server.name });
        }
        let Some(tokens) = self.tokens(&account)? else { return Ok(()) };
        let (Some(issuer), Some(resource)) = (&account.issuer, &account.resource) else {
            return Ok(());
        };
        let (guard, _) = self.way_to(&server)?;
        let issuer = self.issuer(&guard, &server, issuer).await?;
        let client = self.current_client(&server, &issuer.issuer, &tokens)?;
        let key = tokens.signing_key()?;
        let talk = Talk { key: key.as_ref(), ..self.talk(&guard, &issuer, &client, resource) };
        let answer = match (&tokens.standing, &tokens.refresh) {
            (Standing::Person, None) => return Ok(()),
            (Standing::Person, Some(refresh)) => talk.refresh(refresh).await,
            (standing, _) => self.obtain(&talk, standing, &tokens.requested).await,
        };
        match answer {
            Ok(granted) => self.refreshed(account, &server, tokens, granted).await,
            Err(fault) => self.not_refreshed(account, &server, tokens, fault).await,
        }
    }

    async fn refreshed(
        &self,
        account: Account,
        server: &Server,
        mut tokens: Tokens,
        granted: Granted,
    ) -> Result<(), AccountError> {
        let Some(mut account) = self.unchanged(&account)? else { return Ok(()) };
        if let Some(refresh) = &granted.refresh {
            tokens.refresh = Some(refresh.to_string());
        }
        if let Some(other) = self.meant_for_another(server, &granted.access)? {
            // The refresh token is the Account's all the same, and the old one is spent.
            self.keep_tokens(&mut account, &tokens)?;
            let issuer = account.issuer.clone().unwrap_or_default();
            let told = AccountError::ForAnother { issuer, other };
            let detail =
                vec![("during", Json::text("refresh")), ("reason", Json::text(told.to_string()))];
            self.record(RecordKind::TokenFailed, server, Some(&account), detail).await?;
            return Err(told);
        }
        tokens.access.clone_from(&granted.access);
        self.stamp(&mut account, &mut tokens, &granted);
        self.keep_tokens(&mut account, &tokens)?;
        self.changed(Change::Accounts);
        let detail = vec![
            ("scopes", Json::text(account.scopes.join(" "))),
            ("expires_at", account.expires_at.map(|at| at.to_string()).into()),
            ("rotated", granted.refresh.is_some().into()),
        ];
        self.record(RecordKind::TokenRefreshed, server, Some(&account), detail).await
    }

    async fn not_refreshed(
        &self,
        account: Account,
        server: &Server,
        mut tokens: Tokens,
        fault: TokenFault,
    ) -> Result<(), AccountError> {
        let Some(mut account) = self.unchanged(&account)? else { return Ok(()) };
        let issuer = account.issuer.clone().unwrap_or_default();
        let is_over = matches!(&fault, TokenFault::Refused { code, .. } if code == "invalid_grant");
        let is_stranger = fault.is_about_the_client();
        // Without a person there is nothing that a repetition could change (SEP-1933): the person has to look at it.
        let is_machine = tokens.standing != Standing::Person;
        let is_refused = is_machine && matches!(&fault, TokenFault::Refused { .. });
        let told = fault.told(&issuer);
        if !told.is_transient() {
            self.forget_issuer(server, &issuer);
        }
        if is_over {
            // The only moment at which a refresh token is given up: its issuer says that it is worth nothing.
            tokens.refresh = None;
            account.state = AccountState::NeedsSignIn;
            self.keep_tokens(&mut account, &tokens)?;
        } else if is_stranger || is_refused {
            self.forget_registered(server, &issuer, &tokens.client_id)?;
            self.needs_sign_in(&account)?;
        }
        self.changed(Change::Accounts);
        let detail =
            vec![("during", Json::text("refresh")), ("reason", Json::text(told.to_string()))];
        self.record(RecordKind::TokenFailed, server, Some(&account), detail).await?;
        if is_over || is_stranger {
            return Err(AccountError::SignInNeeded { server: server.name.clone() });
        }
        Err(told)
    }

    /// Notes scopes and times of what was just issued.
    pub(crate) fn stamp(&self, account: &mut Account, tokens: &mut Tokens, granted: &Granted) {
        let now = self.now();
        if let Some(scopes) = &granted.scopes {
            account.scopes.clone_from(scopes);
        }
        let lifetime =
            granted.lifetime.filter(|life| *life > 0).map(|life| life.min(LONGEST_SECONDS));
        account.expires_at = lifetime.map(|life| now.plus_seconds(life));
        tokens.renew_at =
            lifetime.map(|life| now.plus_seconds((life - EARLY_SECONDS).max(life / 2)).0);
    }
}

/// What is stored may be sent to the Server's endpoint only when it was issued for that: the endpoint can have been edited
/// since.
fn fits(account: &Account, server: &Server) -> Result<(), AccountError> {
    let endpoint = endpoint(server)?;
    let resource = account.resource.as_deref().unwrap_or_default();
    if covers(resource, &endpoint) {
        Ok(())
    } else {
        Err(AccountError::ResourceMismatch {
            endpoint: crate::http::shown(&endpoint),
            resource: resource.to_owned(),
        })
    }
}
