//! Clients: those that register themselves, and those whose id is the URL of a document.

use prokura_domain::client::ClientSource;
use prokura_domain::id::base32;
use prokura_domain::registry::RegistryFault;
use prokura_domain::{Change, Client, ClientMetadata, Durability, Event, Json, RecordKind};

use super::broken;
use crate::{Delegation, DelegationError};

/// Documents that are remembered at most.
const DOCUMENTS: usize = 100;
/// The setting that keeps documents from being read.
const DOCUMENTS_OFF: &str = "client_documents_off";

impl Delegation {
    /// Registers a client. Nobody let it in yet, so it can do nothing but ask.
    pub(super) async fn register_client(
        &self,
        metadata: ClientMetadata,
    ) -> Result<Client, RegistryFault> {
        let now = self.now();
        if !self.0.registry.table().registered.admits(now) {
            return Err(RegistryFault::Busy);
        }
        let mut bytes = [0u8; 15];
        self.entropy().fill(&mut bytes);
        let client = Client {
            id: format!("prc_{}", base32(&bytes)),
            source: ClientSource::Registered,
            name: metadata.name,
            redirect_uris: metadata.redirect_uris,
            agent: None,
            added_at: now,
        };
        self.store().put_client(&client, now).map_err(broken)?;
        let detail = Json::object([
            ("client", Json::text(&client.id)),
            ("name", Json::text(&client.name)),
            ("redirect_uris", redirects(&client)),
        ]);
        self.append_quietly(Event::new(RecordKind::ClientRegistered, detail), None).await;
        Ok(client)
    }

    /// Whether the documents by which programs name themselves are read from the internet. Where they are not, programs
    /// register instead.
    #[must_use]
    pub fn documents_are_read(&self) -> bool {
        !matches!(self.store().setting(DOCUMENTS_OFF), Ok(Some(off)) if off == "true")
    }

    /// Sets whether they are read; recorded before it holds.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn read_documents(&self, on: bool) -> Result<(), DelegationError> {
        let detail = Json::object([("client_documents", Json::from(on))]);
        let event = Event::new(RecordKind::NetworkChanged, detail);
        self.log().append(event, Durability::Synced).await?;
        self.store().put_setting(DOCUMENTS_OFF, if on { "false" } else { "true" })?;
        self.tell(Change::State);
        Ok(())
    }

    /// The client with this id.
    pub(super) async fn find_client(&self, id: &str) -> Result<Client, RegistryFault> {
        let known = self.store().client(id).map_err(broken)?;
        if id.starts_with("https://") {
            if !self.documents_are_read() {
                let text = "Prokura is set not to read documents of clients; this one has to register instead";
                return Err(RegistryFault::Client(text.to_owned()));
            }
            return self.read_document(id, known).await;
        }
        known.ok_or_else(|| {
            RegistryFault::Client(
                "this client is not known here; it has to register again".to_owned(),
            )
        })
    }

    async fn read_document(
        &self,
        id: &str,
        known: Option<Client>,
    ) -> Result<Client, RegistryFault> {
        let now = self.now();
        {
            let mut table = self.0.registry.table();
            table.documents.retain(|_, (until, _)| now < *until);
            if let Some((_, client)) = table.documents.get(id) {
                let agent = known.and_then(|known| known.agent);
                return Ok(Client { agent, ..client.clone() });
            }
            if !table.fetched.admits(now) {
                return Err(RegistryFault::Busy);
            }
        }
        let unusable = |why: String| {
            RegistryFault::Client(format!("the document of this client cannot be used: {why}"))
        };
        let read = self.0.parts.documents.read(id).await.map_err(|why| {
            unusable(format!(
                "{why}. Where this computer cannot reach it, switch such documents off in Prokura, Settings, Network, and start again"
            ))
        })?;
        let document = Json::read(&read.text).map_err(|_| unusable("it is not JSON".to_owned()))?;
        if document.member("client_id").and_then(Json::as_str) != Some(id) {
            return Err(unusable("its client_id is another one".to_owned()));
        }
        let metadata =
            ClientMetadata::read(&document).map_err(|fault| unusable(fault.to_string()))?;
        if metadata.confidential {
            return Err(unusable(
                "it wants to prove itself with a key, and Prokura takes public clients only"
                    .to_owned(),
            ));
        }
        let client = Client {
            id: id.to_owned(),
            source: ClientSource::Document,
            name: metadata.name,
            redirect_uris: metadata.redirect_uris,
            agent: known.and_then(|known| known.agent),
            added_at: now,
        };
        let mut table = self.0.registry.table();
        if read.fresh_seconds > 0 && table.documents.len() < DOCUMENTS {
            let until = now.plus_seconds(read.fresh_seconds);
            table.documents.insert(id.to_owned(), (until, client.clone()));
        }
        Ok(client)
    }
}

pub(super) fn redirects(client: &Client) -> Json {
    Json::Array(client.redirect_uris.iter().map(|uri| Json::text(uri.as_str())).collect())
}
