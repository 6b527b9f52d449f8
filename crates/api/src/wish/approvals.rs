//! Questions and their answers.

use prokura_delegation::Hold;
use prokura_domain::{
    Answer, Choice, Filled, Json, Level, Origin, Question, QuestionId, QuestionKind, QuestionState,
};
use url::Url;

use super::agents::file_view;
use super::asking::given;
use super::elicitation::elicitation_view;
use super::shown;
use crate::Api;
use crate::arguments::{add_units, changes, pretty, rows};
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::request::AnswerWish;
use crate::view::{
    ApprovalView, ArgumentView, CallerView, ChangeView, HoldView, Named, Piece, ProcessView,
    SuggestionView, WhyView,
};

/// Settled questions that are listed at most.
const HISTORY: usize = 500;

impl Api {
    /// The questions that wait, oldest first; with `all`, settled ones too, newest first.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn approvals(&self, all: bool) -> Result<Vec<ApprovalView>, Failure> {
        let now = self.0.delegation.moment();
        let mut questions = self.store().questions(!all)?;
        if all {
            questions.truncate(HISTORY);
        } else {
            questions.retain(|question| {
                question.state == QuestionState::Pending && now < question.expires_at
            });
            questions.reverse();
        }
        let mut views = Vec::with_capacity(questions.len());
        for question in &questions {
            views.push(self.approval_view(question).await?);
        }
        Ok(views)
    }

    /// One question.
    ///
    /// # Errors
    /// [`Failure`] when there is none.
    pub async fn approval(&self, approval: String) -> Result<ApprovalView, Failure> {
        let question = self.store().question(&QuestionId::from_text(&approval))?;
        let question = question.ok_or_else(|| {
            let text = format!("There is no question {approval}.");
            Failure::new(FailureCode::NotFound, text, "List the questions first.")
        })?;
        self.approval_view(&question).await
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`Failure`] when it does not exist, is settled, or has expired.
    pub async fn approval_answer(
        &self,
        approval: String,
        answer: AnswerWish,
        passphrase: Option<String>,
        origin: Origin,
    ) -> Result<ApprovalView, Failure> {
        let choice = match answer {
            AnswerWish::Once => Choice::Once,
            AnswerWish::SameArgumentsFor(seconds) => Choice::SameArgumentsFor { seconds },
            AnswerWish::LetIn { number, agent, new_agent } => {
                Choice::LetIn { number, agent: self.choice(agent, new_agent)? }
            }
            AnswerWish::TargetFor { seconds, fixed } => Choice::TargetFor { seconds, fixed },
            AnswerWish::Fill(filled) => Choice::Fill(Filled(filled.0)),
            AnswerWish::Cancel => Choice::Cancel,
            AnswerWish::Deny(note) => Choice::Deny { note: said(note) },
            AnswerWish::DenyAndPause(note) => Choice::DenyAndPause { note: said(note) },
        };
        let question = QuestionId::from_text(&approval);
        let answer = Answer { question, choice, passphrase: given(passphrase) };
        let question = self.0.delegation.answer(answer, origin).await?;
        self.approval_view(&question).await
    }

    async fn approval_view(&self, question: &Question) -> Result<ApprovalView, Failure> {
        let (level, in_the_way) = self.level_view(question).await?;
        let agent = self.agent_asking(question)?;
        let place = self.place(question)?;
        let seen = self.shown_of(question);
        let now = self.0.delegation.moment();
        let over = question.state == QuestionState::Pending && now >= question.expires_at;
        let state = if over { QuestionState::Expired } else { question.state };
        let about = about(question);
        Ok(ApprovalView {
            id: question.id.to_string(),
            kind: question.kind.as_str().to_owned(),
            state: state.as_str().to_owned(),
            agent: agent.0,
            agent_claim: agent.1,
            agent_known_by: agent.2,
            server: place.server,
            server_host: place.host,
            account: place.account,
            method: about.method,
            target_kind: about.target_kind,
            target: pieces(&about.target),
            class: about.class,
            why: question
                .why
                .iter()
                .map(|why| WhyView { rule: why.rule.clone(), text: why.text.clone() })
                .collect(),
            level: level.as_str().to_owned(),
            in_the_way,
            only_once: question.only_once(),
            arguments: seen.arguments,
            raw: pieces(&question.params),
            pretty: seen.pretty,
            changes: seen.changes,
            holds: seen.holds,
            suggestion: seen.suggestion,
            can_remember: seen.can_remember,
            floods: question
                .agent
                .as_ref()
                .is_some_and(|agent| self.0.delegation.asks_too_often(agent)),
            digest: if question.params.is_empty() {
                String::new()
            } else {
                question.digest.to_string()
            },
            raised_at: shown(question.raised_at),
            expires_at: shown(question.expires_at),
            settled_at: question.settled_at.map(shown),
            note: question.note.clone(),
            pairing: self.caller_view(question)?,
            consent: self.consent_view(question)?,
            scopes: self.scopes_view(question),
            start: self.start_view(question)?,
            elicitation: elicitation_view(question),
        })
    }

    /// What a yes has to be given with, and what is in the way of that.
    async fn level_view(&self, question: &Question) -> Result<(Level, Option<String>), Failure> {
        if question.state != QuestionState::Pending {
            return Ok((question.kind.level(), None));
        }
        let level = self.0.delegation.level_of(question);
        Ok((level, self.0.delegation.in_the_way(level).await?))
    }

    /// What is shown of a call while it waits. Once it is settled nothing of what was asked about is kept.
    fn shown_of(&self, question: &Question) -> Shown {
        let QuestionKind::Call { method, .. } = &question.kind else { return Shown::default() };
        let waits = question.state == QuestionState::Pending && !question.params.is_empty();
        let Some(params) = Json::read(question.params.as_bytes()).ok().filter(|_| waits) else {
            return Shown::default();
        };
        let aid = self.0.delegation.aid(question);
        let mut arguments = rows(&params);
        if let Some(schema) = &aid.schema {
            add_units(&mut arguments, &params, schema);
        }
        let own = match method.as_str() {
            "tools/call" | "prompts/get" => {
                params.member("arguments").cloned().unwrap_or_else(|| Json::Object(Vec::new()))
            }
            _ => params.clone(),
        };
        let means = |fixed: &[String]| {
            let held = aid.holds.iter().filter(|hold| fixed.contains(&hold.pointer));
            held.map(words).collect::<Vec<_>>().join(", ")
        };
        Shown {
            arguments,
            pretty: pieces(&pretty(&params)),
            changes: aid.last.as_ref().map(|last| changes(last, &own)),
            holds: aid.holds.iter().map(hold_view).collect(),
            can_remember: self.0.delegation.can_remember(question),
            suggestion: aid.suggestion.as_ref().map(|rule| SuggestionView {
                text: pieces(&means(&rule.fixed)),
                fixed: rule.fixed.clone(),
                times: u32::try_from(rule.times).unwrap_or(u32::MAX),
            }),
        }
    }

    /// Where, and as whom.
    fn place(&self, question: &Question) -> Result<Place, Failure> {
        let server = match &question.server {
            Some(id) => self.store().server(id)?,
            None => None,
        };
        let account = match &question.account {
            Some(id) => self.store().account(id)?.map(|account| account.name),
            None => None,
        };
        let host = server
            .as_ref()
            .and_then(|server| Url::parse(&server.endpoint).ok())
            .and_then(|url| url.host_str().map(str::to_owned));
        let local = server.as_ref().is_some_and(|server| server.launch.is_some());
        let named = |id: &str, name: Option<String>| Named {
            id: id.to_owned(),
            name: name.unwrap_or_default(),
        };
        let server = server.map(|server| server.name);
        Ok(Place {
            host: match &local {
                true => "this machine".to_owned(),
                false => host.unwrap_or_default(),
            },
            server: question.server.as_ref().map(|id| named(id.as_str(), server)),
            account: question.account.as_ref().map(|id| named(id.as_str(), account)),
        })
    }

    /// Who asks, and what it says of itself.
    fn agent_asking(
        &self,
        question: &Question,
    ) -> Result<(Named, Option<String>, Vec<String>), Failure> {
        let agent = match &question.agent {
            Some(id) => self.store().agent(id)?,
            None => None,
        };
        let said = match &question.kind {
            QuestionKind::Call { .. }
            | QuestionKind::Scopes { .. }
            | QuestionKind::LocalStart { .. }
            | QuestionKind::Elicitation { .. } => String::new(),
            QuestionKind::Pairing { caller, .. } => caller.name.clone(),
            // What a stranger calls itself is shown in pieces only.
            QuestionKind::Consent { name, .. } => super::consent::slug(name),
        };
        let named = Named {
            id: question.agent.as_ref().map(ToString::to_string).unwrap_or_default(),
            name: agent.as_ref().map_or(said, |agent| agent.name.clone()),
        };
        let ways = agent.as_ref().map(|agent| self.ways_of(agent)).transpose()?;
        let ways = ways.unwrap_or_default().into_iter().map(str::to_owned).collect();
        Ok((named, agent.and_then(|agent| agent.claim), ways))
    }

    fn caller_view(&self, question: &Question) -> Result<Option<CallerView>, Failure> {
        let QuestionKind::Pairing { caller, reason } = &question.kind else { return Ok(None) };
        let grants = match &question.agent {
            Some(agent) => self.grants_in_force(agent)?,
            None => 0,
        };
        let program = caller.program.as_ref();
        Ok(Some(CallerView {
            reason: reason.as_str().to_owned(),
            joins: question.agent.is_some(),
            grants,
            executable: program.map(|program| file_view(&program.executable)),
            script: program.and_then(|program| program.script.as_ref()).map(file_view),
            chain: caller
                .chain
                .iter()
                .map(|process| ProcessView {
                    pid: process.pid,
                    name: pieces(&process.name),
                    executable: process.executable.as_deref().map(pieces),
                })
                .collect(),
        }))
    }
}

