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
        let settings = self.0.accounts.set_proxy(url.as_deref()).await?;
        Ok(self.network_view(settings))
    }

    /// Trusts a certificate authority beside the system's.
    ///
    /// # Errors
    /// [`Failure`] when it is no certificate, or it cannot be recorded or kept.
    pub async fn network_trust(&self, name: String, pem: String) -> Result<NetworkView, Failure> {
        let settings = self.0.accounts.trust(&name, &pem).await?;
        Ok(self.network_view(settings))
    }

    /// Trusts it no more.
    ///
    /// # Errors
    /// [`Failure`] when there is none of that name, or it cannot be recorded or kept.
    pub async fn network_distrust(&self, name: String) -> Result<NetworkView, Failure> {
        let settings = self.0.accounts.distrust(&name).await?;
        Ok(self.network_view(settings))
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

    /// Says whether the documents by which programs of agents name themselves are read.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be recorded or kept.
    pub async fn network_documents(&self, on: bool) -> Result<NetworkView, Failure> {
        self.0.delegation.read_documents(on).await?;
        self.network_settings()
    }

    pub(crate) fn network_settings(&self) -> Result<NetworkView, Failure> {
        Ok(self.network_view(self.0.accounts.network()?))
    }

    fn network_view(&self, settings: NetworkSettings) -> NetworkView {
        let authorities = settings.authorities.into_iter();
        let authorities = authorities
            .map(|one| AuthorityView { name: one.name, fingerprints: one.fingerprints })
            .collect();
        let documents = self.0.delegation.documents_are_read();
        NetworkView { proxy: settings.proxy, authorities, documents }
    }
}
