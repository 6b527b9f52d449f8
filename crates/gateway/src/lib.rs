//! Inbound MCP on loopback: proves which Agent calls, checks the message, and hands it to the one path of a Call.
//! It must never decide, read an upstream credential, or hand on the Agent's own.

mod aggregate;
mod authority;
mod away;
mod behalf;
mod bridge;
mod entrance;
mod era;
mod header;
mod initialize;
mod letter;
mod lines;
mod load;
mod path;
mod relay;
mod seal;
mod session;
mod shared;
mod single;
mod sub;
mod tasks;
mod wait;

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

pub use axum::Router;
use axum::serve::ListenerExt as _;
use prokura_domain::Entropy;
use prokura_domain::port::Sealer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use lines::LinePlan;
pub use path::Path;
pub use shared::Pace;

/// How long open answers may take to end when the Host stops.
const STOPPING: Duration = Duration::from_secs(3);

/// Why the endpoint cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Another program listens there.
    #[error(
        "port {0} on 127.0.0.1 is in use by another program, and agents may have shown it their keys and tokens. Stop \
         that program; or take another port for good with `prokura serve --new-port`, which ends every sign-in of an \
         agent, give agents with a key a new one with `prokura agents key NAME`, and point the agents to the new address"
    )]
    PortTaken(u16),
    /// The system refuses it for another reason.
    #[error("the endpoint on 127.0.0.1 port {port} cannot be opened")]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It broke while it was served.
    #[error("the endpoint broke")]
    Serve(#[source] std::io::Error),
}

/// The inbound endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Gateway;

impl Gateway {
    /// Listens on loopback, and nowhere else; 0 takes any free port.
    ///
    /// # Errors
    /// [`GatewayError::PortTaken`] says what to do; [`GatewayError::Bind`] where the system refuses.
    pub async fn bind(port: u16) -> Result<TcpListener, GatewayError> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                GatewayError::PortTaken(port)
            } else {
                GatewayError::Bind { port, source }
            }
        })
    }

    /// The endpoint over `path`, which is reached at `port`. To be called within a Tokio runtime.
    pub fn router(
        path: Arc<dyn Path>,
        entropy: Arc<dyn Entropy>,
        sealer: Arc<dyn Sealer>,
        port: u16,
    ) -> Router {
        Self::router_at_pace(path, (entropy, sealer), port, Pace::default())
    }

    /// The same with other waiting times.
    pub fn router_at_pace(
        path: Arc<dyn Path>,
        (entropy, sealer): (Arc<dyn Entropy>, Arc<dyn Sealer>),
        port: u16,
        pace: Pace,
    ) -> Router {
        let seal = seal::Seal::with(sealer);
        let bridge = Arc::new(bridge::Bridge::over(path, Arc::clone(&entropy), seal));
        let path = Arc::new(behalf::Behalf::over(bridge));
        entrance::router(shared::Shared::start(path, entropy, port, pace))
    }

    /// Serves until `shutdown`; then open streams end, and whatever still runs after a few seconds is dropped.
    ///
    /// # Errors
    /// [`GatewayError::Serve`] when the listener breaks.
    pub async fn serve(
        listener: TcpListener,
        router: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), GatewayError> {
        let stop = CancellationToken::new();
        let router = entrance::ending_with(router, stop.clone());
        let (stopping, stopped) = (stop.clone(), stop.clone());
        // An answer is small, and the next byte of it must not wait for the agent to acknowledge the last one.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection sends in its own time");
            }
        });
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            stopping.cancel();
        });
        let late = async move {
            stopped.cancelled().await;
            tokio::time::sleep(STOPPING).await;
        };
        tokio::select! {
            done = async { served.await } => done.map_err(GatewayError::Serve),
            () = late => Ok(()),
        }
    }
}
