//! The open sign-ins, and those that ended a little while ago.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use prokura_domain::{Account, AccountId, ServerId, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::listener::Door;
use crate::book::lock;
use crate::error::AccountError;

/// A sign-in that waits for the person's browser.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Its identity.
    pub id: String,
    /// Where.
    pub server: ServerId,
    /// The Account that signs in again, if it is one.
    pub account: Option<AccountId>,
    /// What to open in the system's browser.
    pub url: String,
    /// Who will issue the tokens.
    pub issuer: String,
    /// What they will be bound to.
    pub resource: String,
    /// Where the browser comes back to.
    pub redirect: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// What to enter at the page, where it is opened on another device.
    pub device: Option<DeviceCode>,
}

/// What a person enters on another device (RFC 8628).
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// The code.
    pub code: String,
    /// The page to enter it at.
    pub page: String,
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCode")
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds the state.
        f.debug_struct("SignIn")
            .field("id", &self.id)
            .field("server", &self.server)
            .field("issuer", &self.issuer)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

pub(crate) type Outcome = Option<Result<Account, AccountError>>;

struct Open {
    sign_in: SignIn,
    cancel: CancellationToken,
    done: watch::Receiver<Outcome>,
    door: Option<Arc<Door>>,
}

impl Open {
    fn is_over(&self) -> bool {
        self.done.borrow().is_some() || self.done.has_changed().is_err()
    }
}

/// All sign-ins, by id.
#[derive(Default)]
pub(crate) struct Desk(Mutex<HashMap<String, Open>>);

impl Desk {
    /// The open sign-in at a Server, and the Account it is for.
    pub(crate) fn open_at(&self, server: &ServerId) -> Option<(SignIn, Option<AccountId>)> {
        lock(&self.0)
            .values()
            .find(|open| open.sign_in.server == *server && !open.is_over())
            .map(|open| (open.sign_in.clone(), open.sign_in.account.clone()))
    }

    pub(crate) fn put(
        &self,
        sign_in: SignIn,
        cancel: CancellationToken,
        done: watch::Receiver<Outcome>,
        door: Option<Arc<Door>>,
        now: Timestamp,
    ) {
        let mut all = lock(&self.0);
        all.retain(|_, open| !open.is_over() || open.sign_in.expires_at > now);
        all.insert(sign_in.id.clone(), Open { sign_in, cancel, done, door });
    }

    pub(crate) fn done(&self, id: &str) -> Option<watch::Receiver<Outcome>> {
        lock(&self.0).get(id).map(|open| open.done.clone())
    }

    /// The redirect address and the door of an open sign-in.
    pub(crate) fn door(&self, id: &str) -> Option<(String, Arc<Door>)> {
        let all = lock(&self.0);
        let open = all.get(id).filter(|open| !open.is_over())?;
        Some((open.sign_in.redirect.clone(), open.door.clone()?))
    }

    pub(crate) fn cancel(&self, id: &str) {
        if let Some(open) = lock(&self.0).get(id) {
            open.cancel.cancel();
        }
    }

    pub(crate) fn cancel_all(&self) {
        lock(&self.0).values().for_each(|open| open.cancel.cancel());
    }

    /// Cancels the open sign-in for an Account.
    pub(crate) fn cancel_of(&self, account: &AccountId) {
        for open in lock(&self.0).values() {
            if open.sign_in.account.as_ref() == Some(account) {
                open.cancel.cancel();
            }
        }
    }
}
