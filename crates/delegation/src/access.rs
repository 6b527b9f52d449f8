//! Effective access: what an Agent can do now, and who can use a tool, with the rules that matter. It asks the same policy as
//! the path of a Call does. It must never change anything, nor leave out what a Call could come to.

use std::sync::Arc;

use bytes::Bytes;
use prokura_domain::call::{self, Why};
use prokura_domain::{
    Account, AccountState, Agent, AgentState, Call, CallId, Effect, Grant, Json, Outgoing, Server,
    Target, TargetPattern, Timestamp, Tool, Verb,
};
use prokura_policy::{Cast, Facts, Flow, Guardrails, Ledger, Outlook, Reach, covers};
use prokura_store::StoreError;

use crate::facts::tool_facts;
use crate::{Delegation, DelegationError, PinFault};

/// What could come of an Agent's Calls to one thing.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who.
    pub agent: Agent,
    /// Where.
    pub server: Server,
    /// As whom.
    pub account: Account,
    /// What: a tool by its name, or what a Grant names of the rest.
    pub target: TargetPattern,
    /// The tool, where it is one.
    pub tool: Option<Tool>,
    /// What could come of it, and why, as if nothing was paused.
    pub reach: Reach,
    /// Why nothing goes at present, whatever is granted.
    pub stopped: Option<&'static str>,
}

/// One Agent at one Server.
struct Place<'a> {
    agent: &'a Agent,
    server: &'a Server,
    grants: Vec<Arc<Grant>>,
    tools: Vec<Tool>,
    stopped: Option<&'static str>,
    flow: Flow,
    now: Timestamp,
}

/// The same as one Account.
struct Seat<'a> {
    account: &'a Account,
    grants: Vec<Arc<Grant>>,
    /// The same, found by target.
    ledger: Ledger,
    used: Vec<(prokura_domain::GrantId, prokura_domain::Decimal)>,
    cast: Arc<Cast>,
}

impl Delegation {
    /// What an Agent can do now, at every Server. Blocks for as long as looking at all tools takes.
    ///
    /// # Errors
    /// Store faults.
    pub fn access_of(&self, agent: &Agent) -> Result<Vec<Access>, DelegationError> {
        let guardrails = self.guardrails_now();
        let outlook = Outlook::new(&guardrails);
        let mut found = Vec::new();
        for server in self.store().servers()? {
            self.look_around(agent, &server, None, (&guardrails, &outlook), &mut found)?;
        }
        Ok(found)
    }

    /// Which Agents can use a tool, and as whom.
    ///
    /// # Errors
    /// [`PinFault`] when there is no such tool; store faults.
    pub fn access_to(&self, server: &Server, tool: &str) -> Result<Vec<Access>, DelegationError> {
        if self.store().tool(&server.id, tool)?.is_none() {
            return Err(PinFault::Unknown(tool.to_owned()).into());
        }
        let guardrails = self.guardrails_now();
        let outlook = Outlook::new(&guardrails);
        let mut found = Vec::new();
        let agents = self.store().agents()?;
        for agent in agents.iter().filter(|agent| agent.state == AgentState::Active) {
            self.look_around(agent, server, Some(tool), (&guardrails, &outlook), &mut found)?;
        }
        Ok(found)
    }

    /// One Agent at one Server, as each Account; `only` one tool, or everything.
    fn look_around(
        &self,
        agent: &Agent,
        server: &Server,
        only: Option<&str>,
        rules: (&Guardrails, &Outlook<'_>),
        found: &mut Vec<Access>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut grants = self.ledger().at(&agent.id, &server.id);
        grants.retain(|grant| grant.until.is_none_or(|until| now < until));
        if grants.is_empty() {
            return Ok(());
        }
        let mut tools = self.store().tools(&server.id)?;
        tools.retain(|tool| only.is_none_or(|only| tool.name == only));
        // What was read is the same for every target; the labels of each are put in below.
        let (anything, own) = (Target::Method(String::new()), CallId::new(&*self.0.parts.entropy));
        let flow = self.flow_of(&agent.id, &server.id, &anything, None, &own)?;
        let stopped = self.stopped(agent)?;
        let place = Place { agent, server, grants, tools, stopped, flow, now };
        for account in self.store().accounts(&server.id)? {
            if account.state == AccountState::SignedOut {
                continue;
            }
            let mut grants = place.grants.clone();
            grants.retain(|grant| grant.account.as_ref().is_none_or(|bound| *bound == account.id));
            let used = self.used(&grants)?;
            let ledger = Ledger::new(grants.iter().map(|grant| Grant::clone(grant)));
            let cast = self.cast_of(&agent.id, &server.id, &account.id)?;
            let seat = Seat { account: &account, grants, ledger, used, cast };
            self.look_at_tools(&place, &seat, rules, found);
            if only.is_none() {
                self.look_at_rest(&place, &seat, rules, found)?;
            }
        }
        Ok(())
    }

    fn stopped(&self, agent: &Agent) -> Result<Option<&'static str>, StoreError> {
        Ok(if agent.state == AgentState::Revoked {
            Some("revoked")
        } else if self.paused() {
            Some("all paused")
        } else if self.agent_paused(&agent.id)? {
            Some("paused")
        } else {
            None
        })
    }

