//! All Servers of an Agent behind one endpoint, tools and prompts under `server__name`. It must never let one Server
//! see what belongs to another (P-15): every message goes to exactly one of them.

mod calls;
mod listen;
mod many;
mod names;
mod screen;
mod tour;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use prokura_delegation::{Refusal, RefusalCode, Reply};
use prokura_domain::protocol::{LEGACY, LEGACY_VERSIONS, META_CAPABILITIES, MODERN};
use prokura_domain::{Era, Json};
use tokio_util::sync::CancellationToken;

use crate::away::{self, Away, INVALID_PARAMS, METHOD_NOT_FOUND, own};
use crate::entrance::{Caller, Verb};
use crate::header::Accepts;
use crate::letter::{Letter, Shape};
use crate::relay::{self, Ended, Errand, Held};
use crate::session::{Place, Session, Sessions};
use crate::{era, initialize, single, tasks, wait};

pub(crate) use many::Many;
pub(crate) use names::Names;
use names::Sort;
use tour::{Ground, Tour};

const INSTRUCTIONS: &str = "Tools of several servers, each named server__tool. The person decides in Prokura which of \
                            them may be used, and may be asked before a call goes through; a refusal says why.";
const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// One message.
pub(crate) async fn post(
    caller: &Caller,
    letter: Letter,
    accepts: Accepts,
) -> Result<Response<Body>, Away> {
    match era::of(&letter, &caller.headers) {
        Era::Modern => modern(caller, letter, accepts).await,
        Era::Legacy if letter.is("initialize") && letter.id().is_some() => greet(caller, &letter),
        Era::Legacy => legacy(caller, letter, accepts).await,
    }
}

/// The handshake, answered here. The Servers are greeted when they are first needed.
fn greet(caller: &Caller, letter: &Letter) -> Result<Response<Body>, Away> {
    let params = letter.params();
    let asked = params.member("protocolVersion").and_then(Json::as_str);
    era::check_legacy(&caller.headers, asked)?;
    let version =
        asked.filter(|asked| LEGACY_VERSIONS.contains(asked)).unwrap_or(LEGACY).to_owned();
    initialize::room(caller)?;
    let id = Sessions::mint(&*caller.shared.entropy);
    let place = Place::All(Many::new(params));
    let session = Session::new(id, caller.agent.id.clone(), place, Some(version.clone()));
    caller.shared.sessions.put(&session);
    let result = Json::object([
        ("protocolVersion", Json::text(version)),
        ("capabilities", with_tasks(capabilities())),
        ("serverInfo", server_info()),
        ("instructions", Json::text(INSTRUCTIONS)),
    ]);
    let id = letter.id().cloned().unwrap_or(Json::Null);
    let mut response = away::json(StatusCode::OK, &away::result(&id, result));
    initialize::name(&mut response, &session);
    Ok(response)
}

async fn legacy(caller: &Caller, letter: Letter, accepts: Accepts) -> Result<Response<Body>, Away> {
    let session = own_session(caller)?;
    era::check_legacy(&caller.headers, session.version.as_deref())?;
    let busy = session.busy();
    let slot = caller.slot()?;
    let mut errand = Errand::of(&letter, Era::Legacy, accepts);
    errand.session = Some(session.id.clone());
    errand.over = session.over.clone();
    let held = Held { slot: Some(slot), busy: Some(busy) };
    let tour = tour(caller, Ground::Legacy(Arc::clone(&session)));
    match &letter.shape {
        Shape::Notification { .. } => calls::notified(&tour, &session, &letter, held),
        Shape::Response { id, result } => {
            calls::answered(&tour, &session, &letter, (id, result), held)
        }
        Shape::Request { method, .. } => match method.as_str() {
            "ping" => return Ok(local(&errand, Json::Object(Vec::new()))),
            "tools/call" => {
                return calls::in_session(tour, session, letter, errand, held, Sort::Tool).await;
            }
            "prompts/get" => {
                return calls::in_session(tour, session, letter, errand, held, Sort::Prompt).await;
            }
            "tasks/get" | "tasks/result" | "tasks/list" | "tasks/cancel" => {
                return Ok(task(&tour, &session, &letter, errand, held).await);
            }
            _ => {
                errand.held = held;
                return listed(tour, &letter, errand).await;
            }
        },
    }
    Ok(away::empty(StatusCode::ACCEPTED))
}

