//! How many Grants cover a tool, and how many tools a Grant covers, for people: thousands of both at once.

use std::collections::HashMap;
use std::sync::Arc;

use prokura_domain::{Grant, ServerId, Tool};
use prokura_policy::{Catalogue, Tally};
use prokura_store::StoreError;

use crate::Delegation;
use crate::facts::tool_facts;

/// The tools of Servers, to be counted by Grants. It is for one look: what changes afterwards is not seen.
#[derive(Debug, Default)]
pub struct Covering(HashMap<ServerId, Catalogue>);

impl Covering {
    /// How many tools a Grant covers as they stand.
    ///
    /// # Errors
    /// [`StoreError`] when the tools cannot be read.
    pub fn of(&mut self, delegation: &Delegation, grant: &Grant) -> Result<usize, StoreError> {
        if !self.0.contains_key(&grant.server) {
            let tools = delegation.store().tools(&grant.server)?;
            let known = tools.into_iter().map(|tool| (tool.name.clone(), tool_facts(&tool)));
            self.0.insert(grant.server.clone(), Catalogue::new(known));
        }
        let catalogue = self.0.get_mut(&grant.server);
        Ok(catalogue.map_or(0, |catalogue| catalogue.under(&grant.target)))
    }
}

/// The Grants in force at a Server, to be counted by tools.
#[derive(Debug)]
pub struct Granted(Tally);

impl Granted {
    /// How many of them cover a tool as it stands.
    #[must_use]
    pub fn over(&self, tool: &Tool) -> usize {
        self.0.over(&tool.name, &tool_facts(tool))
    }
}

impl Delegation {
    /// The Grants in force now, in no order. When each was last used stands in the table only.
    #[must_use]
    pub fn grants_in_force(&self) -> Vec<Arc<Grant>> {
        let now = self.now();
        let over = |grant: &Grant| grant.until.is_some_and(|until| now >= until);
        self.ledger().iter().filter(|grant| !over(grant)).map(Arc::clone).collect()
    }

    /// The Grants in force at a Server, to be counted by tools.
    #[must_use]
    pub fn granted_at(&self, server: &ServerId) -> Granted {
        let mut tally = Tally::default();
        let grants = self.grants_in_force();
        let here = grants.iter().filter(|grant| grant.server == *server);
        here.for_each(|grant| tally.add(&grant.target));
        Granted(tally)
    }
}
