//! Signing in with a browser on another device (RFC 8628): the person enters a code there, and this side asks until that is
//! done. It must never ask more often than it is told to.

use std::sync::Arc;
use std::time::Duration;

use prokura_domain::{Account, Server};
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::desk::{DeviceCode, Outcome, SignIn};
use super::listener::redirect_to;
use super::{LIFE, Terms, bind, remember_port, remembered_port};
use crate::book::Book;
use crate::discovery::{Discovery, Issuer, link};
use crate::error::AccountError;
use crate::http::Guard;
use crate::machine::Standing;
use crate::text;
use crate::token::{Granted, Talk, TokenFault, random, said_in};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long to wait between two questions where it is not said (RFC 8628 §3.2), and by how much longer when it was too
/// often (§3.5).
const USUAL_SECONDS: u64 = 5;
const LONGEST_SECONDS: u64 = 60;

#[derive(Deserialize)]
struct Begun {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// What is waited with.
struct Waiting {
    terms: Terms,
    guard: Guard,
    code: Zeroizing<String>,
    every: u64,
    life: Duration,
}

impl Book {
    pub(super) async fn start_device(
        self: &Arc<Self>,
        server: &Server,
        account: Option<Account>,
        guard: Guard,
        (discovery, issuer): (Discovery, Issuer),
        scopes: Vec<String>,
    ) -> Result<SignIn, AccountError> {
        // Nothing comes back to it, but a registration is made with one.
        let port = match remembered_port(&self.store, server)? {
            Some(port) => port,
            None => {
                let (_, port) = bind(None).await?;
                remember_port(&self.store, server, port)?;
                port
            }
        };
        let chosen = self.choose_client(server, &guard, &issuer, &redirect_to(port)).await?;
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
        let begun = match self.ask_for_code(&guard, &terms).await {
            Ok(begun) => begun,
            Err(fault) => return Err(self.not_issued(&terms, fault)?),
        };
        let life = Duration::from_secs(begun.expires_in.clamp(1, LIFE.as_secs()));
        let sign_in = self.shown(&guard, &terms, &begun, life)?;
        let waiting = Waiting {
            terms,
            guard,
            code: Zeroizing::new(begun.device_code),
            every: begun.interval.unwrap_or(USUAL_SECONDS).clamp(1, LONGEST_SECONDS),
            life,
        };
        let (told, done) = watch::channel(None);
        let cancel = CancellationToken::new();
        self.desk.put(sign_in.clone(), cancel.clone(), done, None, self.now());
        let book = self.clone();
        tokio::spawn(async move { book.wait_for_device(waiting, cancel, told).await });
        Ok(sign_in)
    }

    async fn ask_for_code(&self, guard: &Guard, terms: &Terms) -> Result<Begun, TokenFault> {
        let missing = || TokenFault::Passing(AccountError::NoSignIn);
        let at = terms.issuer.device.as_ref().ok_or_else(missing)?;
        let scope = terms.scopes.join(" ");
        let mut pairs = vec![("resource", terms.resource.as_str())];
        if !scope.is_empty() {
            pairs.push(("scope", &scope));
        }
        let talk = self.talk(guard, &terms.issuer, &terms.client, &terms.resource);
        let answer = talk.ask(at, &pairs).await?;
        if !answer.status().is_success() {
            return Err(said_in(answer.body()));
        }
        serde_json::from_slice(answer.body()).map_err(|_| TokenFault::Refused {
            code: String::new(),
            said: "its answer is not one to a sign-in on another device".to_owned(),
        })
    }

    fn shown(
        &self,
        guard: &Guard,
        terms: &Terms,
        begun: &Begun,
        life: Duration,
    ) -> Result<SignIn, AccountError> {
        // A browser is sent there, so it is checked like every other page.
        let page = link(guard, &begun.verification_uri)?;
        let whole = match &begun.verification_uri_complete {
            Some(whole) => link(guard, whole)?,
            None => page.clone(),
        };
        let seconds = i64::try_from(life.as_secs()).unwrap_or_default();
        Ok(SignIn {
            id: format!("sgn_{}", random(self.entropy.as_ref())),
            server: terms.server.id.clone(),
            account: terms.account.as_ref().map(|account| account.id.clone()),
            url: whole.to_string(),
            issuer: terms.issuer.issuer.clone(),
            resource: terms.resource.clone(),
            redirect: String::new(),
            scopes: terms.scopes.clone(),
            expires_at: self.now().plus_seconds(seconds),
            device: Some(DeviceCode {
                code: text::printable(&begun.user_code, 40),
                page: page.to_string(),
            }),
        })
    }

    async fn wait_for_device(
        &self,
        waiting: Waiting,
        cancel: CancellationToken,
        told: watch::Sender<Outcome>,
    ) {
        let outcome = tokio::select! {
            outcome = self.poll(&waiting) => outcome,
            () = tokio::time::sleep(waiting.life) => Err(AccountError::Expired),
            () = cancel.cancelled() => Err(AccountError::Cancelled),
        };
        if let Err(fault) = outcome.as_ref()
            && !matches!(fault, AccountError::Cancelled)
        {
            let terms = &waiting.terms;
            self.note_failure(&terms.server, terms.account.as_ref(), fault).await;
        }
        told.send_replace(Some(outcome));
    }

    async fn poll(&self, waiting: &Waiting) -> Result<Account, AccountError> {
        let terms = &waiting.terms;
        let key = terms.signing_key()?;
        let mut every = waiting.every;
        loop {
            tokio::time::sleep(Duration::from_secs(every)).await;
            let talk = Talk {
                key: key.as_ref(),
                ..self.talk(&waiting.guard, &terms.issuer, &terms.client, &terms.resource)
            };
            match ask_once(&talk, &waiting.code).await {
                Ok(granted) => return self.settle_or_give_back(terms, &talk, &granted).await,
                Err(TokenFault::Refused { code, .. }) if code == "authorization_pending" => {}
                // Too often, or not reachable just now: both want more time.
                Err(TokenFault::Passing(AccountError::Unreachable { .. })) => {
                    every = every.saturating_add(USUAL_SECONDS).min(LONGEST_SECONDS);
                }
                Err(TokenFault::Refused { code, .. }) if code == "expired_token" => {
                    return Err(AccountError::Expired);
                }
                Err(TokenFault::Refused { code, said }) if code == "access_denied" => {
                    let issuer = text::printable(&terms.issuer.issuer, 200);
                    return Err(AccountError::Denied { issuer, said });
                }
                Err(fault) => return Err(self.not_issued(terms, fault)?),
            }
        }
    }
}

async fn ask_once(talk: &Talk<'_>, code: &str) -> Result<Granted, TokenFault> {
    talk.issue(&[("grant_type", GRANT), ("device_code", code), ("resource", talk.resource)]).await
}