async fn modern(caller: &Caller, letter: Letter, accepts: Accepts) -> Result<Response<Body>, Away> {
    era::check_modern(&letter, &caller.headers)?;
    let Shape::Request { method, .. } = &letter.shape else {
        return Ok(away::empty(StatusCode::ACCEPTED));
    };
    let mut errand = Errand::of(&letter, Era::Modern, accepts);
    let slot = caller.slot()?;
    errand.held.slot = Some(slot);
    let tour = tour(caller, Ground::Modern(meta(&letter)));
    match method.as_str() {
        "server/discover" => Ok(local(&errand, discovered())),
        "subscriptions/listen" => subscribe(tour, &letter, errand),
        "tasks/get" | "tasks/update" | "tasks/cancel" => modern_task(tour, &letter, errand).await,
        "tools/call" => calls::alone(caller, tour, letter, errand, Sort::Tool).await,
        "prompts/get" => calls::alone(caller, tour, letter, errand, Sort::Prompt).await,
        _ => listed(tour, &letter, errand).await,
    }
}

/// A word about a task of our own. A result is waited for as an answer is.
async fn task(
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

/// A word about a task of our own, from a modern Agent.
async fn modern_task(tour: Tour, letter: &Letter, errand: Errand) -> Result<Response<Body>, Away> {
    let (method, params) = (errand.method.clone(), letter.params());
    let id = errand.id.clone().unwrap_or(Json::Null);
    let asked = (method.as_str(), &params, &id);
    let result = match tasks::modern(&tour.shared, &tour.agent, asked, None).await {
        Some(result) => result.map_err(refused),
        None => Err(refused(Refusal::new(RefusalCode::Malformed, "There is no such task."))),
    };
    Ok(relay::ready(tour.shared.pace, errand, result).await)
}

/// A list over all Servers; every other method is not offered here.
async fn listed(tour: Tour, letter: &Letter, errand: Errand) -> Result<Response<Body>, Away> {
    let sort = match errand.method.as_str() {
        "tools/list" => Sort::Tool,
        "prompts/list" => Sort::Prompt,
        method => {
            let text = format!(
                "Method not found: {} is not offered for all servers together; use /s/NAME/mcp.",
                away::clip(method, 100)
            );
            let status = if errand.era == Era::Modern { 404 } else { 200 };
            return Err(
                Away::new(status, METHOD_NOT_FOUND, "method of one server", text).to(letter.id())
            );
        }
    };
    if letter.json.at("/params/cursor").is_some() {
        let text = "Invalid params: this list has one page and no cursors.";
        let status = if errand.era == Era::Modern { 400 } else { 200 };
        return Err(Away::new(status, INVALID_PARAMS, "unknown cursor", text));
    }
    let (id, era) = (errand.id.clone().unwrap_or(Json::Null), errand.era);
    let pace = tour.shared.pace;
    let listing: BoxFuture<'static, Result<Reply, Ended>> = Box::pin(async move {
        let mut entries = tour.list(sort).await;
        if era == Era::Legacy && sort == Sort::Tool {
            entries.iter_mut().for_each(tasks::may_be_task);
        }
        let mut result = Json::object([(sort.member(), Json::Array(entries))]);
        if era == Era::Modern {
            private(&mut result);
        }
        Ok(wait::message(&away::result(&id, result)))
    });
    Ok(relay::answer(pace, errand, listing).await)
}

/// `subscriptions/listen`, for lists.
fn subscribe(tour: Tour, letter: &Letter, errand: Errand) -> Result<Response<Body>, Away> {
    if !errand.accepts.stream {
        let text = "A subscription is text/event-stream; accept it.";
        return Err(Away::new(406, own::NOT_ACCEPTABLE, "accept header", text));
    }
    let wants = |name: &str| {
        let filter = letter.json.at("/params/notifications");
        filter.and_then(|filter| filter.member(name)) == Some(&Json::Bool(true))
    };
    Ok(listen::stand(listen::Listener {
        shared: tour.shared,
        agent: tour.agent,
        subscription: errand.id,
        tools: wants("toolsListChanged"),
        prompts: wants("promptsListChanged"),
        over: CancellationToken::new(),
        held: errand.held,
    }))
}

