//! Guardrails, and rules tried on the past.

use prokura_api::view::{GuardrailFaultView, GuardrailView, GuardrailWordsView, SimulationView};
use prokura_api::{GuardrailOrigin, SimulationWish};

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn guardrails(host: Behind<'_>) -> Answer<Vec<GuardrailView>> {
    host.api().await?.guardrails().await
}

#[tauri::command]
pub(crate) async fn guardrail_add(
    host: Behind<'_>,
    name: String,
    text: String,
) -> Answer<GuardrailView> {
    host.api().await?.guardrail_add(name, text, GuardrailOrigin::Window).await
}

#[tauri::command]
pub(crate) async fn guardrail_change(
    host: Behind<'_>,
    name: String,
    text: Option<String>,
    enabled: Option<bool>,
) -> Answer<GuardrailView> {
    host.api().await?.guardrail_change(name, text, enabled).await
}

#[tauri::command]
pub(crate) async fn guardrail_remove(host: Behind<'_>, name: String) -> Answer<GuardrailView> {
    host.api().await?.guardrail_remove(name).await
}

#[tauri::command]
pub(crate) async fn guardrail_check(
    host: Behind<'_>,
    text: String,
) -> Answer<Vec<GuardrailFaultView>> {
    host.api().await?.guardrail_check(text).await
}

#[tauri::command]
pub(crate) async fn guardrail_words(host: Behind<'_>) -> Answer<GuardrailWordsView> {
    host.api().await?.guardrail_words().await
}

#[tauri::command]
pub(crate) async fn simulate(host: Behind<'_>, of: SimulationWish) -> Answer<SimulationView> {
    host.api().await?.simulate(of).await
}
