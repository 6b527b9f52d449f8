//! The audit log.

use prokura_api::AuditFilter;
use prokura_api::audit::{
    AuditMask, AuditStatusView, CallView, CareView, DayView, SavedView, TouchedView,
};
use prokura_api::view::{RecordView, VerifyView};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn audit(
    host: Behind<'_>,
    limit: u32,
    before: Option<i64>,
    filter: AuditFilter,
) -> Answer<Vec<RecordView>> {
    host.api().await?.audit(limit, before, filter).await
}

#[tauri::command]
pub(crate) async fn audit_show(host: Behind<'_>, seq: i64) -> Answer<RecordView> {
    host.api().await?.audit_show(seq).await
}

#[tauri::command]
pub(crate) async fn audit_call(host: Behind<'_>, seq: i64) -> Answer<CallView> {
    host.api().await?.audit_call(seq).await
}

#[tauri::command]
pub(crate) async fn audit_days(host: Behind<'_>, days: u32) -> Answer<Vec<DayView>> {
    host.api().await?.audit_days(days).await
}

#[tauri::command]
pub(crate) async fn audit_touched(host: Behind<'_>, agent: String) -> Answer<Vec<TouchedView>> {
    host.api().await?.audit_touched(agent).await
}

#[tauri::command]
pub(crate) async fn audit_status(host: Behind<'_>) -> Answer<AuditStatusView> {
    host.api().await?.audit_status().await
}

#[tauri::command]
pub(crate) async fn audit_set(
    host: Behind<'_>,
    name: String,
    value: String,
) -> Answer<AuditStatusView> {
    host.api().await?.audit_set(name, value).await
}

#[tauri::command]
pub(crate) async fn audit_level(
    host: Behind<'_>,
    server: String,
    level: String,
) -> Answer<AuditStatusView> {
    host.api().await?.audit_level(server, level).await
}

#[tauri::command]
pub(crate) async fn audit_mask(
    host: Behind<'_>,
    mask: AuditMask,
    remove: bool,
) -> Answer<AuditStatusView> {
    host.api().await?.audit_mask(mask, remove).await
}

#[tauri::command]
pub(crate) async fn audit_filter_save(
    host: Behind<'_>,
    name: String,
    filter: Option<AuditFilter>,
) -> Answer<AuditStatusView> {
    host.api().await?.audit_filter_save(name, filter).await
}

#[tauri::command]
pub(crate) async fn audit_care(host: Behind<'_>) -> Answer<CareView> {
    host.api().await?.audit_care().await
}

#[tauri::command]
pub(crate) async fn audit_archive(host: Behind<'_>, until: String) -> Answer<CareView> {
    host.api().await?.audit_archive(until).await
}

#[tauri::command]
pub(crate) async fn audit_save(host: Behind<'_>, format: String) -> Answer<SavedView> {
    host.api().await?.audit_save(format).await
}

#[tauri::command]
pub(crate) async fn audit_verify(host: Behind<'_>) -> Answer<VerifyView> {
    host.api().await?.audit_verify().await
}
