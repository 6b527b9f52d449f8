//! Step 3 of a Call: the person is asked. No answer is a refusal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prokura_domain::call::Why;
use prokura_domain::question::EXPIRY_SECONDS;
use prokura_domain::{
    AccountId, AgentId, Call, Change, Digest, Durability, Event, Json, Question, QuestionId,
    QuestionKind, QuestionState, RecordKind, ServerId, Subject,
};
use prokura_policy::{Approved, Facts};
use prokura_store::{Payload, StoreError};
use tokio::sync::watch;

use crate::message::{Refusal, RefusalCode};
use crate::path::unkept;
use crate::records::rules;
use crate::{Delegation, DelegationError};

/// How often a waiting Call looks at the clock, so that a clock that was set is noticed.
const LOOK: Duration = Duration::from_millis(500);

/// Which Questions have a Call waiting for them right now.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<QuestionId, watch::Sender<()>>>);

impl Waiting {
    fn join(&self, id: &QuestionId) -> watch::Receiver<()> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.entry(id.clone()).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Whether somebody waits for it.
    fn busy(&self, id: &QuestionId) -> bool {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(id).is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Wakes whoever waits for it.
    pub fn wake(&self, id: &QuestionId) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(sender) = sender {
            sender.send_replace(());
        }
    }
}

/// What is put before the person.
pub(crate) struct Asking {
    pub kind: QuestionKind,
    pub agent: Option<AgentId>,
    pub server: Option<ServerId>,
    pub account: Option<AccountId>,
    pub digest: Digest,
    pub params: String,
    pub why: Vec<Why>,
}

impl Delegation {
    /// Asks the person about `call` and waits. Dropping the future is the Agent's cancellation: the Question stays
    /// answerable until it expires, and a later yes serves one identical repeat.
    pub(crate) async fn ask(
        &self,
        call: &Call,
        asked: prokura_policy::Question,
        facts: &Facts,
    ) -> Result<Approved, Refusal> {
        let pin = facts.tool.as_ref().map(|tool| tool.digest);
        let question = match self.earlier(call, pin).map_err(internal)? {
            Some(question) => question,
            None => self.raise(call, asked, facts).await.map_err(broken)?,
        };
        let answered = self.answered(&question.id).await?;
        match answered.state {
            QuestionState::Allowed => {
                Ok(Approved { question: answered.id, digest: answered.digest, pin })
            }
            QuestionState::Pending
            | QuestionState::Denied
            | QuestionState::Expired
            | QuestionState::Dropped
            | QuestionState::Used => Err(refusal(&answered)),
        }
    }

    /// Waits until a Question of any kind is settled, and hands it back as it stands then.
    pub(crate) async fn answered(&self, id: &QuestionId) -> Result<Question, Refusal> {
        let mut woken = self.0.waiting.join(id);
        loop {
            let current = self.store().question(id).map_err(internal)?;
            let Some(current) = current else {
                return Err(Refusal::new(RefusalCode::Changed, "The question was withdrawn."));
            };
            if current.state != QuestionState::Pending {
                return Ok(current);
            }
            if self.now() >= current.expires_at {
                self.settle(&current, QuestionState::Expired, None).await.map_err(broken)?;
                continue;
            }
            // Whichever comes first: an answer, or another look at the clock.
            let _ = tokio::time::timeout(LOOK, woken.changed()).await;
        }
    }

