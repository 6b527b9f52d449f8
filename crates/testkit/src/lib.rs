//! Fixtures for tests and the demo: MCP servers with their own authorization servers, a browser stand-in, a raw agent,
//! and a started `prokura`. Everything here plays the outside world; it must never be used by a product crate.

pub mod agent;
mod asker;
pub mod authority;
pub mod browser;
pub mod bus;
pub mod clock;
pub mod collector;
pub mod fixture;
pub mod gate;
pub mod host;
pub mod injector;
pub mod ledger;
pub mod mailbox;
pub mod parrot;
pub mod recorder;
pub mod reference;
pub mod wait;

pub use agent::{Agent, AgentReply};
pub use asker::Asker;
pub use authority::{Authority, Trouble};
pub use browser::Browser;
pub use clock::{CountingEntropy, FixedClock};
pub use collector::{Collector, Mood};
pub use fixture::{Fixture, Offer, PromptSpec, Protection, ResourceSpec, Run, ToolSpec};
pub use gate::Gate;
pub use host::{Said, TestHost};
pub use parrot::Parrot;
pub use recorder::{Recorder, Seen};
pub use wait::eventually;

/// A loopback listener on a port the system picked, and its port.
///
/// # Errors
/// When the system has no port to give.
pub async fn loopback() -> anyhow::Result<(tokio::net::TcpListener, u16)> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Text nobody can guess, for tokens and codes of the fixtures.
#[must_use]
pub fn random_text(prefix: &str) -> String {
    use base64::Engine as _;
    let mut bytes = [0u8; 24];
    // A fixture that hands out the same token twice fails its tests; it endangers nobody.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = [7; 24];
    }
    format!("{prefix}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
