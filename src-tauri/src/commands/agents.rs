//! Agents.

use prokura_api::view::{AgentAdded, AgentView};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn agents(host: Behind<'_>) -> Answer<Vec<AgentView>> {
    host.api().await?.agents().await
}

#[tauri::command]
pub(crate) async fn agent_add(host: Behind<'_>, name: String) -> Answer<AgentAdded> {
    host.api().await?.agent_add(name).await
}

#[tauri::command]
pub(crate) async fn agent_revoke(host: Behind<'_>, agent: String) -> Answer<AgentView> {
    host.api().await?.agent_revoke(agent).await
}

#[tauri::command]
pub(crate) async fn agent_unpair(
    host: Behind<'_>,
    agent: String,
    pairing: String,
) -> Answer<AgentView> {
    host.api().await?.agent_unpair(agent, pairing).await
}

#[tauri::command]
pub(crate) async fn agent_pause(host: Behind<'_>, agent: String) -> Answer<AgentView> {
    host.api().await?.agent_pause(agent).await
}

#[tauri::command]
pub(crate) async fn agent_resume(host: Behind<'_>, agent: String) -> Answer<AgentView> {
    host.api().await?.agent_resume(agent).await
}

#[tauri::command]
pub(crate) async fn agent_search(host: Behind<'_>, agent: String, on: bool) -> Answer<AgentView> {
    host.api().await?.agent_search(agent, on).await
}

#[tauri::command]
pub(crate) async fn agent_sign_out(
    host: Behind<'_>,
    agent: String,
    sign_in: String,
) -> Answer<AgentView> {
    host.api().await?.agent_sign_out(agent, sign_in).await
}

#[tauri::command]
pub(crate) async fn agent_key(host: Behind<'_>, agent: String) -> Answer<AgentAdded> {
    host.api().await?.agent_key(agent).await
}
