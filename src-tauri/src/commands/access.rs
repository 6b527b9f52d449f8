//! What agents can do now, and who can use a tool.

use prokura_api::AccessWish;
use prokura_api::view::AccessView;

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn access(host: Behind<'_>, of: AccessWish) -> Answer<Vec<AccessView>> {
    host.api().await?.access(of).await
}
