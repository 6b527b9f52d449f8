//! Servers: adding and removing, signing out.

use prokura_domain::port::SignOut;
use prokura_domain::server::check_name;
use prokura_domain::{
    Account, AgentId, AuditLevel, Change, Durability, Event, Json, Launch, QuestionState,
    RecordKind, Server, ServerId,
};

use crate::{Delegation, DelegationError};

impl Delegation {
    /// Adds a Server. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`DelegationError::Name`] when the name cannot be used or is taken; store and log faults.
    pub async fn add_server(&self, name: &str, endpoint: &str) -> Result<Server, DelegationError> {
        let detail = Json::object([("endpoint", Json::text(endpoint))]);
        self.add(name, endpoint.to_owned(), None, detail).await
    }

    pub(crate) async fn add(
        &self,
        name: &str,
        endpoint: String,
        launch: Option<Launch>,
        detail: Json,
    ) -> Result<Server, DelegationError> {
        check_name(name).map_err(|error| DelegationError::Name(error.to_string()))?;
        if self.store().find_server(name)?.is_some() {
            let text = format!("a server \"{name}\" exists already; choose another name");
            return Err(DelegationError::Name(text));
        }
        let server = Server {
            id: ServerId::new(&*self.0.parts.entropy),
            name: name.to_owned(),
            endpoint,
            resource: None,
            audit_level: AuditLevel::Arguments,
            launch,
            added_at: self.now(),
        };
        self.store().put_server(&server)?;
        self.note_server(RecordKind::ServerAdded, &server, detail).await?;
        self.rules_changed(Change::Servers);
        Ok(server)
    }

    /// Removes a Server: Calls are cancelled, Grants closed, Accounts signed out; the records stay.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn remove_server(&self, server: &Server) -> Result<Vec<SignOut>, DelegationError> {
        let id = &server.id;
        let closed = self.close_grants(|grant| grant.server == *id).await?;
        self.0.flights.cancel(|flight| flight.server == *id);
        self.drop_questions(QuestionState::Dropped, |question| {
            question.server.as_ref() == Some(id)
        })
        .await?;
        if server.launch.is_some() {
            self.programs().stop(id, "The server was removed.").await;
        }
        let mut told = Vec::new();
        for account in self.store().accounts(id)? {
            told.push(self.sign_out(&account).await?);
        }
        let results = told.iter().map(|out| Json::text(&out.told)).collect();
        let detail = Json::object([
            ("grants_closed", Json::from(closed as u64)),
            ("sign_outs", Json::Array(results)),
        ]);
        self.note_server(RecordKind::ServerRemoved, server, detail).await?;
        self.store().remove_server(id)?;
        self.programs().forget(id);
        self.rules_changed(Change::Servers);
        Ok(told)
    }

    /// Signs an Account out: its Calls are cancelled, its tokens revoked and forgotten.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`] with a sentence when nothing could be forgotten.
    pub async fn sign_out(&self, account: &Account) -> Result<SignOut, DelegationError> {
        self.0.flights.cancel(|flight| flight.account == account.id);
        let out = self.0.parts.accounts.sign_out(&account.id).await;
        self.rules_changed(Change::Accounts);
        out.map_err(DelegationError::NotFound)
    }

    /// Chooses the Account that an Agent uses at the Account's Server. Calls on their way are decided again.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn choose_account(
        &self,
        agent: &AgentId,
        account: &Account,
    ) -> Result<(), DelegationError> {
        let subject = self.subject(Some(agent), Some(&account.server), Some(&account.id));
        let event = Event::new(RecordKind::AccountChosen, Json::object::<String>([]));
        self.log().append(event.about(subject), Durability::Synced).await?;
        self.store().choose_account(agent, &account.server, &account.id)?;
        self.rules_changed(Change::Accounts);
        Ok(())
    }

    pub(crate) async fn note_server(
        &self,
        kind: RecordKind,
        server: &Server,
        detail: Json,
    ) -> Result<(), DelegationError> {
        let event = Event::new(kind, detail).about(self.subject(None, Some(&server.id), None));
        self.log().append(event, Durability::Synced).await?;
        self.tell(Change::Audit);
        Ok(())
    }
}
