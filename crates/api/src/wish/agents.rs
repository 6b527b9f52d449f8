//! Agents.

use prokura_domain::{Agent, AgentState};

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::view::{AgentAdded, AgentView};

impl Api {
    /// All agents, also revoked ones.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn agents(&self) -> Result<Vec<AgentView>, Failure> {
        self.store().agents()?.iter().map(|agent| self.agent_view(agent)).collect()
    }

    /// Adds an agent with a key. The key is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`Failure`] when the name cannot be used.
    pub async fn agent_add(&self, name: String) -> Result<AgentAdded, Failure> {
        let added = self.0.delegation.add_agent(&name).await?;
        Ok(AgentAdded { agent: self.agent_view(&added.agent)?, key: Some(added.key) })
    }

    /// Revokes an agent for good.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent.
    pub async fn agent_revoke(&self, agent: String) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&agent)?;
        let revoked = self.0.delegation.revoke_agent(&agent).await?;
        self.agent_view(&revoked)
    }

    pub(crate) fn agent_named(&self, name: &str) -> Result<Agent, Failure> {
        self.store().find_agent(name)?.ok_or_else(|| {
            Failure::new(
                FailureCode::NotFound,
                format!("There is no agent \"{name}\"."),
                "List the agents with `prokura agents list`.",
            )
        })
    }

    fn agent_view(&self, agent: &Agent) -> Result<AgentView, Failure> {
        let now = self.0.delegation.moment();
        let grants = self.store().grants()?;
        let active = grants
            .iter()
            .filter(|grant| grant.agent == agent.id && super::grants::active(grant, now))
            .count();
        let state = match agent.state {
            AgentState::Active => "active",
            AgentState::Revoked => "revoked",
        };
        Ok(AgentView {
            id: agent.id.to_string(),
            name: agent.name.clone(),
            state: state.to_owned(),
            credential: "key".to_owned(),
            claim: agent.claim.clone(),
            grants: u32::try_from(active).unwrap_or(u32::MAX),
            added_at: shown(agent.added_at),
            seen_at: agent.seen_at.map(shown),
        })
    }
}
