//! The way back by hand: over SSH the browser runs on another machine and cannot come to this one, so the person brings the
//! address it ended at. It is judged exactly as if a browser had come.

use url::Url;

use crate::book::AccountBook;
use crate::error::AccountError;

/// No address that a browser comes back with is longer than this.
const MAX: usize = 16 * 1024;

impl AccountBook {
    /// Takes the address that the browser ended at, for the open sign-in `id`. How it went is told by
    /// [`wait_sign_in`](Self::wait_sign_in).
    ///
    /// # Errors
    /// [`AccountError::BadPaste`] when it is not the answer to this sign-in; it stays open.
    pub fn paste_sign_in(&self, id: &str, address: &str) -> Result<(), AccountError> {
        let (redirect, door) = self.0.desk.door(id).ok_or(AccountError::NoSignIn)?;
        let address = address.trim();
        let url = Url::parse(address).ok().filter(|_| address.len() <= MAX);
        let url = url.ok_or(AccountError::BadPaste("it is no address"))?;
        let mut place = url.clone();
        place.set_query(None);
        place.set_fragment(None);
        if place.as_str() != redirect {
            return Err(AccountError::BadPaste("it is not where this sign-in comes back to"));
        }
        // Nobody reads the page: the person is told here.
        match door.admit(url.query().unwrap_or_default()) {
            Some(_) => Ok(()),
            None => Err(AccountError::BadPaste("it is not the answer to this sign-in")),
        }
    }
}
