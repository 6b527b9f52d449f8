//! The server that the official conformance suite expects: every tool, prompt and resource its scenarios name, both
//! eras, made with rmcp.
#![allow(deprecated)] // The suite tests sampling, roots and logging too, which rmcp marks as deprecated.

mod asking;
mod content;
mod definitions;
mod features;
mod jobs;
mod speaks;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use rmcp::model::{RequestStateCodec, ServerCapabilities};
use rmcp::service::SubscriptionSink;
use rmcp::task_manager::TaskManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use crate::recorder::{Recorder, record};
pub use speaks::Speaks;

/// A running reference server. It stops when it is dropped.
#[derive(Debug)]
pub struct Reference {
    port: u16,
    recorder: Recorder,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reference {
    /// Starts one.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn start() -> anyhow::Result<Self> {
        Self::speaking(Speaks::Everything).await
    }

    /// Starts one that knows only some revisions.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn speaking(speaks: Speaks) -> anyhow::Result<Self> {
        let (listener, port) = crate::loopback().await?;
        let config = StreamableHttpServerConfig::default()
            .with_allowed_origins([
                format!("http://127.0.0.1:{port}"),
                format!("http://localhost:{port}"),
            ])
            .enforce_origin_validation();
        let state = State::default();
        let service = StreamableHttpService::new(
            move || Ok(Conversation(state.clone())),
            Arc::new(LocalSessionManager::default()),
            config,
        );
        let recorder = Recorder::default();
        let router = Router::new()
            .nest_service("/mcp", service)
            .layer(axum::middleware::from_fn_with_state(speaks, speaks::only))
            .layer(axum::middleware::from_fn_with_state(recorder.clone(), record));
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        Ok(Self { port, recorder, task })
    }

    /// The URL of its MCP endpoint, by the name the suite insists on.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}/mcp", self.port)
    }

    /// What came in.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}

/// What all conversations share.
#[derive(Clone)]
struct State {
    listeners: Arc<Mutex<HashMap<u64, SubscriptionSink>>>,
    next: Arc<AtomicU64>,
    seal: RequestStateCodec,
    tasks: TaskManager,
}

impl Default for State {
    fn default() -> Self {
        let key = crate::random_text("seal-of-the-reference-server-");
        Self {
            listeners: Arc::default(),
            next: Arc::default(),
            seal: RequestStateCodec::new_unchecked(key.as_bytes()),
            tasks: TaskManager::new(),
        }
    }
}

impl State {
    fn listeners(&self) -> Vec<SubscriptionSink> {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.values().cloned().collect()
    }

    fn add_listener(&self, sink: SubscriptionSink) -> u64 {
        let key = self.next.fetch_add(1, Ordering::SeqCst);
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).insert(key, sink);
        key
    }

    fn remove_listener(&self, key: u64) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// One conversation.
#[derive(Clone)]
struct Conversation(State);

fn capabilities() -> ServerCapabilities {
    ServerCapabilities::builder()
        .enable_prompts()
        .enable_prompts_list_changed()
        .enable_resources()
        .enable_resources_subscribe()
        .enable_resources_list_changed()
        .enable_tools()
        .enable_tool_list_changed()
        .enable_logging()
        .enable_tasks()
        .build()
}
