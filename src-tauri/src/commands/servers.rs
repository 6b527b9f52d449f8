//! Servers.

use prokura_api::view::ServerView;

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn servers(host: Behind<'_>) -> Answer<Vec<ServerView>> {
    host.api().await?.servers().await
}

#[tauri::command]
pub(crate) async fn server_add(host: Behind<'_>, url: String, name: String) -> Answer<ServerView> {
    host.api().await?.server_add(url, name).await
}

#[tauri::command]
pub(crate) async fn server_remove(host: Behind<'_>, server: String) -> Answer<Vec<String>> {
    host.api().await?.server_remove(server).await
}
