//! Which rules can concern a Call, found without looking at all of them: by tool, by Server, by Agent, and the rest.
//! It must never leave out a rule whose head could be true.

use std::collections::HashMap;
use std::sync::Arc;

use prokura_domain::{Call, Target};

use super::cast::Cast;
use super::read::{Place, Rule};
use super::schema::action;

/// Rules by the narrowest thing their head says.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    by_action: HashMap<String, Vec<Arc<Rule>>>,
    by_server: HashMap<String, Vec<Arc<Rule>>>,
    by_agent: HashMap<String, Vec<Arc<Rule>>>,
    anywhere: Vec<Arc<Rule>>,
}

impl Slices {
    pub(crate) fn add(&mut self, rule: &Arc<Rule>) {
        match (&rule.scope.place, &rule.scope.agent) {
            (Place::Actions(actions), _) => {
                for action in actions {
                    self.by_action.entry(action.clone()).or_default().push(Arc::clone(rule));
                }
            }
            (Place::Server(server), _) => {
                self.by_server.entry(server.clone()).or_default().push(Arc::clone(rule));
            }
            (Place::Anywhere, Some(agent)) => {
                self.by_agent.entry(agent.clone()).or_default().push(Arc::clone(rule));
            }
            (Place::Anywhere, None) => self.anywhere.push(Arc::clone(rule)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_action.is_empty()
            && self.by_server.is_empty()
            && self.by_agent.is_empty()
            && self.anywhere.is_empty()
    }

    /// The rules whose head could be true for this Call.
    pub(crate) fn concerned(&self, call: &Call, cast: &Cast) -> Vec<Arc<Rule>> {
        let of_tool = match &call.target {
            Target::Tool(name) => self.by_action.get(&action(&cast.server, name)),
            Target::Resource(_) | Target::Prompt(_) | Target::Method(_) => None,
        };
        let lists = [
            of_tool,
            self.by_server.get(&cast.server),
            self.by_agent.get(&cast.agent),
            Some(&self.anywhere),
        ];
        let mut found: Vec<Arc<Rule>> = lists
            .into_iter()
            .flatten()
            .flatten()
            .filter(|rule| rule.scope.agent.as_ref().is_none_or(|agent| *agent == cast.agent))
            .map(Arc::clone)
            .collect();
        // A rule that names a tool twice is there twice.
        found.sort_by(|one, other| one.policy.id().cmp(other.policy.id()));
        found.dedup_by(|one, other| one.policy.id() == other.policy.id());
        found
    }
}
