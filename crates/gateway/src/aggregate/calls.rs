//! One message to the one Server it is for, under that Server's own names.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use futures::stream::StreamExt as _;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::{Era, Json, Verb};
use tokio::sync::OnceCell;

use super::many::Many;
use super::names::Sort;
use super::tour::Tour;
use super::{refused, screen, without_tasks};
use crate::away::Away;
use crate::entrance::Caller;
use crate::header;
use crate::letter::Letter;
use crate::relay::{self, Errand, Held, Passing};
use crate::session::Session;
use crate::sub::Sub;
use crate::tasks;
use crate::wait::{self, Speaks};

/// A call or prompt in a session.
pub(crate) async fn in_session(
    tour: Tour,
    session: Arc<Session>,
    letter: Letter,
    mut errand: Errand,
    held: Held,
    sort: Sort,
) -> Result<Response<Body>, Away> {
    let pace = tour.shared.pace;
    let id = errand.id.clone().unwrap_or(Json::Null);
    let reached: Arc<OnceCell<Arc<Sub>>> = Arc::default();
    let asker = (Arc::clone(&reached), Arc::clone(&session));
    let own = id.clone();
    errand.edit = Some(Arc::new(move |event| {
        let (sub, many) = (asker.0.get()?, asker.1.many()?);
        screen::event(event, &own, |question| many.told_apart(sub, question))
    }));
    let named = errand.named.clone().unwrap_or_default();
    let over = session.over.clone();
    if let Some(plain) = tasks::augmented(&letter) {
        let agent = tour.agent.clone();
        let shared = Arc::clone(&tour.shared);
        let own = (Arc::clone(&session), id.clone());
        let passing = carried(tour, own, plain, (sort, named), (reached, Speaks::InTask));
        let passing = Box::pin(async move {
            let reply = passing.await;
            drop(held);
            reply
        });
        return Ok(tasks::begin_legacy(&shared, (&agent, &session), &id, passing));
    }
    let open = session.open(&id);
    let own = (session, id);
    let passing = carried(tour, own, letter, (sort, named), (reached, Speaks::Rounds));
    let passing = relay::detached(Box::pin(passing), Some(open), over, held);
    Ok(relay::answer(pace, errand, passing).await)
}

/// Finds the Server, greets it where it has to be, and carries the message there and back.
async fn carried(
    tour: Tour,
    (session, id): (Arc<Session>, Json),
    letter: Letter,
    (sort, named): (Sort, String),
    (reached, speaks): (Arc<OnceCell<Arc<Sub>>>, Speaks),
) -> Result<Reply, Refusal> {
    let goal = tour.goal(sort, &named).await?;
    let sub = tour.sub(&session, &goal).await?;
    let _ = reached.set(Arc::clone(&sub));
    let (params, body) = renamed(&letter, &goal.name, Era::Legacy);
    let kind = message_kind(&letter, params);
    let route = session.many().map(|many| Many::route(&session, many, &id, &sub));
    let sent = sub.inbound(kind, Verb::Post, body);
    let reply = wait::pass(&tour.shared, sent, speaks).await?;
    if reply.status == 404 && sub.upstream.is_some() {
        if let Some(many) = session.many() {
            many.forget(&sub);
        }
        let text = format!("The server {} ended its session; try again.", goal.server.name);
        return Err(Refusal::new(RefusalCode::Unreachable, text));
    }
    let reply = screen::reply(&goal.server, Era::Legacy, &id, reply).await?;
    Ok(with(reply, route))
}

/// A call or prompt that stands for itself.
pub(crate) async fn alone(
    caller: &Caller,
    tour: Tour,
    letter: Letter,
    mut errand: Errand,
    sort: Sort,
) -> Result<Response<Body>, Away> {
    let pace = tour.shared.pace;
    let id = errand.id.clone().unwrap_or(Json::Null);
    let own = id.clone();
    errand.edit = Some(Arc::new(move |event| screen::event(event, &own, |_| None)));
    let mut headers = header::outgoing(&caller.headers, Era::Modern, None)?;
    let named = errand.named.clone().unwrap_or_default();
    let speaks = wait::spoken(&letter);
    let passing: Passing = Box::pin(async move {
        let goal = tour.goal(sort, &named).await.map_err(refused)?;
        for (name, value) in &mut headers {
            if name == header::NAME {
                *value = header::encoded(&goal.name);
            }
        }
        let (params, body) = renamed(&letter, &goal.name, Era::Modern);
        let kind = message_kind(&letter, params);
        let sent = tour.modern((&goal.server, &goal.account), kind, headers, body);
        let reply = wait::pass(&tour.shared, sent, speaks).await.map_err(refused)?;
        screen::reply(&goal.server, Era::Modern, &id, reply).await.map_err(refused)
    });
    Ok(relay::answer(pace, errand, passing).await)
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

/// The parameters and bytes under the Server's own name.
fn renamed(letter: &Letter, name: &str, era: Era) -> (Json, Bytes) {
    let mut message = letter.json.clone();
    if let Some(params) = message.member_mut("params") {
        params.set("name", Json::text(name));
        if let (Era::Modern, Some(meta)) = (era, params.member_mut("_meta")) {
            without_tasks(meta);
        }
    }
    let params = message.member("params").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    (params, Bytes::from(message.to_text()))
}

/// The reply, which keeps `other` until its body is read.
fn with<T: Send + 'static>(reply: Reply, other: T) -> Reply {
    let body = reply.body.map(move |chunk| {
        let _kept = &other;
        chunk
    });
    Reply { status: reply.status, headers: reply.headers, body: body.boxed() }
}
