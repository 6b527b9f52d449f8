//! The port that redirect addresses for a Server are on. It stays the same, because clients are made with it.

use prokura_domain::Server;
use prokura_store::Store;

use super::listener::{bind, redirect_to};
use crate::book::AccountBook;
use crate::error::AccountError;

impl AccountBook {
    /// Has redirect addresses for this Server on `port` from now on.
    ///
    /// # Errors
    /// [`AccountError::BadKey`] for no port at all; storage faults.
    pub fn fix_port(&self, server: &Server, port: u16) -> Result<(), AccountError> {
        if port < 1024 {
            return Err(AccountError::BadKey("choose a port from 1024 to 65535"));
        }
        remember_port(&self.0.store, server, port)
    }

    /// The redirect address to enter where a client for this Server is made by hand.
    ///
    /// # Errors
    /// [`AccountError`] when no port can be had.
    pub async fn redirect_address(&self, server: &Server) -> Result<String, AccountError> {
        if let Some(port) = remembered_port(&self.0.store, server)? {
            return Ok(redirect_to(port));
        }
        let (_, port) = bind(None).await?;
        remember_port(&self.0.store, server, port)?;
        Ok(redirect_to(port))
    }
}

fn port_setting(server: &Server) -> String {
    format!("callback_port/{}", server.id)
}

/// The port that redirect addresses for this Server use.
pub(crate) fn remembered_port(store: &Store, server: &Server) -> Result<Option<u16>, AccountError> {
    Ok(store.setting(&port_setting(server))?.and_then(|port| port.parse().ok()))
}

pub(super) fn remember_port(store: &Store, server: &Server, port: u16) -> Result<(), AccountError> {
    Ok(store.put_setting(&port_setting(server), &port.to_string())?)
}
