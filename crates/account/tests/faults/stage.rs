//! Where a misbehaviour is played: an Account that is signed in, its authorization server, another place at which nothing
//! may ever arrive, and what has to be whole afterwards.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use prokura_account::http::Network;
use prokura_account::{AccountError, SignIn};
use prokura_domain::{Account, AccountState, Server};

use crate::authority::Authority;
use crate::rough::{Manner, rough};
use crate::row::{Act, Gone, Row};
use crate::site::Site;
use crate::world::{World, bearer, browse};

pub struct Stage {
    pub world: World,
    pub authority: Authority,
    /// Another place; whatever arrives there was misled.
    pub elsewhere: Site,
    pub server: Server,
    pub account: Account,
    /// Whether the clock of timers stands.
    pub stopped: Arc<AtomicBool>,
    /// The last page that the browser was shown.
    pub page: Mutex<String>,
    /// The last server without manners.
    rough: Mutex<String>,
}

impl Stage {
    pub async fn set() -> Self {
        Self::over(Network::system()).await
    }

    pub async fn over(network: Network) -> Self {
        let (world, authority) = (World::over(network), Authority::open().await);
        let (server, account) = world.signed_in(&authority).await;
        Self {
            world,
            authority,
            elsewhere: Site::open().await,
            server,
            account,
            stopped: Arc::default(),
            page: Mutex::default(),
            rough: Mutex::default(),
        }
    }

    /// A server without manners; gives its address.
    pub fn rough(&self, manner: Manner) -> String {
        let base = rough(manner, self.stopped.clone());
        self.rough.lock().unwrap().clone_from(&base);
        base
    }

    pub fn filled(&self, text: &str) -> String {
        text.replace("{base}", &self.authority.site.base)
            .replace("{else}", &self.elsewhere.base)
            .replace("{rough}", &self.rough.lock().unwrap())
            .replace("{resource}", &self.authority.endpoint())
    }

    async fn played(&self, act: &Act) -> String {
        match act {
            Act::SignIn(prepare) => {
                prepare(self);
                told(self.world.sign_in(&self.authority, &self.server).await)
            }
            Act::Fresh(prepare) => {
                prepare(self);
                let server = self.world.server(&self.authority.endpoint());
                told(self.world.sign_in(&self.authority, &server).await)
            }
            Act::Browser(alter) => {
                let sign_in = match self.world.book.start_sign_in(&self.server, None, &[]).await {
                    Ok(sign_in) => sign_in,
                    Err(fault) => return fault.to_string(),
                };
                let mut answer = self.authority.approve(&sign_in);
                alter(self, &sign_in, &mut answer);
                self.come_back(&sign_in, &answer).await
            }
            Act::Refresh(prepare) => {
                self.world.pass(3600);
                prepare(self);
                self.used().await
            }
            Act::SignOut(prepare) => {
                prepare(self);
                match self.world.book.sign_out(&self.account.id).await {
                    Ok(out) => out.told,
                    Err(fault) => fault.to_string(),
                }
            }
            Act::Play(play) => play(self).await,
        }
    }

    /// The browser comes back; gives what the person is told, or that the sign-in still waits.
    pub async fn come_back(
        &self,
        sign_in: &SignIn,
        answer: &std::collections::HashMap<String, String>,
    ) -> String {
        let (status, _, page) = browse(sign_in, answer).await;
        *self.page.lock().unwrap() = page.clone();
        if page.contains("not an open sign-in") {
            assert_eq!(status, 400);
            let good = self.authority.approve(sign_in);
            browse(sign_in, &good).await;
            let after = told(self.world.book.wait_sign_in(&sign_in.id).await);
            return format!("the page is no open sign-in; then: {after}");
        }
        told(self.world.book.wait_sign_in(&sign_in.id).await)
    }

    /// Uses the Account once; gives its token, or what the person is told.
    pub async fn used(&self) -> String {
        match self.world.book.proof(&self.account.id, None).await {
            Ok(proof) => format!("goes on with {}", bearer(&proof)),
            Err(fault) => fault.to_string(),
        }
    }

    fn registration(&self) -> Option<String> {
        let (issuer, server) = (&self.authority.site.base, &self.server.id);
        let known = self.world.store.registration(issuer, server).unwrap();
        known.map(|known| known.client_id)
    }

    /// Plays a row; what is not as it should be comes back as sentences.
    pub async fn play(&self, row: &Row) -> Vec<String> {
        let registered = self.registration();
        let heard = self.played(&row.act).await;
        if self.stopped.swap(false, Ordering::SeqCst) {
            tokio::time::resume();
        }
        let mut wrong = Vec::new();
        let due = self.filled(&row.told);
        if heard != due {
            wrong.push(format!("told   {heard}\n    due    {due}"));
        }
        if !self.elsewhere.all().is_empty() {
            wrong.push(format!("something arrived elsewhere: {:?}", self.elsewhere.all()));
        }
        let left = self.registration();
        if row.gone != Gone::Registration && left != registered {
            wrong.push(format!("the registration was {registered:?} and is {left:?}"));
        }
        for (kind, body) in self.world.records() {
            if ["access-", "refresh-", "code-", "hush-hush"]
                .iter()
                .any(|secret| body.contains(secret))
            {
                wrong.push(format!("a record tells a secret: {kind} {body}"));
            }
        }
        wrong.extend(self.well_again(row.gone).await);
        wrong
    }

    /// Everything behaves well again: what is not whole?
    async fn well_again(&self, gone: Gone) -> Vec<String> {
        let mut wrong = Vec::new();
        self.authority.restore();
        let state = self.world.state(&self.account);
        if gone == Gone::Nothing && state != AccountState::SignedIn {
            wrong.push(format!("the account is {state:?}"));
        }
        if gone == Gone::SignIn {
            if state == AccountState::SignedIn {
                wrong.push("the account was to need the person".to_owned());
            }
            let again = Some(self.account.id.clone());
            match self.world.book.start_sign_in(&self.server, again, &[]).await {
                Ok(sign_in) => {
                    if let Err(fault) = self.world.finish(&self.authority, &sign_in).await {
                        wrong.push(format!("signing in again: {fault}"));
                    }
                }
                Err(fault) => wrong.push(format!("starting to sign in again: {fault}")),
            }
        }
        self.world.pass(7200);
        if gone != Gone::Registration
            && let Err(fault) = self.world.book.proof(&self.account.id, None).await
        {
            wrong.push(format!("a good refresh afterwards: {fault}"));
        }
        if let Err(fault) = self.world.sign_in(&self.authority, &self.server).await {
            wrong.push(format!("a good sign-in afterwards: {fault}"));
        }
        wrong
    }
}

/// What the person is told at the end of a sign-in.
pub fn told(outcome: Result<Account, AccountError>) -> String {
    match outcome {
        Ok(account) => format!("signed in as {} for {}", account.name, account.scopes.join(" ")),
        Err(fault) => fault.to_string(),
    }
}