    /// A Question about the very same Call that an earlier, cancelled attempt left behind.
    fn earlier(&self, call: &Call, pin: Option<Digest>) -> Result<Option<Question>, StoreError> {
        let now = self.now();
        let open = self.store().open_questions()?;
        Ok(open.into_iter().find(|question| {
            question.agent.as_ref() == Some(&call.agent)
                && question.server.as_ref() == Some(&call.server)
                && question.account.as_ref() == Some(&call.account)
                && question.digest == call.digest
                && now < question.expires_at
                && matches!(question.state, QuestionState::Pending | QuestionState::Allowed)
                && matches!(&question.kind, QuestionKind::Call { pin: shown, .. } if *shown == pin)
                && !self.0.waiting.busy(&question.id)
        }))
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

    /// Puts a Question of any kind before the person: recorded first, then shown.
    pub(crate) async fn put_up(
        &self,
        asking: Asking,
        subject: Subject,
        payload: Option<Payload>,
    ) -> Result<Question, StoreError> {
        let now = self.now();
        let question = Question {
            id: QuestionId::new(&*self.0.parts.entropy),
            kind: asking.kind,
            agent: asking.agent,
            server: asking.server,
            account: asking.account,
            digest: asking.digest,
            params: asking.params,
            why: asking.why,
            raised_at: now,
            expires_at: now.plus_seconds(EXPIRY_SECONDS),
            state: QuestionState::Pending,
            settled_at: None,
            note: None,
        };
        let detail = Json::object([
            ("question", Json::text(question.id.as_str())),
            ("kind", Json::text(question.kind.as_str())),
            ("why", rules(&question.why)),
            ("expires_at", Json::text(question.expires_at.to_string())),
        ]);
        let event = Event::new(RecordKind::QuestionRaised, detail).about(subject);
        self.log().append_call(event, payload, Durability::Logged).await?;
        self.store().put_question(&question)?;
        self.0.parts.prompter.raised(&question);
        self.tell(Change::Approvals);
        Ok(question)
    }

    /// Moves a Question to its end, records it, and wakes whoever waits. `false`: it was settled already.
    pub(crate) async fn settle(
        &self,
        question: &Question,
        to: QuestionState,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        let settled = self.close(question, to, note).await?;
        if settled {
            self.announce(&question.id);
        }
        Ok(settled)
    }

    /// Moves a Question to its end and records it. Nobody is told yet: see [`Self::announce`].
    pub(crate) async fn close(
        &self,
        question: &Question,
        to: QuestionState,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let detail = Json::object([
            ("question", Json::text(question.id.as_str())),
            ("answer", Json::text(to.as_str())),
            ("note", Json::from(note)),
            ("after_ms", Json::from(now.millis_since(question.raised_at))),
        ]);
        let subject = self.subject(
            question.agent.as_ref(),
            question.server.as_ref(),
            question.account.as_ref(),
        );
        let event = Event::new(RecordKind::QuestionSettled, detail).about(subject);
        // Written ahead for a yes: an approval that is not in the log does not exist.
        if to == QuestionState::Allowed {
            self.log().append(event.clone(), Durability::Synced).await?;
        }
        let from = [QuestionState::Pending];
        let settled = self.store().settle_question(&question.id, &from, to, now, note)?;
        if settled && to != QuestionState::Allowed {
            self.append_quietly(event, None).await;
        }
        Ok(settled)
    }

    /// Wakes whoever waits for a Question that was closed, and takes it off the screen.
    pub(crate) fn announce(&self, question: &QuestionId) {
        self.0.waiting.wake(question);
        self.0.parts.prompter.settled(question);
        self.tell(Change::Approvals);
    }

    /// Settles every open Question that `hit` names; says how many.
    pub(crate) async fn drop_questions(
        &self,
        to: QuestionState,
        hit: impl Fn(&Question) -> bool,
    ) -> Result<usize, DelegationError> {
        let mut dropped = 0;
        for question in self.store().open_questions()? {
            if !hit(&question) {
                continue;
            }
            let settled = match question.state {
                QuestionState::Pending => self.settle(&question, to, None).await?,
                QuestionState::Allowed => self.store().settle_question(
                    &question.id,
                    &[QuestionState::Allowed],
                    to,
                    self.now(),
                    None,
                )?,
                QuestionState::Used
                | QuestionState::Denied
                | QuestionState::Expired
                | QuestionState::Dropped => false,
            };
            dropped += usize::from(settled);
        }
        if dropped > 0 {
            self.tell(Change::Approvals);
        }
        Ok(dropped)
    }

    /// Settles every Question whose time is over, also where no Call waits any more. To be called now and then.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn expire_questions(&self) -> Result<(), DelegationError> {
        let now = self.now();
        self.drop_questions(QuestionState::Expired, |question| now >= question.expires_at).await?;
        Ok(())
    }

    /// Questions of an earlier run have no Call any more.
    pub(crate) fn drop_left_over(&self) -> Result<(), StoreError> {
        let open = [QuestionState::Pending, QuestionState::Allowed];
        for question in self.store().open_questions()? {
            let to = QuestionState::Dropped;
            self.store().settle_question(&question.id, &open, to, self.now(), None)?;
        }
        Ok(())
    }
}

fn refusal(question: &Question) -> Refusal {
    match question.state {
        QuestionState::Denied => {
            let note = question.note.as_deref().filter(|note| !note.is_empty());
            let text = note.map_or_else(
                || "The person denied this call.".to_owned(),
                |note| format!("The person denied this call: {note}"),
            );
            Refusal::new(RefusalCode::DeniedByPerson, text)
        }
        QuestionState::Expired => Refusal::new(
            RefusalCode::Unanswered,
            "Nobody answered in time, so the call was refused. It can be tried again.",
        ),
        QuestionState::Pending
        | QuestionState::Allowed
        | QuestionState::Used
        | QuestionState::Dropped => Refusal::new(
            RefusalCode::Changed,
            "The question was dropped, because what it was about was taken back.",
        ),
    }
}

pub(crate) fn internal(error: StoreError) -> Refusal {
    Refusal::new(RefusalCode::Internal, error.to_string())
}

pub(crate) fn broken(error: StoreError) -> Refusal {
    Refusal::new(
        RefusalCode::AuditBroken,
        format!("Prokura could not write its audit log, so nothing was sent: {error}"),
    )
}
