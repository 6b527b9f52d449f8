//! The two windows. The main one hides when it is closed; closing the approval window refuses what it shows.

use prokura_api::{AnswerWish, Failure, Origin};
use tauri::{
    AppHandle, Manager as _, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window,
    WindowEvent,
};

use crate::Running;

/// The label of the main window; its capability file names it.
pub const MAIN: &str = "main";
/// The label of the approval window; the only one that may answer allow.
pub const APPROVAL: &str = "approval";

/// Makes the main window.
pub(crate) fn open_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Prokura")
        .inner_size(1180.0, 780.0)
        .min_inner_size(860.0, 560.0)
        .build()
}

/// Brings the main window to the front.
pub(crate) fn show_main<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        told(raise(&window));
    }
}

/// Brings the approval window to the front and keeps it there; makes it when it is needed first.
pub(crate) fn show_approval<R: Runtime>(app: &AppHandle<R>) {
    let made = app.get_webview_window(APPROVAL).map_or_else(|| open_approval(app), Ok);
    told(made.and_then(|window| raise(&window)));
}

/// Nothing waits any more.
pub(crate) fn hide_approval<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(APPROVAL) {
        told(window.hide());
    }
}

fn open_approval<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    WebviewWindowBuilder::new(app, APPROVAL, WebviewUrl::App("approval.html".into()))
        .title("Approval · Prokura")
        .inner_size(560.0, 680.0)
        .min_inner_size(560.0, 420.0)
        .maximizable(false)
        .always_on_top(true)
        .center()
        .build()
}

fn raise<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<()> {
    window.show()?;
    window.unminimize()?;
    window.set_focus()
}

/// Closing never ends the program while a Host runs: only Quit does.
pub(crate) fn on_event<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let app = window.app_handle();
    if app.state::<Running>().has_failed() {
        app.exit(0);
        return;
    }
    api.prevent_close();
    told(window.hide());
    if window.label() == APPROVAL {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            if let Err(failure) = refuse_waiting(&app.state::<Running>()).await {
                tracing::warn!(%failure, "a closed approval window could not refuse all it showed");
            }
        });
    }
}

/// A closed window is a refusal.
async fn refuse_waiting(running: &Running) -> Result<(), Failure> {
    let api = running.api().await?;
    for question in api.approvals(false).await? {
        // What a server asks was neither agreed to nor declined.
        let asked = question.elicitation.is_some();
        let no = if asked { AnswerWish::Cancel } else { AnswerWish::Deny(None) };
        api.approval_answer(question.id, no, None, Origin::Window).await?;
    }
    Ok(())
}

fn told(done: tauri::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "a window did not do as it was told");
    }
}
