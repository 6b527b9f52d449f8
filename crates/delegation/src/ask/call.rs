//! The Question about a Call: raised once, and found again by a message that asks for the very same.

use prokura_domain::call::Why;
use prokura_domain::{
    Call, CallId, Digest, Level, Question, QuestionId, QuestionKind, QuestionState,
};
use prokura_policy::{Approved, Facts};
use prokura_store::StoreError;
use tokio::time::Instant;

use super::{Asking, broken, internal, refusal};
use crate::Delegation;
use crate::intent::unkept;
use crate::message::{Refusal, RefusalCode};
use crate::wait::Wait;

/// What has to be shown for a yes to be good.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    call: &'a Call,
    pin: Option<Digest>,
    why: &'a [Why],
    level: Level,
}

/// The person's yes, and what was shown for it.
pub(crate) struct Yes {
    pub approved: Approved,
    /// The Call the Question was raised for, and its parameters as they were shown.
    pub shown: (Option<CallId>, String),
}

impl Delegation {
    /// Asks the person about `call` and waits. Dropping the future is the Agent's cancellation: the Question stays
    /// answerable until it expires, and a later yes serves one identical repeat.
    pub(crate) async fn ask(
        &self,
        call: &Call,
        asked: prokura_policy::Question,
        facts: &Facts,
        (wait, since): (&Wait, Instant),
    ) -> Result<Yes, Refusal> {
        let pin = facts.tool.as_ref().map(|tool| tool.digest);
        let mut waiter = self.waiter(&call.agent, since, wait.within.is_some());
        let settled = async {
            let found =
                self.question_of(Wanted { call, pin, why: &asked.why, level: asked.level }, wait)?;
            self.outdated(facts).map_err(internal)?;
            let question = match found {
                Some(question) => question,
                None => {
                    self.may_ask(&call.agent).await?;
                    self.raise(call, asked, facts).await.map_err(broken)?
                }
            };
            let left = || wait.within.map(|within| within.saturating_sub(since.elapsed()));
            let settled = self.settled_by(&question.id, left).await?;
            settled.ok_or_else(|| still_waiting(&question.id))
        };
        let settled = settled.await;
        waiter.defuse();
        let settled = settled?;
        match settled.state {
            QuestionState::Allowed => Ok(self.yes(settled, pin)),
            QuestionState::Pending
            | QuestionState::Denied
            | QuestionState::Expired
            | QuestionState::Dropped
            | QuestionState::Used => Err(refusal(&settled)),
        }
    }

    /// The Question this message waits for already, or the denial it has not heard of.
    fn question_of(&self, wanted: Wanted<'_>, wait: &Wait) -> Result<Option<Question>, Refusal> {
        let unheard = self.0.unheard.take(wanted.call, self.now());
        if let Some(id) = &wait.resumes {
            return self.resumed(wanted, id);
        }
        if let Some(id) = unheard
            && let Some(question) = self.store().question(&id).map_err(internal)?
        {
            return Err(refusal(&question));
        }
        self.earlier(wanted).map_err(internal)
    }

    /// The Question an earlier message of the same Call waited for. What is not the same Call gets nothing of it.
    fn resumed(&self, wanted: Wanted<'_>, id: &QuestionId) -> Result<Option<Question>, Refusal> {
        let question = self.store().question(id).map_err(internal)?;
        let Some(question) = question else { return Ok(None) };
        // It waited for scopes; the yes to the Call itself, if there was one, lies open again.
        if matches!(question.kind, QuestionKind::Scopes { .. }) {
            return self.earlier(wanted).map_err(internal);
        }
        if !concerns(&question, wanted.call) {
            return Ok(None);
        }
        match question.state {
            QuestionState::Pending | QuestionState::Allowed => {
                Ok(self.same(&question, wanted).then_some(question))
            }
            QuestionState::Denied | QuestionState::Expired | QuestionState::Dropped => {
                Err(refusal(&question))
            }
            QuestionState::Used => Ok(None),
        }
    }

