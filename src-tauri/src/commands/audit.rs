//! The audit log.

use prokura_api::view::{RecordView, VerifyView};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn audit(
    host: Behind<'_>,
    limit: u32,
    before: Option<i64>,
    search: Option<String>,
) -> Answer<Vec<RecordView>> {
    host.api().await?.audit(limit, before, search).await
}

#[tauri::command]
pub(crate) async fn audit_show(host: Behind<'_>, seq: i64) -> Answer<RecordView> {
    host.api().await?.audit_show(seq).await
}

#[tauri::command]
pub(crate) async fn audit_verify(host: Behind<'_>) -> Answer<VerifyView> {
    host.api().await?.audit_verify().await
}
