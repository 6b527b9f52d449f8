//! How things stand.

use prokura_api::audit::SavedView;
use prokura_api::view::{CheckView, StateView};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn started(host: Behind<'_>) -> Answer<()> {
    host.api().await.map(drop)
}

#[tauri::command]
pub(crate) async fn state(host: Behind<'_>) -> Answer<StateView> {
    host.api().await?.state().await
}

#[tauri::command]
pub(crate) async fn pause(host: Behind<'_>) -> Answer<StateView> {
    host.api().await?.pause().await
}

#[tauri::command]
pub(crate) async fn resume(host: Behind<'_>) -> Answer<StateView> {
    host.api().await?.resume().await
}

#[tauri::command]
pub(crate) async fn doctor(host: Behind<'_>) -> Answer<Vec<CheckView>> {
    host.api().await?.doctor().await
}

/// Writes a backup into the exports of the data folder.
#[tauri::command]
pub(crate) async fn back_up(host: Behind<'_>, secret: String) -> Answer<SavedView> {
    host.api().await?.back_up(secret, None).await
}
