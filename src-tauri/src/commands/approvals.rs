//! Approvals. Allowing and denying are two commands, because only the approval window may allow.

use prokura_api::view::ApprovalView;
use prokura_api::{AnswerWish, Origin};
use tauri::{AppHandle, Runtime};

use super::{Answer, Behind};
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
    seconds: Option<i64>,
) -> Answer<ApprovalView> {
    let answer = seconds.map_or(AnswerWish::Once, AnswerWish::SameArgumentsFor);
    host.api().await?.approval_answer(approval, answer, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn approval_deny(
    host: Behind<'_>,
    approval: String,
    note: Option<String>,
) -> Answer<ApprovalView> {
    host.api().await?.approval_answer(approval, AnswerWish::Deny(note), Origin::Window).await
}
