//! What Servers ask of the person where their Agents cannot show it (elicitation). It is asked only for Servers for which
//! the person wants that, and what was answered is handed to the one who waits for it, once. It must never answer by itself,
//! keep an answer, or hand it to anybody else.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError, RwLock};

use prokura_domain::call::{self, Why};
use prokura_domain::{
    AccountId, AgentId, AskMode, Change, Choice, Filled, Form, Json, Origin, Page, Question,
    QuestionId, QuestionKind, QuestionState, Server, ServerId, Target, Timestamp,
};
use prokura_store::{Store, StoreError};

use crate::answers::AnswerFault;
use crate::ask::{Asking, broken, internal};
use crate::message::{Refusal, RefusalCode};
use crate::quiet::Disturb;
use crate::records::target_pair;
use crate::{Delegation, DelegationError};

/// The largest question of a Server, in bytes.
const LARGEST: usize = 256 * 1024;
/// Questions of one Server that wait at once.
const MOST: usize = 8;
/// Questions of one Server within ten minutes.
const OFTEN: usize = 60;
const WITHIN_MS: i64 = 600_000;

/// The setting as it is recorded.
const SETTING: &str = "shows_questions";

/// A question of a Server, as its Agent would have been asked it.
#[derive(Debug, Clone)]
pub struct Elicited {
    /// The Agent that was asked.
    pub agent: AgentId,
    /// Who asks.
    pub server: ServerId,
    /// As whom the Agent came.
    pub account: AccountId,
    /// The JSON-RPC method of the Call it asks within.
    pub method: String,
    /// What that Call is about.
    pub target: Target,
    /// The parameters of the question.
    pub params: Json,
    /// Whether only the end of a visit is asked for.
    pub done: bool,
}

/// What the person did.
#[derive(Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Agreed; of a form, with this content.
    Accept(Option<Json>),
    /// Said no.
    Decline,
    /// Neither: closed it, did not answer in time, or it was taken back.
    Cancel,
}

impl std::fmt::Debug for Reaction {
    /// Never what was answered.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.action())
    }
}

impl Reaction {
    /// The word of the specification.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Accept(_) => "accept",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
        }
    }

    /// The result that the Server gets.
    #[must_use]
    pub fn into_result(self) -> Json {
        let mut result = Json::object([("action", Json::text(self.action()))]);
        if let Self::Accept(Some(content)) = self {
            result.set("content", content);
        }
        result
    }
}

/// For which Servers, and answers on their way to the one who waits.
#[derive(Debug, Default)]
pub(crate) struct Elicits {
    shown: RwLock<HashSet<ServerId>>,
    given: Mutex<HashMap<QuestionId, Given>>,
    /// When each Server asked lately.
    lately: Mutex<HashMap<ServerId, Vec<Timestamp>>>,
    /// Held while a question is counted and put up.
    asking: tokio::sync::Mutex<()>,
    /// Held while an answer is put there.
    giving: tokio::sync::Mutex<()>,
}

/// An answer on its way.
struct Given(Json);

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Elicits {
    pub fn stored(store: &Store) -> Result<Self, StoreError> {
        let shown = RwLock::new(store.shown_servers()?.into_iter().collect());
        Ok(Self { shown, ..Self::default() })
    }

    /// Whether this Server may ask once more now.
    fn passes(&self, server: &ServerId, now: Timestamp) -> bool {
        let mut table = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let times = table.entry(server.clone()).or_default();
        times.retain(|at| now.millis_since(*at) < WITHIN_MS);
        let passes = times.len() < OFTEN;
        if passes {
            times.push(now);
        }
        passes
    }

    fn take(&self, id: &QuestionId) -> Option<Json> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).remove(id).map(|given| given.0)
    }

    /// How large the answer is that waits to be handed over.
    pub fn size(&self, id: &QuestionId) -> Option<u64> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(id).map(|given| given.0.to_text().len() as u64)
    }
}

impl Delegation {
    /// Whether Prokura shows what this Server asks of Agents that cannot show it.
    #[must_use]
    pub fn shows_questions(&self, server: &ServerId) -> bool {
        self.0.elicits.shown.read().unwrap_or_else(PoisonError::into_inner).contains(server)
    }