/// What is shown of a call while it waits.
#[derive(Default)]
struct Shown {
    arguments: Vec<ArgumentView>,
    pretty: Vec<Piece>,
    changes: Option<Vec<ChangeView>>,
    holds: Vec<HoldView>,
    suggestion: Option<SuggestionView>,
    can_remember: bool,
}

fn said(note: Option<String>) -> Option<String> {
    note.filter(|note| !note.is_empty())
}

fn words(hold: &Hold) -> String {
    match &hold.conditions {
        Some(conditions) => {
            conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        }
        None => hold.pointer.clone(),
    }
}

fn hold_view(hold: &Hold) -> HoldView {
    HoldView {
        pointer: hold.pointer.clone(),
        text: pieces(&words(hold)),
        target: hold.target.map(str::to_owned),
        holdable: hold.conditions.is_some(),
    }
}

/// Where, and as whom.
struct Place {
    server: Option<Named>,
    host: String,
    account: Option<Named>,
}

/// What a Question is about, as a Call has it.
struct About {
    method: String,
    target_kind: String,
    target: String,
    class: Option<String>,
}

fn about(question: &Question) -> About {
    match &question.kind {
        QuestionKind::Call { method, target_kind, target, class, .. } => About {
            method: method.clone(),
            target_kind: target_kind.clone(),
            target: target.clone(),
            class: class.map(|class| class.as_str().to_owned()),
        },
        QuestionKind::Pairing { caller, .. } => About {
            method: String::new(),
            target_kind: "agent".to_owned(),
            target: caller.name.clone(),
            class: None,
        },
        QuestionKind::Scopes { method, target_kind, target, .. }
        | QuestionKind::Elicitation { method, target_kind, target, .. } => About {
            method: method.clone(),
            target_kind: target_kind.clone(),
            target: target.clone(),
            class: None,
        },
        QuestionKind::LocalStart { plan, .. } => About {
            method: String::new(),
            target_kind: "server".to_owned(),
            target: plan.launch.line(),
            class: None,
        },
        QuestionKind::Consent { name, .. } => About {
            method: String::new(),
            target_kind: "agent".to_owned(),
            target: name.clone(),
            class: None,
        },
    }
}
