//! Grants.

use std::collections::HashMap;
use std::sync::Arc;

use prokura_delegation::{Covering, NewGrant};
use prokura_domain::{
    AccountId, AgentId, Budget, Condition, ConditionFault, Effect, Grant, GrantId, Level,
    LevelScope, Levels, Origin, Server, ServerId, TargetPattern, Timestamp,
};

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::fault::{WHERE, sentence};
use crate::request::{GrantWish, seconds_in};
use crate::view::{GrantView, Named};

/// After so many days without a call a Grant without end is told of as unused.
const UNUSED_DAYS: u32 = 30;
const DAY_MS: i64 = 86_400_000;

/// Whether a Grant is in force at `now`.
pub(crate) fn active(grant: &Grant, now: Timestamp) -> bool {
    grant.revoked_at.is_none() && grant.until.is_none_or(|until| now < until)
}

impl Api {
    /// Whether taking a grant back could let a broader one answer: everything but a plain allow holds something back.
    #[must_use]
    pub fn revoking_widens(&self, grant: &str) -> bool {
        match self.store().grant(&GrantId::from_text(grant)) {
            Ok(Some(grant)) => {
                let plain = grant.conditions.is_empty() && grant.budget.is_none();
                grant.effect != Effect::Allow || !plain
            }
            // There is nothing to take back; the answer says so.
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// The grants in force; with `all`, expired and revoked ones too.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn grants(&self, all: bool) -> Result<Vec<GrantView>, Failure> {
        let now = self.0.delegation.moment();
        let mut grants = if all { self.store().grants()? } else { self.store().open_grants()? };
        grants.retain(|grant| all || active(grant, now));
        self.grant_views(&grants)
    }

    /// Makes a grant.
    ///
    /// # Errors
    /// [`Failure`] when a word is not known, or nothing of that name exists.
    pub async fn grant_add(&self, wish: GrantWish, origin: Origin) -> Result<GrantView, Failure> {
        let grant = self.0.delegation.grant(self.new_grant(wish, origin)?).await?;
        self.grant_view(&grant)
    }

    /// What is wished for, with everything it names looked up.
    pub(super) fn new_grant(&self, wish: GrantWish, origin: Origin) -> Result<NewGrant, Failure> {
        let agent = self.agent_named(&wish.agent)?;
        let server = self.server_named(&wish.server)?;
        let account = match &wish.account {
            Some(name) => Some(self.account_named(&server, name)?.id),
            None => None,
        };
        let effect = effect(&wish.effect)?;
        let until = match &wish.until {
            Some(text) => Some(self.moment_in(text)?),
            None => None,
        };
        let target = target_of(&wish)?;
        let conditions: Result<Vec<Condition>, Failure> =
            wish.conditions.iter().map(|text| condition(text)).collect();
        let conditions = conditions?;
        let budget = wish.budget.as_deref().map(budget).transpose()?;
        let level = wish.level.as_deref().map(super::asking::level).transpose()?;
        Ok(NewGrant {
            agent: agent.id,
            server: server.id,
            account,
            target,
            effect,
            arguments: None,
            conditions,
            budget,
            level,
            until,
            note: wish.note.filter(|note| !note.is_empty()),
            origin,
        })
    }

    /// RFC 3339, or a time from now.
    pub(super) fn moment_in(&self, text: &str) -> Result<Timestamp, Failure> {
        match seconds_in(text) {
            Some(seconds) => Ok(self.0.delegation.moment().plus_seconds(seconds)),
            None => text.parse::<Timestamp>().map_err(|error| {
                bad(format!("{error}."), "Or give a time from now, such as 15m, 8h or 30d.")
            }),
        }
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// [`Failure`] when there is no such grant, or it was revoked before.
    pub async fn grant_revoke(&self, grant: String) -> Result<GrantView, Failure> {
        let revoked = self.0.delegation.revoke_grant(&GrantId::from_text(&grant)).await?;
        self.grant_view(&revoked)
    }

    /// Grants as they are shown; what several of them name is looked up once.
    pub(super) fn grant_views(&self, grants: &[Grant]) -> Result<Vec<GrantView>, Failure> {
        let mut names = Names::default();
        grants.iter().map(|grant| self.one_view(grant, &mut names)).collect()
    }

    fn grant_view(&self, grant: &Grant) -> Result<GrantView, Failure> {
        self.one_view(grant, &mut Names::default())
    }

    fn one_view(&self, grant: &Grant, names: &mut Names) -> Result<GrantView, Failure> {
        let now = self.0.delegation.moment();
        let state = if grant.revoked_at.is_some() {
            "revoked"
        } else if active(grant, now) {
            "active"
        } else {
            "expired"
        };
        let account = match &grant.account {
            Some(id) => Some(Named { id: id.to_string(), name: names.account(self, id)? }),
            None => None,
        };
        let budget_left = match &grant.budget {
            Some(budget) => {
                let used = self.store().budget_used(&grant.id, budget, now)?;
                Some(budget.left(&used).to_string())
            }
            None => None,
        };
        let level = (grant.effect == Effect::Ask).then(|| names.level(self, &grant.id));
        let covered = names.covering.of(&self.0.delegation, grant)?;
        Ok(GrantView {
            id: grant.id.to_string(),
            agent: Named { id: grant.agent.to_string(), name: names.agent(self, &grant.agent)? },
            server: Named {
                id: grant.server.to_string(),
                name: names.server(self, &grant.server)?,
            },
            account,
            target: grant.target.to_text(),
            effect: grant.effect.as_str().to_owned(),
            same_arguments: grant.arguments.is_some(),
            conditions: grant.conditions.iter().map(ToString::to_string).collect(),
            budget: grant.budget.as_ref().map(ToString::to_string),
            budget_left,
            level: level
                .filter(|level| *level > Level::Click)
                .map(|level| level.as_str().to_owned()),
            until: grant.until.map(shown),
            state: state.to_owned(),
            origin: grant.origin.as_str().to_owned(),
            note: grant.note.clone(),
            tools: u32::try_from(covered).unwrap_or(u32::MAX),
            added_at: shown(grant.added_at),
            used_at: grant.used_at.map(shown),
            unused_days: unused_days(grant, now).filter(|_| state == "active"),
        })
    }
}

/// Names that were looked up.
#[derive(Default)]
struct Names {
    agents: HashMap<AgentId, String>,
    servers: HashMap<ServerId, String>,
    accounts: HashMap<AccountId, String>,
    covering: Covering,
    levels: Option<Arc<Levels>>,
}

impl Names {
    fn level(&mut self, api: &Api, id: &GrantId) -> Level {
        let levels = self.levels.get_or_insert_with(|| api.0.delegation.levels());
        levels.of(&LevelScope::Grant(id.clone()))
    }

    fn agent(&mut self, api: &Api, id: &AgentId) -> Result<String, Failure> {
        if let Some(name) = self.agents.get(id) {
            return Ok(name.clone());
        }
        let name = api.store().agent(id)?.map(|agent| agent.name).unwrap_or_default();
        Ok(self.agents.entry(id.clone()).or_insert(name).clone())
    }

    fn server(&mut self, api: &Api, id: &ServerId) -> Result<String, Failure> {
        if let Some(name) = self.servers.get(id) {
            return Ok(name.clone());
        }
        let found = api.store().server(id)?;
        let name = found.map_or_else(|| "removed".to_owned(), |server: Server| server.name);
        Ok(self.servers.entry(id.clone()).or_insert(name).clone())
    }

    fn account(&mut self, api: &Api, id: &AccountId) -> Result<String, Failure> {
        if let Some(name) = self.accounts.get(id) {
            return Ok(name.clone());
        }
        let found = api.store().account(id)?;
        let name = found.map_or_else(|| "signed out".to_owned(), |account| account.name);
        Ok(self.accounts.entry(id.clone()).or_insert(name).clone())
    }
}

/// For how many days nothing went through a Grant that lets something through and has no end.
fn unused_days(grant: &Grant, now: Timestamp) -> Option<u32> {
    if grant.effect == Effect::Deny || grant.until.is_some() {
        return None;
    }
    let last = grant.used_at.unwrap_or(grant.added_at);
    let days = u32::try_from(now.millis_since(last) / DAY_MS).ok()?;
    (days >= UNUSED_DAYS).then_some(days)
}

pub(super) fn bad(message: String, hint: &str) -> Failure {
    Failure::new(FailureCode::BadRequest, message, hint)
}

pub(super) fn effect(text: &str) -> Result<Effect, Failure> {
    Effect::from_text(text)
        .ok_or_else(|| bad(format!("\"{text}\" is not an effect."), "Use allow, ask or deny."))
}

pub(super) fn budget(text: &str) -> Result<Budget, Failure> {
    text.parse::<Budget>().map_err(|fault| {
        bad(sentence(&fault.to_string()), "For example 20/1h, or sum(/amount)<=500/1d.")
    })
}

pub(super) fn condition(text: &str) -> Result<Condition, Failure> {
    text.parse().map_err(|fault: ConditionFault| bad(sentence(&fault.to_string()), WHERE))
}

/// Exactly one of tools, resources, prompts and methods.
fn target_of(wish: &GrantWish) -> Result<TargetPattern, Failure> {
    let glob = |text: &Option<String>, make: fn(String) -> TargetPattern| {
        text.clone().filter(|text| !text.is_empty()).map(make)
    };
    let tools = match &wish.tools {
        Some(text) => Some(TargetPattern::over_tools(text).ok_or_else(|| {
            bad(
                format!("\"{text}\" names no tools."),
                "Use a name, a glob such as get_*, or class:read, class:write, class:destructive, class:admin.",
            )
        })?),
        None => None,
    };
    let found: Vec<TargetPattern> = [
        tools,
        glob(&wish.resources, TargetPattern::Resources),
        glob(&wish.prompts, TargetPattern::Prompts),
        glob(&wish.methods, TargetPattern::Methods),
    ]
    .into_iter()
    .flatten()
    .collect();
    match <[TargetPattern; 1]>::try_from(found) {
        Ok([target]) => Ok(target),
        Err(found) if found.is_empty() => Err(bad(
            "The grant says nothing of what it covers.".to_owned(),
            "Name tools, resources, prompts or methods; \"*\" covers all of a kind.",
        )),
        Err(_) => Err(bad(
            "A grant covers one kind of thing.".to_owned(),
            "Make one grant for tools, another for resources, another for prompts.",
        )),
    }
}
