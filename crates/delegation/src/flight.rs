//! Calls under way, so that taking back works at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::{AccountId, AgentId, CallId, GrantId, ServerId};
use tokio_util::sync::CancellationToken;

use crate::Delegation;

/// What a Call under way rests on.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub agent: AgentId,
    pub server: ServerId,
    pub account: AccountId,
    pub grants: Vec<GrantId>,
}

type Table = Mutex<HashMap<CallId, (Flight, CancellationToken)>>;

/// All Calls under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Arc<Table>);

/// A Call under way; it lands when this is dropped.
#[derive(Debug)]
pub(crate) struct Landing {
    id: CallId,
    table: Arc<Table>,
    token: CancellationToken,
}

impl Flights {
    pub fn start(&self, id: &CallId, flight: Flight) -> Landing {
        let token = CancellationToken::new();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(id.clone(), (flight, token.clone()));
        Landing { id: id.clone(), table: Arc::clone(&self.0), token }
    }

    /// Cancels every Call that rests on what `hit` names; says how many.
    pub fn cancel(&self, hit: impl Fn(&Flight) -> bool) -> usize {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = table.values().filter(|(flight, _)| hit(flight));
        tokens.map(|(_, token)| token.cancel()).count()
    }
}

impl Landing {
    /// Resolves when the Call is taken back.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// A stream of an Agent that rests on no Server. It is over when the Agent's credential is.
#[derive(Debug)]
pub struct Standing(Landing);

impl Standing {
    /// Resolves when the credential it was opened with is no longer good.
    pub async fn cut(&self) {
        self.0.token.cancelled().await;
    }
}

impl Delegation {
    /// Begins a stream of an Agent that rests on no Server.
    #[must_use]
    pub fn stand(&self, agent: &AgentId) -> Standing {
        let nowhere = (ServerId::from_text(""), AccountId::from_text(""));
        let (server, account) = nowhere;
        let flight = Flight { agent: agent.clone(), server, account, grants: Vec::new() };
        Standing(self.0.standers.start(&CallId::new(&*self.0.parts.entropy), flight))
    }

    /// Ends everything under way that an Agent began with a credential that is no longer good; says how many Calls.
    pub(crate) fn end_all_of(&self, agent: &AgentId) -> usize {
        self.0.standers.cancel(|flight| flight.agent == *agent);
        self.0.flights.cancel(|flight| flight.agent == *agent)
    }
}