    fn look_at_tools(
        &self,
        place: &Place<'_>,
        seat: &Seat<'_>,
        (guardrails, outlook): (&Guardrails, &Outlook<'_>),
        found: &mut Vec<Access>,
    ) {
        for tool in &place.tools {
            let known = tool_facts(tool);
            let target = Target::Tool(tool.name.clone());
            let who = (&place.agent.id, &place.server.id, &seat.account.id);
            let mut covering = seat.ledger.concerning(who, &target, known.class);
            covering.retain(|grant| covers(&grant.target, &target, Some(&known)));
            if covering.is_empty() {
                continue;
            }
            let params = Json::object([("name", Json::text(&tool.name))]);
            let call = self.probe(place, seat, ("tools/call", target), params);
            let flow = Flow { labels: tool.labels, ..place.flow.clone() };
            let facts = place.facts(seat, flow, guardrails);
            let facts = Facts { tool: Some(known), ..facts };
            let reach = outlook.of(&call, &covering, &facts, true);
            let target = TargetPattern::Tool(tool.name.clone());
            found.extend(place.told(seat, target, Some(tool.clone()), reach));
        }
    }

    /// Resources, prompts and other methods are not known beforehand: what Grants name of them is told of.
    fn look_at_rest(
        &self,
        place: &Place<'_>,
        seat: &Seat<'_>,
        (guardrails, outlook): (&Guardrails, &Outlook<'_>),
        found: &mut Vec<Access>,
    ) -> Result<(), StoreError> {
        let mut named: Vec<&TargetPattern> = Vec::new();
        for grant in &seat.grants {
            if !named.contains(&&grant.target) {
                named.push(&grant.target);
            }
        }
        for pattern in named {
            let (method, target, params) = match pattern {
                TargetPattern::Resources(glob) => (
                    "resources/read",
                    Target::Resource(glob.clone()),
                    Json::object([("uri", Json::text(glob))]),
                ),
                TargetPattern::Prompts(glob) => (
                    "prompts/get",
                    Target::Prompt(glob.clone()),
                    Json::object([("name", Json::text(glob))]),
                ),
                TargetPattern::Methods(glob) => {
                    (glob.as_str(), Target::Method(glob.clone()), Json::object::<String>([]))
                }
                TargetPattern::Tool(_) | TargetPattern::Tools(_) | TargetPattern::Class(_) => {
                    continue;
                }
            };
            let whole = !target.name().contains(['*', '?']);
            let call = self.probe(place, seat, (method, target), params);
            let flow = self.flow_of(
                &place.agent.id,
                &place.server.id,
                &call.target,
                None,
                &place.flow.own,
            )?;
            let facts = place.facts(seat, flow, guardrails);
            let reach = outlook.of(&call, &seat.grants, &facts, whole);
            found.extend(place.told(seat, pattern.clone(), None, reach));
        }
        Ok(())
    }

    /// A Call that is never sent.
    fn probe(
        &self,
        place: &Place<'_>,
        seat: &Seat<'_>,
        (method, target): (&str, Target),
        params: Json,
    ) -> Call {
        Call {
            id: CallId::new(&*self.0.parts.entropy),
            agent: place.agent.id.clone(),
            server: place.server.id.clone(),
            account: seat.account.id.clone(),
            method: method.to_owned(),
            target,
            digest: call::digest(method, &params),
            params,
            outgoing: Outgoing { verb: Verb::Post, headers: Vec::new(), body: Bytes::new() },
        }
    }
}

impl Place<'_> {
    fn facts(&self, seat: &Seat<'_>, flow: Flow, guardrails: &Guardrails) -> Facts {
        Facts {
            now: self.now,
            paused: false,
            agent: AgentState::Active,
            tool: None,
            approved: None,
            arguments: None,
            used: seat.used.clone(),
            flow: Some(flow),
            cast: (!guardrails.is_empty()).then(|| Arc::clone(&seat.cast)),
            levels: Arc::default(),
            generation: 0,
        }
    }

    /// What is told of it; what no Grant covers does not exist for the Agent.
    fn told(
        &self,
        seat: &Seat<'_>,
        target: TargetPattern,
        tool: Option<Tool>,
        mut reach: Reach,
    ) -> Option<Access> {
        if !reach.exists {
            return None;
        }
        if seat.account.state != AccountState::SignedIn {
            reach.outcomes = [Effect::Deny].into();
            let text = format!("Prokura has to sign in to {} again first.", self.server.name);
            reach.why.insert(0, Why::new("account", text));
        }
        Some(Access {
            agent: self.agent.clone(),
            server: self.server.clone(),
            account: seat.account.clone(),
            target,
            tool,
            reach,
            stopped: self.stopped,
        })
    }
}
