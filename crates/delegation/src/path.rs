//! The one path of a Call: facts, decide, ask, record, spend, record. Every entrance comes through [`Delegation::pass`].

use prokura_domain::protocol::target;
use prokura_domain::{
    AuditLevel, Call, CallId, Change, Charge, Durability, Event, GrantId, Json, Method,
    QuestionState, RecordKind, Target, ToolClass, call,
};
use prokura_policy::{Approved, Decision, Denied, Facts, Permit, decide, forward, used_up};
use prokura_store::{Payload, StoreError};
use tokio::time::Instant;

use crate::Delegation;
use crate::answers::AskedFor;
use crate::ask::{broken, internal};
use crate::flight::{Flight, Landing};
use crate::message::{Inbound, Kind, Refusal, RefusalCode, Reply};
use crate::records::rules;
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
    charges: Vec<Charge>,
    level: AuditLevel,
    landing: Landing,
    rests_on: (Facts, Option<Approved>),
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
        let facts = self.facts(&inbound.agent, &inbound.server, None).map_err(internal)?;
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
            let mut facts =
                self.facts(&call.agent, &call.server, Some(&call.target)).map_err(internal)?;
            facts.approved.clone_from(&approved);
            let grants =
                self.grants_as(&call.agent, &call.server, &call.account).map_err(internal)?;
            facts.used = self.used(&grants).map_err(internal)?;
            match decide(&call, &grants, &facts) {
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
                    cancelled.defuse();
                    let detail = intent(&call, &facts, &why, permit.charges(), approved.as_ref());
                    return self.send(call, inbound, permit, facts, detail, approved).await;
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
        let mut facts =
            self.facts(&call.agent, &call.server, Some(&call.target)).map_err(internal)?;
        facts.approved = asked.approved.map(|yes| Approved { digest: call.digest, ..yes });
        facts.arguments = asked.arguments;
        let grants = self.grants_as(&call.agent, &call.server, &call.account).map_err(internal)?;
        match decide(&call, &grants, &facts) {
            Decision::Allow(permit, why) => {
                let detail = intent(&call, &facts, &why, permit.charges(), facts.approved.as_ref());
                self.send(call, inbound, permit, facts, detail, None).await
            }
            Decision::Ask(_) => {
                let text = "The call this answers was not approved by the person.";
                let refusal = Refusal::new(RefusalCode::Denied, text);
                self.note_refusal(&call, &refusal).await;
                Err(refusal)
            }
            Decision::Deny(denied) => Err(self.refused(&call, &denied).await),
        }
    }

    /// Steps 4 to 6.
    async fn send(
        &self,
        call: Call,
        inbound: Inbound,
        permit: Permit,
        facts: Facts,
        detail: Json,
        approved: Option<Approved>,
    ) -> Result<Reply, Refusal> {
        let grants = permit.grants().to_vec();
        let landing = self.take_off(&call.id, &inbound, grants.clone());
        let level = self.audit_level(&call.server);
        let event = Event::new(RecordKind::CallIntent, detail).about(self.subject_of(&call));
        let keep = level != AuditLevel::Digest;
        let payload = Payload { keep, ..unkept(&call) };
        let charges = permit.charges().to_vec();
        let rests_on = (facts.clone(), approved.clone());
        let beginning = Beginning { event, payload, charges, level, landing, rests_on };
        let outcome = self.begin(&call, &inbound, beginning).await?;
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
        if permit.generation() != self.generation() && !self.still(&call, &facts)? {
            outcome.finish("not_sent", "The rules changed before it was sent.").await;
            return Err(changed());
        }
        if let Err(error) = self.store().touch_grants(&grants, self.now()) {
            tracing::warn!(%error, "the last use of a grant could not be written");
        }
        self.tell(Change::Audit);
        match self.spend(permit, outcome.landing()).await {
            Ok(reply) => outcome.follow(reply, &inbound).await,
            Err(refusal) => {
                outcome.finish("failed", &refusal.message).await;
                Err(refusal)
            }
        }
    }

    /// Step 4. It runs to its end also when the Agent stops waiting meanwhile: an intent that was written gets an outcome.
    async fn begin(
        &self,
        call: &Call,
        inbound: &Inbound,
        beginning: Beginning,
    ) -> Result<Outcome, Refusal> {
        let Beginning { event, payload, charges, level, landing, rests_on } = beginning;
        let (delegation, own, inbound) = (self.clone(), call.clone(), inbound.clone());
        let durable = durability(&rests_on.0);
        let task = tokio::spawn(async move {
            delegation.log().append_charged(event, Some(payload), durable, charges).await?;
            let rests_on = (&rests_on.0, rests_on.1);
            Ok(Outcome::begin(&delegation, &own, level, landing, &inbound, rests_on))
        });
        match task.await {
            Ok(Ok(outcome)) => Ok(outcome),
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
        let mut facts =
            self.facts(&call.agent, &call.server, Some(&call.target)).map_err(internal)?;
        facts.approved.clone_from(&before.approved);
        facts.arguments.clone_from(&before.arguments);
        let grants = self.grants_as(&call.agent, &call.server, &call.account).map_err(internal)?;
        Ok(matches!(decide(call, &grants, &facts), Decision::Allow(..)))
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

/// The parameters of a Call, of which a record keeps the salted digest: what was called can be proved by who knows it,
/// and guessed back by nobody.
pub(crate) fn unkept(call: &Call) -> Payload {
    let bytes = call.params.to_text().into_bytes();
    Payload { call: call.id.clone(), part: "arguments", bytes, keep: false }
}

/// The person-classified reads may be synced within a second; everything else is synced before a byte leaves.
fn durability(facts: &Facts) -> Durability {
    match facts.tool.as_ref().and_then(|tool| tool.class) {
        Some(ToolClass::Read) => Durability::Logged,
        Some(ToolClass::Write | ToolClass::Destructive | ToolClass::Admin) | None => {
            Durability::Synced
        }
    }
}

fn intent(
    call: &Call,
    facts: &Facts,
    why: &[prokura_domain::call::Why],
    charges: &[Charge],
    approved: Option<&Approved>,
) -> Json {
    let tool = facts.tool.as_ref();
    let charged = charges.iter().map(|charge| Json::text(charge.grant.as_str())).collect();
    let charged = Json::Array(charged);
    Json::object([
        ("method", Json::text(&call.method)),
        ("class", Json::from(tool.and_then(|tool| tool.class).map(ToolClass::as_str))),
        ("pin", Json::from(tool.map(|tool| tool.digest.to_string()))),
        ("question", Json::from(approved.map(|yes| yes.question.to_string()))),
        ("generation", Json::from(facts.generation)),
        ("charged", charged),
        ("why", rules(why)),
    ])
}
