//! Many rules at once: presets, copies, changes of several grants. It must never do what was not shown.

use std::sync::Arc;

use prokura_delegation::{Amendment, NewGrant};
use prokura_domain::{
    Agent, Digest, Effect, Grant, GrantId, GuardrailOrigin, Level, LevelScope, Levels, Origin,
    Preset, Server,
};

use super::grants::{bad, effect};
use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::RulesWish;
use crate::view::{GrantView, PlannedRuleView, RulePlanView};

/// What a rule becomes.
pub(super) enum Act {
    Grant(Box<NewGrant>),
    Guardrail { name: String, text: String, enabled: bool, there: bool },
}

/// A rule with what happens to it.
pub(super) struct Planned {
    pub view: PlannedRuleView,
    pub act: Option<Act>,
}

impl Planned {
    /// One that is left out.
    pub fn left_out(kind: &str, text: String, why: String) -> Self {
        let mut view = planned(kind, "left_out", text);
        view.why = Some(why);
        Self { view, act: None }
    }
}

pub(super) fn planned(kind: &str, does: &str, text: String) -> PlannedRuleView {
    let (kind, does) = (kind.to_owned(), does.to_owned());
    PlannedRuleView { kind, does, text, why: None, before: None, after: None }
}

impl Api {
    /// Takes several grants back.
    ///
    /// # Errors
    /// [`Failure`] where one is not there; then none was taken back.
    pub async fn grants_revoke(&self, grants: Vec<String>) -> Result<Vec<GrantView>, Failure> {
        let ids: Vec<GrantId> = grants.iter().map(|id| GrantId::from_text(id)).collect();
        self.grant_views(&self.0.delegation.revoke_grants(&ids).await?)
    }

    /// Changes the effect or the end of several grants.
    ///
    /// # Errors
    /// [`Failure`] where one is not there or could not be so; then none was changed.
    pub async fn grants_change(
        &self,
        grants: Vec<String>,
        to: Option<String>,
        until: Option<String>,
        origin: Origin,
    ) -> Result<Vec<GrantView>, Failure> {
        let ids: Vec<GrantId> = grants.iter().map(|id| GrantId::from_text(id)).collect();
        let until = match until.as_deref() {
            None => None,
            Some("never") => Some(None),
            Some(text) => Some(Some(self.moment_in(text)?)),
        };
        let to = Amendment { effect: to.as_deref().map(effect).transpose()?, until };
        self.grant_views(&self.0.delegation.change_grants(&ids, to, &origin).await?)
    }

    /// Makes the grants of a preset, or shows which; with `digest` as it was shown.
    ///
    /// # Errors
    /// [`Failure`] where a name is not known, or it would be something else by now.
    pub async fn grants_preset(
        &self,
        wish: RulesWish,
        origin: Origin,
    ) -> Result<RulePlanView, Failure> {
        let RulesWish::Preset { agent, server, account, preset, until, digest } = wish else {
            return Err(misdirected());
        };
        let found = Preset::from_text(&preset).ok_or_else(|| {
            let words: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
            bad(format!("There is no preset \"{preset}\"."), &format!("Use {}.", words.join(", ")))
        })?;
        let (agent, server) = (self.agent_named(&agent)?, self.server_named(&server)?);
        let account = match &account {
            Some(name) => Some(self.account_named(&server, name)?),
            None => None,
        };
        let until = until.as_deref().map(|text| self.moment_in(text)).transpose()?;
        let wish = |(target, effect)| NewGrant {
            agent: agent.id.clone(),
            server: server.id.clone(),
            account: account.as_ref().map(|account| account.id.clone()),
            target,
            effect,
            arguments: None,
            conditions: Vec::new(),
            budget: None,
            level: None,
            until,
            note: None,
            origin: origin.clone(),
        };
        let as_whom = account.as_ref().map(|account| account.name.as_str());
        let there = Standing::of(self);
        let mut plan = Vec::new();
        for wish in found.rules().into_iter().map(wish) {
            let text = words(&agent, &server, as_whom, &wish);
            let next = plan_grant(&there, &plan, wish, text, false);
            plan.push(next);
        }
        let mut view = self.carried_out(plan, digest, origin).await?;
        view.until = until.map(shown);
        Ok(view)
    }

