//! The door: who may come in at all, and to which place. The checks stand in a fixed order: the machine (Host), the
//! page (Origin), the size of the headers, the Agent's key, the place, the form of the message.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path as UrlPath, Request, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::any;
use bytes::Bytes;
use futures::StreamExt as _;
use prokura_domain::{Agent, AgentLimits, Endpoint, Era};
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::away::{Away, own};
use crate::header::{self, Accepts};
use crate::letter::{Letter, declared_length};
use crate::load::Slot;
use crate::shared::Shared;
use crate::{aggregate, authority, era, single};

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);

const PLACES: &str = "Prokura's MCP endpoints are /mcp for all servers and /s/NAME/mcp (or \
                      /s/NAME@ACCOUNT/mcp) for one server.";

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let guard = middleware::from_fn_with_state(Arc::clone(&shared), this_machine);
    let places = Router::new()
        .route("/mcp", any(all))
        .route("/s/{place}/mcp", any(one))
        .fallback(nowhere)
        .with_state(Arc::clone(&shared));
    let places = match &shared.registry {
        Some(registry) => {
            let path = Arc::clone(&shared.path);
            let authority = Authority::new(Arc::clone(registry), path, shared.port);
            places.merge(authority::router(authority))
        }
        None => places,
    };
    places.layer(guard)
}

/// Makes every open event stream end, and every waiting request give up, when `stop` is cancelled.
pub(crate) fn ending_with(router: Router, stop: CancellationToken) -> Router {
    router.layer(middleware::from_fn_with_state(stop, until_stopped))
}

async fn until_stopped(
    State(stop): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let response = tokio::select! {
        biased;
        () = stop.cancelled() => {
            let text = "Prokura is stopping.";
            return Away::new(503, own::STOPPING, "stopping", text).response();
        }
        response = next.run(request) => response,
    };
    let streams = response.headers().get(CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream")
    });
    if !streams {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = body.into_data_stream().take_until(stop.cancelled_owned());
    Response::from_parts(head, Body::from_stream(body))
}

/// What is asked of every request, wherever it goes: that it is meant for this machine, comes from no foreign page,
/// and has headers of a sane size (ST-02, ST-15).
async fn this_machine(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let headers = request.headers();
    let away = if !header::host_is_loopback(headers) {
        let text =
            "The Host header names another machine. Use http://127.0.0.1 or http://localhost.";
        Some(Away::new(403, own::FOREIGN, "foreign Host header", text))
    } else if !header::origin_is_own(headers, shared.port) {
        let text = "Web pages may not use this endpoint; it is for programs of this machine.";
        Some(Away::new(403, own::FOREIGN, "foreign Origin header", text))
    } else {
        header::bounded(headers).err()
    };
    match away {
        None => next.run(request).await,
        Some(away) => {
            shared.path.note_refused(None, away.why).await;
            away.response()
        }
    }
}

async fn nowhere() -> Response<Body> {
    Away::new(404, own::NO_PLACE, "no such endpoint", PLACES).response()
}

async fn all(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    enter(shared, None, request).await
}

async fn one(
    State(shared): State<Arc<Shared>>,
    place: Result<UrlPath<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    match place {
        Ok(UrlPath(place)) if place.len() <= 256 => enter(shared, Some(place), request).await,
        _ => nowhere().await,
    }
}

/// The Agent behind a request that did not come over the network: `host` proved it by its process. Nothing that comes
/// over HTTP can carry this.
#[derive(Debug, Clone)]
pub(crate) struct Proved(pub Agent);

/// One request to a place; `None` is the aggregate endpoint.
async fn enter(shared: Arc<Shared>, place: Option<String>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let proved = parts.extensions.get::<Proved>();
    let endpoint = place.clone().map_or(Endpoint::All, Endpoint::One);
    let credential = header::bearer(&parts.headers);
    let by_credential = || shared.proved(credential?, &endpoint);
    let Some(agent) = proved.map(|proved| proved.0.clone()).or_else(by_credential) else {
        shared.path.note_refused(None, "no key or token, or an unknown one").await;
        let mut response = no_key().response();
        let challenge = authority::challenge(shared.port, &endpoint, credential.is_some());
        if let (Some(_), Ok(value)) = (&shared.registry, HeaderValue::from_str(&challenge)) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        return response;
    };
    let agent_id = agent.id.clone();
    if proved.is_some() && shared.path.gone(&agent_id) {
        let text = "This agent was revoked in Prokura.";
        return Away::new(403, own::REVOKED, "revoked agent", text).response();
    }
    let limits = shared.path.limits(&agent_id);
    let caller = Caller { shared: Arc::clone(&shared), agent, headers: parts.headers, limits };
    let done = match parts.method {
        Method::POST => caller.post(place.as_deref(), body).await,
        Method::GET => caller.standing(place.as_deref(), Verb::Get).await,
        Method::DELETE => caller.standing(place.as_deref(), Verb::Delete).await,
        _ => Err(Away::new(405, own::VERB, "HTTP method", "Send messages with POST.")),
    };
    match done {
        Ok(response) => response,
        Err(away) => {
            shared.path.note_refused(Some(&agent_id), away.why).await;
            away.response()
        }
    }
}

