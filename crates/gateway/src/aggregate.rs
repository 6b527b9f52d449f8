//! All Servers of an Agent behind one endpoint: tools and prompts under `server__name`, resources and tasks under
//! addresses. It must never let one Server see what belongs to another (P-15): every message that names something goes to
//! exactly one of them.

mod address;
mod calls;
mod driven;
mod ears;
mod errands;
mod listen;
mod lists;
mod many;
mod mapping;
mod names;
mod screen;
mod search;
mod tour;
mod watch;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use prokura_delegation::{Refusal, Reply};
use prokura_domain::protocol::{LEGACY, LEGACY_VERSIONS, META_SERVER, MODERN};
use prokura_domain::{Era, Json};

use crate::away::{self, Away, INVALID_PARAMS, METHOD_NOT_FOUND, own};
use crate::bridge::words;
use crate::entrance::{Caller, Verb};
use crate::header::Accepts;
use crate::letter::{Letter, Shape};
use crate::relay::{self, Ended, Errand, Held};
use crate::session::{Place, Session, Sessions};
use crate::{era, initialize, single, tasks, wait};

pub(crate) use driven::Driven;
pub(crate) use lists::{Cursors, Late};
pub(crate) use many::Many;
pub(crate) use names::{Names, Sort};
use search::Meant;
use tour::{Ground, Tour};
use watch::Watch;

const INSTRUCTIONS: &str = "Several servers behind one: tools and prompts are named server__name, and the addresses of \
                            resources say whose they are. The person decides in Prokura which of \
                            them may be used, and may be asked before a call goes through; a refusal says why.";

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
    let place = Place::All(Box::new(Many::new(params)));
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
    let meant = search::meant(caller, Era::Legacy, letter)?;
    let (Meant::Search(letter) | Meant::Message(letter)) = &meant;
    let mut errand = Errand::of(letter, Era::Legacy, accepts);
    errand.session = Some(session.id.clone());
    errand.over = session.over.clone();
    let held = Held { slot: Some(slot), busy: Some(busy) };
    let tour = tour(caller, Ground::Legacy(Arc::clone(&session)));
    let letter = match meant {
        Meant::Message(letter) => letter,
        Meant::Search(letter) => {
            errand.held = held;
            return search::find(tour, &letter, errand).await;
        }
    };
    match &letter.shape {
        Shape::Notification { .. } => calls::notified(&tour, &session, &letter, held),
        Shape::Response { id, result } => {
            calls::answered(&tour, &session, &letter, (id, result), held)
        }
        Shape::Request { method, .. } => match method.as_str() {
            "ping" => return Ok(local(&errand, Json::Object(Vec::new()))),
            method if calls::is_for_one(method) => {
                return calls::in_session(tour, session, letter, errand, held).await;
            }
            "logging/setLevel" => return set_level(&tour, &session, &letter, errand).await,
            "tasks/get" | "tasks/result" | "tasks/list" | "tasks/cancel" => {
                return Ok(errands::in_session(&tour, &session, &letter, errand, held).await);
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
    let meant = search::meant(caller, Era::Modern, letter)?;
    let (Meant::Search(letter) | Meant::Message(letter)) = &meant;
    let mut errand = Errand::of(letter, Era::Modern, accepts);
    let slot = caller.slot()?;
    errand.held.slot = Some(slot);
    let tour = tour(caller, Ground::Modern(meta(letter)));
    let letter = match meant {
        Meant::Message(letter) => letter,
        Meant::Search(letter) => return search::find(tour, &letter, errand).await,
    };
    let Shape::Request { method, .. } = &letter.shape else {
        return Ok(away::empty(StatusCode::ACCEPTED));
    };
    match method.as_str() {
        "server/discover" => Ok(local(&errand, discovered())),
        "subscriptions/listen" => subscribe(tour, &letter, errand).await,
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            errands::alone(caller, tour, letter, errand).await
        }
        method if calls::is_for_one(method) => calls::alone(caller, tour, letter, errand).await,
        _ => listed(tour, &letter, errand).await,
    }
}

/// `logging/setLevel`, for all Servers.
async fn set_level(
    tour: &Tour,
    session: &Session,
    letter: &Letter,
    errand: Errand,
) -> Result<Response<Body>, Away> {
    let level = letter.json.at("/params/level");
    match level.and_then(Json::as_str).and_then(words::severity).and(level) {
        Some(level) => {
            ears::set_level(tour, session, level).await;
            Ok(local(&errand, Json::Object(Vec::new())))
        }
        None => {
            let text = "Invalid params: the level is one of debug, info, notice, warning, error, critical, alert and \
                        emergency.";
            Err(Away::new(200, INVALID_PARAMS, "unknown log level", text))
        }
    }
}

/// A list over all Servers; every other method is not offered here.
async fn listed(tour: Tour, letter: &Letter, errand: Errand) -> Result<Response<Body>, Away> {
    let Some(sort) = Sort::listed_by(&errand.method) else {
        let text = format!(
            "Method not found: {} is not offered for all servers together; use /s/NAME/mcp.",
            away::clip(&errand.method, 100)
        );
        let status = if errand.era == Era::Modern { 404 } else { 200 };
        return Err(
            Away::new(status, METHOD_NOT_FOUND, "method of one server", text).to(letter.id())
        );
    };
    if sort == Sort::Tool && tour.shared.path.searches(&tour.agent) {
        return Ok(search::list(&tour, errand).await);
    }
    let cursor = letter.json.at("/params/cursor").cloned();
    let (id, era) = (errand.id.clone().unwrap_or(Json::Null), errand.era);
    let pace = tour.shared.pace;
    let listing: BoxFuture<'static, Result<Reply, Ended>> = Box::pin(async move {
        let mut result = tour.list(sort, cursor.as_ref()).await.map_err(refused)?;
        if let (Era::Legacy, Sort::Tool, Some(Json::Array(tools))) =
            (era, sort, result.member_mut(sort.member()))
        {
            tools.iter_mut().for_each(tasks::may_be_task);
        }
        if era == Era::Modern {
            private(&mut result);
        }
        Ok(wait::message(&away::result(&id, result)))
    });
    Ok(relay::answer(pace, errand, listing).await)
}

