//! Questions and their answers.

use prokura_domain::{
    Answer, Choice, Json, Origin, Question, QuestionId, QuestionKind, QuestionState,
};
use url::Url;

use super::shown;
use crate::Api;
use crate::arguments::rows;
use crate::failure::Failure;
use crate::pieces::pieces;
use crate::request::AnswerWish;
use crate::view::{ApprovalView, Named, WhyView};

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
        questions.iter().map(|question| self.approval_view(question)).collect()
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`Failure`] when it does not exist, is settled, or has expired.
    pub async fn approval_answer(
        &self,
        approval: String,
        answer: AnswerWish,
        origin: Origin,
    ) -> Result<ApprovalView, Failure> {
        let choice = match answer {
            AnswerWish::Once => Choice::Once,
            AnswerWish::SameArgumentsFor(seconds) => Choice::SameArgumentsFor { seconds },
            AnswerWish::Deny(note) => Choice::Deny { note: note.filter(|note| !note.is_empty()) },
        };
        let answer = Answer { question: QuestionId::from_text(&approval), choice };
        let question = self.0.delegation.answer(answer, origin).await?;
        self.approval_view(&question)
    }

    fn approval_view(&self, question: &Question) -> Result<ApprovalView, Failure> {
        let agent = self.store().agent(&question.agent)?;
        let server = self.store().server(&question.server)?;
        let account = self.store().account(&question.account)?;
        let host = server
            .as_ref()
            .and_then(|server| Url::parse(&server.endpoint).ok())
            .and_then(|url| url.host_str().map(str::to_owned));
        // Once it is settled nothing of what was asked about is kept.
        let arguments = match question.params.as_str() {
            "" => Vec::new(),
            text => rows(&Json::read(text.as_bytes()).unwrap_or(Json::Null)),
        };
        let now = self.0.delegation.moment();
        let over = question.state == QuestionState::Pending && now >= question.expires_at;
        let state = if over { QuestionState::Expired } else { question.state };
        let QuestionKind::Call { method, target_kind, target, class, .. } = &question.kind;
        Ok(ApprovalView {
            id: question.id.to_string(),
            kind: question.kind.as_str().to_owned(),
            state: state.as_str().to_owned(),
            agent: Named {
                id: question.agent.to_string(),
                name: agent.as_ref().map(|agent| agent.name.clone()).unwrap_or_default(),
            },
            agent_claim: agent.and_then(|agent| agent.claim),
            server: Named {
                id: question.server.to_string(),
                name: server.map(|server| server.name).unwrap_or_default(),
            },
            server_host: host.unwrap_or_default(),
            account: Named {
                id: question.account.to_string(),
                name: account.map(|account| account.name).unwrap_or_default(),
            },
            method: method.clone(),
            target_kind: target_kind.clone(),
            target: pieces(target),
            class: class.map(|class| class.as_str().to_owned()),
            why: question
                .why
                .iter()
                .map(|why| WhyView { rule: why.rule.clone(), text: why.text.clone() })
                .collect(),
            arguments,
            raw: pieces(&question.params),
            digest: if question.params.is_empty() {
                String::new()
            } else {
                question.digest.to_string()
            },
            raised_at: shown(question.raised_at),
            expires_at: shown(question.expires_at),
            settled_at: question.settled_at.map(shown),
            note: question.note.clone(),
        })
    }
}
