//! Tasks on the aggregate endpoint. In a session they are Prokura's own, one for each call that asks for one; without
//! one they are Prokura's own while a call waits for the person, and the Servers' where a Server made one. It must never
//! answer for a task of another Agent: its own are kept by Agent, and the path knows whose the others are.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use futures::future::BoxFuture;
use prokura_delegation::{Kind, Refusal, RefusalCode, Reply};
use prokura_domain::{Era, Json};

use super::tour::Tour;
use super::{calls, mapping, refused};
use crate::away::{self, Away, METHOD_NOT_FOUND};
use crate::entrance::Caller;
use crate::header;
use crate::letter::Letter;
use crate::relay::{self, Ended, Errand, Held, Passing};
use crate::session::Session;
use crate::{tasks, wait};

/// A word about a task of a session. A result is waited for as an answer is.
pub(crate) async fn in_session(
    tour: &Tour,
    session: &Arc<Session>,
    letter: &Letter,
    errand: Errand,
    held: Held,
) -> Response<Body> {
    let (shared, session, letter) = (Arc::clone(&tour.shared), Arc::clone(session), letter.clone());
    let pace = shared.pace;
    let passing: BoxFuture<'static, Result<Reply, Ended>> = Box::pin(async move {
        let said = tasks::legacy(&shared, (&session.agent, &session.id), &letter).await;
        drop(held);
        let missing = || away::error(letter.id(), METHOD_NOT_FOUND, "Method not found.", None);
        Ok(wait::message(&said.unwrap_or_else(missing)))
    });
    relay::answer(pace, errand, passing).await
}

/// A word about a task, from a modern Agent.
pub(crate) async fn alone(
    caller: &Caller,
    tour: Tour,
    letter: Letter,
    errand: Errand,
) -> Result<Response<Body>, Away> {
    let pace = tour.shared.pace;
    let headers = header::outgoing(&caller.headers, Era::Modern, None)?;
    let task = letter.json.at("/params/taskId").and_then(Json::as_str).map(str::to_owned);
    let passing: Passing = Box::pin(async move {
        let task = task.unwrap_or_default();
        if tasks::is_own(&task) {
            return own(&tour, &letter, &task, headers).await.map_err(refused);
        }
        let goal = tour.task(&task).ok_or_else(|| refused(missing()))?;
        let mut params = letter.params();
        params.set("taskId", Json::text(&goal.named));
        let sent = calls::addressed(&tour, &letter, (&goal, params), headers);
        let reply = tour.shared.path.pass(sent).await.map_err(refused)?;
        calls::seen(goal, &letter).reply(reply).await.map_err(refused)
    });
    Ok(relay::answer(pace, errand, passing).await)
}

/// A task of our own: what came of it has addresses of the Server it was for.
async fn own(
    tour: &Tour,
    letter: &Letter,
    task: &str,
    headers: Vec<(String, String)>,
) -> Result<Reply, Refusal> {
    let shared = &tour.shared;
    let (server, account) = tasks::place(shared, &tour.agent, task).ok_or_else(missing)?;
    let name = tour.name_of(&server).ok_or_else(missing)?;
    let (params, id) = (letter.params(), letter.id().cloned().unwrap_or(Json::Null));
    let method = letter.method().unwrap_or_default();
    let kind =
        Kind::Message { method: method.to_owned(), params: params.clone(), id: Some(id.clone()) };
    let inbound = tour.at((&server, &account), kind, headers, letter.raw.clone());
    let asked = (method, &params, &id);
    let said = tasks::modern(shared, &tour.agent, asked, Some(&inbound)).await;
    let reply = said.ok_or_else(missing)??;
    let mut message = crate::bridge::reading::Messages::of(reply);
    let Some(Ok(mut message)) = message.next().await else { return Err(missing()) };
    if let Some(result) = message.member_mut("result") {
        mapping::own_task(&name, result);
    }
    Ok(wait::message(&message))
}

fn missing() -> Refusal {
    Refusal::new(RefusalCode::Malformed, "There is no such task.")
}
