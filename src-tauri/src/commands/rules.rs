//! Many rules at once, rules as a file, and signed bundles.

use prokura_api::audit::SavedView;
use prokura_api::view::{BundleView, GrantView, RulePlanView};
use prokura_api::{Origin, RulesWish};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn grants_revoke(host: Behind<'_>, grants: Vec<String>) -> Answer<Vec<GrantView>> {
    host.api().await?.grants_revoke(grants).await
}

#[tauri::command]
pub(crate) async fn grants_change(
    host: Behind<'_>,
    grants: Vec<String>,
    effect: Option<String>,
    until: Option<String>,
) -> Answer<Vec<GrantView>> {
    host.api().await?.grants_change(grants, effect, until, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn grants_preset(host: Behind<'_>, wish: RulesWish) -> Answer<RulePlanView> {
    host.api().await?.grants_preset(wish, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn grants_copy(host: Behind<'_>, wish: RulesWish) -> Answer<RulePlanView> {
    host.api().await?.grants_copy(wish, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn rules_save(host: Behind<'_>) -> Answer<SavedView> {
    host.api().await?.rules_save().await
}

#[tauri::command]
pub(crate) async fn rules_import(host: Behind<'_>, wish: RulesWish) -> Answer<RulePlanView> {
    host.api().await?.rules_import(wish, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn bundles(host: Behind<'_>) -> Answer<Vec<BundleView>> {
    host.api().await?.bundles().await
}

#[tauri::command]
pub(crate) async fn bundle_look(
    host: Behind<'_>,
    text: String,
    key: Option<String>,
) -> Answer<BundleView> {
    host.api().await?.bundle_look(text, key).await
}

#[tauri::command]
pub(crate) async fn bundle_take(
    host: Behind<'_>,
    text: String,
    key: Option<String>,
) -> Answer<BundleView> {
    host.api().await?.bundle_take(text, key).await
}

#[tauri::command]
pub(crate) async fn bundle_release(host: Behind<'_>, name: String) -> Answer<Vec<BundleView>> {
    host.api().await?.bundle_release(name).await
}
