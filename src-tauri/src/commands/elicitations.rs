//! What servers ask of the person. A page is opened in the person's browser, after the person said so, and never in a window
//! of this program.

use prokura_api::view::{ApprovalView, ServerView};
use prokura_api::{AnswerWish, Failure, Origin};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn server_questions(
    host: Behind<'_>,
    server: String,
    on: bool,
) -> Answer<ServerView> {
    host.api().await?.server_questions(server, on).await
}

/// Leaves a question without an answer.
#[tauri::command]
pub(crate) async fn elicitation_cancel(host: Behind<'_>, approval: String) -> Answer<ApprovalView> {
    host.api().await?.approval_answer(approval, AnswerWish::Cancel, None, Origin::Window).await
}

/// Opens the page of a question that the person agreed to visit; the yes stands before it is opened.
#[tauri::command]
pub(crate) async fn elicitation_visit(
    host: Behind<'_>,
    approval: String,
    passphrase: Option<String>,
) -> Answer<ApprovalView> {
    let api = host.api().await?;
    let page = api.page_of(approval.clone()).await?;
    let done = api.approval(approval.clone()).await?;
    // Where only the end of a visit is asked for, opening it once more answers nothing.
    if done.elicitation.as_ref().is_some_and(|asked| asked.mode == "done") {
        super::sign_in::open_page(page).await?;
        return Ok(done);
    }
    let answered =
        api.approval_answer(approval, AnswerWish::Once, passphrase, Origin::Window).await?;
    super::sign_in::open_page(page.clone()).await.map_err(|failure| {
        let text = format!("{} The page is {page}", failure.message);
        Failure::new(failure.code, text, "Open it in a browser yourself.")
    })?;
    Ok(answered)
}
