//! Signing in: one open sign-in per Server, shared by everybody who waits for it. The browser does the talking; what it
//! brings back counts only with the right state and from the recorded issuer.

mod desk;
mod device;
mod finish;
mod listener;
mod page;
mod paste;
mod plan;
mod port;

use std::sync::Arc;
use std::time::Duration;

use prokura_domain::{Account, AccountId, AccountKind, Json, RecordKind, Server, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::book::{AccountBook, Book};
use crate::challenge::is_scope;
use crate::client::Client;
use crate::discovery::{Binding, Discovery, Issuer, Need};
use crate::error::AccountError;
use crate::http::Guard;
use crate::jws::{SigningKey, StoredKey};
use crate::machine::Standing;
use crate::token::{Ask, Talk, random, verifier};

pub(crate) use desk::Desk;
pub use desk::{DeviceCode, SignIn};
pub(crate) use listener::redirect_to;
use listener::{Door, Visit, bind, serve};
use page::Page;
pub use plan::{Plan, Wish};
use port::remember_port;
pub(crate) use port::remembered_port;

/// How long a sign-in stays open.
const LIFE: Duration = Duration::from_secs(600);

/// What tokens are asked for: by whom, from whom, for what. It does not change on the way.
pub(crate) struct Terms {
    pub(crate) server: Server,
    pub(crate) account: Option<Account>,
    pub(crate) issuer: Issuer,
    pub(crate) client: Client,
    pub(crate) resource: String,
    pub(crate) scopes: Vec<String>,
    /// The key that the tokens will be bound to, where they will be.
    pub(crate) key: Option<StoredKey>,
    pub(crate) standing: Standing,
}

impl Terms {
    pub(crate) fn signing_key(&self) -> Result<Option<SigningKey>, AccountError> {
        let open = |key: &StoredKey| key.open().map_err(|_| AccountError::DoesNotOpen);
        self.key.as_ref().map(open).transpose()
    }
}

/// Everything recorded with one authorization request before the browser leaves (CA-27).
struct Errand {
    terms: Terms,
    guard: Guard,
    is_reused: bool,
    verifier: Zeroizing<String>,
    redirect: String,
    expires_at: Timestamp,
}

impl AccountBook {
    /// Starts a sign-in, or joins the one that is open at the Server. `account` signs in again, or gets `scopes` beside
    /// those it had; without it a new Account is made, or that of the same person found.
    ///
    /// # Errors
    /// [`AccountError`] says what stands in the way, and who can help.
    pub async fn start_sign_in(
        &self,
        server: &Server,
        account: Option<AccountId>,
        scopes: &[String],
    ) -> Result<SignIn, AccountError> {
        let wish = Wish { account, extra: scopes.to_vec(), ..Wish::default() };
        self.begin_sign_in(server, wish).await
    }

    /// Starts a sign-in as the person wishes it, or joins the one that is open at the Server.
    ///
    /// # Errors
    /// [`AccountError`] says what stands in the way, and who can help.
    pub async fn begin_sign_in(&self, server: &Server, wish: Wish) -> Result<SignIn, AccountError> {
        let book = &self.0;
        let account = wish.account.clone();
        let _turn = book.turn(&format!("sign-in/{}", server.id)).await;
        if let Some((open, of)) = book.desk.open_at(&server.id) {
            return if account.is_none() || account == of {
                Ok(open)
            } else {
                Err(AccountError::Busy { server: server.name.clone() })
            };
        }
        let account = book.to_sign_in(server, account)?;
        let started = book.start(server, account.clone(), &wish).await;
        if let Err(fault) = &started {
            book.note_failure(server, account.as_ref(), fault).await;
        }
        started
    }

    /// Waits until the sign-in `id` is over.
    ///
    /// # Errors
    /// [`AccountError`] when it failed, was cancelled, or is not known.
    pub async fn wait_sign_in(&self, id: &str) -> Result<Account, AccountError> {
        let mut done = self.0.desk.done(id).ok_or(AccountError::NoSignIn)?;
        let outcome = done.wait_for(Option::is_some).await.map_err(|_| AccountError::Stopping)?;
        outcome.clone().unwrap_or(Err(AccountError::Stopping))
    }

    /// Ends the sign-in `id` without a result.
    pub fn cancel_sign_in(&self, id: &str) {
        self.0.desk.cancel(id);
    }

    /// Ends every open sign-in, for an orderly stop.
    pub fn close(&self) {
        self.0.desk.cancel_all();
    }
}

impl Book {
    /// The Account that signs in again. A key or nobody cannot become a person: that is a new Account.
    fn to_sign_in(
        &self,
        server: &Server,
        account: Option<AccountId>,
    ) -> Result<Option<Account>, AccountError> {
        let Some(id) = account else { return Ok(None) };
        let (account, of) = self.account(&id)?;
        if of.id != server.id {
            return Err(AccountError::NoAccount);
        }
        Ok(Some(account).filter(|account| account.kind == AccountKind::Oauth))
    }

    /// Counts a sign-in for more scopes; refuses when asking for them has not helped before (CA-44).
    fn may_upgrade(
        &self,
        server: &Server,
        account: Option<&Account>,
        extra: &[String],
    ) -> Result<(), AccountError> {
        match account.filter(|_| !extra.is_empty()) {
            Some(account) if !self.upgrades.count(&account.id, extra, self.now()) => {
                let scopes = extra.join(" ");
                Err(AccountError::StepUpExhausted { server: server.name.clone(), scopes })
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn start(
        self: &Arc<Self>,
        server: &Server,
        account: Option<Account>,
        wish: &Wish,
    ) -> Result<SignIn, AccountError> {
        self.needs_vault()?;
        let extra = wish.extra();
        self.may_upgrade(server, account.as_ref(), &extra)?;
        let (guard, _) = self.way_to(server)?;
        let need = if wish.device { Need::Device } else { Need::Browser };
        let (discovery, issuer) = self.look(server, account.as_ref(), wish, need).await?;
        self.remember_choice(server, wish)?;
        let mut scopes = self.scopes_to_ask(account.as_ref(), &discovery, &issuer, &extra);
        if let Some(chosen) = &wish.scopes {
            let planned = scopes.len();
            scopes.retain(|scope| chosen.contains(scope));
            // Asking for nothing leaves it to the issuer what is given: that can be more than what was shown.
            if scopes.is_empty() && planned > 0 {
                return Err(AccountError::NothingAsked);
            }
        }
        if wish.device {
            return self.start_device(server, account, guard, (discovery, issuer), scopes).await;
        }
        let remembered = remembered_port(&self.store, server)?;
        let (tcp, port) = bind(remembered).await?;
        if remembered.is_none() {
            remember_port(&self.store, server, port)?;
        }
        let redirect = redirect_to(port);
        let chosen = self.choose_client(server, &guard, &issuer, &redirect).await?;
        if remembered.is_some_and(|known| known != port) {
            remember_port(&self.store, server, port)?;
        }
        let seconds = i64::try_from(LIFE.as_secs()).unwrap_or_default();
        let key = self.binding_key(account.as_ref(), &discovery, &issuer)?;
        let terms = Terms {
            server: server.clone(),
            account,
            issuer,
            client: chosen.client,
            resource: discovery.resource,
            scopes,
            key,
            standing: Standing::Person,
        };
        let errand = Errand {
            terms,
            guard,
            is_reused: chosen.is_reused,
            verifier: verifier(self.entropy.as_ref()),
            redirect,
            expires_at: self.now().plus_seconds(seconds),
        };
        self.send_off(errand, tcp, port).await
    }

    /// The key that tokens will be bound to (RFC 9449): where the Server takes nothing else, where Server and issuer both
    /// take it, and where this Account's tokens were bound before, so that nobody can talk us out of it.
    pub(crate) fn binding_key(
        &self,
        account: Option<&Account>,
        discovery: &Discovery,
        issuer: &Issuer,
    ) -> Result<Option<StoredKey>, AccountError> {
        let was_bound = account
            .and_then(|account| self.tokens(account).ok().flatten())
            .is_some_and(|tokens| tokens.key.is_some());
        let is_wanted = match discovery.binding {
            Binding::Required => true,
            Binding::Offered => issuer.binds,
            Binding::Unspoken => false,
        };
        if is_wanted || issuer.binds_only || was_bound {
            return StoredKey::generate().map(Some).map_err(AccountError::BadKey);
        }
        Ok(None)
    }

    /// What is asked for (CA-33, CA-34, CA-36, CA-43): what the Server wants first, what the Account had or asked for
    /// before, what was challenged; and `offline_access` where it is known and anything is asked for at all.
    fn scopes_to_ask(
        &self,
        account: Option<&Account>,
        discovery: &Discovery,
        issuer: &Issuer,
        extra: &[String],
    ) -> Vec<String> {
        let before = account
            .and_then(|account| self.tokens(account).ok().flatten())
            .map(|tokens| tokens.requested.clone())
            .unwrap_or_default();
        let had = account.map(|account| account.scopes.clone()).unwrap_or_default();
        // A step-up does not ask for everything that the Server lists: the challenge says what is missing.
        let first = if extra.is_empty() { discovery.scopes.clone() } else { Vec::new() };
        let mut scopes: Vec<String> = Vec::new();
        for scope in first.iter().chain(&before).chain(&had).chain(extra) {
            if is_scope(scope) && !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        let offline = "offline_access".to_owned();
        if !scopes.is_empty() && issuer.scopes.contains(&offline) && !scopes.contains(&offline) {
            scopes.push(offline);
        }
        scopes
    }

    /// Opens the door and lays the sign-in on the desk.
    async fn send_off(
        self: &Arc<Self>,
        errand: Errand,
        tcp: TcpListener,
        port: u16,
    ) -> Result<SignIn, AccountError> {
        let state = random(self.entropy.as_ref());
        let terms = &errand.terms;
        let key = terms.signing_key()?;
        let talk = Talk {
            key: key.as_ref(),
            ..self.talk(&errand.guard, &terms.issuer, &terms.client, &terms.resource)
        };
        let ask = Ask {
            redirect: &errand.redirect,
            state: &state,
            verifier: &errand.verifier,
            scopes: &terms.scopes,
        };
        let url = match talk.authorization_url(&ask).await {
            Ok(url) => url,
            Err(fault) => return Err(self.not_issued(terms, fault)?),
        };
        let sign_in = SignIn {
            id: format!("sgn_{}", random(self.entropy.as_ref())),
            server: terms.server.id.clone(),
            account: terms.account.as_ref().map(|account| account.id.clone()),
            url: url.to_string(),
            issuer: terms.issuer.issuer.clone(),
            resource: terms.resource.clone(),
            redirect: errand.redirect.clone(),
            scopes: terms.scopes.clone(),
            device: None,
            expires_at: errand.expires_at,
        };
        let (visit, visited) = oneshot::channel();
        let (told, done) = watch::channel(None);
        let (cancel, stop) = (CancellationToken::new(), CancellationToken::new());
        let door = Arc::new(Door::new(port, &state, visit));
        self.desk.put(sign_in.clone(), cancel.clone(), done, Some(door.clone()), self.now());
        tokio::spawn(serve(tcp, door, stop.clone()));
        let book = self.clone();
        tokio::spawn(async move {
            let _stop = stop.drop_guard();
            book.see_through(errand, visited, cancel, told).await;
        });
        Ok(sign_in)
    }

    /// Waits for the browser and finishes the sign-in, however it ends.
    async fn see_through(
        &self,
        errand: Errand,
        visited: oneshot::Receiver<Visit>,
        cancel: CancellationToken,
        told: watch::Sender<Option<Result<Account, AccountError>>>,
    ) {
        let visit = tokio::select! {
            visit = visited => visit.map_err(|_| AccountError::Stopping),
            () = tokio::time::sleep(LIFE) => Err(AccountError::Expired),
            () = cancel.cancelled() => Err(AccountError::Cancelled),
        };
        let (server, account) = (errand.terms.server.clone(), errand.terms.account.clone());
        let (outcome, page) = match visit {
            Ok(visit) => (self.finish(errand, visit.callback).await, Some(visit.page)),
            Err(fault) => {
                self.doubt(&errand);
                (Err(fault), None)
            }
        };
        if let Err(fault) = outcome.as_ref()
            && !matches!(fault, AccountError::Cancelled)
        {
            self.note_failure(&server, account.as_ref(), fault).await;
        }
        if let Some(page) = page {
            // Nobody may be there any more to read it.
            let _ = page.send(match &outcome {
                Ok(account) => Page::Done(account.name.clone()),
                Err(fault) => Page::Failed(fault.to_string()),
            });
        }
        told.send_replace(Some(outcome));
    }

    /// Tells the log of a sign-in that failed. It failed even if the log is broken.
    pub(crate) async fn note_failure(
        &self,
        server: &Server,
        account: Option<&Account>,
        fault: &AccountError,
    ) {
        let detail = vec![("reason", Json::text(fault.to_string()))];
        if let Err(broken) = self.record(RecordKind::SignInFailed, server, account, detail).await {
            tracing::error!(%broken, "a failed sign-in could not be recorded");
        }
    }

    /// A sign-in that never came back may mean that the authorization server no longer knows the registration: the next
    /// one registers anew. Tokens carry their own client, so nothing else is touched.
    fn doubt(&self, errand: &Errand) {
        let terms = &errand.terms;
        if errand.is_reused
            && let Err(fault) =
                self.forget_registered(&terms.server, &terms.issuer.issuer, &terms.client.id)
        {
            tracing::warn!(%fault, "a doubtful registration could not be forgotten");
        }
    }
}
