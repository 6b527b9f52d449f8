//! Flows.

use prokura_api::view::FlowView;

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn flow(host: Behind<'_>) -> Answer<FlowView> {
    host.api().await?.flow().await
}

#[tauri::command]
pub(crate) async fn flow_set(
    host: Behind<'_>,
    on: Option<bool>,
    window: Option<String>,
) -> Answer<FlowView> {
    host.api().await?.flow_set(on, window).await
}

#[tauri::command]
pub(crate) async fn flow_forget(host: Behind<'_>, agent: String) -> Answer<FlowView> {
    host.api().await?.flow_forget(agent).await
}