    /// Gives an agent what another one has, or shows what that would be.
    ///
    /// # Errors
    /// [`Failure`] where a name is not known, or it would be something else by now.
    pub async fn grants_copy(
        &self,
        wish: RulesWish,
        origin: Origin,
    ) -> Result<RulePlanView, Failure> {
        let RulesWish::Copy { from, to, server, digest } = wish else {
            return Err(misdirected());
        };
        let (from, to) = (self.agent_named(&from)?, self.agent_named(&to)?);
        if from.id == to.id {
            return Err(bad("An agent has its own grants already.".to_owned(), "Name two agents."));
        }
        let only = server.as_deref().map(|name| self.server_named(name)).transpose()?;
        let there = Standing::of(self);
        let mut own: Vec<&Arc<Grant>> = there
            .grants
            .iter()
            .filter(|grant| grant.agent == from.id)
            .filter(|grant| only.as_ref().is_none_or(|only| only.id == grant.server))
            .collect();
        own.sort_by(|one, other| (one.added_at, &one.id).cmp(&(other.added_at, &other.id)));
        let mut plan = Vec::new();
        for grant in own {
            let Some(server) = self.store().server(&grant.server)? else { continue };
            let account = match &grant.account {
                Some(id) => self.store().account(id)?,
                None => None,
            };
            let wish = there.like(grant, to.id.clone(), origin.clone());
            let text = words(&to, &server, account.as_ref().map(|it| it.name.as_str()), &wish);
            let next = if grant.arguments.is_some() {
                let why = "it holds only for the very arguments of one approval".to_owned();
                Planned::left_out("grant", text, why)
            } else {
                plan_grant(&there, &plan, wish, text, false)
            };
            plan.push(next);
        }
        self.carried_out(plan, digest, origin).await
    }

    /// Shows a plan, or does it where it is the one that was shown.
    pub(super) async fn carried_out(
        &self,
        plan: Vec<Planned>,
        digest: Option<String>,
        origin: Origin,
    ) -> Result<RulePlanView, Failure> {
        let mut view = told(&plan);
        let Some(digest) = digest else { return Ok(view) };
        if digest != view.digest {
            return Err(Failure::new(
                FailureCode::Conflict,
                "The rules changed since this was shown, so it would do something else now.",
                "Nothing was changed. Look at it again.",
            ));
        }
        let mut grants = Vec::new();
        for act in plan.into_iter().filter_map(|planned| planned.act) {
            match act {
                Act::Grant(wish) => grants.push(*wish),
                // What holds back comes before what lets through.
                Act::Guardrail { name, text, enabled, there } => {
                    if !there {
                        let by = GuardrailOrigin::File;
                        self.0.delegation.add_guardrail(&name, &text, by).await?;
                    }
                    if there || !enabled {
                        let text = there.then_some(text.as_str());
                        self.0.delegation.change_guardrail(&name, text, Some(enabled)).await?;
                    }
                }
            }
        }
        grants.iter_mut().for_each(|grant| grant.origin = origin.clone());
        self.0.delegation.grant_all(grants).await?;
        view.done = true;
        Ok(view)
    }
}

fn misdirected() -> Failure {
    Failure::new(FailureCode::Internal, "This wish is answered elsewhere.", "Report this as a bug.")
}

/// What is in force now.
pub(super) struct Standing {
    grants: Vec<Arc<Grant>>,
    levels: Arc<Levels>,
}

impl Standing {
    pub fn of(api: &Api) -> Self {
        let delegation = &api.0.delegation;
        Self { grants: delegation.grants_in_force(), levels: delegation.levels() }
    }

