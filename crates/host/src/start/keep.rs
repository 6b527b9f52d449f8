//! What goes on in the background while a Host runs. It must end when the Host stops.

use std::sync::Arc;
use std::time::Duration;

use prokura_delegation::Delegation;
use prokura_domain::Change;
use prokura_vault::{Vault, VaultState};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// How often a locked vault is tried again, and Questions are looked at.
const RETRY: Duration = Duration::from_secs(5);

/// How often payloads are looked at by age and size.
const CARE: Duration = Duration::from_secs(3600);

/// Looks at the end of the log once the rest runs, so that nothing waits for it; then keeps it as it is set.
pub(super) async fn log(delegation: Delegation, stop: CancellationToken) {
    if let Err(error) = delegation.look_at_log(false).await {
        tracing::error!(%error, "the log could not be verified");
    }
    loop {
        let caring = delegation.clone();
        let care = tokio::task::spawn_blocking(move || caring.care_for_log()).await;
        if let Ok(Err(error)) = care {
            tracing::warn!(%error, "payloads could not be deleted or records archived");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(CARE) => {}
        }
    }
}

/// Settles Questions whose time is over, also when their Agent has gone.
pub(super) async fn time(delegation: Delegation, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
        if let Err(error) = delegation.expire_questions().await {
            tracing::warn!(%error, "questions could not be settled");
        }
    }
}

/// Asks for the key again while it is missing.
pub(super) async fn vault(
    vault: Arc<Vault>,
    changes: broadcast::Sender<Change>,
    stop: CancellationToken,
) {
    while matches!(vault.state(), VaultState::Locked(_)) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
        let asked = Arc::clone(&vault);
        let state = tokio::task::spawn_blocking(move || asked.retry()).await;
        if matches!(state, Ok(VaultState::Open)) {
            let _ = changes.send(Change::State);
        }
    }
}
