//! Who and what a Call is about, as Cedar's entities: made once for an Agent, Account and target, and kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    Entities, Entity, EntityUid, Policy, PolicyId, PolicySet, RestrictedExpression,
};
use prokura_domain::{Target, ToolClass};

use super::read::Rule;
use super::schema::action;
use super::value::uid;

/// The names by which Guardrails know a Call's Agent, Server and Account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Cast {
    /// The Agent's name.
    pub agent: String,
    /// The Server's name.
    pub server: String,
    /// The URL of its endpoint.
    pub url: String,
    /// The Account's name at its Server.
    pub account: String,
    /// Its tenant, where known.
    pub tenant: Option<String>,
    /// Who issued its tokens, where somebody did.
    pub issuer: Option<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// Everything about a kind of Call that does not change from one to the next.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) policies: PolicySet,
    pub(crate) entities: Entities,
    pub(crate) principal: EntityUid,
    pub(crate) action: EntityUid,
    pub(crate) resource: EntityUid,
    pub(crate) account: EntityUid,
    pub(crate) reads_arguments: bool,
}

/// Everything is permitted underneath the Guardrails.
const UNDERNEATH: &str = "permit (principal, action, resource);";

impl Stage {
    /// `None` where something cannot be said in Cedar.
    pub(crate) fn new(
        target: &Target,
        cast: &Cast,
        class: Option<ToolClass>,
        rules: Vec<Arc<Rule>>,
    ) -> Option<Self> {
        let underneath = Policy::parse(Some(PolicyId::new("underneath")), UNDERNEATH).ok()?;
        let policies = rules.iter().map(|rule| rule.policy.clone()).chain([underneath]);
        let policies = PolicySet::from_policies(policies).ok()?;
        let place = Place::of(target, cast)?;
        let principal = uid("Agent", &cast.agent)?;
        let server = uid("Server", &cast.server)?;
        let account = uid("Account", &format!("{}/{}", cast.server, cast.account))?;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let mut of_target = vec![("name", text(target.name()))];
        if matches!(target, Target::Tool(_)) {
            of_target.push(("class", text(class.map_or("unclassified", ToolClass::as_str))));
        }
        let scopes = RestrictedExpression::new_set(cast.scopes.iter().map(|scope| text(scope)));
        let mut of_account = vec![("name", text(&cast.account)), ("scopes", scopes)];
        of_account.extend(cast.tenant.as_deref().map(|tenant| ("tenant", text(tenant))));
        of_account.extend(cast.issuer.as_deref().map(|issuer| ("issuer", text(issuer))));
        let entities = [
            entity(principal.clone(), vec![("name", text(&cast.agent))], &[])?,
            entity(
                server.clone(),
                vec![("name", text(&cast.server)), ("url", text(&cast.url))],
                &[],
            )?,
            entity(account.clone(), of_account, std::slice::from_ref(&server))?,
            entity(place.resource.clone(), of_target, std::slice::from_ref(&server))?,
            entity(place.action.clone(), Vec::new(), &place.groups)?,
        ];
        let entities = Entities::from_entities(entities, None).ok()?;
        let reads_arguments = rules.iter().any(|rule| rule.reads_arguments);
        let Place { action, resource, .. } = place;
        Some(Self {
            rules,
            policies,
            entities,
            principal,
            action,
            resource,
            account,
            reads_arguments,
        })
    }

    /// The rule behind a policy; the permission underneath has none.
    pub(crate) fn rule(&self, id: &PolicyId) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.policy.id() == id)
    }
}

/// Action and resource of a target.
struct Place {
    action: EntityUid,
    groups: Vec<EntityUid>,
    resource: EntityUid,
}

impl Place {
    fn of(target: &Target, cast: &Cast) -> Option<Self> {
        let (kind, group) = match target {
            Target::Tool(_) => ("Tool", "tools"),
            Target::Resource(_) => ("Resource", "resources"),
            Target::Prompt(_) => ("Prompt", "prompts"),
            Target::Method(_) => ("Method", "methods"),
        };
        let id = action(&cast.server, target.name());
        let (call, group) = (uid("Action", "call")?, uid("Action", group)?);
        let resource = uid(kind, &id)?;
        Some(match target {
            Target::Tool(_) => {
                Self { action: uid("Action", &id)?, groups: vec![group, call], resource }
            }
            Target::Resource(_) | Target::Prompt(_) | Target::Method(_) => {
                Self { action: group, groups: vec![call], resource }
            }
        })
    }
}

fn entity(
    uid: EntityUid,
    attributes: Vec<(&str, RestrictedExpression)>,
    parents: &[EntityUid],
) -> Option<Entity> {
    let attributes: HashMap<String, RestrictedExpression> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let parents: HashSet<EntityUid> = parents.iter().cloned().collect();
    Entity::new(uid, attributes, parents).ok()
}
