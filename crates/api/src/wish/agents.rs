//! Agents.

use prokura_domain::{
    Agent, AgentId, AgentLimits, AgentState, Pairing, PairingId, Program, SeenFile, SignIn,
    SignInId,
};

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::request::LimitsWish;
use crate::view::{AgentAdded, AgentLimitsView, AgentSignInView, AgentView, FileView, PairingView};

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

    /// Takes back what one program was allowed.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent or pairing.
    pub async fn agent_unpair(&self, agent: String, pairing: String) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&agent)?;
        self.0.delegation.unpair(&agent.id, &PairingId::from_text(&pairing)).await?;
        self.agent_view(&agent)
    }

    /// Every paired program with the name of its agent.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub fn paired_programs(&self) -> Result<Vec<(String, Program)>, Failure> {
        let mut found = Vec::new();
        for agent in self.store().agents()? {
            for pairing in self.store().pairings(&agent.id)? {
                found.push((agent.name.clone(), pairing.program));
            }
        }
        Ok(found)
    }

    /// Pauses one agent.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent.
    pub async fn agent_pause(&self, agent: String) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&agent)?;
        self.0.delegation.pause_agent(&agent.id).await?;
        self.agent_view(&agent)
    }

    /// Ends the pause of one agent.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent, or it cannot be recorded; then it stays paused.
    pub async fn agent_resume(&self, agent: String) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&agent)?;
        self.0.delegation.resume_agent(&agent.id).await?;
        self.agent_view(&agent)
    }

    /// Ends one sign-in of an agent.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent or sign-in.
    pub async fn agent_sign_out(
        &self,
        agent: String,
        sign_in: String,
    ) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&agent)?;
        self.0.delegation.end_sign_in(&agent.id, &SignInId::from_text(&sign_in)).await?;
        self.agent_view(&agent)
    }

    /// Gives an agent a new key. The key is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`Failure`] when there is no such active agent.
    pub async fn agent_key(&self, agent: String) -> Result<AgentAdded, Failure> {
        let agent = self.agent_named(&agent)?;
        let added = self.0.delegation.renew_key(&agent).await?;
        Ok(AgentAdded { agent: self.agent_view(&added.agent)?, key: Some(added.key) })
    }

    /// Sets how much an agent may take; what is not named stays as it is, or as it was at first with `reset`.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent, or a limit makes no sense.
    pub async fn agent_limits(&self, wish: LimitsWish) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&wish.agent)?;
        let delegation = &self.0.delegation;
        let was = match wish.reset {
            true => AgentLimits::default(),
            false => delegation.limits(&agent.id),
        };
        let limits = AgentLimits {
            under_way: wish.under_way.unwrap_or(was.under_way),
            per_minute: wish.per_minute.unwrap_or(was.per_minute),
            message_kib: wish.message_kib.unwrap_or(was.message_kib),
            answer_kib: wish.answer_kib.unwrap_or(was.answer_kib),
        };
        delegation.set_limits(&agent.id, limits).await?;
        self.agent_view(&agent)
    }

    /// Says whether an agent finds its tools by searching instead of being given all of them.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent.
    pub async fn agent_search(&self, agent: String, on: bool) -> Result<AgentView, Failure> {
        let agent = self.agent_named(&agent)?;
        self.0.delegation.set_searches(&agent.id, on).await?;
        self.agent_view(&agent)
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

    fn live_sign_ins(&self, agent: &Agent) -> Result<Vec<SignIn>, Failure> {
        let now = self.0.delegation.moment();
        let live = |sign_in: &SignIn| sign_in.ended_at.is_none() && now < sign_in.expires_at;
        Ok(self.store().sign_ins(&agent.id)?.into_iter().filter(live).collect())
    }

    /// By what an agent is known: `key`, `pairing`, `sign_in`.
    pub(super) fn ways_of(&self, agent: &Agent) -> Result<Vec<&'static str>, Failure> {
        let ways = [
            (agent.key.is_some(), "key"),
            (!self.store().pairings(&agent.id)?.is_empty(), "pairing"),
            (!self.live_sign_ins(agent)?.is_empty(), "sign_in"),
        ];
        Ok(ways.into_iter().filter(|(has, _)| *has).map(|(_, way)| way).collect())
    }

    fn agent_view(&self, agent: &Agent) -> Result<AgentView, Failure> {
        let pairings = self.store().pairings(&agent.id)?;
        let sign_ins = self.live_sign_ins(agent)?;
        let ways = self.ways_of(agent)?;
        let state = match agent.state {
            AgentState::Active if self.0.delegation.agent_paused(&agent.id)? => "paused",
            AgentState::Active => "active",
            AgentState::Revoked => "revoked",
        };
        Ok(AgentView {
            id: agent.id.to_string(),
            name: agent.name.clone(),
            state: state.to_owned(),
            credential: if ways.is_empty() { "none".to_owned() } else { ways.join(", ") },
            pairings: pairings.iter().map(pairing_view).collect(),
            sign_ins: sign_ins.iter().map(sign_in_view).collect(),
            claim: agent.claim.clone(),
            grants: self.grants_in_force(&agent.id)?,
            added_at: shown(agent.added_at),
            seen_at: agent.seen_at.map(shown),
            gives_up_after: self.0.delegation.gives_up_after(&agent.id).map(|it| it.as_secs_f64()),
            limits: limits_view(self.0.delegation.limits(&agent.id)),
            search: self.0.delegation.searches(&agent.id),
        })
    }

    /// How many Grants of an agent are in force now.
    pub(crate) fn grants_in_force(&self, agent: &AgentId) -> Result<u32, Failure> {
        let grants = self.0.delegation.grants_in_force();
        let own = grants.iter().filter(|grant| grant.agent == *agent).count();
        Ok(u32::try_from(own).unwrap_or(u32::MAX))
    }
}

fn limits_view(limits: AgentLimits) -> AgentLimitsView {
    let AgentLimits { under_way, per_minute, message_kib, answer_kib } = limits;
    AgentLimitsView { under_way, per_minute, message_kib, answer_kib }
}

fn pairing_view(pairing: &Pairing) -> PairingView {
    PairingView {
        id: pairing.id.to_string(),
        executable: file_view(&pairing.program.executable),
        script: pairing.program.script.as_ref().map(file_view),
        added_at: shown(pairing.added_at),
        seen_at: pairing.seen_at.map(shown),
    }
}

fn sign_in_view(sign_in: &SignIn) -> AgentSignInView {
    AgentSignInView {
        id: sign_in.id.to_string(),
        client: sign_in.client.clone(),
        name: pieces(&sign_in.name),
        endpoint: sign_in.endpoint.to_text(),
        added_at: shown(sign_in.added_at),
        used_at: sign_in.used_at.map(shown),
        expires_at: shown(sign_in.expires_at),
    }
}

/// A file as it is shown.
pub(super) fn file_view(file: &SeenFile) -> FileView {
    FileView { path: pieces(&file.path), digest: file.digest.to_string() }
}