fn no_key() -> Away {
    let text = "This endpoint needs a sign-in (OAuth, as its metadata says), or the agent's own key: \
                \"Authorization: Bearer KEY\". Add the agent in Prokura (window: Agents, or `prokura agents add \
                NAME`) to get a key; it is shown once.";
    Away::new(401, own::KEY, "no key or token, or an unknown one", text)
}

/// The two verbs that belong to legacy sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Delete,
}

/// A proved Agent with one request.
pub(crate) struct Caller {
    pub shared: Arc<Shared>,
    pub agent: Agent,
    pub headers: HeaderMap,
    /// How much it may take.
    pub limits: AgentLimits,
}

impl Shared {
    /// The active Agent behind a bearer credential: a key opens every endpoint, a token the one it was issued for (SA-02).
    fn proved(&self, credential: &str, endpoint: &Endpoint) -> Option<Agent> {
        match &self.registry {
            Some(registry) if authority::is_token(credential) => {
                registry.open(credential, endpoint)
            }
            Some(_) | None => self.path.prove(credential),
        }
    }
}

impl Caller {
    async fn post(&self, place: Option<&str>, body: Body) -> Result<Response<Body>, Away> {
        let accepts = self.accepts()?;
        let letter = Letter::read(self.body(body).await?)?;
        self.shared.seen(&self.agent.id, letter.claim());
        let id = letter.id().cloned();
        // What ends something is never too much.
        if !letter.is("notifications/cancelled") {
            let arrived = self.shared.load.arrive(&self.agent.id, self.limits);
            arrived.map_err(|away| away.to(id.as_ref()))?;
        }
        let done = match place {
            Some(place) => single::post(self, place, letter, accepts).await,
            None => aggregate::post(self, letter, accepts).await,
        };
        done.map_err(|away| away.to(id.as_ref()))
    }

    fn accepts(&self) -> Result<Accepts, Away> {
        if !header::is_json(&self.headers) {
            let text = "Send the message with Content-Type: application/json.";
            return Err(Away::new(415, own::CONTENT_TYPE, "content type", text));
        }
        let accepts = header::accepts(&self.headers);
        if !accepts.json && !accepts.stream {
            let text = "Answers are application/json or text/event-stream; accept both.";
            return Err(Away::new(406, own::NOT_ACCEPTABLE, "accept header", text));
        }
        Ok(accepts)
    }

    /// One more message under way.
    pub fn slot(&self) -> Result<Slot, Away> {
        self.shared.load.enter(&self.agent.id, self.limits)
    }

    async fn body(&self, body: Body) -> Result<Bytes, Away> {
        let most = self.limits.message_bytes();
        let too_large = || {
            let text = format!(
                "The message is too large: this agent may send at most {most} bytes. Send less at a time; the person can \
                 raise the limit with `prokura agents limits`."
            );
            Away::new(413, own::TOO_LARGE, "message too large", text)
        };
        if declared_length(&self.headers).is_some_and(|length| length > most as u64) {
            return Err(too_large());
        }
        match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, most)).await {
            Ok(read) => read.map_err(|_| too_large()),
            Err(_) => {
                let text = "The message did not arrive in time.";
                Err(Away::new(408, own::TOO_SLOW, "message too slow", text))
            }
        }
    }

    async fn standing(&self, place: Option<&str>, verb: Verb) -> Result<Response<Body>, Away> {
        if era::stated(&self.headers) == Era::Modern {
            let text = "This revision has no sessions; send every message with POST.";
            return Err(Away::new(405, own::VERB, "session verb of a modern agent", text));
        }
        self.shared.seen(&self.agent.id, None);
        let accepts = header::accepts(&self.headers);
        if verb == Verb::Get && !accepts.stream && !accepts.any {
            let text = "A stream is text/event-stream; accept it.";
            return Err(Away::new(406, own::NOT_ACCEPTABLE, "accept header", text));
        }
        match place {
            Some(place) => single::standing(self, place, verb).await,
            None => aggregate::standing(self, verb).await,
        }
    }

    /// The session this request names, if it is this Agent's.
    pub fn session(&self) -> Result<Arc<crate::session::Session>, Away> {
        let refuse = |status, code, text: &str| Err(Away::new(status, code, "session", text));
        match header::single(&self.headers, header::SESSION) {
            Ok(Some(id)) => match self.shared.sessions.find(id, &self.agent.id) {
                Some(session) => Ok(session),
                None => refuse(404, own::NO_SESSION, "There is no such session. Initialize again."),
            },
            Ok(None) => refuse(
                400,
                crate::away::INVALID_REQUEST,
                "The header Mcp-Session-Id is missing. Initialize first, then send it with every message.",
            ),
            Err(text) => refuse(400, crate::away::INVALID_REQUEST, &text),
        }
    }
}

/// Whether a status says that it went well.
pub(crate) fn went_well(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}
