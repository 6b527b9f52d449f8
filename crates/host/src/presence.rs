//! Whether the person is there, as the system says. It must never remember a yes, or take one that nobody was asked for.

#[cfg(target_os = "linux")]
mod polkit;

use std::sync::Arc;

use prokura_domain::port::Presence;

/// What this system has to ask with.
#[cfg(target_os = "linux")]
pub(crate) fn of_this_machine() -> Arc<dyn Presence> {
    Arc::new(polkit::Polkit)
}

/// What this system has to ask with: nothing that Prokura knows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of_this_machine() -> Arc<dyn Presence> {
    Arc::new(Nobody)
}

#[cfg(not(target_os = "linux"))]
struct Nobody;

#[cfg(not(target_os = "linux"))]
#[async_trait::async_trait]
impl Presence for Nobody {
    async fn able(&self) -> Result<(), prokura_domain::port::PresenceFault> {
        let text = "Prokura does not know how to ask this system yet";
        Err(prokura_domain::port::PresenceFault::Unable(text.to_owned()))
    }

    async fn prove(&self) -> Result<(), prokura_domain::port::PresenceFault> {
        self.able().await
    }
}
