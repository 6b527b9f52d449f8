//! How servers are reached: a proxy, certificate authorities; and whether this data folder is the only one.

use prokura_account::NetworkSettings;
use prokura_domain::{Durability, Event, Json, RecordKind};

use crate::Api;
use crate::failure::Failure;
use crate::view::{AuthorityView, NetworkView, StateView};

impl Api {
    /// How servers are reached.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn network(&self) -> Result<NetworkView, Failure> {
        self.network_settings()
    }

    /// Sets the proxy; none goes out directly.
    ///
    /// # Errors
    /// [`Failure`] when it is no proxy, or it cannot be recorded or kept.
    pub async fn network_proxy(&self, url: Option<String>) -> Result<NetworkView, Failure> {
        Ok(view(self.0.accounts.set_proxy(url.as_deref()).await?))
    }

    /// Trusts a certificate authority beside the system's.
    ///
    /// # Errors
    /// [`Failure`] when it is no certificate, or it cannot be recorded or kept.
    pub async fn network_trust(&self, name: String, pem: String) -> Result<NetworkView, Failure> {
        Ok(view(self.0.accounts.trust(&name, &pem).await?))
    }

    /// Trusts it no more.
    ///
    /// # Errors
    /// [`Failure`] when there is none of that name, or it cannot be recorded or kept.
    pub async fn network_distrust(&self, name: String) -> Result<NetworkView, Failure> {
        Ok(view(self.0.accounts.distrust(&name).await?))
    }

    /// The person says that this data folder is the only one left.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be recorded or kept.
    pub async fn adopt(&self) -> Result<StateView, Failure> {
        let event = Event::new(RecordKind::HostAdopted, Json::object::<String>([]));
        self.0.log.append(event, Durability::Synced).await?;
        self.0.accounts.adopt()?;
        self.state().await
    }

    pub(crate) fn network_settings(&self) -> Result<NetworkView, Failure> {
        Ok(view(self.0.accounts.network()?))
    }
}

fn view(settings: NetworkSettings) -> NetworkView {
    let authorities = settings.authorities.into_iter();
    let authorities = authorities
        .map(|one| AuthorityView { name: one.name, fingerprints: one.fingerprints })
        .collect();
    NetworkView { proxy: settings.proxy, authorities }
}
