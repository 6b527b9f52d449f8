//! Tasks on the aggregate endpoint. In a session they are Prokura's own, one for each call that asks for one; without
//! one they are Prokura's own while a call waits for the person, and the Servers' where a Server made one. It must never
//! answer for a task of another Agent: its own are kept by Agent, and the path knows whose the others are.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use futures::future::BoxFuture;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::{Era, Json};

use super::tour::{Goal, Tour};
use super::{calls, refused};
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
        let goal = task.and_then(|task| tour.task(&task)).ok_or_else(|| refused(missing()))?;
        let mut params = letter.params();
        params.set("taskId", Json::text(&goal.named));
        let sent = calls::addressed(&tour, &letter, (&goal, params), headers);
        let reply = match tasks::is_own(&goal.named) {
            true => own(&tour, &goal, sent).await,
            false => tour.shared.path.pass(sent).await,
        };
        calls::seen(goal, &letter).reply(reply.map_err(refused)?).await.map_err(refused)
    });
    Ok(relay::answer(pace, errand, passing).await)
}

/// A task of our own, made of a call to this Server.
async fn own(tour: &Tour, goal: &Goal, mut asked: Inbound) -> Result<Reply, Refusal> {
    let (server, account) =
        tasks::place(&tour.shared, &tour.agent, &goal.named).ok_or_else(missing)?;
    if server != goal.server.id {
        return Err(missing());
    }
    asked.account = account;
    let Kind::Message { method, params, id: Some(id) } = &asked.kind else { return Err(missing()) };
    let named = (method.as_str(), params, id);
    let said = tasks::modern(&tour.shared, &tour.agent, named, Some(&asked)).await;
    said.ok_or_else(missing)?
}

fn missing() -> Refusal {
    Refusal::new(RefusalCode::Malformed, "There is no such task.")
}
