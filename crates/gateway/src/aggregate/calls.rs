//! One message to the one Server it is for, under that Server's own names.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use futures::stream::StreamExt as _;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::{Era, Json, Verb};

use super::driven;
use super::many::Many;
use super::refused;
use super::screen::Screen;
use super::tour::{Goal, Tour};
use crate::away::Away;
use crate::entrance::Caller;
use crate::header;
use crate::letter::Letter;
use crate::relay::{self, Errand, Held, Passing};
use crate::session::Session;
use crate::tasks;
use crate::wait::{self, Speaks};

/// Messages that name something of one Server.
pub(crate) fn is_for_one(method: &str) -> bool {
    matches!(
        method,
        "tools/call"
            | "prompts/get"
            | "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "completion/complete"
    )
}

/// Such a message in a session.
pub(crate) async fn in_session(
    tour: Tour,
    session: Arc<Session>,
    letter: Letter,
    errand: Errand,
    held: Held,
) -> Result<Response<Body>, Away> {
    let pace = tour.shared.pace;
    let id = errand.id.clone().unwrap_or(Json::Null);
    let over = session.over.clone();
    if let Some(plain) = tasks::augmented(&letter) {
        let agent = tour.agent.clone();
        let shared = Arc::clone(&tour.shared);
        let wished = letter.json.at("/params/task").cloned();
        let passing = carried(tour, (Arc::clone(&session), id.clone()), (plain, wished));
        let passing = Box::pin(async move {
            let reply = passing.await;
            drop(held);
            reply
        });
        return Ok(tasks::begin_legacy(&shared, (&agent, &session), &id, passing));
    }
    let open = session.open(&id);
    let passing = carried(tour, (session, id), (letter, None));
    let passing = relay::detached(Box::pin(passing), Some(open), over, held);
    Ok(relay::answer(pace, errand, passing).await)
}

/// Finds the Server, greets it where it has to be, and carries the message there and back. A call that goes on in a task
/// of our own comes with the Agent's wish for one.
async fn carried(
    tour: Tour,
    (session, id): (Arc<Session>, Json),
    (letter, wished): (Letter, Option<Json>),
) -> Result<Reply, Refusal> {
    let speaks = if wished.is_some() { Speaks::InTask } else { Speaks::Rounds };
    let (goal, mut params) = tour.lead(&letter).await?;
    let wished = wished.filter(|_| tour.shared.driven.knows(&goal.server.id, &goal.named));
    let driven = wished.is_some();
    if let Some(wished) = wished {
        params.set("task", wished);
    }
    let sub = tour.sub(&session, (&goal.server, &goal.account)).await?;
    let (progress, many) = (letter.progress(), session.many());
    let route = many.map(|many| Many::route(&session, many, (&id, progress.clone()), &sub));
    let body = rewritten(&letter, &params);
    let sent = sub.inbound(message_kind(&letter, params), Verb::Post, body);
    if letter.is("resources/subscribe")
        && !many.is_some_and(|many| many.ears.subscribe(&sub.spot, &goal.named))
    {
        let text = "This session has enough subscriptions. End one first.";
        return Err(Refusal::new(RefusalCode::Malformed, text));
    }
    let reply = wait::pass(&tour.shared, sent, speaks).await;
    let failed = reply.as_ref().map_or(true, |reply| reply.status >= 400);
    if let Some(many) = many
        && ((letter.is("resources/subscribe") && failed) || letter.is("resources/unsubscribe"))
    {
        many.ears.unsubscribe(&sub.spot, &goal.named);
    }
    let reply = reply?;
    if reply.status == 404 && sub.upstream.is_some() {
        if let Some(many) = session.many() {
            many.forget(&sub);
        }
        let text = format!("The server {} ended its session; try again.", goal.server.name);
        return Err(Refusal::new(RefusalCode::Unreachable, text));
    }
    if driven {
        return driven::follow(&tour, (&goal.server, &sub), &id, reply).await;
    }
    let screen = Screen {
        server: goal.server,
        era: Era::Legacy,
        id,
        method: letter.method().unwrap_or_default().to_owned(),
        progress,
        session: Some((session, sub)),
    };
    Ok(with(screen.reply(reply).await?, route))
}

