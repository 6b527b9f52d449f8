//! The one path of a Call: facts, decide, ask, record, spend, record. Every entrance comes through [`Delegation::pass`].

mod send;

use std::sync::Arc;

use prokura_domain::protocol::target;
use prokura_domain::{Call, CallId, Event, GrantId, Json, Method, RecordKind, Target, call};
use prokura_policy::{Approved, Decision, Denied, decide, forward};
use tokio::time::Instant;

use crate::Delegation;
use crate::answers::AskedFor;
use crate::ask::internal;
use crate::intent::{intent, unkept};
use crate::message::{Inbound, Kind, Refusal, RefusalCode, Reply};
use crate::records::rules;
use crate::shown::as_shown;
use crate::told::{changed, told};
use crate::wait::Wait;
pub(crate) use send::{Halt, Leaving};

/// How often a Call is decided anew because the rules changed meanwhile, before it is refused.
const ROUNDS: usize = 8;

/// How a Call leaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leg {
    /// Not by itself: another Call takes it along.
    pub joins: bool,
    /// Grants of the Calls it takes along.
    pub with: Vec<GrantId>,
}

/// What came of sending a Call.
pub(crate) enum Sent {
    /// It went, and this came back.
    Gone(Reply),
    /// It is recorded, and goes with another; these Grants it rests on.
    Joined(Vec<GrantId>),
    /// Nothing was recorded or sent: what it was decided on is no longer so.
    DecideAgain,
}

impl Delegation {
    /// Carries one message of a proved Agent: decides, perhaps asks, records, sends, records. Lists come back cut down
    /// to what the Agent may use. It may take minutes; dropping the future means the Agent cancelled.
    ///
    /// # Errors
    /// [`Refusal`]: what the Agent is told instead of an answer.
    pub async fn pass(&self, inbound: Inbound) -> Result<Reply, Refusal> {
        self.pass_within(inbound, Wait::default()).await
    }

    /// The same for an Agent whose patience is known: when the person has not answered by then, it is told so with
    /// [`RefusalCode::Waiting`], and the same message again finds the answer.
    ///
    /// # Errors
    /// [`Refusal`]: what the Agent is told instead of an answer.
    pub async fn pass_within(&self, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        self.own_things(&inbound)?;
        match &inbound.kind {
            Kind::Message { method, params, .. } => match Method::of(method) {
                Method::Protocol if method == "subscriptions/listen" => {
                    self.subscribe(inbound, &wait).await
                }
                Method::Protocol if method == "tasks/list" => self.list_tasks(inbound).await,
                Method::Protocol => {
                    let method = method.clone();
                    self.forward(inbound, Some(&method)).await
                }
                Method::List(listing) => self.list(inbound, listing).await,
                Method::Content | Method::Unknown => {
                    let target = target(method, params)
                        .map_err(|fault| Refusal::new(RefusalCode::Malformed, fault.to_string()))?;
                    let (method, params) = (method.clone(), params.clone());
                    let call = self.call_of(&inbound, method, target, params);
                    match self.govern(call, &inbound, (&wait, Leg::default())).await? {
                        Sent::Gone(reply) => Ok(reply),
                        Sent::Joined(_) | Sent::DecideAgain => Err(changed()),
                    }
                }
            },
            Kind::Answer { id, result } => {
                let asked = self.asked_by_server(&inbound, id)?;
                if asked.ping {
                    return self.forward(inbound, Some("ping")).await;
                }
                let target = asked.target.clone().ok_or_else(|| {
                    let text = "The server asked this outside of any call, so nothing is answered.";
                    Refusal::new(RefusalCode::Denied, text)
                })?;
                let call = self.call_of(&inbound, "answer".to_owned(), target, result.clone());
                self.govern_answer(call, asked, inbound).await
            }
            Kind::Stream => self.forward(inbound, None).await,
            Kind::End => {
                if let Some(session) = &inbound.session {
                    self.session_ended(session);
                }
                self.forward(inbound, None).await
            }
        }
    }

    pub(crate) fn call_of(
        &self,
        inbound: &Inbound,
        method: String,
        target: Target,
        params: Json,
    ) -> Call {
        let digest = call::digest(&method, &params);
        Call {
            id: CallId::new(&*self.0.parts.entropy),
            agent: inbound.agent.clone(),
            server: inbound.server.clone(),
            account: inbound.account.clone(),
            method,
            target,
            params,
            digest,
            outgoing: inbound.outgoing.clone(),
        }
    }

    /// Carries a message without content of its own.
    pub(crate) async fn forward(
        &self,
        inbound: Inbound,
        method: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let facts = self.facts(&inbound.agent, &inbound.server, None, None).map_err(internal)?;
        let permit = forward(
            (&inbound.agent, facts.agent),
            (&inbound.server, &inbound.account),
            method,
            inbound.outgoing.clone(),
            (facts.paused, facts.generation),
        )
        .map_err(|denied| told(&denied, None))?;
        let id = CallId::new(&*self.0.parts.entropy);
        let landing = self.take_off(&id, &inbound, Vec::new());
        let reply = self.spend(permit, &landing).await?;
        Ok(self.watched(reply, &inbound, landing))
    }