    /// The same Grant for an Agent.
    fn like(&self, grant: &Grant, agent: prokura_domain::AgentId, origin: Origin) -> NewGrant {
        NewGrant {
            agent,
            server: grant.server.clone(),
            account: grant.account.clone(),
            target: grant.target.clone(),
            effect: grant.effect,
            arguments: grant.arguments,
            conditions: grant.conditions.clone(),
            budget: grant.budget.clone(),
            level: level_beyond_click(&self.levels, grant),
            until: grant.until,
            note: grant.note.clone(),
            origin,
        }
    }
}

/// What a yes to what it asks takes, where that was set for this Grant and is more than a click.
pub(super) fn level_beyond_click(levels: &Levels, grant: &Grant) -> Option<Level> {
    let level = levels.of(&LevelScope::Grant(grant.id.clone()));
    (grant.effect == Effect::Ask && level > Level::Click).then_some(level)
}

/// A Grant that is there already, or is planned already, is not made again; `notes`: only with the same note.
pub(super) fn plan_grant(
    there: &Standing,
    before: &[Planned],
    wish: NewGrant,
    text: String,
    notes: bool,
) -> Planned {
    let same = |known: &NewGrant| {
        known.agent == wish.agent
            && known.server == wish.server
            && known.account == wish.account
            && known.target == wish.target
            && known.effect == wish.effect
            && known.arguments == wish.arguments
            && known.conditions == wish.conditions
            && known.budget == wish.budget
            && known.level.unwrap_or_default() == wish.level.unwrap_or_default()
            && known.until == wish.until
            && (!notes || known.note == wish.note)
    };
    let held =
        there.grants.iter().any(|grant| same(&there.like(grant, grant.agent.clone(), Origin::Cli)));
    let twice = before.iter().any(|planned| match &planned.act {
        Some(Act::Grant(known)) => same(known),
        Some(Act::Guardrail { .. }) | None => false,
    });
    if held || twice {
        return Planned { view: planned("grant", "same", text), act: None };
    }
    Planned { view: planned("grant", "add", text), act: Some(Act::Grant(Box::new(wish))) }
}

/// A Grant in words.
pub(super) fn words(
    agent: &Agent,
    server: &Server,
    account: Option<&str>,
    wish: &NewGrant,
) -> String {
    let mut text = format!("{} at {}", agent.name, server.name);
    if let Some(account) = account {
        text.push_str(&format!(" as {account}"));
    }
    text.push_str(&format!(": {} {}", wish.effect.as_str(), wish.target.words()));
    if wish.arguments.is_some() {
        text.push_str(" with the very same arguments");
    }
    let conditions: Vec<String> = wish.conditions.iter().map(ToString::to_string).collect();
    if !conditions.is_empty() {
        text.push_str(&format!(" where {}", conditions.join(" and ")));
    }
    if let Some(budget) = &wish.budget {
        text.push_str(&format!(" within {budget}"));
    }
    if let Some(level) = wish.level {
        text.push_str(&format!(" with {}", level.as_str()));
    }
    if let Some(until) = wish.until {
        text.push_str(&format!(" until {until}"));
    }
    if let Some(note) = &wish.note {
        text.push_str(&format!(" ({note})"));
    }
    text
}

fn told(plan: &[Planned]) -> RulePlanView {
    let rules: Vec<PlannedRuleView> = plan.iter().map(|planned| planned.view.clone()).collect();
    let count = |does: &str| {
        let count = rules.iter().filter(|rule| rule.does == does).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let (added, changed, same, left_out) =
        (count("add"), count("change"), count("same"), count("left_out"));
    let text = serde_json::to_vec(&rules).unwrap_or_default();
    let digest = Digest::of(&[b"prokura-plan-v1", &text]).to_string();
    RulePlanView { digest, until: None, done: false, rules, added, changed, same, left_out }
}
