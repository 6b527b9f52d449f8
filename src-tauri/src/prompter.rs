//! Brings Questions before the person: the approval window comes to the front, the tray counts, and a notification says so.
//! It must never allow anything; what is pressed on a notification can deny.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_api::view::{ApprovalView, Piece};
use prokura_api::{AnswerWish, Api, Origin};
use prokura_domain::port::Prompter;
use prokura_domain::{Question, QuestionId};
use prokura_host::notice::{Notice, Notices, Pressed};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::{Running, tray, windows};

/// So much of a stranger's name is told in a notification.
const LONGEST: usize = 60;

/// Shows Questions in the approval window.
#[derive(Debug)]
pub(crate) struct WindowPrompter<R: Runtime> {
    app: AppHandle<R>,
    waiting: Arc<Mutex<BTreeSet<QuestionId>>>,
    notices: Notices,
}

impl<R: Runtime> Clone for WindowPrompter<R> {
    fn clone(&self) -> Self {
        Self {
            app: self.app.clone(),
            waiting: Arc::clone(&self.waiting),
            notices: self.notices.clone(),
        }
    }
}

impl<R: Runtime> WindowPrompter<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        let presses = app.clone();
        let (notices, showing) = Notices::new(move |pressed| {
            tauri::async_runtime::spawn(press(presses.clone(), pressed));
        });
        tauri::async_runtime::spawn(showing);
        Self { app, waiting: Arc::default(), notices }
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
        let (app, notices, id) = (self.app.clone(), self.notices.clone(), question.id.clone());
        tauri::async_runtime::spawn(async move {
            let Ok(api) = app.state::<Running>().api().await else { return };
            if !api.notices() {
                return;
            }
            if let Ok(view) = api.approval(id.to_string()).await
                && view.state == "pending"
            {
                notices.show(notice(id, &view));
            }
        });
    }

    fn waits(&self, question: &Question) {
        let id = question.id.clone();
        self.change(move |waiting| waiting.extend([id]), false);
    }

    fn settled(&self, question: &QuestionId) {
        self.change(|waiting| waiting.retain(|one| one != question), false);
        self.notices.close(question);
    }
}

/// What was pressed on a notification. Opening shows the window; nothing there is answered by it.
async fn press<R: Runtime>(app: AppHandle<R>, pressed: Pressed) {
    match pressed {
        Pressed::Open => {
            let shown = app.clone();
            if let Err(error) = app.run_on_main_thread(move || windows::show_approval(&shown)) {
                tracing::warn!(%error, "the approval window could not be shown");
            }
        }
        Pressed::Deny(question) => {
            let Ok(api) = app.state::<Running>().api().await else { return };
            let no = AnswerWish::Deny(None);
            let denied = api.approval_answer(question.to_string(), no, None, Origin::Window).await;
            if let Err(failure) = denied {
                tracing::warn!(%failure, "a notification could not deny");
            }
        }
    }
}

/// Who asks about what. Never an argument: others see notifications too.
fn notice(question: QuestionId, view: &ApprovalView) -> Notice {
    let target = plain(&view.target);
    let (title, text) = match (&view.server, &view.account) {
        (Some(server), _) if view.elicitation.is_some() => (
            format!("{} asks you something", server.name),
            format!("While {} waits for its answer. Open it to see what.", view.agent.name),
        ),
        (Some(server), Some(account)) => (
            format!("{} asks: {target}", view.agent.name),
            format!("At {} as {}. Open it to see every argument.", server.name, account.name),
        ),
        _ => (
            format!("{} wants to come in as an agent", view.agent.name),
            "Open it to see what it is.".to_owned(),
        ),
    };
    Notice { question, title, text }
}

/// A stranger's name with its hidden characters told, and cut.
fn plain(pieces: &[Piece]) -> String {
    let whole: String = pieces
        .iter()
        .map(|piece| if piece.mark { format!("⟨{}⟩", piece.text) } else { piece.text.clone() })
        .collect();
    match whole.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", whole.get(..at).unwrap_or_default()),
        None => whole,
    }
}
