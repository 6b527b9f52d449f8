//! An MCP server of both eras on a loopback port, made with rmcp, that can ask for a token of its own authorization
//! server and remembers every request.

mod guard;
mod server;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use crate::authority::Authority;
use crate::recorder::{Recorder, record};
pub use guard::Protection;
use server::World;
pub use server::{PromptSpec, ResourceSpec};
pub use tools::{Run, ToolSpec};

/// A running MCP server. It stops when it is dropped.
#[derive(Debug)]
pub struct Fixture {
    base: String,
    world: Arc<World>,
    recorder: Recorder,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a fixture offers.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// What it calls itself.
    pub name: String,
    /// Its tools.
    pub tools: Vec<ToolSpec>,
    /// Its resources.
    pub resources: Vec<ResourceSpec>,
    /// Its prompts.
    pub prompts: Vec<PromptSpec>,
}

impl Fixture {
    /// Starts a server that offers `offer` behind `protection`.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn start(offer: Offer, protection: Protection) -> anyhow::Result<Self> {
        let (listener, port) = crate::loopback().await?;
        Self::start_on(listener, port, offer, protection)
    }

    /// Starts a server on a port that was taken before: the same address again after a stop.
    ///
    /// # Errors
    /// When the port is not free.
    pub async fn start_at(port: u16, offer: Offer, protection: Protection) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        Self::start_on(listener, port, offer, protection)
    }

    fn start_on(
        listener: tokio::net::TcpListener,
        port: u16,
        offer: Offer,
        protection: Protection,
    ) -> anyhow::Result<Self> {
        let base = format!("http://127.0.0.1:{port}");
        let world = Arc::new(World::new(offer));
        let recorder = Recorder::default();
        let guard = guard::Guard::new(protection, &base, world.clone())?;
        let config = StreamableHttpServerConfig::default()
            .with_allowed_origins([base.clone(), format!("http://localhost:{port}")])
            .enforce_origin_validation();
        let served = world.clone();
        let service = StreamableHttpService::new(
            move || Ok(server::Served::new(served.clone())),
            Arc::new(LocalSessionManager::default()),
            config,
        );
        let router = Router::new()
            .nest_service("/mcp", service)
            .layer(axum::middleware::from_fn_with_state(guard.clone(), guard::check))
            .route(
                "/.well-known/oauth-protected-resource/mcp",
                get(guard::document).with_state(guard),
            )
            .layer(axum::middleware::from_fn_with_state(recorder.clone(), record));
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        Ok(Self { base, world, recorder, task })
    }

    /// Starts a server and an authorization server of its own.
    ///
    /// # Errors
    /// When the system has no ports to give.
    pub async fn with_authority(offer: Offer) -> anyhow::Result<(Self, Authority)> {
        let authority = Authority::start(&offer.name).await?;
        let fixture = Self::start(offer, Protection::Authority(authority.clone())).await?;
        Ok((fixture, authority))
    }

    /// The URL of its MCP endpoint, which is also its resource.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    /// What came in.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Tells everybody who listens that a resource changed.
    pub async fn touch(&self, uri: &str) {
        self.world.announce_resource(uri).await;
    }

    /// Replaces the tools and tells everybody who listens.
    pub async fn change_tools(&self, change: impl FnOnce(&mut Vec<ToolSpec>)) {
        self.world.change_tools(change);
        self.world.announce_tools().await;
    }
}
