//! How questions were asked and answered lately, and whether new ones may disturb.

use std::collections::BTreeMap;

use prokura_delegation::Disturb;
use prokura_domain::{Question, QuestionKind, QuestionState};

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::view::{ApprovalsToldView, AskedView, Named, StateView};

/// How far back.
const DAYS: i64 = 7;
/// Nobody reads a question in less.
const QUICK_MS: i64 = 2000;
/// So many answers say something.
const ENOUGH: u32 = 10;

impl Api {
    /// How questions were answered in the last days.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn approvals_told(&self) -> Result<ApprovalsToldView, Failure> {
        let now = self.0.delegation.moment();
        let mut days: BTreeMap<(String, String), AskedView> = BTreeMap::new();
        for question in self.store().questions(false)? {
            if now.millis_since(question.raised_at) > DAYS * 86_400_000 {
                break;
            }
            // What a server asks is no approval.
            if matches!(question.kind, QuestionKind::Elicitation { .. }) {
                continue;
            }
            let Some(agent) = &question.agent else { continue };
            let day: String = shown(question.raised_at).chars().take(10).collect();
            let key = (day.clone(), agent.to_string());
            if !days.contains_key(&key) {
                let name = self.store().agent(agent)?.map(|agent| agent.name).unwrap_or_default();
                let agent = Named { id: agent.to_string(), name };
                days.insert(
                    key.clone(),
                    AskedView { day, agent, asked: 0, allowed: 0, denied: 0, quick: 0 },
                );
            }
            if let Some(view) = days.get_mut(&key) {
                count(view, &question);
            }
        }
        let days: Vec<AskedView> = days.into_values().rev().collect();
        let allowed: u32 = days.iter().map(|day| day.allowed).sum();
        let quick: u32 = days.iter().map(|day| day.quick).sum();
        let unread = allowed >= ENOUGH && quick * 3 >= allowed;
        Ok(ApprovalsToldView {
            advice: unread.then(|| {
                let share = quick * 100 / allowed.max(1);
                format!(
                    "You allowed {share} % of {allowed} questions in under two seconds: you may be approving unread. \
                     Allow narrow things for a time, so that fewer questions come."
                )
            }),
            days,
            do_not_disturb: self.0.delegation.disturb().as_str().to_owned(),
        })
    }

    /// Says what happens to new questions.
    ///
    /// # Errors
    /// [`Failure`] when there is no such mode.
    pub async fn do_not_disturb(&self, mode: String) -> Result<StateView, Failure> {
        let disturb = Disturb::from_text(&mode).ok_or_else(|| {
            let text = format!("\"{mode}\" says nothing about questions.");
            Failure::new(FailureCode::BadRequest, text, "Use off, wait or deny.")
        })?;
        self.0.delegation.set_disturb(disturb)?;
        self.state().await
    }
}

fn count(view: &mut AskedView, question: &Question) {
    view.asked += 1;
    match question.state {
        QuestionState::Allowed | QuestionState::Used => {
            view.allowed += 1;
            let took = question.settled_at.map(|at| at.millis_since(question.raised_at));
            view.quick += u32::from(took.is_some_and(|took| took < QUICK_MS));
        }
        QuestionState::Denied => view.denied += 1,
        QuestionState::Pending | QuestionState::Expired | QuestionState::Dropped => {}
    }
}
