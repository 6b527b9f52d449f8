//! Answers: the person's to a Question, and an Agent's to a Server's request.

mod fault;

pub use fault::AnswerFault;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::{
    Answer, Budget, CallId, Choice, Effect, Grant, GrantId, Json, Level, Origin, Pin, Question,
    QuestionId, QuestionKind, QuestionState, Target, TargetPattern, Timestamp,
};
use prokura_policy::{Approved, Specificity};

use crate::hold;
use crate::message::{Inbound, Refusal, RefusalCode};
use crate::recent::shown_arguments;
use crate::{Delegation, DelegationError};

/// Open requests of Servers that are remembered at most.
const OPEN_LIMIT: usize = 4096;

/// What an Agent's answer to a Server's request rests on.
#[derive(Debug, Clone)]
pub(crate) struct AskedFor {
    /// That Call.
    pub call: Option<CallId>,
    /// The target of the Call the Server asked within.
    pub target: Option<Target>,
    /// The approval of that Call.
    pub approved: Option<Approved>,
    /// The arguments of that Call, which its Grants may limit.
    pub arguments: Option<Arc<Json>>,
    /// Whether it was only a ping.
    pub ping: bool,
}

impl AskedFor {
    pub fn nothing() -> Self {
        Self { call: None, target: None, approved: None, arguments: None, ping: false }
    }
}

/// Open requests of Servers, by session and request id.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<HashMap<(String, String), AskedFor>>);

/// Calls under way in legacy sessions, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashMap<String, Vec<(CallId, AskedFor)>>>);

impl Delegation {
    /// Remembers that a Server asked something in a session.
    pub(crate) fn server_asked(&self, session: Option<&str>, id: &str, asked: AskedFor) {
        let Some(session) = session else { return };
        let asked = match asked.target {
            None if !asked.ping => self.newest_in(session).unwrap_or(asked),
            _ => asked,
        };
        let mut table = self.0.asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() < OPEN_LIMIT {
            table.insert((session.to_owned(), id.to_owned()), asked);
        }
    }

    /// A Call is under way in a session. A Server may ask for it on the standing stream, where nothing says which Call
    /// it means; then it counts as asked for the newest one.
    pub(crate) fn call_runs(&self, session: Option<&str>, call: &CallId, asked: AskedFor) {
        let Some(session) = session else { return };
        let mut table = self.0.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.entry(session.to_owned()).or_default().push((call.clone(), asked));
    }

