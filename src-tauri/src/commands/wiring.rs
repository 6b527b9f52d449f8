//! Agent programs on this machine.

use prokura_api::WireWish;
use prokura_api::view::{ProgramView, WirePreviewView, WiredView};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn programs(host: Behind<'_>) -> Answer<Vec<ProgramView>> {
    host.api().await?.programs().await
}

#[tauri::command]
pub(crate) async fn wire_preview(host: Behind<'_>, of: WireWish) -> Answer<WirePreviewView> {
    host.api().await?.wire_preview(of).await
}

#[tauri::command]
pub(crate) async fn wire(host: Behind<'_>, of: WireWish, digest: String) -> Answer<WiredView> {
    host.api().await?.wire(of, digest).await
}

#[tauri::command]
pub(crate) async fn unwire_preview(host: Behind<'_>, program: String) -> Answer<WirePreviewView> {
    host.api().await?.unwire_preview(program).await
}

#[tauri::command]
pub(crate) async fn unwire(host: Behind<'_>, program: String, digest: String) -> Answer<WiredView> {
    host.api().await?.unwire(program, digest).await
}