/// `subscriptions/listen`: answered when the Servers have agreed to what was asked of them.
async fn subscribe(tour: Tour, letter: &Letter, errand: Errand) -> Result<Response<Body>, Away> {
    if !errand.accepts.stream {
        let text = "A subscription is text/event-stream; accept it.";
        return Err(Away::new(406, own::NOT_ACCEPTABLE, "accept header", text));
    }
    let asked = |name: &str| letter.json.at("/params/notifications")?.member(name);
    let lists = watch::LISTS.iter().filter(|(_, name)| asked(name) == Some(&Json::Bool(true)));
    let lists: Vec<Sort> = lists.map(|(sort, _)| *sort).collect();
    let texts = |name: &str| -> Vec<String> {
        let all = asked(name).and_then(Json::items).unwrap_or_default();
        all.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let (uris, ids) = (texts("resourceSubscriptions"), texts("taskIds"));
    let id = errand.id.clone().unwrap_or(Json::Null);
    let (pace, over) = (tour.shared.pace, errand.over.clone());
    let listening: BoxFuture<'static, Result<Reply, Ended>> = Box::pin(async move {
        let mut watch = Watch::over(lists.clone());
        let mut agreed = Json::Object(Vec::new());
        if !uris.is_empty() || !ids.is_empty() {
            agreed = watch.open(&tour, &uris, &ids).await.map_err(refused)?;
        }
        let source = listen::Source::Subscription { id, watch, agreed };
        Ok(listen::stand(listen::Listener { tour, source, lists, over }))
    });
    Ok(relay::answer(pace, errand, listening).await)
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
    let tour = tour(caller, Ground::Legacy(Arc::clone(&session)));
    let Some(many) = session.many() else { return Ok(away::empty(StatusCode::NOT_FOUND)) };
    let listening = tour.clone();
    let (own, over) = (Arc::clone(&session), session.over.clone());
    many.ears.begin();
    tokio::spawn(async move { ears::open(&listening, &own).await });
    let source = listen::Source::Session(Arc::clone(&many.ears.from));
    let lists = watch::LISTS.iter().map(|(sort, _)| *sort).collect();
    let stream = listen::stand(listen::Listener { tour, source, lists, over: over.clone() });
    let errand = Errand::stream(&session.id, over, busy);
    Ok(relay::ready(caller.shared.pace, errand, Ok(stream)).await)
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

/// The Agent's `_meta` for messages of our own: without its progress token.
fn meta(letter: &Letter) -> Json {
    let meta = letter.json.at("/params/_meta").cloned();
    let mut meta = meta.unwrap_or_else(|| Json::Object(Vec::new()));
    meta.remove("progressToken");
    meta
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
    let mut resources = changes();
    resources.set("subscribe", Json::from(true));
    let nothing = || Json::Object(Vec::new());
    Json::object([
        ("tools", changes()),
        ("prompts", changes()),
        ("resources", resources),
        ("completions", nothing()),
        ("logging", nothing()),
    ])
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
    if result.member("_meta").is_none() {
        result.set("_meta", Json::Object(Vec::new()));
    }
    if let Some(meta) = result.member_mut("_meta") {
        meta.set(META_SERVER, server_info());
    }
}

/// A refusal before anything was sent, as what a passing message ends with.
fn refused(refusal: Refusal) -> Ended {
    Ended::Refused(refusal)
}
