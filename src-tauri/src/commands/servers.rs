//! Servers.

use prokura_api::view::{KnownServersView, ServerView};
use prokura_api::{LocalWish, Request};
use serde_json::Value;

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

#[tauri::command]
pub(crate) async fn local(host: Behind<'_>, wish: LocalWish) -> Answer<Value> {
    host.api().await?.answer(Request::Local(wish)).await
}

/// The link that the window was opened with, once.
#[tauri::command]
pub(crate) fn link(links: tauri::State<'_, crate::links::Links>) -> Option<crate::links::Link> {
    links.take()
}

#[tauri::command]
pub(crate) async fn servers_known(host: Behind<'_>) -> Answer<KnownServersView> {
    host.api().await?.servers_known(None).await
}
