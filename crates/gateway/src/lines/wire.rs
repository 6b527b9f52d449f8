//! The state of one line Agent: its session, what can be cancelled, and the way to the entrance.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response};
use bytes::Bytes;
use prokura_domain::protocol::{META_VERSION, MODERN};
use prokura_domain::{Agent, Json};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;

use super::exchange;
use crate::entrance::Proved;
use crate::header::{self, METHOD, NAME, SESSION, VERSION};
use crate::letter::{Letter, named_by};

/// A legacy session as the entrance knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub id: String,
    pub version: String,
}

/// What changes while an Agent talks.
#[derive(Debug, Default)]
struct State {
    session: Option<Own>,
    /// The handshake as it came, so that it can be made again when the session is lost.
    greeting: Option<Bytes>,
    initialized: Option<Bytes>,
    /// Requests under way by the text of their id. `true` stands for one that is cancelled at the entrance.
    open: HashMap<String, (CancellationToken, bool)>,
    standing: Option<DropGuard>,
}

/// One line Agent.
#[derive(Debug)]
pub(crate) struct Wire {
    router: Router,
    agent: Agent,
    path: String,
    out: mpsc::Sender<Bytes>,
    state: Mutex<State>,
    over: CancellationToken,
    /// One handshake at a time.
    pub greeting: tokio::sync::Mutex<()>,
}

impl Wire {
    pub fn new(
        router: Router,
        agent: Agent,
        place: Option<String>,
        out: mpsc::Sender<Bytes>,
        over: CancellationToken,
    ) -> Self {
        let path = place.map_or_else(|| "/mcp".to_owned(), |place| format!("/s/{place}/mcp"));
        let greeting = tokio::sync::Mutex::new(());
        Self { router, agent, path, out, state: Mutex::default(), over, greeting }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a message of our own.
    pub async fn say(&self, message: &Json) {
        self.pass_on(Bytes::from(message.to_text())).await;
    }

    /// Writes a message as it came.
    pub async fn pass_on(&self, message: Bytes) {
        // Nobody reads any more: the conversation ends by that.
        let _ = self.out.send(message).await;
    }

    /// The session there is.
    pub fn session(&self) -> Option<Own> {
        self.state().session.clone()
    }

    /// A session began with this handshake.
    pub fn begun(&self, session: Own, greeting: &Bytes) {
        let mut state = self.state();
        state.session = Some(session);
        state.greeting = Some(greeting.clone());
    }

    /// What has to be said again to begin another session.
    pub fn said(&self) -> (Option<Bytes>, Option<Bytes>) {
        let state = self.state();
        (state.greeting.clone(), state.initialized.clone())
    }

    /// The Agent is ready: from now on it hears what its Servers say unasked.
    pub fn ready(self: &Arc<Self>, initialized: &Bytes) {
        self.state().initialized = Some(initialized.clone());
        let stop = self.over.child_token();
        let (wire, stopped) = (Arc::downgrade(self), stop.clone());
        tokio::spawn(async move {
            stopped.run_until_cancelled(exchange::stand(wire)).await;
        });
        self.state().standing = Some(stop.drop_guard());
    }

    /// A request begins; gives what cancels it.
    pub fn open(&self, id: &Json) -> CancellationToken {
        let token = CancellationToken::new();
        self.state().open.insert(id.to_text(), (token.clone(), false));
        token
    }

    /// A request ended; says whether it had been cancelled.
    pub fn closed(&self, id: &Json) -> bool {
        self.state().open.remove(&id.to_text()).is_some_and(|(_, cancelled)| cancelled)
    }

    /// The Agent cancelled a request. A modern one ends with its exchange (CT-10); a legacy one is cancelled at the entrance.
    pub fn cancel(&self, id: &Json) {
        let mut state = self.state();
        let legacy = state.session.is_some();
        if let Some((token, cancelled)) = state.open.get_mut(&id.to_text()) {
            *cancelled = true;
            if !legacy {
                token.cancel();
            }
        }
    }

    /// Hands a message to the entrance, as the proved Agent.
    pub async fn post(&self, letter: &Letter) -> Response<Body> {
        let mut request = self.request(Method::POST, Body::from(letter.raw.clone()));
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut put = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        let session = self.session();
        let stateless = letter.states_version() || letter.is("server/discover");
        if stateless || (session.is_none() && letter.id().is_none()) {
            // What HTTP repeats in headers stands in the body alone here.
            let version = letter.meta(META_VERSION).and_then(Json::as_str).unwrap_or(MODERN);
            let method = letter.method().unwrap_or_default();
            put(VERSION, version);
            put(METHOD, method);
            let member = named_by(method);
            let params = letter.json.member("params");
            let named = member.zip(params).and_then(|(member, params)| params.member(member));
            if let Some(named) = named.and_then(Json::as_str) {
                put(NAME, &header::encoded(named));
            }
        } else if let Some(session) = session.filter(|_| !letter.is("initialize")) {
            put(SESSION, &session.id);
            put(VERSION, &session.version);
        }
        self.send(request).await
    }

    /// Opens the standing stream, or takes a broken one up again.
    pub async fn listen(&self, session: &Own, after: Option<&str>) -> Response<Body> {
        let mut request = self.request(Method::GET, Body::empty());
        let last = [("last-event-id", after)];
        let known = [(SESSION, Some(session.id.as_str())), (VERSION, Some(&session.version))];
        for (name, value) in known.into_iter().chain(last) {
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        self.send(request).await
    }

    /// The Agent left: its session is over.
    pub async fn end(&self) {
        let session = {
            let mut state = self.state();
            state.standing = None;
            state.session.take()
        };
        let Some(session) = session else { return };
        let mut request = self.request(Method::DELETE, Body::empty());
        if let Ok(id) = HeaderValue::from_str(&session.id) {
            request.headers_mut().insert(HeaderName::from_static(SESSION), id);
        }
        self.send(request).await;
    }

    fn request(&self, method: Method, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        // A place that is no path leads to the entrance's own "no such endpoint".
        *request.uri_mut() =
            self.path.parse().unwrap_or_else(|_| axum::http::Uri::from_static("/nowhere"));
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        request.extensions_mut().insert(Proved(self.agent.clone()));
        request
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        let answered: Result<Response<Body>, Infallible> =
            self.router.clone().oneshot(request).await;
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
