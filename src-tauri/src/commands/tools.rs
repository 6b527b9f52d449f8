//! Tools.

use prokura_api::view::{RunView, ToolView};
use prokura_api::{Origin, RunCall};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn tools(host: Behind<'_>, server: String) -> Answer<Vec<ToolView>> {
    host.api().await?.tools(server).await
}

#[tauri::command]
pub(crate) async fn tools_refresh(host: Behind<'_>, server: String) -> Answer<Vec<ToolView>> {
    host.api().await?.tools_refresh(server).await
}

#[tauri::command]
pub(crate) async fn tool_classify(
    host: Behind<'_>,
    server: String,
    tool: String,
    class: String,
    labels: Option<String>,
) -> Answer<ToolView> {
    host.api().await?.tool_classify(server, tool, class, labels).await
}

#[tauri::command]
pub(crate) async fn tool_accept(
    host: Behind<'_>,
    server: String,
    tool: String,
) -> Answer<ToolView> {
    host.api().await?.tool_accept(server, tool).await
}

#[tauri::command]
pub(crate) async fn tools_label(
    host: Behind<'_>,
    server: String,
    tool: Option<String>,
    labels: Option<String>,
    resources: Option<String>,
    prompts: Option<String>,
) -> Answer<Vec<ToolView>> {
    host.api().await?.tools_label(server, tool, labels, resources, prompts).await
}

#[tauri::command]
pub(crate) async fn tool_run(
    host: Behind<'_>,
    server: String,
    account: Option<String>,
    tool: String,
    arguments: String,
    name: String,
) -> Answer<RunView> {
    let call = RunCall { server, account, tool, arguments, name: Some(name) };
    host.api().await?.run(call, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn tool_run_stop(host: Behind<'_>, name: String) -> Answer<()> {
    host.api().await?.run_stop(name).await
}
