//! Grants.

use prokura_api::view::GrantView;
use prokura_api::{GrantWish, Origin};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn grants(host: Behind<'_>, all: bool) -> Answer<Vec<GrantView>> {
    host.api().await?.grants(all).await
}

#[tauri::command]
pub(crate) async fn grant_add(host: Behind<'_>, wish: GrantWish) -> Answer<GrantView> {
    host.api().await?.grant_add(wish, Origin::Window).await
}

#[tauri::command]
pub(crate) async fn grant_revoke(host: Behind<'_>, grant: String) -> Answer<GrantView> {
    host.api().await?.grant_revoke(grant).await
}
