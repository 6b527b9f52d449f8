//! All Grants that were not taken back, found by Agent, Server and target without looking at any other.
//! It must never leave out a Grant that covers what is asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use prokura_domain::{
    AccountId, AgentId, Grant, GrantId, ServerId, Target, TargetPattern, Timestamp, ToolClass,
};

use crate::grant::in_force;

/// The Grants, by what they are about. Expired ones stay until they are taken back: `decide` knows what time it is.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    shelves: HashMap<AgentId, HashMap<ServerId, Shelf>>,
    all: HashMap<GrantId, Arc<Grant>>,
}

/// What one Agent was granted at one Server.
#[derive(Debug, Clone, Default)]
struct Shelf {
    names: HashMap<String, Vec<Arc<Grant>>>,
    classes: HashMap<ToolClass, Vec<Arc<Grant>>>,
    tools: Globs,
    resources: Globs,
    prompts: Globs,
    methods: Globs,
}

/// Grants with a glob, by the text before its first wildcard: what it matches begins so.
#[derive(Debug, Clone, Default)]
struct Globs {
    by_prefix: HashMap<String, Vec<Arc<Grant>>>,
    /// How many prefixes there are of each length in bytes.
    lengths: BTreeMap<usize, usize>,
}

impl Ledger {
    /// Over these Grants; those that were taken back are left out.
    #[must_use]
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        let mut made = Self::default();
        grants.into_iter().for_each(|grant| made.put(grant));
        made
    }

    /// Adds or changes a Grant. One that was taken back is forgotten.
    pub fn put(&mut self, grant: Grant) {
        self.remove(&grant.id);
        if grant.revoked_at.is_some() {
            return;
        }
        let grant = Arc::new(grant);
        let shelf = self.shelves.entry(grant.agent.clone()).or_default();
        shelf.entry(grant.server.clone()).or_default().put(&grant);
        self.all.insert(grant.id.clone(), grant);
    }

    /// Forgets a Grant.
    pub fn remove(&mut self, id: &GrantId) {
        let Some(grant) = self.all.remove(id) else { return };
        let Some(shelves) = self.shelves.get_mut(&grant.agent) else { return };
        let Some(shelf) = shelves.get_mut(&grant.server) else { return };
        shelf.remove(&grant);
        if shelf.is_empty() {
            shelves.remove(&grant.server);
        }
        if shelves.is_empty() {
            self.shelves.remove(&grant.agent);
        }
    }

    /// One Grant.
    #[must_use]
    pub fn grant(&self, id: &GrantId) -> Option<&Arc<Grant>> {
        self.all.get(id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Grant>> {
        self.all.values()
    }

    /// The Grants that can cover `target` for an Agent at a Server as an Account, oldest first; `class` is that of the tool.
    #[must_use]
    pub fn concerning(
        &self,
        (agent, server, account): (&AgentId, &ServerId, &AccountId),
        target: &Target,
        class: Option<ToolClass>,
    ) -> Vec<Arc<Grant>> {
        let Some(shelf) = self.shelf(agent, server) else { return Vec::new() };
        let mut found = Vec::new();
        let own = |grant: &&Arc<Grant>| grant.account.as_ref().is_none_or(|own| own == account);
        shelf.each(target, class, &mut |grants| {
            found.extend(grants.iter().filter(own).map(Arc::clone));
        });
        found.sort_by(|one, other| (one.added_at, &one.id).cmp(&(other.added_at, &other.id)));
        found
    }

    /// All Grants of an Agent at a Server, oldest first.
    #[must_use]
    pub fn at(&self, agent: &AgentId, server: &ServerId) -> Vec<Arc<Grant>> {
        let Some(shelf) = self.shelf(agent, server) else { return Vec::new() };
        let mut found: Vec<Arc<Grant>> = shelf.iter().map(Arc::clone).collect();
        found.sort_by(|one, other| (one.added_at, &one.id).cmp(&(other.added_at, &other.id)));
        found
    }

    /// Whether an Agent has a Grant in force at a Server that is more than a plain deny.
    #[must_use]
    pub fn opens(&self, agent: &AgentId, server: &ServerId, now: Timestamp) -> bool {
        self.shelf(agent, server).is_some_and(|shelf| {
            shelf
                .iter()
                .any(|grant| grant.effect != prokura_domain::Effect::Deny && in_force(grant, now))
        })
    }

    fn shelf(&self, agent: &AgentId, server: &ServerId) -> Option<&Shelf> {
        self.shelves.get(agent)?.get(server)
    }
}

impl Shelf {
    fn put(&mut self, grant: &Arc<Grant>) {
        match &grant.target {
            TargetPattern::Tool(name) => {
                self.names.entry(name.clone()).or_default().push(Arc::clone(grant));
            }
            TargetPattern::Class(class) => {
                self.classes.entry(*class).or_default().push(Arc::clone(grant));
            }
            TargetPattern::Tools(glob) => self.tools.put(glob, grant),
            TargetPattern::Resources(glob) => self.resources.put(glob, grant),
            TargetPattern::Prompts(glob) => self.prompts.put(glob, grant),
            TargetPattern::Methods(glob) => self.methods.put(glob, grant),
        }
    }

    fn remove(&mut self, grant: &Grant) {
        match &grant.target {
            TargetPattern::Tool(name) => {
                take(&mut self.names, name.as_str(), grant);
            }
            TargetPattern::Class(class) => {
                take(&mut self.classes, class, grant);
            }
            TargetPattern::Tools(glob) => self.tools.remove(glob, grant),
            TargetPattern::Resources(glob) => self.resources.remove(glob, grant),
            TargetPattern::Prompts(glob) => self.prompts.remove(glob, grant),
            TargetPattern::Methods(glob) => self.methods.remove(glob, grant),
        }
    }

    fn each(
        &self,
        target: &Target,
        class: Option<ToolClass>,
        found: &mut impl FnMut(&[Arc<Grant>]),
    ) {
        match target {
            Target::Tool(name) => {
                if let Some(grants) = self.names.get(name) {
                    found(grants);
                }
                if let Some(grants) = class.and_then(|class| self.classes.get(&class)) {
                    found(grants);
                }
                self.tools.each(name, found);
            }
            Target::Resource(uri) => self.resources.each(uri, found),
            Target::Prompt(name) => self.prompts.each(name, found),
            Target::Method(name) => self.methods.each(name, found),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Grant>> {
        let globs = [&self.tools, &self.resources, &self.prompts, &self.methods];
        let globs = globs.into_iter().flat_map(|globs| globs.by_prefix.values());
        self.names.values().chain(self.classes.values()).chain(globs).flatten()
    }

    fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl Globs {
    fn put(&mut self, glob: &str, grant: &Arc<Grant>) {
        let prefix = prefix(glob);
        if !self.by_prefix.contains_key(prefix) {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
        self.by_prefix.entry(prefix.to_owned()).or_default().push(Arc::clone(grant));
    }

    fn remove(&mut self, glob: &str, grant: &Grant) {
        let prefix = prefix(glob);
        if !take(&mut self.by_prefix, prefix, grant) {
            return;
        }
        if let Some(count) = self.lengths.get_mut(&prefix.len()) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&prefix.len());
            }
        }
    }

    fn each(&self, name: &str, found: &mut impl FnMut(&[Arc<Grant>])) {
        for (length, _) in self.lengths.range(..=name.len()) {
            let grants = name.get(..*length).and_then(|prefix| self.by_prefix.get(prefix));
            if let Some(grants) = grants {
                found(grants);
            }
        }
    }
}

/// What every text that a glob matches begins with.
fn prefix(glob: &str) -> &str {
    glob.split(['*', '?']).next().unwrap_or_default()
}

/// Takes a Grant out of its list; says whether that was the last one there.
fn take<K, Q>(map: &mut HashMap<K, Vec<Arc<Grant>>>, key: &Q, grant: &Grant) -> bool
where
    K: std::borrow::Borrow<Q> + std::hash::Hash + Eq,
    Q: std::hash::Hash + Eq + ?Sized,
{
    let Some(grants) = map.get_mut(key) else { return false };
    grants.retain(|held| held.id != grant.id);
    let empty = grants.is_empty();
    if empty {
        map.remove(key);
    }
    empty
}
