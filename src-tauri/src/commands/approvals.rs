//! Approvals. Allowing and denying are two commands, because only the approval window may allow.

use prokura_api::view::{AccountView, ApprovalView, ApprovalsToldView, AskingView, StateView};
use prokura_api::{AnswerWish, Origin};
use tauri::{AppHandle, Runtime, State};

use super::{Answer, Behind};
use crate::keys::PauseKeys;
use crate::windows;

#[tauri::command]
pub(crate) async fn approvals(host: Behind<'_>, all: bool) -> Answer<Vec<ApprovalView>> {
    host.api().await?.approvals(all).await
}

#[tauri::command]
pub(crate) async fn approvals_open<R: Runtime>(app: AppHandle<R>) -> Answer<()> {
    windows::show_approval(&app);
    Ok(())
}

#[tauri::command]
pub(crate) async fn approval_allow(
    host: Behind<'_>,
    approval: String,
    answer: AnswerWish,
    passphrase: Option<String>,
) -> Answer<ApprovalView> {
    host.api().await?.approval_answer(approval, answer, passphrase, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn consent_allow(
    host: Behind<'_>,
    approval: String,
    number: String,
    agent: Option<String>,
    new_agent: Option<String>,
) -> Answer<ApprovalView> {
    let answer = AnswerWish::LetIn { number, agent, new_agent };
    host.api().await?.approval_answer(approval, answer, None, Origin::Window).await
}

/// Opens the sign-in that answers a question about scopes, and waits until it is over.
#[tauri::command]
pub(crate) async fn scopes_give(host: Behind<'_>, approval: String) -> Answer<AccountView> {
    let api = host.api().await?;
    let started = api.scopes_give(approval).await?;
    super::sign_in::open_page(started.url).await?;
    api.sign_in_wait(started.sign_in).await
}

#[tauri::command]
pub(crate) async fn approval_deny(
    host: Behind<'_>,
    approval: String,
    note: Option<String>,
    pause: bool,
) -> Answer<ApprovalView> {
    let answer = if pause { AnswerWish::DenyAndPause(note) } else { AnswerWish::Deny(note) };
    host.api().await?.approval_answer(approval, answer, None, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn approvals_told(host: Behind<'_>) -> Answer<ApprovalsToldView> {
    host.api().await?.approvals_told().await
}

#[tauri::command]
pub(crate) async fn do_not_disturb(host: Behind<'_>, mode: String) -> Answer<StateView> {
    host.api().await?.do_not_disturb(mode).await
}

#[tauri::command]
pub(crate) async fn asking(host: Behind<'_>) -> Answer<AskingView> {
    host.api().await?.asking().await
}

#[tauri::command]
pub(crate) async fn asking_level(
    host: Behind<'_>,
    scope: String,
    level: String,
    passphrase: Option<String>,
) -> Answer<AskingView> {
    host.api().await?.asking_level(scope, level, passphrase).await
}

#[tauri::command]
pub(crate) async fn asking_passphrase(
    host: Behind<'_>,
    new: String,
    old: Option<String>,
) -> Answer<AskingView> {
    host.api().await?.asking_passphrase(new, old).await
}

#[tauri::command]
pub(crate) async fn asking_pause_keys(
    host: Behind<'_>,
    keys: Option<String>,
) -> Answer<AskingView> {
    host.api().await?.asking_pause_keys(keys).await
}

/// Why the keys that were set do nothing here.
#[tauri::command]
pub(crate) async fn pause_keys_trouble(held: State<'_, PauseKeys>) -> Answer<Option<String>> {
    Ok(held.trouble())
}

#[tauri::command]
pub(crate) async fn asking_notices(host: Behind<'_>, on: bool) -> Answer<AskingView> {
    host.api().await?.asking_notices(on).await
}