    /// Says whether it does, from the next session or message on.
    ///
    /// # Errors
    /// Store and log faults; then nothing was changed.
    pub async fn show_questions(&self, server: &Server, on: bool) -> Result<(), DelegationError> {
        let word = |on: bool| if on { "on" } else { "off" };
        let was = self.shows_questions(&server.id);
        self.note_setting(SETTING, word(was), word(on), Some(server)).await?;
        self.store().show_questions_of(&server.id, on)?;
        {
            let mut shown = self.0.elicits.shown.write().unwrap_or_else(PoisonError::into_inner);
            if on {
                shown.insert(server.id.clone())
            } else {
                shown.remove(&server.id)
            };
        }
        if !on {
            self.drop_questions(QuestionState::Dropped, |question| {
                question.server.as_ref() == Some(&server.id) && elicits(question)
            })
            .await?;
        }
        self.rules_changed(Change::Servers);
        Ok(())
    }

    /// Puts a question of a Server before the person. Its answer comes by [`Self::reaction`].
    ///
    /// # Errors
    /// [`Refusal`] where it cannot be shown whole, or the person may not be asked now.
    pub async fn elicit(&self, asked: Elicited) -> Result<QuestionId, Refusal> {
        // Of many that ask at once, each is counted before the next.
        let _one = self.0.elicits.asking.lock().await;
        let mode = self.askable(&asked).await?;
        let server = self.store().server(&asked.server).map_err(internal)?;
        let name = server.map(|server| server.name).unwrap_or_default();
        let text = match mode {
            AskMode::Form => format!("{name} asks you something before it answers this call."),
            AskMode::Url => {
                format!("{name} wants you to visit a page before it answers this call.")
            }
            AskMode::Done => {
                format!("{name} goes on with this call once you have been at its page.")
            }
        };
        let asking = Asking {
            kind: QuestionKind::Elicitation {
                mode,
                method: asked.method.clone(),
                target_kind: asked.target.kind().to_owned(),
                target: asked.target.name().to_owned(),
            },
            agent: Some(asked.agent.clone()),
            server: Some(asked.server.clone()),
            account: Some(asked.account.clone()),
            digest: call::digest("elicitation/create", &asked.params),
            params: asked.params.to_text(),
            why: vec![Why::new("elicitation", text)],
        };
        let mut subject =
            self.subject(Some(&asked.agent), Some(&asked.server), Some(&asked.account));
        subject.target = Some(target_pair(&asked.target));
        let question = self.put_up(asking, subject, None).await.map_err(broken)?;
        Ok(question.id)
    }

    /// How it is asked, where it can be asked at all.
    async fn askable(&self, asked: &Elicited) -> Result<AskMode, Refusal> {
        let no = |text: &str| Err(Refusal::new(RefusalCode::Denied, text));
        if !self.shows_questions(&asked.server) {
            return no("The person does not want to be shown what this server asks.");
        }
        let facts = self.facts(&asked.agent, &asked.server, None, None).map_err(internal)?;
        if facts.paused {
            return no("The person has paused this agent, or all agents.");
        }
        if asked.params.to_text().len() > LARGEST {
            return no("The server's question is too large to be shown.");
        }
        let waiting = self.store().questions(true).map_err(internal)?;
        let own = waiting.iter().filter(|question| {
            question.server.as_ref() == Some(&asked.server) && elicits(question)
        });
        if own.count() >= MOST {
            return no("The server asks for too much at once.");
        }
        let mode = match asked.params.member("mode").and_then(Json::as_str) {
            Some("url") if asked.done => AskMode::Done,
            Some("url") => AskMode::Url,
            None | Some("form") => {
                let fault = |fault| Refusal::new(RefusalCode::Malformed, format!("{fault}."));
                Form::of(&asked.params).map_err(fault)?;
                AskMode::Form
            }
            Some(_) => {
                let text = "The server asks in a mode that is not known here.";
                return Err(Refusal::new(RefusalCode::Malformed, text));
            }
        };
        if self.disturb() == Disturb::Deny {
            return no("The person does not want to be asked now.");
        }
        // Counted for the Server, not for the Agent: one Server must not use up the questions of an Agent at others.
        if !self.0.elicits.passes(&asked.server, self.now()) {
            self.note_refused(Some(&asked.agent), "a server asks too often").await;
            return no("The server asks too often.");
        }
        Ok(mode)
    }

    /// Waits for what the person does with it. It is handed out once.
    pub async fn reaction(&self, id: &QuestionId) -> Reaction {
        let Ok(settled) = self.answered(id).await else { return Reaction::Cancel };
        let given = self.0.elicits.take(id);
        match settled.state {
            QuestionState::Allowed => {
                let (from, to) = ([QuestionState::Allowed], QuestionState::Used);
                let used = self.store().settle_question(id, &from, to, self.now(), None);
                self.tell(Change::Approvals);
                // Whoever waits second, or after it was taken back, gets nothing.
                if matches!(used, Ok(true)) { Reaction::Accept(given) } else { Reaction::Cancel }
            }
            QuestionState::Denied => Reaction::Decline,
            QuestionState::Pending
            | QuestionState::Used
            | QuestionState::Expired
            | QuestionState::Dropped => Reaction::Cancel,
        }
    }