/// Such a message that stands for itself.
pub(crate) async fn alone(
    caller: &Caller,
    tour: Tour,
    letter: Letter,
    errand: Errand,
) -> Result<Response<Body>, Away> {
    let pace = tour.shared.pace;
    let mut headers = header::outgoing(&caller.headers, Era::Modern, None)?;
    if letter.is("tools/call") && tour.shared.path.searches(&tour.agent) {
        // Who calls by `call_tool` knows nothing of headers.
        let repeated = tour.shared.mirrored.headers(&letter.params());
        let new =
            repeated.into_iter().filter(|(name, _)| headers.iter().all(|(own, _)| own != name));
        headers.extend(new.collect::<Vec<_>>());
    }
    let speaks = wait::spoken(&letter);
    let passing: Passing = Box::pin(async move {
        let (goal, params) = tour.lead(&letter).await.map_err(refused)?;
        let sent = addressed(&tour, &letter, (&goal, params), headers);
        let reply = wait::pass(&tour.shared, sent, speaks).await.map_err(refused)?;
        seen(goal, &letter).reply(reply).await.map_err(refused)
    });
    Ok(relay::answer(pace, errand, passing).await)
}

/// A modern message with the names its Server knows.
pub(crate) fn addressed(
    tour: &Tour,
    letter: &Letter,
    (goal, params): (&Goal, Json),
    mut headers: Vec<(String, String)>,
) -> Inbound {
    for (name, value) in &mut headers {
        if name == header::NAME {
            *value = header::encoded(&goal.named);
        }
    }
    let body = rewritten(letter, &params);
    let kind = message_kind(letter, params);
    tour.modern((&goal.server, &goal.account), kind, headers, body)
}

/// The eye on a message that stands for itself.
pub(crate) fn seen(goal: Goal, letter: &Letter) -> Screen {
    Screen {
        server: goal.server,
        era: Era::Modern,
        id: letter.id().cloned().unwrap_or(Json::Null),
        method: letter.method().unwrap_or_default().to_owned(),
        progress: letter.progress(),
        session: None,
    }
}

/// A notification of the Agent in a session. A cancellation follows its request; the rest says nothing to any Server.
pub(crate) fn notified(tour: &Tour, session: &Arc<Session>, letter: &Letter, held: Held) {
    if !letter.is("notifications/cancelled") {
        return;
    }
    let Some(id) = letter.json.at("/params/requestId") else { return };
    if session.cancel(id) {
        return;
    }
    if let Some(sub) = session.many().and_then(|many| many.routed(id)) {
        let kind = message_kind(letter, letter.params());
        send(tour, sub.inbound(kind, Verb::Post, letter.raw.clone()), held);
    }
}

/// The Agent's answer to a question of a Server: it goes to that Server, with the id the question has there.
pub(crate) fn answered(
    tour: &Tour,
    session: &Arc<Session>,
    letter: &Letter,
    answer: (&Json, &Json),
    held: Held,
) {
    let Some((sub, theirs)) = session.many().and_then(|many| many.asker(answer.0)) else { return };
    let mut message = letter.json.clone();
    message.set("id", theirs.clone());
    let kind = Kind::Answer { id: theirs, result: answer.1.clone() };
    send(tour, sub.inbound(kind, Verb::Post, Bytes::from(message.to_text())), held);
}

fn send(tour: &Tour, inbound: Inbound, held: Held) {
    let path = Arc::clone(&tour.shared.path);
    tokio::spawn(async move {
        if let Err(refusal) = path.pass(inbound).await {
            tracing::info!(code = ?refusal.code, "not carried");
        }
        drop(held);
    });
}

fn message_kind(letter: &Letter, params: Json) -> Kind {
    let method = letter.method().unwrap_or_default().to_owned();
    Kind::Message { method, params, id: letter.id().cloned() }
}

/// The message with other parameters.
fn rewritten(letter: &Letter, params: &Json) -> Bytes {
    let mut message = letter.json.clone();
    message.set("params", params.clone());
    Bytes::from(message.to_text())
}

/// The reply, which keeps `other` until its body is read.
fn with<T: Send + 'static>(reply: Reply, other: T) -> Reply {
    let body = reply.body.map(move |chunk| {
        let _kept = &other;
        chunk
    });
    Reply { status: reply.status, headers: reply.headers, body: body.boxed() }
}
