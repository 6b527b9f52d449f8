//! Steps 4 to 6 of a Call: it is recorded, spent, and how it ended is recorded. It must never send what has no record.

use prokura_domain::{
    AuditLevel, Call, CallId, Change, Event, GrantId, Json, QuestionState, RecordKind, Reservation,
};
use prokura_policy::{Approved, Decision, Facts, Permit, decide, used_up};
use prokura_store::{Payload, StoreError};

use super::{Leg, Sent};
use crate::Delegation;
use crate::ask::{broken, internal};
use crate::flight::{Flight, Landing};
use crate::intent::{durability, spoken, unkept};
use crate::message::{Inbound, Refusal, RefusalCode, Reply};
use crate::records::manner;
use crate::reply::Outcome;
use crate::told::changed;
use crate::upstream::UpstreamFault;

/// What a Call begins with.
struct Beginning {
    event: Event,
    payload: Payload,
    reservation: Reservation,
    level: AuditLevel,
    landing: Landing,
    rests_on: (Facts, Option<Approved>),
}

impl Delegation {
    /// Steps 4 to 6.
    pub(super) async fn send(
        &self,
        call: &Call,
        inbound: &Inbound,
        permit: Permit,
        facts: Facts,
        (mut detail, approved): (Json, Option<Approved>),
        leg: &Leg,
    ) -> Result<Sent, Refusal> {
        manner(&mut detail, inbound);
        let grants = permit.grants().to_vec();
        let all = grants.iter().chain(&leg.with).cloned().collect();
        let landing = self.take_off(&call.id, inbound, all);
        let detail = spoken(detail, inbound);
        let level = self.audit_level(&call.server);
        let event = Event::new(RecordKind::CallIntent, detail).about(self.subject_of(call));
        let keep = level != AuditLevel::Digest;
        let payload = Payload { keep, ..unkept(call) };
        let reservation = permit.reservation().clone();
        let rests_on = (facts.clone(), facts.approved.clone());
        let beginning = Beginning { event, payload, reservation, level, landing, rests_on };
        let Some(outcome) = self.begin(call, inbound, beginning).await? else {
            return Ok(Sent::DecideAgain);
        };
        if let Some(yes) = &approved {
            let from = [QuestionState::Allowed];
            let used = QuestionState::Used;
            let won = self.store().settle_question(&yes.question, &from, used, self.now(), None);
            if !matches!(won, Ok(true)) {
                outcome.finish("not_sent", "The approval was used or withdrawn meanwhile.").await;
                return Err(changed());
            }
            self.tell(Change::Approvals);
        }
        if permit.generation() != self.generation() && !self.still(call, &facts)? {
            outcome.finish("not_sent", "The rules changed before it was sent.").await;
            return Err(changed());
        }
        if let Err(error) = self.store().touch_grants(&grants, self.now()) {
            tracing::warn!(%error, "the last use of a grant could not be written");
        }
        self.note_call(call, approved.is_some());
        self.tell(Change::Audit);
        if leg.joins {
            outcome.finish("joined", "It goes with the next resource, in one message.").await;
            return Ok(Sent::Joined(grants));
        }
        match self.spend(permit, outcome.landing()).await {
            Ok(reply) => outcome.follow(reply, inbound).await.map(Sent::Gone),
            Err(refusal) => {
                outcome.finish("failed", &refusal.message).await;
                Err(refusal)
            }
        }
    }

    /// Step 4. It runs to its end also when the Agent stops waiting meanwhile: an intent that was written gets an outcome.
    /// `None`: another Call of the Agent read something after this one was decided, so nothing was written.
    async fn begin(
        &self,
        call: &Call,
        inbound: &Inbound,
        beginning: Beginning,
    ) -> Result<Option<Outcome>, Refusal> {
        let Beginning { event, payload, reservation, level, landing, rests_on } = beginning;
        let (delegation, own, inbound) = (self.clone(), call.clone(), inbound.clone());
        let durable = durability(&rests_on.0);
        let task = tokio::spawn(async move {
            delegation.log().append_charged(event, Some(payload), durable, reservation).await?;
            let rests_on = (&rests_on.0, rests_on.1);
            Ok(Outcome::begin(&delegation, &own, level, landing, &inbound, rests_on))
        });
        match task.await {
            Ok(Ok(outcome)) => Ok(Some(outcome)),
            Ok(Err(StoreError::FlowsTogether)) => Ok(None),
            Ok(Err(StoreError::BudgetUsedUp(grant))) => Err(self.over_budget(call, &grant).await),
            Ok(Err(error)) => Err(broken(error)),
            Err(error) => Err(Refusal::new(RefusalCode::Internal, error.to_string())),
        }
    }

    /// Another Call took what was left between the decision and the intent.
    async fn over_budget(&self, call: &Call, grant: &GrantId) -> Refusal {
        match self.store().grant(grant) {
            Ok(Some(grant)) => self.refused(call, &used_up(&grant)).await,
            Ok(None) => changed(),
            Err(error) => internal(error),
        }
    }

    /// Decides again with the facts of now; the intent stands either way, and what it cost was counted with it.
    fn still(&self, call: &Call, before: &Facts) -> Result<bool, Refusal> {
        let own = before.flow.as_ref().map_or(&call.id, |flow| &flow.own);
        let (mut facts, guardrails) = self.facts_of(call, own).map_err(internal)?;
        facts.approved.clone_from(&before.approved);
        facts.arguments.clone_from(&before.arguments);
        let grants = self.grants_for(call, &facts);
        Ok(matches!(decide(call, &grants, &guardrails, &facts), Decision::Allow(..)))
    }

    /// Step 5: the Permit is spent. What is taken back meanwhile is not waited for.
    pub(super) async fn spend(&self, permit: Permit, landing: &Landing) -> Result<Reply, Refusal> {
        let account = permit.account().clone();
        tokio::select! {
            biased;
            () = landing.token().cancelled() => Err(changed()),
            sent = self.0.parts.upstream.send(permit) => sent.map_err(|fault| match fault {
                UpstreamFault::SignInNeeded(text) => Refusal::new(RefusalCode::SignInNeeded, text),
                UpstreamFault::ScopesNeeded(ref scopes) => {
                    self.want_scopes(&account, scopes);
                    Refusal::new(RefusalCode::SignInNeeded, format!("{fault}."))
                }
                UpstreamFault::Unreachable(text) | UpstreamFault::Garbled(text) => {
                    Refusal::new(RefusalCode::Unreachable, text)
                }
                UpstreamFault::VaultLocked(text) => Refusal::new(RefusalCode::VaultLocked, text),
            }),
        }
    }

    pub(super) fn take_off(
        &self,
        id: &CallId,
        inbound: &Inbound,
        grants: Vec<prokura_domain::GrantId>,
    ) -> Landing {
        let flight = Flight {
            agent: inbound.agent.clone(),
            server: inbound.server.clone(),
            account: inbound.account.clone(),
            grants,
        };
        self.0.flights.start(id, flight)
    }

    fn audit_level(&self, server: &prokura_domain::ServerId) -> prokura_domain::AuditLevel {
        let server = self.store().server(server).ok().flatten();
        server.map_or(prokura_domain::AuditLevel::Digest, |server| server.audit_level)
    }
}