    /// A Question about the very same Call that an earlier, cancelled attempt left behind.
    fn earlier(&self, wanted: Wanted<'_>) -> Result<Option<Question>, StoreError> {
        let now = self.now();
        let open = self.store().open_questions()?;
        Ok(open.into_iter().find(|question| {
            concerns(question, wanted.call)
                && self.same(question, wanted)
                && now < question.expires_at
                && matches!(question.state, QuestionState::Pending | QuestionState::Allowed)
                && !self.0.waiting.busy(&question.id)
        }))
    }

    /// A yes that does not answer what is asked now is good for nothing more.
    fn outdated(&self, facts: &Facts) -> Result<(), StoreError> {
        let Some(yes) = &facts.approved else { return Ok(()) };
        let (from, to) = ([QuestionState::Allowed], QuestionState::Dropped);
        self.store().settle_question(&yes.question, &from, to, self.now(), None).map(drop)
    }

    /// Raises the Question about a Call.
    async fn raise(
        &self,
        call: &Call,
        asked: prokura_policy::Question,
        facts: &Facts,
    ) -> Result<Question, StoreError> {
        let asking = Asking {
            kind: QuestionKind::Call {
                call: call.id.clone(),
                method: call.method.clone(),
                target_kind: call.target.kind().to_owned(),
                target: call.target.name().to_owned(),
                class: facts.tool.as_ref().and_then(|tool| tool.class),
                pin: facts.tool.as_ref().map(|tool| tool.digest),
                level: asked.level,
            },
            agent: Some(call.agent.clone()),
            server: Some(call.server.clone()),
            account: Some(call.account.clone()),
            digest: call.digest,
            params: call.params.to_text(),
            why: asked.why,
        };
        self.put_up(asking, self.subject_of(call), Some(unkept(call))).await
    }
}

impl Delegation {
    /// Whether it asks the very same: what stands above the Grants has to have been shown too, and the yes has to be given
    /// with as much as is wanted now, else it would not do.
    fn same(&self, question: &Question, wanted: Wanted<'_>) -> bool {
        let mut above = wanted.why.iter().filter(|why| why.stands_above());
        let level = match question.state {
            QuestionState::Pending => self.level_of(question),
            QuestionState::Allowed
            | QuestionState::Used
            | QuestionState::Denied
            | QuestionState::Expired
            | QuestionState::Dropped => self.level_met(question),
        };
        question.digest == wanted.call.digest
            && level >= wanted.level
            && matches!(&question.kind, QuestionKind::Call { pin, .. } if *pin == wanted.pin)
            && above.all(|why| question.why.iter().any(|shown| shown.rule == why.rule))
    }

    fn yes(&self, question: Question, pin: Option<Digest>) -> Yes {
        let level = self.level_met(&question);
        let raised_for = match question.kind {
            QuestionKind::Call { call, .. } => Some(call),
            QuestionKind::Pairing { .. }
            | QuestionKind::Consent { .. }
            | QuestionKind::Scopes { .. }
            | QuestionKind::LocalStart { .. }
            | QuestionKind::Elicitation { .. } => None,
        };
        let rules = question.why.into_iter().map(|why| why.rule).collect();
        let (digest, question, params) = (question.digest, question.id, question.params);
        let approved = Approved { question, digest, pin, rules, level };
        Yes { approved, shown: (raised_for, params) }
    }
}

fn concerns(question: &Question, call: &Call) -> bool {
    question.agent.as_ref() == Some(&call.agent)
        && question.server.as_ref() == Some(&call.server)
        && question.account.as_ref() == Some(&call.account)
}

pub(crate) fn still_waiting(id: &QuestionId) -> Refusal {
    let text = "Waiting for approval in Prokura. The person has been asked and has not answered yet. Call again with \
                the same arguments: when it is allowed, it runs then, once.";
    Refusal { question: Some(id.clone()), ..Refusal::new(RefusalCode::Waiting, text) }
}