    /// The Call ended.
    pub(crate) fn call_ended(&self, session: Option<&str>, call: &CallId) {
        let Some(session) = session else { return };
        let mut table = self.0.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calls) = table.get_mut(session) {
            calls.retain(|(of, _)| of != call);
            if calls.is_empty() {
                table.remove(session);
            }
        }
    }

    fn newest_in(&self, session: &str) -> Option<AskedFor> {
        let table = self.0.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(session)?.last().map(|(_, asked)| asked.clone())
    }

    /// What the Server asked under this id. Each request is answered once.
    pub(crate) fn asked_by_server(
        &self,
        inbound: &Inbound,
        id: &Json,
    ) -> Result<AskedFor, Refusal> {
        let key = (inbound.session.clone().unwrap_or_default(), id.to_text());
        let mut table = self.0.asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&key).ok_or_else(|| {
            Refusal::new(RefusalCode::Malformed, "No request of the server is open under this id.")
        })
    }

    /// Forgets what Servers asked in a session that ended.
    pub(crate) fn session_ended(&self, session: &str) {
        let mut table = self.0.asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|(of, _), _| of != session);
    }

    /// Settles a Question as the person chose. A yes for a time makes a visible Grant first, then lets this Call go.
    ///
    /// # Errors
    /// [`AnswerFault`] when it cannot be answered any more; store and log faults.
    pub async fn answer(
        &self,
        answer: Answer,
        origin: Origin,
    ) -> Result<Question, DelegationError> {
        let id = &answer.question;
        let question = self.pending_question(id).await?;
        let content = Self::fitting(&question, &answer.choice)?;
        let question = match yes_that_lasts(&answer.choice) {
            None => question,
            Some(lasts) => {
                self.step_up_for(&question, answer.passphrase.as_ref(), lasts).await?;
                // That can take minutes; meanwhile it can have been answered, or its time be over.
                self.pending_question(id).await?
            }
        };
        let consent = matches!(question.kind, QuestionKind::Consent { .. });
        let settled = match answer.choice {
            Choice::Once if consent => return Err(AnswerFault::NumberNeeded.into()),
            Choice::LetIn { number, agent } => {
                self.let_in(&question, &number, &agent, &origin).await?
            }
            Choice::Once => self.say_yes(&question, None, &origin).await?,
            Choice::Fill(_) => self.give(&question, content, &origin).await?,
            Choice::Cancel => self.leave(&question, &origin).await?,
            Choice::SameArgumentsFor { seconds } => {
                let grant = self.remembered(&question, seconds, None)?;
                self.say_yes(&question, grant, &origin).await?
            }
            Choice::TargetFor { seconds, fixed } => {
                let grant = self.remembered(&question, seconds, Some(&fixed))?;
                self.say_yes(&question, grant, &origin).await?
            }
            Choice::Deny { note } => self.say_no(&question, note.as_deref(), &origin).await?,
            Choice::DenyAndPause { note } => {
                let settled = self.say_no(&question, note.as_deref(), &origin).await?;
                if let Some(agent) = &question.agent {
                    self.pause_agent(agent).await?;
                }
                settled
            }
        };
        let now = self.store().question(id)?.unwrap_or(question);
        if settled {
            Ok(now)
        } else {
            Err(AnswerFault::Settled(now.state.as_str().to_owned()).into())
        }
    }

    /// A Question that can still be answered.
    async fn pending_question(&self, id: &QuestionId) -> Result<Question, DelegationError> {
        let question =
            self.store().question(id)?.ok_or_else(|| AnswerFault::Unknown(id.to_string()))?;
        if question.state != QuestionState::Pending {
            return Err(AnswerFault::Settled(question.state.as_str().to_owned()).into());
        }
        if self.now() >= question.expires_at {
            self.settle(&question, QuestionState::Expired, None).await?;
            return Err(AnswerFault::Expired.into());
        }
        Ok(question)
    }

    /// A yes: recorded, then carried out, and only then is whoever waits woken. `false`: it was settled already.
    async fn say_yes(
        &self,
        question: &Question,
        grant: Option<Grant>,
        origin: &Origin,
    ) -> Result<bool, DelegationError> {
        if matches!(question.kind, QuestionKind::Scopes { .. }) {
            return Err(AnswerFault::SignInNeeded.into());
        }
        if self.changed_meanwhile(question)? {
            self.settle(question, QuestionState::Dropped, None).await?;
            return Err(AnswerFault::Changed.into());
        }
        if !self.close(question, QuestionState::Allowed, None, Some(origin)).await? {
            return Ok(false);
        }
        let done = match &question.kind {
            // The Grant is there before the waiting Call goes on, so that this Call counts in it too.
            QuestionKind::Call { .. } => match &grant {
                Some(grant) => self.keep_grant(grant, origin).await.map_err(Into::into),
                None => Ok(()),
            },
            QuestionKind::Pairing { caller, .. } => self.pair(question, caller).await,
            QuestionKind::LocalStart { plan, .. } => self.approve_start(question, plan).await,
            // Whoever waits for it carries it out.
            QuestionKind::Elicitation { .. } => Ok(()),
            QuestionKind::Consent { .. } => Err(AnswerFault::NumberNeeded.into()),
            QuestionKind::Scopes { .. } => Err(AnswerFault::SignInNeeded.into()),
        };
        self.announce(&question.id);
        done.map(|()| true)
    }

    async fn say_no(
        &self,
        question: &Question,
        note: Option<&str>,
        origin: &Origin,
    ) -> Result<bool, DelegationError> {
        let settled = self.close(question, QuestionState::Denied, note, Some(origin)).await?;
        if settled {
            self.scopes_declined(question)?;
            self.announce(&question.id);
        }
        Ok(settled)
    }

    /// Whether the tool is not the one any more that was shown.
    fn changed_meanwhile(&self, question: &Question) -> Result<bool, DelegationError> {
        let QuestionKind::Call { target_kind, target, pin: Some(shown), .. } = &question.kind
        else {
            return Ok(false);
        };
        let (Some(Target::Tool(name)), Some(server)) =
            (Target::from_parts(target_kind, target), &question.server)
        else {
            return Ok(false);
        };
        let tool = self.store().tool(server, &name)?;
        Ok(tool.is_none_or(|tool| tool.digest != *shown || tool.pin != Pin::Accepted))
    }

    /// Whether the answer to this Question can be remembered: only a Grant asked, and nobody has to be there each time.
    #[must_use]
    pub fn can_remember(&self, question: &Question) -> bool {
        question.kind.can_last()
            && !question.only_once()
            && !question.why.is_empty()
            && self.level_of(question) < Level::Presence
    }

    /// The Grant that remembers a yes: for these very arguments, or with some of them held fixed.
    fn remembered(
        &self,
        question: &Question,
        seconds: i64,
        fixed: Option<&[String]>,
    ) -> Result<Option<Grant>, DelegationError> {
        if !question.kind.can_last() {
            return Err(AnswerFault::CannotLast.into());
        }
        if !self.can_remember(question) {
            return Err(AnswerFault::OnlyOnce.into());
        }
        if !(60..=30 * 86_400).contains(&seconds) {
            return Err(AnswerFault::BadTime(seconds).into());
        }
        let until = self.now().plus_seconds(seconds);
        let Some(mut grant) = self.grant_from(question, until) else { return Ok(None) };
        let Some(fixed) = fixed else { return Ok(Some(grant)) };
        let shown = shown_arguments(question).unwrap_or_else(|| Json::Object(Vec::new()));
        grant.arguments = None;
        for pointer in fixed {
            let held = hold::conditions(pointer, &shown);
            let held = held.ok_or_else(|| AnswerFault::CannotHold(pointer.clone()))?;
            grant.conditions.extend(held);
        }
        if grant.conditions.len() > crate::grants::MOST_CONDITIONS {
            return Err(crate::GrantFault::TooMany.into());
        }
        let own = Specificity::of(&grant);
        for why in &question.why {
            let asking = self.store().grant(&GrantId::from_text(&why.rule))?;
            let asks = asking.filter(|grant| grant.effect == Effect::Ask);
            if asks.is_some_and(|asking| Specificity::of(&asking) >= own) {
                return Err(AnswerFault::TooBroad.into());
            }
        }
        Ok(Some(grant))
    }

    /// The budget of the Grant that asked: what is remembered must not escape it. It is counted anew, for the new Grant.
    fn budget_behind(&self, question: &Question) -> Option<Budget> {
        question.why.iter().find_map(|why| {
            self.store().grant(&GrantId::from_text(&why.rule)).ok().flatten()?.budget
        })
    }

    fn grant_from(&self, question: &Question, until: Timestamp) -> Option<Grant> {
        let QuestionKind::Call { target_kind, target, .. } = &question.kind else { return None };
        let pattern = match Target::from_parts(target_kind, target)? {
            Target::Tool(name) => TargetPattern::Tool(name),
            Target::Resource(uri) => TargetPattern::Resources(uri),
            Target::Prompt(name) => TargetPattern::Prompts(name),
            Target::Method(method) => TargetPattern::Methods(method),
        };
        Some(Grant {
            id: GrantId::new(&*self.0.parts.entropy),
            agent: question.agent.clone()?,
            server: question.server.clone()?,
            account: Some(question.account.clone()?),
            target: pattern,
            effect: Effect::Allow,
            arguments: Some(question.digest),
            conditions: Vec::new(),
            budget: self.budget_behind(question),
            until: Some(until),
            note: None,
            origin: Origin::Approval { question: question.id.clone() },
            added_at: self.now(),
            revoked_at: None,
            used_at: None,
        })
    }
}

/// Whether a yes holds for more than this once; `None` for what is no yes.
fn yes_that_lasts(choice: &Choice) -> Option<bool> {
    match choice {
        Choice::Once | Choice::LetIn { .. } | Choice::Fill(_) => Some(false),
        Choice::SameArgumentsFor { .. } | Choice::TargetFor { .. } => Some(true),
        Choice::Deny { .. } | Choice::DenyAndPause { .. } | Choice::Cancel => None,
    }
}
