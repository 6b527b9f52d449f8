//! The Permit: the proof that a message was decided. It owns what is sent, and it is spent once, by value.

use prokura_domain::{
    AccountId, AgentId, AgentState, Call, CallId, Charge, GrantId, Method, Outgoing, Reservation,
    ServerId, Verb,
};

use crate::decide::{Denial, Denied};

/// On whose behalf a message leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spender {
    /// An Agent.
    Agent(AgentId),
    /// The Host itself, looking at what a Server offers.
    Host,
}

/// The proof that a message may leave, with the message. Only this crate makes one; nobody can copy it.
#[derive(Debug)]
pub struct Permit {
    spender: Spender,
    call: Option<CallId>,
    server: ServerId,
    account: AccountId,
    outgoing: Outgoing,
    generation: u64,
    grants: Vec<GrantId>,
    reservation: Box<Reservation>,
}

impl Permit {
    pub(crate) fn for_call(
        call: &Call,
        generation: u64,
        grants: Vec<GrantId>,
        reservation: Reservation,
    ) -> Self {
        Self {
            spender: Spender::Agent(call.agent.clone()),
            call: Some(call.id.clone()),
            server: call.server.clone(),
            account: call.account.clone(),
            outgoing: call.outgoing.clone(),
            generation,
            grants,
            reservation: Box::new(reservation),
        }
    }

    /// On whose behalf.
    #[must_use]
    pub fn spender(&self) -> &Spender {
        &self.spender
    }

    /// The Call, where the message is one.
    #[must_use]
    pub fn call(&self) -> Option<&CallId> {
        self.call.as_ref()
    }

    /// The only Server it may go to.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// The only Account it may go as.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The exact bytes.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The generation of the rules it was decided under.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What it takes from the budgets of Grants.
    #[must_use]
    pub fn charges(&self) -> &[Charge] {
        &self.reservation.charges
    }

    /// What it costs, and what flows with it. Whoever records the intent takes it in the same transaction, or the Call does not go.
    #[must_use]
    pub fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    /// The Grants that let it through.
    #[must_use]
    pub fn grants(&self) -> &[GrantId] {
        &self.grants
    }
}

/// A Permit for a message that carries no content of its own: the closed list of [`Method::Protocol`] and
/// [`Method::List`], and GET and DELETE of a session.
///
/// # Errors
/// [`Denied`] when everything is paused, the Agent is revoked, or the message is a Call and has to be decided as one.
pub fn forward(
    (agent, state): (&AgentId, AgentState),
    (server, account): (&ServerId, &AccountId),
    method: Option<&str>,
    outgoing: Outgoing,
    (paused, generation): (bool, u64),
) -> Result<Permit, Denied> {
    if paused {
        return Err(Denied::paused());
    }
    match state {
        AgentState::Active => {}
        AgentState::Revoked => return Err(Denied::revoked()),
    }
    let plain = match (outgoing.verb, method.map(Method::of)) {
        (Verb::Post, Some(Method::Protocol | Method::List(_))) => true,
        (Verb::Get | Verb::Delete, None) => outgoing.body.is_empty(),
        (Verb::Post, Some(Method::Content | Method::Unknown) | None)
        | (Verb::Get | Verb::Delete, Some(_)) => false,
    };
    if !plain {
        return Err(Denied::new(Denial::NoGrant, "default", "This message is a Call."));
    }
    Ok(Permit {
        spender: Spender::Agent(agent.clone()),
        call: None,
        server: server.clone(),
        account: account.clone(),
        outgoing,
        generation,
        grants: Vec::new(),
        reservation: Box::default(),
    })
}

/// A Permit for the Host's own look at a Server: opening, listing and closing, nothing else. `None` for any other method.
#[must_use]
pub fn housekeeping(
    server: &ServerId,
    account: &AccountId,
    method: Option<&str>,
    outgoing: Outgoing,
) -> Option<Permit> {
    let allowed = match method {
        Some(method) => matches!(
            method,
            "initialize" | "notifications/initialized" | "server/discover" | "tools/list"
        ),
        None => outgoing.verb == Verb::Delete && outgoing.body.is_empty(),
    };
    allowed.then(|| Permit {
        spender: Spender::Host,
        call: None,
        server: server.clone(),
        account: account.clone(),
        outgoing,
        generation: 0,
        grants: Vec::new(),
        reservation: Box::default(),
    })
}
