//! The Host as the Shell holds it: starting, running, or kept from starting. It must never start a second one.

use std::sync::Arc;

use prokura_api::{Api, Failure, FailureCode};
use prokura_host::{Host, HostError};
use tokio::sync::watch;

type Start = Option<Result<Host, Failure>>;

/// The one Host of this program.
#[derive(Debug)]
pub struct Running(watch::Receiver<Start>);

/// Tells how the start went.
#[derive(Debug)]
pub(crate) struct Started(watch::Sender<Start>);

impl Running {
    /// A Host that is about to start, and who will say how that went.
    pub(crate) fn starting() -> (Self, Started) {
        let (sender, receiver) = watch::channel(None);
        (Self(receiver), Started(sender))
    }

    /// A Host that was kept from starting.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self(watch::channel(Some(Err(failure))).1)
    }

    /// What can be asked, once the Host runs.
    pub(crate) async fn api(&self) -> Result<Arc<Api>, Failure> {
        Ok(self.host().await?.api())
    }

    async fn host(&self) -> Result<Host, Failure> {
        let mut receiver = self.0.clone();
        let start = receiver.wait_for(Option::is_some).await.map_err(|_| gone())?;
        start.clone().unwrap_or_else(|| Err(gone()))
    }

    /// Whether there is nothing to keep running for.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(&*self.0.borrow(), Some(Err(_)))
    }

    /// Stops the Host in good order, where one runs.
    pub(crate) async fn stop(&self) {
        let host = self.0.borrow().clone();
        if let Some(Ok(host)) = host {
            host.stop().await;
        }
    }
}

impl Started {
    pub(crate) fn send(self, start: Result<Host, HostError>) {
        let start = start.map_err(|error| failure(&error));
        if self.0.send(Some(start)).is_err() {
            tracing::warn!("nobody waited for the Host");
        }
    }
}

fn gone() -> Failure {
    Failure::new(FailureCode::Internal, "The Host is gone.", "Start Prokura again.")
}

/// What kept the Host from starting: the sentence up to the semicolon, and after it what to do.
fn failure(error: &HostError) -> Failure {
    let code = match error {
        HostError::InUse(_) => FailureCode::Conflict,
        _ => FailureCode::Internal,
    };
    let text = error.to_string();
    let (message, hint) =
        text.split_once("; ").unwrap_or((&text, "`prokura doctor` looks for trouble."));
    Failure::new(code, sentence(message), sentence(hint))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
