//! Steps 4 to 6 of a Call: it is recorded, spent, and how it ended is recorded. It must never send what has no record.

use prokura_domain::{
    AuditLevel, Call, CallId, Change, Event, GrantId, Json, QuestionState, RecordKind, Reservation,
};
use prokura_policy::{Approved, Facts, Permit, used_up};
use prokura_store::{Payload, StoreError};
use tokio::time::Instant;

use super::{Leg, Sent};
use crate::Delegation;
use crate::ask::{broken, internal};
use crate::flight::{Flight, Landing};
use crate::intent::{durability, spoken, unkept};
use crate::message::{Inbound, Refusal, RefusalCode, Reply};
use crate::records::manner;
use crate::reply::Outcome;
use crate::scopes::{Standing, wanting};
use crate::told::changed;
use crate::upstream::UpstreamFault;
use crate::wait::Wait;

/// What a Call begins with.
struct Beginning {
    event: Event,
    payload: Payload,
    reservation: Reservation,
    level: AuditLevel,
    landing: Landing,
    rests_on: (Facts, Option<Approved>),
}

/// How a Call leaves: what its record says, what it rests on, and how long its Agent waits.
pub(crate) struct Leaving<'a> {
    pub detail: Json,
    pub approved: Option<Approved>,
    pub leg: &'a Leg,
    /// Where it may wait for more scopes.
    pub patience: Option<(&'a Wait, Instant)>,
}

/// Why a Permit that was spent brought nothing back.
pub(crate) enum Halt {
    Refused(Refusal),
    /// The Server wants these scopes.
    Scopes(Vec<String>),
}

impl Delegation {
    /// Steps 4 to 6.
    pub(super) async fn send(
        &self,
        call: &Call,
        inbound: &Inbound,
        permit: Permit,
        facts: Facts,
        leaving: Leaving<'_>,
    ) -> Result<Sent, Refusal> {
        let Leaving { mut detail, approved, leg, patience } = leaving;
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
        if approved.as_ref().is_some_and(|yes| !self.uses(yes)) {
            outcome.finish("not_sent", "The approval was used or withdrawn meanwhile.").await;
            return Err(changed());
        }
        if permit.generation() != self.generation() && self.decided_again(call, &facts).is_err() {
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
        let sent = match patience {
            None => self.spend(permit, outcome.landing()).await,
            Some(patience) => {
                let approved = approved.as_ref();
                let standing = Standing { call, facts: &facts, approved, patience };
                self.spend_at_length(permit, outcome.landing(), standing).await
            }
        };
        match sent {
            Ok(reply) => outcome.follow(reply, inbound).await.map(Sent::Gone),
            Err(refusal) => {
                outcome.finish("failed", &refusal.message).await;
                Err(refusal)
            }
        }
    }

    /// Uses a yes up; `false` where it was used or withdrawn meanwhile.
    fn uses(&self, yes: &Approved) -> bool {
        let (from, used) = ([QuestionState::Allowed], QuestionState::Used);
        let won = self.store().settle_question(&yes.question, &from, used, self.now(), None);
        self.tell(Change::Approvals);
        matches!(won, Ok(true))
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

    /// Step 5: the Permit is spent. What is taken back meanwhile is not waited for.
    pub(crate) async fn spend(&self, permit: Permit, landing: &Landing) -> Result<Reply, Refusal> {
        let account = permit.account().clone();
        self.try_spend(permit, landing).await.map_err(|halt| match halt {
            Halt::Refused(refusal) => refusal,
            Halt::Scopes(scopes) => {
                self.want_scopes(&account, &scopes);
                wanting(&scopes)
            }
        })
    }

    /// The same, where more scopes may be waited for.
    pub(crate) async fn try_spend(&self, permit: Permit, landing: &Landing) -> Result<Reply, Halt> {
        let server = permit.server().clone();
        let sent = tokio::select! {
            biased;
            () = landing.token().cancelled() => return Err(Halt::Refused(changed())),
            sent = self.0.parts.upstream.send(permit) => sent,
        };
        if let Err(UpstreamFault::NotApproved(_)) = &sent {
            return Err(Halt::Refused(self.unstarted(&server).await));
        }
        sent.map_err(|fault| {
            let code = match &fault {
                UpstreamFault::ScopesNeeded(scopes) => return Halt::Scopes(scopes.clone()),
                UpstreamFault::SignInNeeded(_) => RefusalCode::SignInNeeded,
                UpstreamFault::Unreachable(_) | UpstreamFault::Garbled(_) => {
                    RefusalCode::Unreachable
                }
                UpstreamFault::VaultLocked(_) => RefusalCode::VaultLocked,
                UpstreamFault::NotApproved(_) => RefusalCode::Denied,
            };
            Halt::Refused(Refusal::new(code, fault.to_string()))
        })
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
