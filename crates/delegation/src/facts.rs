//! Step 1 of a Call: what is known.

use std::sync::{Arc, PoisonError, RwLockReadGuard};

use prokura_domain::{
    Account, AccountId, AccountState, Agent, AgentId, AgentState, Call, CallId, Decimal, Grant,
    GrantId, Server, ServerId, Target, Tool,
};
use prokura_policy::{Facts, Guardrails, Ledger, ToolFacts};
use prokura_store::StoreError;

use crate::Delegation;
use crate::message::{Refusal, RefusalCode};

/// The facts of a tool as policy needs them.
pub(crate) fn tool_facts(tool: &Tool) -> ToolFacts {
    ToolFacts { class: tool.class, pin: tool.pin, digest: tool.digest }
}

impl Delegation {
    /// What is known. `own` is the Call that is decided, or the one it rests on: what it reads itself does not count.
    pub(crate) fn facts(
        &self,
        agent: &AgentId,
        server: &ServerId,
        target: Option<&Target>,
        own: Option<&CallId>,
    ) -> Result<Facts, StoreError> {
        // The generation is read first: a change that comes later makes these facts old, never fresh.
        let generation = self.generation();
        let state = self.store().agent(agent)?.map_or(AgentState::Revoked, |agent| agent.state);
        let tool = match target {
            Some(Target::Tool(name)) => self.store().tool(server, name)?,
            Some(Target::Resource(_) | Target::Prompt(_) | Target::Method(_)) | None => None,
        };
        let flow = match (target, own) {
            (Some(target), Some(own)) => {
                Some(self.flow_of(agent, server, target, tool.as_ref(), own)?)
            }
            _ => None,
        };
        Ok(Facts {
            now: self.now(),
            paused: self.paused() || self.agent_paused(agent)?,
            agent: state,
            tool: tool.as_ref().map(tool_facts),
            approved: None,
            arguments: None,
            used: Vec::new(),
            flow,
            cast: None,
            levels: self.levels(),
            generation,
        })
    }

    /// What is known of a Call, and the Guardrails it is measured by.
    pub(crate) fn facts_of(
        &self,
        call: &Call,
        own: &CallId,
    ) -> Result<(Facts, Arc<Guardrails>), StoreError> {
        // First the facts with their generation: Guardrails that change later make them old, never fresh.
        let mut facts = self.facts(&call.agent, &call.server, Some(&call.target), Some(own))?;
        let guardrails = self.guardrails_now();
        if !guardrails.is_empty() {
            facts.cast = Some(self.cast_of(&call.agent, &call.server, &call.account)?);
        }
        Ok((facts, guardrails))
    }

    /// What was taken from the budgets of these Grants until now.
    pub(crate) fn used(
        &self,
        grants: &[Arc<Grant>],
    ) -> Result<Vec<(GrantId, Decimal)>, StoreError> {
        let now = self.now();
        let budgets = grants.iter().filter_map(|grant| Some((&grant.id, grant.budget.as_ref()?)));
        budgets
            .map(|(id, budget)| Ok((id.clone(), self.store().budget_used(id, budget, now)?)))
            .collect()
    }

    /// The Grants that can cover a Call, without looking at others.
    pub(crate) fn grants_for(&self, call: &Call, facts: &Facts) -> Vec<Arc<Grant>> {
        let class = facts.tool.as_ref().and_then(|tool| tool.class);
        let who = (&call.agent, &call.server, &call.account);
        self.ledger().concerning(who, &call.target, class)
    }

    /// The Grants as they stand.
    pub(crate) fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.0.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Server `NAME` or `NAME@ACCOUNT` for an Agent, and the Account it calls as. `None`: there is no such Server.
    #[must_use]
    pub fn server_for(
        &self,
        agent: &AgentId,
        server: &str,
    ) -> Option<(Server, Result<AccountId, Refusal>)> {
        let (name, account) = match server.split_once('@') {
            Some((name, account)) => (name, Some(account)),
            None => (server, None),
        };
        let server = self.store().find_server(name).ok().flatten()?;
        let account = self.account_for(agent, &server, account);
        Some((server, account))
    }

    fn account_for(
        &self,
        agent: &AgentId,
        server: &Server,
        named: Option<&str>,
    ) -> Result<AccountId, Refusal> {
        let store = self.store();
        let found: Option<Account> = match named {
            Some(name) => store.find_account(&server.id, name),
            None => store
                .active_account(agent, &server.id)
                .and_then(|id| id.map_or(Ok(None), |id| store.account(&id))),
        }
        .map_err(|error| Refusal::new(RefusalCode::Internal, error.to_string()))?;
        let name = &server.name;
        match found {
            Some(account) if account.state == AccountState::SignedIn => Ok(account.id),
            Some(_) => Err(Refusal::new(
                RefusalCode::SignInNeeded,
                format!(
                    "Prokura has to sign in to {name} again. Ask the person to open Prokura, Servers, {name}."
                ),
            )),
            None if let Some(account) = named => Err(Refusal::new(
                RefusalCode::Denied,
                format!("{name} has no account \"{account}\"."),
            )),
            None if store.accounts(&server.id).is_ok_and(|all| all.is_empty()) => {
                Err(Refusal::new(
                    RefusalCode::SignInNeeded,
                    format!(
                        "Nobody has signed in to {name} yet. Ask the person to open Prokura, Servers, {name}."
                    ),
                ))
            }
            None => Err(Refusal::new(
                RefusalCode::Denied,
                format!(
                    "{name} has several accounts and none is chosen for this agent. Use /s/{name}@ACCOUNT/mcp."
                ),
            )),
        }
    }

    /// The Servers an Agent has a Grant for that is more than a plain deny, with the Account it calls as, by name.
    #[must_use]
    pub fn servers_for(&self, agent: &AgentId) -> Vec<(Server, AccountId)> {
        let servers = self.store().servers().unwrap_or_default();
        let mut found = Vec::new();
        for server in servers {
            if !self.has_grants(agent, &server.id) {
                continue;
            }
            if let Ok(account) = self.account_for(agent, &server, None) {
                found.push((server, account));
            }
        }
        found
    }

    /// Whether an Agent has a Grant in force at a Server that is more than a plain deny.
    #[must_use]
    pub(crate) fn has_grants(&self, agent: &AgentId, server: &ServerId) -> bool {
        self.ledger().opens(agent, server, self.now())
    }

    /// Whether the Agent was revoked meanwhile.
    #[must_use]
    pub fn gone(&self, agent: &AgentId) -> bool {
        let found: Result<Option<Agent>, StoreError> = self.store().agent(agent);
        !matches!(found, Ok(Some(agent)) if agent.state == AgentState::Active)
    }
}

/// The setting that says a Server's tools were pinned once.
pub(crate) fn first_sight_of(server: &ServerId) -> String {
    format!("first_sight/{server}")
}
