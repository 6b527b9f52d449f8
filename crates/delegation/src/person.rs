//! The person as an Agent of their own: tools that they try go the one path of a Call under Grants, as everybody's do.
//! Nobody else may come in as it: it has no key, no program and no sign-in, and its name is taken.

use prokura_domain::server::check_name;
use prokura_domain::{
    Agent, AgentId, AgentState, Change, Effect, Grant, Json, Origin, RecordKind, Server,
    TargetPattern,
};

use crate::grants::NewGrant;
use crate::{Delegation, DelegationError};

/// The Agent that stands for the person.
pub(crate) const PERSON: &str = "you";

/// A name that an Agent of somebody else can have.
pub(crate) fn check_agent_name(name: &str) -> Result<(), DelegationError> {
    check_name(name).map_err(|error| DelegationError::Name(error.to_string()))?;
    if name == PERSON {
        let text = format!("\"{PERSON}\" stands for yourself; choose another name");
        return Err(DelegationError::Name(text));
    }
    Ok(())
}

/// Whether this is the person.
pub(crate) fn is_person(agent: &Agent) -> bool {
    agent.name == PERSON
}

/// Refuses what would let somebody else in as the person, or the person out.
pub(crate) fn not_the_person(agent: &Agent) -> Result<(), DelegationError> {
    if is_person(agent) {
        let text = format!(
            "\"{PERSON}\" stands for yourself: it has no key, no program comes in as it, and it cannot be revoked. Revoke its grants instead"
        );
        return Err(DelegationError::Name(text));
    }
    Ok(())
}

impl Delegation {
    /// The Agent that stands for the person, made when it is first wanted.
    ///
    /// # Errors
    /// [`DelegationError::Name`] where an older agent has that name; store and log faults.
    pub async fn person(&self) -> Result<Agent, DelegationError> {
        if let Some(agent) = self.store().find_agent(PERSON)?.filter(is_person) {
            let others = agent.key.is_some()
                || agent.state != AgentState::Active
                || !self.store().pairings(&agent.id)?.is_empty();
            if others {
                let text = format!(
                    "an agent of yours is called \"{PERSON}\" already, so you cannot try tools under that name"
                );
                return Err(DelegationError::Name(text));
            }
            return Ok(agent);
        }
        let agent = Agent {
            id: AgentId::new(&*self.0.parts.entropy),
            name: PERSON.to_owned(),
            state: AgentState::Active,
            key: None,
            claim: None,
            added_at: self.now(),
            seen_at: None,
        };
        self.store().put_agent(&agent)?;
        let detail = Json::object([("credential", Json::text("window_or_terminal"))]);
        self.note_agent(RecordKind::AgentAdded, &agent.id, detail).await?;
        self.tell(Change::Agents);
        Ok(agent)
    }

    /// At a Server where the person never had a Grant, the first one: everything asks. One that they took back is not
    /// made again.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn person_asks(
        &self,
        person: &Agent,
        server: &Server,
        origin: Origin,
    ) -> Result<(), DelegationError> {
        let had = |grant: &Grant| grant.agent == person.id && grant.server == server.id;
        if self.store().grants()?.iter().any(had) {
            return Ok(());
        }
        self.grant(NewGrant {
            agent: person.id.clone(),
            server: server.id.clone(),
            account: None,
            target: TargetPattern::Tools("*".to_owned()),
            effect: Effect::Ask,
            arguments: None,
            conditions: Vec::new(),
            budget: None,
            level: None,
            until: None,
            note: Some("Made when you first tried a tool of this server.".to_owned()),
            origin,
        })
        .await?;
        Ok(())
    }

    /// A trace id that nobody used before, so that what belongs together is found together.
    #[must_use]
    pub fn fresh_trace(&self) -> (String, String) {
        let mut bytes = [0u8; 24];
        self.0.parts.entropy.fill(&mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (trace, span) = hex.split_at(32);
        (trace.to_owned(), span.to_owned())
    }
}
