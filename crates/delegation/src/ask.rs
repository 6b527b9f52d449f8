//! Step 3 of a Call: the person is asked. No answer is a refusal.

mod call;

pub(crate) use call::still_waiting;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prokura_domain::call::Why;
use prokura_domain::question::EXPIRY_SECONDS;
use prokura_domain::{
    AccountId, AgentId, Change, Digest, Durability, Event, Json, Origin, Question, QuestionId,
    QuestionKind, QuestionState, RecordKind, ServerId, Subject,
};
use prokura_store::{Payload, StoreError};
use tokio::sync::watch;

use crate::elicit::action;
use crate::message::{Refusal, RefusalCode};
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
    pub fn busy(&self, id: &QuestionId) -> bool {
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
    /// Waits until a Question of any kind is settled, and hands it back as it stands then.
    pub(crate) async fn answered(&self, id: &QuestionId) -> Result<Question, Refusal> {
        let settled = self.settled_by(id, || None).await?;
        settled.ok_or_else(|| Refusal::new(RefusalCode::Internal, "The waiting ended."))
    }

    /// The same for somebody whose patience ends when `left` says so: then there is nothing to hand back.
    pub(crate) async fn settled_by(
        &self,
        id: &QuestionId,
        left: impl Fn() -> Option<Duration>,
    ) -> Result<Option<Question>, Refusal> {
        let mut woken = self.0.waiting.join(id);
        loop {
            let current = self.store().question(id).map_err(internal)?;
            let Some(current) = current else {
                return Err(Refusal::new(RefusalCode::Changed, "The question was withdrawn."));
            };
            if current.state != QuestionState::Pending {
                return Ok(Some(current));
            }
            if self.now() >= current.expires_at {
                self.settle(&current, QuestionState::Expired, None).await.map_err(broken)?;
                continue;
            }
            let left = left();
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            // Whichever comes first: an answer, the end of the patience, or another look at the clock.
            let look = left.map_or(LOOK, |left| left.min(LOOK));
            let _ = tokio::time::timeout(look, woken.changed()).await;
        }
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
            ("level", Json::text(question.kind.level().as_str())),
            ("expires_at", Json::text(question.expires_at.to_string())),
        ]);
        let event = Event::new(RecordKind::QuestionRaised, detail).about(subject);
        self.log().append_call(event, payload, Durability::Logged).await?;
        self.store().put_question(&question)?;
        if self.quiet() {
            self.0.parts.prompter.waits(&question);
        } else {
            self.0.parts.prompter.raised(&question);
        }
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
        let settled = self.close(question, to, note, None).await?;
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
        by: Option<&Origin>,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let yes = to == QuestionState::Allowed;
        let detail = Json::object([
            ("question", Json::text(question.id.as_str())),
            ("answer", Json::text(to.as_str())),
            ("action", Json::from(action(question, to))),
            ("content_bytes", Json::from(self.0.elicits.size(&question.id))),
            ("note", Json::from(note)),
            ("by", Json::from(by.map(Origin::as_str))),
            ("level", Json::from(yes.then(|| self.level_met(question).as_str()))),
            ("after_ms", Json::from(now.millis_since(question.raised_at))),
        ]);
        let subject = self.subject(
            question.agent.as_ref(),
            question.server.as_ref(),
            question.account.as_ref(),
        );
        let event = Event::new(RecordKind::QuestionSettled, detail).about(subject);
        // Written ahead for a yes: an approval that is not in the log does not exist.
        if yes {
            self.log().append(event.clone(), Durability::Synced).await?;
        }
        let from = [QuestionState::Pending];
        let settled = self.store().settle_question(&question.id, &from, to, now, note)?;
        if settled && to != QuestionState::Allowed {
            self.append_quietly(event, None).await;
        }
        if settled && to == QuestionState::Denied && !self.0.waiting.busy(&question.id) {
            self.0.unheard.keep(question, now);
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

pub(crate) fn refusal(question: &Question) -> Refusal {
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