/// GET: the standing stream. DELETE: the end.
pub(crate) async fn standing(caller: &Caller, verb: Verb) -> Result<Response<Body>, Away> {
    let session = own_session(caller)?;
    era::check_legacy(&caller.headers, session.version.as_deref())?;
    if verb == Verb::Delete {
        single::end(caller, &session).await;
        return Ok(away::empty(StatusCode::NO_CONTENT));
    }
    let Some(busy) = session.stream() else {
        let text = "This session has enough open streams. Close one first.";
        return Err(Away::new(429, own::TOO_MANY, "too many streams", text));
    };
    Ok(listen::stand(listen::Listener {
        shared: Arc::clone(&caller.shared),
        agent: caller.agent.id.clone(),
        subscription: None,
        tools: true,
        prompts: true,
        over: session.over.clone(),
        held: Held { slot: None, busy: Some(busy) },
    }))
}

fn own_session(caller: &Caller) -> Result<Arc<Session>, Away> {
    let session = caller.session()?;
    match &session.place {
        Place::All(_) => Ok(session),
        Place::One { .. } => {
            let text = "There is no such session here. Initialize again.";
            Err(Away::new(404, own::NO_SESSION, "session of another place", text))
        }
    }
}

fn tour(caller: &Caller, ground: Ground) -> Tour {
    Tour { shared: Arc::clone(&caller.shared), agent: caller.agent.id.clone(), ground }
}

/// The Agent's `_meta` for messages of our own: without its progress token, and without the extension that is not
/// offered here.
fn meta(letter: &Letter) -> Json {
    let meta = letter.json.at("/params/_meta").cloned();
    let mut meta = meta.unwrap_or_else(|| Json::Object(Vec::new()));
    meta.remove("progressToken");
    without_tasks(&mut meta);
    meta
}

fn without_tasks(meta: &mut Json) {
    let capabilities = meta.member_mut(META_CAPABILITIES);
    if let Some(extensions) = capabilities.and_then(|found| found.member_mut("extensions")) {
        extensions.remove(tasks::EXTENSION);
    }
}

/// A message of our own.
fn message(method: &str, params: &Json, id: Option<&Json>) -> Bytes {
    let mut message = Json::object([("jsonrpc", Json::text("2.0"))]);
    if let Some(id) = id {
        message.set("id", id.clone());
    }
    message.set("method", Json::text(method));
    message.set("params", params.clone());
    Bytes::from(message.to_text())
}

fn local(errand: &Errand, result: Json) -> Response<Body> {
    let id = errand.id.clone().unwrap_or(Json::Null);
    away::json(StatusCode::OK, &away::result(&id, result))
}

fn capabilities() -> Json {
    let changes = || Json::object([("listChanged", Json::from(true))]);
    Json::object([("tools", changes()), ("prompts", changes())])
}

fn with_tasks(mut capabilities: Json) -> Json {
    capabilities.set("tasks", tasks::offered());
    capabilities
}

fn server_info() -> Json {
    Json::object([
        ("name", Json::text("prokura")),
        ("title", Json::text("Prokura")),
        ("version", Json::text(env!("CARGO_PKG_VERSION"))),
    ])
}

fn discovered() -> Json {
    let versions = std::iter::once(MODERN).chain(LEGACY_VERSIONS).map(Json::text).collect();
    let mut capabilities = capabilities();
    let tasks = Json::object([(tasks::EXTENSION, Json::Object(Vec::new()))]);
    capabilities.set("extensions", tasks);
    let mut result = Json::object([
        ("supportedVersions", Json::Array(versions)),
        ("capabilities", capabilities),
        ("instructions", Json::text(INSTRUCTIONS)),
    ]);
    private(&mut result);
    result
}

/// What every modern result of our own says: whole, for nobody else, and not to be kept (P-13).
fn private(result: &mut Json) {
    result.set("resultType", Json::text("complete"));
    result.set("ttlMs", Json::from(0i64));
    result.set("cacheScope", Json::text("private"));
    result.set("_meta", Json::object([(META_SERVER, server_info())]));
}

/// A refusal before anything was sent, as what a passing message ends with.
fn refused(refusal: Refusal) -> Ended {
    Ended::Refused(refusal)
}