    /// Nobody waits for the answer any more.
    pub async fn withdraw(&self, id: &QuestionId) {
        self.0.elicits.take(id);
        let dropped =
            self.drop_questions(QuestionState::Dropped, |question| question.id == *id).await;
        if let Err(error) = dropped {
            tracing::warn!(%error, "a question of a server could not be taken back");
        }
    }

    /// Whether this choice can answer it at all, before anything else is asked for; of a form, what is sent.
    pub(crate) fn fitting(
        question: &Question,
        choice: &Choice,
    ) -> Result<Option<Json>, AnswerFault> {
        match choice {
            Choice::Fill(filled) => Self::content_of(question, filled).map(Some),
            Choice::Once => Self::agreeable(question).map(|()| None),
            Choice::SameArgumentsFor { .. }
            | Choice::TargetFor { .. }
            | Choice::LetIn { .. }
            | Choice::Cancel
            | Choice::Deny { .. }
            | Choice::DenyAndPause { .. } => Ok(None),
        }
    }

    /// What was typed, as the Server gets it.
    fn content_of(question: &Question, filled: &Filled) -> Result<Json, AnswerFault> {
        let QuestionKind::Elicitation { mode: AskMode::Form, .. } = question.kind else {
            return Err(AnswerFault::NoForm);
        };
        let params = Json::read(question.params.as_bytes()).unwrap_or(Json::Null);
        let form =
            Form::of(&params).map_err(|fault| AnswerFault::Unfit(vec![fault.to_string()]))?;
        form.content(filled).map_err(AnswerFault::Unfit)
    }

    /// A yes with content: it is there before the yes is, for the one who waits. `false`: it was settled already.
    pub(crate) async fn give(
        &self,
        question: &Question,
        content: Option<Json>,
        origin: &Origin,
    ) -> Result<bool, DelegationError> {
        // Of two that answer at once, the second must not put its content under the yes of the first.
        let _one = self.0.elicits.giving.lock().await;
        let now = self.store().question(&question.id)?;
        if now.is_none_or(|now| now.state != QuestionState::Pending) {
            return Ok(false);
        }
        if let Some(content) = content {
            let mut given = self.0.elicits.given.lock().unwrap_or_else(PoisonError::into_inner);
            given.insert(question.id.clone(), Given(content));
        }
        let closed = self.close(question, QuestionState::Allowed, None, Some(origin)).await;
        match closed {
            Ok(true) => self.announce(&question.id),
            Ok(false) | Err(_) => drop(self.0.elicits.take(&question.id)),
        }
        Ok(closed?)
    }

    /// Whether a plain yes answers it.
    fn agreeable(question: &Question) -> Result<(), AnswerFault> {
        match &question.kind {
            QuestionKind::Elicitation { mode: AskMode::Form, .. } => Err(AnswerFault::FormNeeded),
            QuestionKind::Elicitation { mode: AskMode::Url, .. } => {
                let params = Json::read(question.params.as_bytes()).unwrap_or(Json::Null);
                match Page::of(&params).refused {
                    Some(why) => Err(AnswerFault::Unopened(why)),
                    None => Ok(()),
                }
            }
            QuestionKind::Elicitation { mode: AskMode::Done, .. }
            | QuestionKind::Call { .. }
            | QuestionKind::Pairing { .. }
            | QuestionKind::Consent { .. }
            | QuestionKind::Scopes { .. }
            | QuestionKind::LocalStart { .. } => Ok(()),
        }
    }

    /// The person leaves a Server's question at that.
    pub(crate) async fn leave(
        &self,
        question: &Question,
        origin: &Origin,
    ) -> Result<bool, DelegationError> {
        if !elicits(question) {
            return Err(AnswerFault::CannotCancel.into());
        }
        let settled = self.close(question, QuestionState::Dropped, None, Some(origin)).await?;
        if settled {
            self.announce(&question.id);
        }
        Ok(settled)
    }
}

/// Whether a Server asks.
pub(crate) fn elicits(question: &Question) -> bool {
    matches!(question.kind, QuestionKind::Elicitation { .. })
}

/// What the specification calls the answer to a Server's question.
pub(crate) fn action(question: &Question, to: QuestionState) -> Option<&'static str> {
    elicits(question).then_some(match to {
        QuestionState::Allowed | QuestionState::Used => "accept",
        QuestionState::Denied => "decline",
        QuestionState::Pending | QuestionState::Expired | QuestionState::Dropped => "cancel",
    })
}
