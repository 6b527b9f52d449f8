//! Rules out as a file, and in again. What comes in is shown first; what cannot be taken is named with its reason, and nothing is
//! passed over silently.

use std::collections::BTreeMap;
use std::sync::Arc;

use prokura_delegation::{GuardrailTrouble, NewGrant};
use prokura_domain::{
    Account, Agent, AgentState, Digest, Grant, Guardrail, GuardrailOrigin, Origin, Server,
    TargetPattern, Timestamp,
};

use super::asking::level;
use super::grants::{bad, budget, condition, effect};
use super::rules::{Act, Planned, Standing, level_beyond_click, plan_grant, planned, words};
use super::{audit_save, shown};
use crate::Api;
use crate::audit::SavedView;
use crate::failure::{Failure, FailureCode};
use crate::portable::{FileGrant, FileGuardrail, FileServer, RulesFile};
use crate::request::RulesWish;
use crate::view::RulePlanView;

impl Api {
    /// All grants in force and the person's own guardrails, as the text of a file. Guardrails of bundles stay with their
    /// bundles.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn rules_export(&self) -> Result<String, Failure> {
        let mut servers = BTreeMap::new();
        let mut grants = Vec::new();
        let levels = self.0.delegation.levels();
        for grant in &self.0.delegation.grants_in_force() {
            let (Some(agent), Some(server)) =
                (self.store().agent(&grant.agent)?, self.store().server(&grant.server)?)
            else {
                continue;
            };
            let account = match &grant.account {
                Some(id) => Some(self.store().account(id)?.map_or_else(String::new, |it| it.name)),
                None => None,
            };
            servers.insert(server.name.clone(), server.endpoint.clone());
            let level = level_beyond_click(&levels, grant).map(|level| level.as_str().to_owned());
            grants.push(FileGrant { level, ..file_grant(grant, &agent, &server, account)? });
        }
        // The same rules make the same file, whenever and wherever they were made.
        grants.sort();
        let servers = servers.into_iter().map(|(name, url)| FileServer { name, url }).collect();
        let own = |one: &Guardrail| !matches!(one.origin, GuardrailOrigin::Bundle { .. });
        let guardrails = self.0.delegation.guardrails()?.into_iter().filter(own);
        let guardrails = guardrails.map(|Guardrail { name, text, enabled, .. }| FileGuardrail {
            name,
            text,
            enabled,
        });
        let now = shown(self.0.delegation.moment());
        RulesFile::new(now, servers, grants, guardrails.collect()).to_text()
    }

    /// The same, written into a file in the data folder.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be written.
    pub async fn rules_save(&self) -> Result<SavedView, Failure> {
        let text = self.rules_export().await?;
        let path = self.export_path("json").with_file_name(format!(
            "rules-{}.json",
            shown(self.0.delegation.moment()).replace([':', '.'], "-")
        ));
        let (draft, mut out) = audit_save::begin(&path)?;
        std::io::Write::write_all(&mut out, text.as_bytes())?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(draft, &path)?;
        let rules = RulesFile::read(&text)?;
        let records =
            i64::try_from(rules.grants.len() + rules.guardrails.len()).unwrap_or(i64::MAX);
        Ok(SavedView { path: path.display().to_string(), records })
    }

    /// Shows what a file would change, or takes it as it was shown.
    ///
    /// # Errors
    /// [`Failure`] for a file that cannot be read, for one of which something cannot be taken unless `partly`, and where it would
    /// be something else by now.
    pub async fn rules_import(
        &self,
        wish: RulesWish,
        origin: Origin,
    ) -> Result<RulePlanView, Failure> {
        let RulesWish::Import { text, partly, digest } = wish else {
            return Err(bad("This is no import.".to_owned(), "Report this as a bug."));
        };
        let file = RulesFile::read(&text)?;
        let urls: BTreeMap<&str, &str> =
            file.servers.iter().map(|server| (server.name.as_str(), server.url.as_str())).collect();
        let there = Standing::of(self);
        // What holds back stands first, so that it is there before what lets through.
        let mut plan = Vec::new();
        for one in &file.guardrails {
            let next = self.plan_guardrail(one, &plan)?;
            plan.push(next);
        }
        for one in &file.grants {
            let next = match self.wished(one, &urls, &origin) {
                Ok((wish, text)) => match self.0.delegation.check_grant(&wish) {
                    Ok(()) => plan_grant(&there, &plan, wish, text, true),
                    Err(fault) => Planned::left_out("grant", text, fault.to_string()),
                },
                Err(failure) if failure.code == FailureCode::Internal => return Err(failure),
                Err(failure) => {
                    let why = failure.message.trim_end_matches('.').to_owned();
                    Planned::left_out("grant", spelled(one), why)
                }
            };
            plan.push(next);
        }
        let out = plan.iter().filter(|planned| planned.view.does == "left_out").count();
        if digest.is_some() && out > 0 && !partly {
            return Err(Failure::new(
                FailureCode::Conflict,
                format!("{out} of the rules in this file cannot be taken here."),
                "Nothing was changed. Add what they name, or take the others without them.",
            ));
        }
        self.carried_out(plan, digest, origin).await
    }

    fn plan_guardrail(&self, one: &FileGuardrail, before: &[Planned]) -> Result<Planned, Failure> {
        let text = format!("guardrail \"{}\"{}", one.name, if one.enabled { "" } else { ", off" });
        let twice = before.iter().any(|planned| match &planned.act {
            Some(Act::Guardrail { name, .. }) => *name == one.name,
            Some(Act::Grant(_)) | None => false,
        });
        if twice {
            let why = "the file has another one of this name".to_owned();
            return Ok(Planned::left_out("guardrail", text, why));
        }
        let known = match self.0.delegation.guardrail_named(&one.name) {
            Ok(known) if known.name == one.name => Some(known),
            Ok(_) => None,
            Err(prokura_delegation::DelegationError::Guardrail(GuardrailTrouble::Unknown(_))) => {
                None
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(GuardrailOrigin::Bundle { bundle }) = known.as_ref().map(|it| &it.origin) {
            let why = format!("the bundle \"{bundle}\" has one of this name");
            return Ok(Planned::left_out("guardrail", text, why));
        }
        let faults = self.0.delegation.check_guardrail(&one.text)?;
        if let Some(fault) = faults.first() {
            let why = match fault.line {
                0 => fault.message.clone(),
                line => format!("line {line}: {}", fault.message),
            };
            return Ok(Planned::left_out("guardrail", text, why));
        }
        let same = |known: &Guardrail| known.text == one.text && known.enabled == one.enabled;
        if known.as_ref().is_some_and(same) {
            return Ok(Planned { view: planned("guardrail", "same", text), act: None });
        }
        let said =
            |text: &str, on: bool| if on { text.to_owned() } else { format!("// off\n{text}") };
        let does = if known.is_some() { "change" } else { "add" };
        let mut view = planned("guardrail", does, text);
        view.before = known.as_ref().map(|known| said(&known.text, known.enabled));
        view.after = Some(said(&one.text, one.enabled));
        let act = Act::Guardrail {
            name: one.name.clone(),
            text: one.text.clone(),
            enabled: one.enabled,
            there: known.is_some(),
        };
        Ok(Planned { view, act: Some(act) })
    }

    /// A grant of a file with everything it names looked up here, and in words.
    fn wished(
        &self,
        one: &FileGrant,
        urls: &BTreeMap<&str, &str>,
        origin: &Origin,
    ) -> Result<(NewGrant, String), Failure> {
        let agent = self.agent_named(&one.agent)?;
        if agent.state != AgentState::Active {
            return Err(bad(format!("The agent \"{}\" was revoked.", agent.name), ""));
        }
        let server = self.server_named(&one.server)?;
        if let Some(url) = urls.get(one.server.as_str()).filter(|url| **url != server.endpoint) {
            let text = format!("\"{}\" is {} here, not {url}.", server.name, server.endpoint);
            return Err(bad(text, ""));
        }
        let account: Option<Account> = match &one.account {
            Some(name) => Some(self.account_named(&server, name)?),
            None => None,
        };
        let target = TargetPattern::from_text(&one.target)
            .filter(|target| !target.to_text().ends_with(':'))
            .ok_or_else(|| bad(format!("\"{}\" names nothing.", one.target), ""))?;
        let digest = |text: &String| {
            Digest::from_hex(text).ok_or_else(|| bad(format!("\"{text}\" is no digest."), ""))
        };
        let moment =
            |text: &String| text.parse::<Timestamp>().map_err(|fault| bad(format!("{fault}."), ""));
        let conditions: Result<Vec<_>, Failure> =
            one.conditions.iter().map(|text| condition(text)).collect();
        let wish = NewGrant {
            agent: agent.id.clone(),
            server: server.id.clone(),
            account: account.as_ref().map(|account| account.id.clone()),
            target,
            effect: effect(&one.effect)?,
            arguments: one.same_arguments.as_ref().map(digest).transpose()?,
            conditions: conditions?,
            budget: one.budget.as_deref().map(budget).transpose()?,
            level: one.level.as_deref().map(level).transpose()?,
            until: one.until.as_ref().map(moment).transpose()?,
            note: one.note.clone(),
            origin: origin.clone(),
        };
        let text = words(&agent, &server, account.as_ref().map(|it| it.name.as_str()), &wish);
        Ok((wish, text))
    }
}

/// A grant by names. What could not be read back the same is a fault, not a loss.
fn file_grant(
    grant: &Arc<Grant>,
    agent: &Agent,
    server: &Server,
    account: Option<String>,
) -> Result<FileGrant, Failure> {
    let conditions: Vec<String> = grant.conditions.iter().map(ToString::to_string).collect();
    let budget_text = grant.budget.as_ref().map(ToString::to_string);
    let read: Result<Vec<_>, Failure> = conditions.iter().map(|text| condition(text)).collect();
    let same = read.is_ok_and(|read| read == grant.conditions)
        && budget_text.as_deref().map(budget).transpose().is_ok_and(|read| read == grant.budget)
        && TargetPattern::from_text(&grant.target.to_text()).as_ref() == Some(&grant.target);
    if !same {
        return Err(Failure::new(
            FailureCode::Internal,
            format!("The grant {} cannot be written so that it reads the same again.", grant.id),
            "Report this as a bug; revoke the grant to export the others.",
        ));
    }
    Ok(FileGrant {
        agent: agent.name.clone(),
        server: server.name.clone(),
        account,
        target: grant.target.to_text(),
        effect: grant.effect.as_str().to_owned(),
        same_arguments: grant.arguments.map(|digest| digest.to_string()),
        conditions,
        budget: budget_text,
        level: None,
        until: grant.until.map(shown),
        note: grant.note.clone(),
    })
}

/// One that cannot be looked up, as the file says it.
fn spelled(one: &FileGrant) -> String {
    let account = one.account.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
    format!("{} at {}{account}: {} {}", one.agent, one.server, one.effect, one.target)
}