    /// Steps 1 to 6 for a Call.
    pub(crate) async fn govern(
        &self,
        mut call: Call,
        inbound: &Inbound,
        (wait, leg): (&Wait, Leg),
    ) -> Result<Sent, Refusal> {
        let since = Instant::now();
        let cancelled = self.cancellation(&call);
        let round = self.round(&call);
        let mut approved: Option<Approved> = None;
        for _ in 0..ROUNDS {
            let began = round.as_ref().map_or(&call.id, |round| &round.began);
            let (mut facts, guardrails) = self.facts_of(&call, began).map_err(internal)?;
            facts.arguments = round.as_ref().map(|round| Arc::clone(&round.arguments));
            let earlier = round.as_ref().and_then(|round| round.approved.clone());
            facts.approved = approved.clone().or(earlier);
            let grants = self.grants_for(&call, &facts);
            facts.used = self.used(&grants).map_err(internal)?;
            match decide(&call, &grants, &guardrails, &facts) {
                Decision::Deny(denied) => {
                    cancelled.defuse();
                    return Err(self.refused(&call, &denied).await);
                }
                Decision::Ask(asked) => match self.ask(&call, asked, &facts, (wait, since)).await {
                    Ok(yes) => {
                        call = as_shown(call, yes.shown)?;
                        approved = Some(yes.approved);
                    }
                    Err(refusal) => {
                        cancelled.defuse();
                        if refusal.code != RefusalCode::Waiting {
                            self.note_refusal(&call, &refusal).await;
                        }
                        return Err(refusal);
                    }
                },
                Decision::Allow(permit, why) => {
                    if permit.generation() != self.generation() {
                        continue;
                    }
                    let detail = intent(&call, &facts, &why, permit.charges());
                    let (approved, patience) = (approved.clone(), Some((wait, since)));
                    let leaving = Leaving { detail, approved, leg: &leg, patience };
                    let sent = self.send(&call, inbound, permit, facts, leaving);
                    cancelled.defuse();
                    match sent.await? {
                        // Another Call of this Agent read something meanwhile.
                        Sent::DecideAgain => cancelled.arm(),
                        sent => return Ok(sent),
                    }
                }
            }
        }
        cancelled.defuse();
        let text = "The rules kept changing while this call was decided; try again.";
        Err(Refusal::new(RefusalCode::Changed, text))
    }

    /// An answer to a Server's question rests on the Call that raised it: the same target, the same approval, and conditions
    /// look at the arguments of that Call.
    async fn govern_answer(
        &self,
        call: Call,
        asked: AskedFor,
        inbound: Inbound,
    ) -> Result<Reply, Refusal> {
        let own = asked.call.as_ref().unwrap_or(&call.id);
        let (mut facts, guardrails) = self.facts_of(&call, own).map_err(internal)?;
        facts.approved = asked.approved.map(|yes| Approved { digest: call.digest, ..yes });
        facts.arguments = asked.arguments;
        let grants = self.grants_for(&call, &facts);
        match decide(&call, &grants, &guardrails, &facts) {
            Decision::Allow(permit, why) => {
                let leaving = Leaving {
                    detail: intent(&call, &facts, &why, permit.charges()),
                    approved: None,
                    leg: &Leg::default(),
                    patience: None,
                };
                match self.send(&call, &inbound, permit, facts, leaving).await? {
                    Sent::Gone(reply) => Ok(reply),
                    Sent::Joined(_) | Sent::DecideAgain => Err(self.unasked(&call).await),
                }
            }
            Decision::Ask(_) => Err(self.unasked(&call).await),
            Decision::Deny(denied) => Err(self.refused(&call, &denied).await),
        }
    }

    /// An answer to a Server whose Call would have to be asked about now.
    async fn unasked(&self, call: &Call) -> Refusal {
        let text = "The call this answers was not approved by the person.";
        let refusal = Refusal::new(RefusalCode::Denied, text);
        self.note_refusal(call, &refusal).await;
        refusal
    }

    pub(crate) async fn refused(&self, call: &Call, denied: &Denied) -> Refusal {
        let refusal = told(denied, Some(&call.target));
        let detail =
            Json::object([("method", Json::text(&call.method)), ("why", rules(&denied.why))]);
        let event = Event::new(RecordKind::CallRefused, detail).about(self.subject_of(call));
        self.append_quietly(event, Some(unkept(call))).await;
        refusal
    }

    pub(crate) async fn note_refusal(&self, call: &Call, refusal: &Refusal) {
        let detail = Json::object([
            ("method", Json::text(&call.method)),
            (
                "why",
                Json::Array(vec![Json::object([
                    ("rule", Json::text("person")),
                    ("text", Json::text(&refusal.message)),
                ])]),
            ),
        ]);
        let event = Event::new(RecordKind::CallRefused, detail).about(self.subject_of(call));
        self.append_quietly(event, Some(unkept(call))).await;
    }
}
