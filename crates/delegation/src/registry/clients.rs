//! Clients: those that register themselves, and those whose id is the URL of a document.

use prokura_domain::client::ClientSource;
use prokura_domain::id::base32;
use prokura_domain::registry::RegistryFault;
use prokura_domain::{Client, ClientMetadata, Event, Json, RecordKind};

use super::broken;
use crate::Delegation;

/// Documents that are remembered at most.
const DOCUMENTS: usize = 100;

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

    /// The client with this id.
    pub(super) async fn find_client(&self, id: &str) -> Result<Client, RegistryFault> {
        let known = self.store().client(id).map_err(broken)?;
        if id.starts_with("https://") {
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
        let read = self.0.parts.documents.read(id).await.map_err(unusable)?;
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
