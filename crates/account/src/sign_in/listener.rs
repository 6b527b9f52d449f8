//! The one-time door on this machine that a browser comes back to (B-17): 127.0.0.1 only, one exact path, one answer.
//! What does not carry the right state is turned away and changes nothing.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prokura_domain::Digest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::page::Page;
use crate::book::lock;
use crate::callback::Callback;
use crate::error::AccountError;

const PATH: &str = "/callback";
const MAX_CONNECTIONS: usize = 32;
const MAX_HEAD: usize = 16 * 1024;
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long the last pages may take to be sent.
const PARTING_TIME: Duration = Duration::from_secs(5);

/// The redirect address for a port.
pub(crate) fn redirect_to(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}

/// Listens on the preferred port if it is free, else on any.
pub(crate) async fn bind(preferred: Option<u16>) -> Result<(TcpListener, u16), AccountError> {
    let trouble = |fault: std::io::Error| AccountError::Listener(fault.to_string());
    let wanted = match preferred {
        Some(port) => TcpListener::bind(("127.0.0.1", port)).await.ok(),
        None => None,
    };
    let listener = match wanted {
        Some(listener) => listener,
        None => TcpListener::bind(("127.0.0.1", 0)).await.map_err(trouble)?,
    };
    let port = listener.local_addr().map_err(trouble)?.port();
    Ok((listener, port))
}

/// A response that carried the right state, and where to send the page.
pub(crate) struct Visit {
    pub(crate) callback: Callback,
    pub(crate) page: oneshot::Sender<Page>,
}

/// Who is let in: once.
pub(crate) struct Door {
    host: String,
    state: Digest,
    visit: Mutex<Option<oneshot::Sender<Visit>>>,
}

impl Door {
    pub(crate) fn new(port: u16, state: &str, visit: oneshot::Sender<Visit>) -> Self {
        Self {
            host: format!("127.0.0.1:{port}"),
            state: Digest::of(&[state.as_bytes()]),
            visit: Mutex::new(Some(visit)),
        }
    }

    async fn answer(&self, request: &Request<Incoming>) -> Page {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if request.uri().path() != PATH || host != Some(self.host.as_str()) {
            return Page::NotFound;
        }
        // A browser that comes back from a sign-in names no origin; a page that fetches does.
        if request.headers().contains_key(ORIGIN) {
            return Page::NotFound;
        }
        if request.method() != Method::GET {
            return Page::BadMethod;
        }
        match request.uri().query().and_then(|query| self.admit(query)) {
            Some(answered) => answered.await.unwrap_or(Page::Unknown),
            None => Page::Unknown,
        }
    }

    /// Lets one response in that carries the right state, whichever way it came; `None` for anything else.
    pub(crate) fn admit(&self, query: &str) -> Option<oneshot::Receiver<Page>> {
        let callback = Callback::read(query)?;
        // Digests are compared, so that the time it takes says nothing about the state.
        if Digest::of(&[callback.state.as_bytes()]) != self.state {
            return None;
        }
        let visit = lock(&self.visit).take()?;
        let (page, answered) = oneshot::channel();
        visit.send(Visit { callback, page }).ok()?;
        Some(answered)
    }
}

/// Opens the door until `stop`, then lets the last pages out.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>, stop: CancellationToken) {
    let mut visitors = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = visitors.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if visitors.len() < MAX_CONNECTIONS => {
                    visitors.spawn(attend(stream, door.clone()));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    let all_out = async { while visitors.join_next().await.is_some() {} };
    if tokio::time::timeout(PARTING_TIME, all_out).await.is_err() {
        tracing::debug!("a browser did not take its page");
    }
}

async fn attend(stream: TcpStream, door: Arc<Door>) {
    let service = service_fn(move |request| {
        let door = door.clone();
        async move {
            let page = door.answer(&request).await;
            Ok::<Response<Full<Bytes>>, Infallible>(page.response())
        }
    });
    let outcome = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if outcome.is_err() {
        tracing::debug!("a connection to the sign-in page ended early");
    }
}
