//! Brings Questions before the person: the approval window comes to the front and the tray counts. It must never answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_api::Api;
use prokura_domain::port::Prompter;
use prokura_domain::{Question, QuestionId};
use tauri::{AppHandle, Runtime};

use crate::{tray, windows};

/// Shows Questions in the approval window.
#[derive(Debug)]
pub(crate) struct WindowPrompter<R: Runtime> {
    app: AppHandle<R>,
    waiting: Arc<Mutex<BTreeSet<QuestionId>>>,
}

impl<R: Runtime> Clone for WindowPrompter<R> {
    fn clone(&self) -> Self {
        Self { app: self.app.clone(), waiting: Arc::clone(&self.waiting) }
    }
}

impl<R: Runtime> WindowPrompter<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self { app, waiting: Arc::default() }
    }

    /// Shows what was waiting already when the Host started.
    pub(crate) async fn recall(&self, api: &Api) {
        let Ok(questions) = api.approvals(false).await else { return };
        if questions.is_empty() {
            return;
        }
        let ids = questions.iter().map(|question| QuestionId::from_text(&question.id));
        self.change(|waiting| waiting.extend(ids), true);
    }

    /// Windows and menus are changed on the main thread only, and nobody waits for it.
    fn change(&self, change: impl FnOnce(&mut BTreeSet<QuestionId>), raise: bool) {
        let count = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut waiting);
            waiting.len()
        };
        let app = self.app.clone();
        let posted = self.app.run_on_main_thread(move || {
            tray::count(&app, count);
            if count == 0 {
                windows::hide_approval(&app);
            } else if raise {
                windows::show_approval(&app);
            }
        });
        if let Err(error) = posted {
            tracing::warn!(%error, "the approval window could not be changed");
        }
    }
}

impl<R: Runtime> Prompter for WindowPrompter<R> {
    fn raised(&self, question: &Question) {
        let id = question.id.clone();
        self.change(move |waiting| waiting.extend([id]), true);
    }

    fn waits(&self, question: &Question) {
        let id = question.id.clone();
        self.change(move |waiting| waiting.extend([id]), false);
    }

    fn settled(&self, question: &QuestionId) {
        self.change(|waiting| waiting.retain(|one| one != question), false);
    }
}
