//! The one path of a Call: facts, decide, ask, record, spend, record. Every entrance comes through [`Delegation::pass`].

use prokura_domain::protocol::target;
use prokura_domain::{
    AuditLevel, Call, CallId, Change, Event, GrantId, Json, Method, QuestionState, RecordKind,
    Reservation, Target, call,
};
use prokura_policy::{Approved, Decision, Denied, Facts, Permit, decide, forward, used_up};
use prokura_store::{Payload, StoreError};
use tokio::time::Instant;

use crate::Delegation;
use crate::answers::AskedFor;
use crate::ask::{broken, internal};
use crate::flight::{Flight, Landing};
use crate::intent::{durability, intent, unkept};
use crate::message::{Inbound, Kind, Refusal, RefusalCode, Reply};
use crate::records::{manner, rules};
use crate::reply::Outcome;
use crate::shown::as_shown;
use crate::told::{changed, told};
use crate::upstream::UpstreamFault;
use crate::wait::Wait;

/// How often a Call is decided anew because the rules changed meanwhile, before it is refused.
const ROUNDS: usize = 8;

/// What a Call begins with.
struct Beginning {
    event: Event,
    payload: Payload,
    reservation: Reservation,
    level: AuditLevel,
    landing: Landing,
    rests_on: (Facts, Option<Approved>),
}

/// What came of sending a Call.
enum Sent {
    /// It went, and this came back.
    Gone(Reply),
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
        match &inbound.kind {
            Kind::Message { method, params, .. } => match Method::of(method) {
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
                    self.govern(call, inbound, &wait).await
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

    fn call_of(&self, inbound: &Inbound, method: String, target: Target, params: Json) -> Call {
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
    async fn govern(
        &self,
        mut call: Call,
        inbound: Inbound,
        wait: &Wait,
    ) -> Result<Reply, Refusal> {
        let since = Instant::now();
        let cancelled = self.cancellation(&call);
        let mut approved: Option<Approved> = None;
        for _ in 0..ROUNDS {
            let (mut facts, guardrails) = self.facts_of(&call, &call.id).map_err(internal)?;
            facts.approved.clone_from(&approved);
            let grants =
                self.grants_as(&call.agent, &call.server, &call.account).map_err(internal)?;
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
                        if refusal.code == RefusalCode::Waiting {
                            return Err(refusal);
                        }
                        self.note_refusal(&call, &refusal).await;
                        return Err(refusal);
                    }
                },
                Decision::Allow(permit, why) => {
                    if permit.generation() != self.generation() {
                        continue;
                    }
                    let detail = intent(&call, &facts, &why, permit.charges(), approved.as_ref());
                    let sent = self.send(&call, &inbound, permit, facts, detail, approved.clone());
                    cancelled.defuse();
                    match sent.await? {
                        Sent::Gone(reply) => return Ok(reply),
                        // Another Call of this Agent read something meanwhile.
                        Sent::DecideAgain => cancelled.arm(),
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
        let grants = self.grants_as(&call.agent, &call.server, &call.account).map_err(internal)?;
        match decide(&call, &grants, &guardrails, &facts) {
            Decision::Allow(permit, why) => {
                let detail = intent(&call, &facts, &why, permit.charges(), facts.approved.as_ref());
                match self.send(&call, &inbound, permit, facts, detail, None).await? {
                    Sent::Gone(reply) => Ok(reply),
                    Sent::DecideAgain => Err(self.unasked(&call).await),
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

    /// Steps 4 to 6.
    async fn send(
        &self,
        call: &Call,
        inbound: &Inbound,
        permit: Permit,
        facts: Facts,
        mut detail: Json,
        approved: Option<Approved>,
    ) -> Result<Sent, Refusal> {
        manner(&mut detail, inbound);
        let grants = permit.grants().to_vec();
        let landing = self.take_off(&call.id, inbound, grants.clone());
        let level = self.audit_level(&call.server);
        let event = Event::new(RecordKind::CallIntent, detail).about(self.subject_of(call));
        let keep = level != AuditLevel::Digest;
        let payload = Payload { keep, ..unkept(call) };
        let reservation = permit.reservation().clone();
        let rests_on = (facts.clone(), approved.clone());
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
        let grants = self.grants_as(&call.agent, &call.server, &call.account).map_err(internal)?;
        Ok(matches!(decide(call, &grants, &guardrails, &facts), Decision::Allow(..)))
    }

    /// Step 5: the Permit is spent. What is taken back meanwhile is not waited for.
    async fn spend(&self, permit: Permit, landing: &Landing) -> Result<Reply, Refusal> {
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

    fn take_off(
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

    async fn refused(&self, call: &Call, denied: &Denied) -> Refusal {
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
