//! Agents: adding, proving, revoking.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prokura_domain::{
    Agent, AgentId, AgentState, Change, Digest, Durability, Event, Json, Question, QuestionState,
    RecordKind,
};

use crate::person::{check_agent_name, not_the_person};
use crate::{Delegation, DelegationError};

/// What a key starts with, so that people and scanners know what it is.
const KEY_PREFIX: &str = "prk_";

/// An Agent that was just added. Its key is here and nowhere else.
pub struct NewAgent {
    /// The Agent.
    pub agent: Agent,
    /// Its key.
    pub key: String,
}

impl std::fmt::Debug for NewAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAgent").field("agent", &self.agent.id).finish_non_exhaustive()
    }
}

fn key_digest(key: &str) -> Digest {
    Digest::of(&[b"prokura-agent-key-v1", key.as_bytes()])
}

impl Delegation {
    /// The active Agent a key belongs to. Looking it up by digest takes the same time for every wrong key.
    #[must_use]
    pub fn prove(&self, key: &str) -> Option<Agent> {
        let agent = self.store().agent_by_key(&key_digest(key)).ok().flatten()?;
        (agent.state == AgentState::Active).then_some(agent)
    }

    /// Remembers that an Agent called, and what it says of itself.
    pub fn claim(&self, agent: &AgentId, client_info: Option<&str>) {
        let client_info = client_info.map(|claim| claim.chars().take(200).collect::<String>());
        if let Err(error) = self.store().touch_agent(agent, self.now(), client_info.as_deref()) {
            tracing::warn!(%error, "the last call of an agent could not be written");
        }
        self.tell(Change::Agents);
    }

    /// Adds an Agent with a key of its own.
    ///
    /// # Errors
    /// [`DelegationError::Name`] when the name cannot be used; store and log faults.
    pub async fn add_agent(&self, name: &str) -> Result<NewAgent, DelegationError> {
        check_agent_name(name)?;
        if self.store().find_agent(name)?.is_some() {
            let text = format!("an agent \"{name}\" exists already; choose another name");
            return Err(DelegationError::Name(text));
        }
        let key = self.fresh_key();
        let agent = Agent {
            id: AgentId::new(&*self.0.parts.entropy),
            name: name.to_owned(),
            state: AgentState::Active,
            key: Some(key_digest(&key)),
            claim: None,
            added_at: self.now(),
            seen_at: None,
        };
        self.store().put_agent(&agent)?;
        let detail = Json::object([("credential", Json::text("key"))]);
        self.note_agent(RecordKind::AgentAdded, &agent.id, detail).await?;
        self.tell(Change::Agents);
        Ok(NewAgent { agent, key })
    }

    fn fresh_key(&self) -> String {
        let mut bytes = [0u8; 32];
        self.0.parts.entropy.fill(&mut bytes);
        format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Gives an active Agent a new key; the old one is dead, and Calls that came with it end.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`] when it was revoked; store and log faults.
    pub async fn renew_key(&self, agent: &Agent) -> Result<NewAgent, DelegationError> {
        not_the_person(agent)?;
        if agent.state != AgentState::Active {
            let text = format!("the agent \"{}\" was revoked", agent.name);
            return Err(DelegationError::NotFound(text));
        }
        let key = self.fresh_key();
        let mut agent = agent.clone();
        agent.key = Some(key_digest(&key));
        self.store().put_agent(&agent)?;
        self.rules_changed(Change::Agents);
        self.end_all_of(&agent.id);
        self.note_agent(RecordKind::AgentKeyRenewed, &agent.id, Json::object::<String>([])).await?;
        Ok(NewAgent { agent, key })
    }

    /// Revokes an Agent for good: its key is dead, its Grants are closed, its Calls cancelled, its Questions dropped.
    ///
    /// # Errors
    /// Store and log faults; the Agent is revoked first in any case.
    pub async fn revoke_agent(&self, agent: &Agent) -> Result<Agent, DelegationError> {
        not_the_person(agent)?;
        let mut revoked = agent.clone();
        revoked.state = AgentState::Revoked;
        revoked.key = None;
        self.store().put_agent(&revoked)?;
        self.rules_changed(Change::Agents);
        let id = &agent.id;
        let cancelled = self.end_all_of(id);
        let own = |question: &Question| question.agent.as_ref() == Some(id);
        let dropped = self.drop_questions(QuestionState::Dropped, own).await?;
        for pairing in self.store().pairings(id)? {
            self.store().remove_pairing(&pairing.id)?;
        }
        self.end_sign_ins_of(id, "the agent was revoked").await?;
        let closed = self.close_grants(|grant| grant.agent == *id).await?;
        let detail = Json::object([
            ("calls_cancelled", Json::from(cancelled as u64)),
            ("questions_dropped", Json::from(dropped as u64)),
            ("grants_closed", Json::from(closed as u64)),
        ]);
        self.note_agent(RecordKind::AgentRevoked, id, detail).await?;
        Ok(revoked)
    }

    pub(crate) async fn note_agent(
        &self,
        kind: RecordKind,
        agent: &AgentId,
        detail: Json,
    ) -> Result<(), DelegationError> {
        let event = Event::new(kind, detail).about(self.subject(Some(agent), None, None));
        self.log().append(event, Durability::Synced).await?;
        self.tell(Change::Audit);
        Ok(())
    }
}
