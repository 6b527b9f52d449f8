//! Which client Prokura is at an authorization server: the one the person entered, its metadata document, or one that is
//! registered on the way (CA-11). Everything is kept by Server and issuer, and never shown to another issuer.

mod dynamic;

pub use dynamic::Leaving;

use prokura_domain::{Server, Timestamp};
use prokura_store::{Registration, RegistrationSource};
use serde_json::Value;

use crate::book::{AccountBook, Book};
use crate::client::{AuthMethod, Client, ClientProof};
use crate::discovery::{Issuer, Need};
use crate::error::AccountError;
use crate::http::Guard;
use crate::sign_in::{redirect_to, remembered_port};
use crate::stored::Tokens;
use crate::text;

/// A client, and whether an earlier registration was used again for it.
pub(crate) struct Chosen {
    pub(crate) client: Client,
    pub(crate) is_reused: bool,
}

impl AccountBook {
    /// Keeps a client that the person made at the Server's authorization server. It is used instead of registering. Of a
    /// key the public part is answered, to be entered there.
    ///
    /// # Errors
    /// [`AccountError`] when the authorization server cannot be found, or the Vault is locked.
    pub async fn set_client(
        &self,
        server: &Server,
        client_id: &str,
        proof: ClientProof,
    ) -> Result<Option<Value>, AccountError> {
        let book = &self.0;
        book.needs_vault()?;
        check_id(client_id).map_err(AccountError::BadKey)?;
        let (guard, endpoint) = book.way_to(server)?;
        let discovery = book.discovery(server, &guard, &endpoint).await?;
        let issuer = book.choose_issuer(server, &guard, &discovery, None, Need::Tokens).await?;
        let kept = proof.kept(issuer.methods.as_deref()).map_err(AccountError::BadKey)?;
        let client = Client { id: client_id.to_owned(), secret: kept.secret, method: kept.method };
        book.keep_registration(server, &issuer.issuer, &client, RegistrationSource::Manual, None)?;
        book.store.put_setting(&entered_at(server), &issuer.issuer)?;
        Ok(kept.public)
    }

    /// Forgets the client that the person entered.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails.
    pub fn forget_client(&self, server: &Server) -> Result<(), AccountError> {
        let book = &self.0;
        if let Some(issuer) = book.entered_issuer(server)? {
            book.remove_registration(server, &issuer)?;
            book.store.put_setting(&entered_at(server), "")?;
        }
        Ok(())
    }
}

fn entered_at(server: &Server) -> String {
    format!("client_issuer/{}", server.id)
}

fn check_id(id: &str) -> Result<(), &'static str> {
    if id.is_empty() || id.len() > 2048 || !id.chars().all(|c| (' '..='~').contains(&c)) {
        return Err("a client id is 1 to 2048 printable characters");
    }
    Ok(())
}

impl Book {
    /// The issuer for which the person entered a client.
    pub(crate) fn entered_issuer(&self, server: &Server) -> Result<Option<String>, AccountError> {
        Ok(self.store.setting(&entered_at(server))?.filter(|issuer| !issuer.is_empty()))
    }

    /// The client for a sign-in that comes back to `redirect`.
    pub(crate) async fn choose_client(
        &self,
        server: &Server,
        guard: &Guard,
        issuer: &Issuer,
        redirect: &str,
    ) -> Result<Chosen, AccountError> {
        let known = self.store.registration(&issuer.issuer, &server.id)?;
        if let Some(entered) = known.as_ref().filter(|r| r.source == RegistrationSource::Manual) {
            let expected = remembered_port(&self.store, server)?;
            if let Some(port) = expected.filter(|port| redirect_to(*port) != redirect) {
                return Err(AccountError::PortTaken { port });
            }
            return Ok(Chosen {
                client: self.registered_client(server, entered)?,
                is_reused: false,
            });
        }
        if let Some(document) = self.options.client_document.as_ref().filter(|_| issuer.documents) {
            let client = Client { id: document.clone(), secret: None, method: AuthMethod::None };
            return Ok(Chosen { client, is_reused: false });
        }
        let now = self.now();
        let fits = |r: &&Registration| {
            r.redirect_uri.as_deref() == Some(redirect) && r.expires_at.is_none_or(|at| at > now)
        };
        if let Some(known) = known.as_ref().filter(fits) {
            match self.registered_client(server, known) {
                Ok(client) => return Ok(Chosen { client, is_reused: true }),
                // Half written, or put back: it is replaced.
                Err(AccountError::DoesNotOpen) => {}
                Err(fault) => return Err(fault),
            }
        }
        let Some(at) = &issuer.registration else {
            return Err(AccountError::ClientNeeded {
                issuer: text::printable(&issuer.issuer, 200),
                redirect: redirect.to_owned(),
            });
        };
        let client = self.register(server, guard, issuer, at, redirect).await?;
        Ok(Chosen { client, is_reused: false })
    }

    /// Keeps a client with its secret sealed; the secret is there before the row that promises it.
    fn keep_registration(
        &self,
        server: &Server,
        issuer: &str,
        client: &Client,
        source: RegistrationSource,
        terms: Option<(&str, Option<Timestamp>)>,
    ) -> Result<(), AccountError> {
        let known = self.store.registration(issuer, &server.id)?;
        let generation = known.map_or(0, |known| known.generation).saturating_add(1);
        let secret = client.secret.as_ref().map(|secret| secret.as_str());
        self.keep_client_secret(server, issuer, generation, secret)?;
        let registration = Registration {
            issuer: issuer.to_owned(),
            client_id: client.id.clone(),
            auth_method: client.method.as_str().to_owned(),
            redirect_uri: terms.map(|(redirect, _)| redirect.to_owned()),
            source,
            expires_at: terms.and_then(|(_, ends)| ends),
            added_at: self.now(),
            generation,
        };
        self.store.put_registration(&server.id, &registration)?;
        Ok(())
    }

    pub(crate) fn registered_client(
        &self,
        server: &Server,
        registration: &Registration,
    ) -> Result<Client, AccountError> {
        let method =
            AuthMethod::from_text(&registration.auth_method).ok_or(AccountError::DoesNotOpen)?;
        let secret = self.client_secret(server, &registration.issuer, registration.generation)?;
        if method != AuthMethod::None && secret.is_none() {
            return Err(AccountError::DoesNotOpen);
        }
        Ok(Client { id: registration.client_id.clone(), secret, method })
    }

    /// The client that tokens were issued to, with the secret the person may have entered anew since.
    pub(crate) fn current_client(
        &self,
        server: &Server,
        issuer: &str,
        tokens: &Tokens,
    ) -> Result<Client, AccountError> {
        match self.store.registration(issuer, &server.id)? {
            Some(known) if known.client_id == tokens.client_id => {
                match self.registered_client(server, &known) {
                    Err(AccountError::DoesNotOpen) => Ok(tokens.client()),
                    current => current,
                }
            }
            Some(_) | None => Ok(tokens.client()),
        }
    }

    /// Forgets a registration that its issuer no longer knows, so that the next sign-in registers anew. A client that the
    /// person entered stays.
    pub(crate) fn forget_registered(
        &self,
        server: &Server,
        issuer: &str,
        client_id: &str,
    ) -> Result<(), AccountError> {
        match self.store.registration(issuer, &server.id)? {
            Some(known)
                if known.source == RegistrationSource::Dcr && known.client_id == client_id =>
            {
                self.remove_registration(server, issuer)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn remove_registration(&self, server: &Server, issuer: &str) -> Result<(), AccountError> {
        self.store.remove_registration(issuer, &server.id)?;
        self.keep_client_secret(server, issuer, 0, None)
    }
}
