//! How servers are reached.

use prokura_api::view::{NetworkView, StateView};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn network(host: Behind<'_>) -> Answer<NetworkView> {
    host.api().await?.network().await
}

#[tauri::command]
pub(crate) async fn network_proxy(host: Behind<'_>, url: Option<String>) -> Answer<NetworkView> {
    host.api().await?.network_proxy(url).await
}

#[tauri::command]
pub(crate) async fn network_trust(
    host: Behind<'_>,
    name: String,
    pem: String,
) -> Answer<NetworkView> {
    host.api().await?.network_trust(name, pem).await
}

#[tauri::command]
pub(crate) async fn network_documents(host: Behind<'_>, on: bool) -> Answer<NetworkView> {
    host.api().await?.network_documents(on).await
}

#[tauri::command]
pub(crate) async fn network_distrust(host: Behind<'_>, name: String) -> Answer<NetworkView> {
    host.api().await?.network_distrust(name).await
}

#[tauri::command]
pub(crate) async fn adopt(host: Behind<'_>) -> Answer<StateView> {
    host.api().await?.adopt().await
}
