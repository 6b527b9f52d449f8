//! A small OAuth authorization server: metadata, dynamic registration, PKCE, a sign-in page, tokens bound to one
//! resource, rotation of refresh tokens, revocation, `iss`. It is a fixture: it keeps everything in memory, in clear.

mod pages;
mod state;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::recorder::{Recorder, record};
use state::Books;
pub use state::{Held, Trouble};

/// A running authorization server. It stops when the last copy of it is dropped.
#[derive(Debug, Clone)]
pub struct Authority(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    name: String,
    books: Mutex<Books>,
    recorder: Recorder,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

impl Authority {
    /// Starts one. `name` is what its sign-in page calls itself.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn start(name: &str) -> anyhow::Result<Self> {
        let (listener, port) = crate::loopback().await?;
        let recorder = Recorder::default();
        let this = Self(Arc::new(Inner {
            issuer: format!("http://127.0.0.1:{port}"),
            name: name.to_owned(),
            books: Mutex::default(),
            recorder: recorder.clone(),
            task: Mutex::default(),
        }));
        // The routes hold a weak reference: a copy of their own would keep the server alive for ever.
        let weak = state::Weak(Arc::downgrade(&this.0));
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(pages::metadata))
            .route("/register", post(token::register))
            .route("/authorize", get(pages::authorize).post(pages::consent))
            .route("/token", post(token::token))
            .route("/revoke", post(token::revoke))
            .with_state(weak)
            .layer(axum::middleware::from_fn_with_state(recorder, record));
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        *this.0.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(this)
    }

    /// Its issuer identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What came in.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    /// Every token, code and client secret it ever gave out.
    #[must_use]
    pub fn issued(&self) -> Vec<String> {
        self.books().issued.clone()
    }

    /// Who and what an access token stands for, if it is good for `resource` now.
    #[must_use]
    pub fn check(&self, access_token: &str, resource: &str) -> Option<Held> {
        let books = self.books();
        let held = books.access.get(access_token)?;
        let live = held.expires > std::time::Instant::now() && !held.revoked;
        (live && held.resource == resource).then(|| held.clone())
    }

    /// From now on `resource` may be asked for.
    pub fn serve_resource(&self, resource: &str) {
        self.books().resources.push(resource.to_owned());
    }

    /// From now on access tokens live for so long.
    pub fn token_life(&self, seconds: u64) {
        self.books().life = seconds;
    }

    /// From now on it misbehaves, or behaves again.
    pub fn trouble(&self, trouble: Trouble) {
        self.books().trouble = trouble;
    }

    /// From now on its answers about tokens hold these members too, refusals as well.
    pub fn adds(&self, members: serde_json::Map<String, Value>) {
        self.books().added = members;
    }

    /// Ends every access token, as if an administrator had done it; refresh tokens stay good.
    pub fn end_access_tokens(&self) {
        for held in self.books().access.values_mut() {
            held.revoked = true;
        }
    }

    /// Ends every token.
    pub fn end_all_tokens(&self) {
        self.end_access_tokens();
        self.books().refresh.clear();
    }

    /// How many access tokens are good now.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        let now = std::time::Instant::now();
        self.books().access.values().filter(|held| !held.revoked && held.expires > now).count()
    }

    /// How many refresh tokens are good now.
    #[must_use]
    pub fn live_refresh_tokens(&self) -> usize {
        self.books().refresh.len()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metadata(&self) -> Value {
        let issuer = self.issuer();
        let books = self.books();
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": format!("{issuer}/register"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": true,
            "scopes_supported": ["use"],
        });
        if let (Trouble::NoPkce, Some(members)) = (books.trouble, document.as_object_mut()) {
            members.remove("code_challenge_methods_supported");
        }
        document
    }
}
