//! Tools that answer without asking anybody.

use std::time::Duration;

use rmcp::model::{
    AudioContent, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, JsonObject,
    LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ResourceContents,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::State;

/// A red dot.
pub(super) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
/// Silence.
const SOUND: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

pub(super) fn said(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text.into())])
}

fn resource(uri: &str, mime: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::TextResourceContents {
        uri: uri.into(),
        mime_type: Some(mime.into()),
        text: text.into(),
        meta: None,
    })
}

/// Answers tool `name`; `None` when it is not one of these.
pub(super) async fn call(
    state: &State,
    name: &str,
    arguments: &JsonObject,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let text = |key: &str| arguments.get(key).and_then(Value::as_str).map(str::to_owned);
    let image = || ContentBlock::image(IMAGE, "image/png");
    let result = match name {
        "test_simple_text" => said("This is a simple text response for testing."),
        "test_image_content" => CallToolResult::success(vec![image()]),
        "test_audio_content" => CallToolResult::success(vec![ContentBlock::Audio(
            AudioContent::new(SOUND, "audio/wav"),
        )]),
        "test_embedded_resource" => CallToolResult::success(vec![resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )]),
        "test_multiple_content_types" => CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            image(),
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#,
            ),
        ]),
        "test_error_handling" => CallToolResult::error(vec![ContentBlock::text(
            "This tool intentionally returns an error for testing",
        )]),
        "json_schema_2020_12_tool" => said(format!("Hello, {}!", text("name").unwrap_or_default())),
        "greet" => said(format!("Hello, {}!", text("name").unwrap_or_default())),
        "test_custom_header" => match text("value") {
            Some(value) => said(value),
            None => return Some(Err(ErrorData::invalid_params("value must be a string", None))),
        },
        "test_missing_capability" => return Some(needs_sampling(context)),
        _ => return noisy(state, name, context).await,
    };
    Some(Ok(result.into()))
}

fn needs_sampling(context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
    let declared = context.meta.client_capabilities().unwrap_or_default();
    if declared.sampling.is_some() {
        return Ok(said("The client can sample.").into());
    }
    let needed = ClientCapabilities::builder().enable_sampling().build();
    Err(ErrorData::missing_required_client_capability(needed))
}

/// Tools that send notifications before they answer. A client that has gone away does not hear them.
async fn noisy(
    state: &State,
    name: &str,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    match name {
        "test_tool_with_logging" => {
            for text in
                ["Tool execution started", "Tool processing data", "Tool execution completed"]
            {
                log(context, LoggingLevel::Info, text).await;
            }
        }
        "test_logging_tool" => {
            if let Some(level) = context.meta.log_level() {
                log(context, level, "asked for").await;
            }
        }
        "test_tool_with_progress" => {
            let token = context.meta.get_progress_token();
            for (step, message) in [(0.0, "Starting"), (50.0, "Halfway"), (100.0, "Complete")] {
                let Some(token) = token.clone() else { break };
                let progress = ProgressNotificationParam::new(token, step);
                let progress = progress.with_total(100.0).with_message(message);
                let _gone = context.peer.notify_progress(progress).await.is_err();
            }
        }
        "test_reconnection" => tokio::time::sleep(Duration::from_millis(100)).await,
        "test_trigger_tool_change" => {
            for listener in state.listeners() {
                let _gone = listener.notify_tool_list_changed().await.is_err();
            }
            if in_session(context) {
                let _gone = context.peer.notify_tool_list_changed().await.is_err();
            }
        }
        "test_trigger_prompt_change" => {
            for listener in state.listeners() {
                let _gone = listener.notify_prompt_list_changed().await.is_err();
            }
            if in_session(context) {
                let _gone = context.peer.notify_prompt_list_changed().await.is_err();
            }
        }
        _ => return None,
    }
    Some(Ok(said(format!("{name} is done")).into()))
}

fn in_session(context: &RequestContext<RoleServer>) -> bool {
    context.meta.protocol_version().is_none()
}

async fn log(context: &RequestContext<RoleServer>, level: LoggingLevel, text: &str) {
    let message = LoggingMessageNotificationParam::new(level, json!(text)).with_logger("reference");
    let _gone = context.peer.notify_logging_message(message).await.is_err();
}
