//! What the reference server lists.

use rmcp::model::{Prompt, PromptArgument, Resource, ResourceTemplate, Tool};
use serde_json::{Value, json};

/// Tools without parameters: name and description.
const PLAIN: [(&str, &str); 21] = [
    ("test_simple_text", "Answers with text."),
    ("test_image_content", "Answers with an image."),
    ("test_audio_content", "Answers with sound."),
    ("test_embedded_resource", "Answers with a resource."),
    ("test_multiple_content_types", "Answers with text, an image and a resource."),
    ("test_tool_with_logging", "Logs three messages."),
    ("test_error_handling", "Always fails."),
    ("test_tool_with_progress", "Reports progress three times."),
    ("test_elicitation_sep1034_defaults", "Asks the person, with defaults."),
    ("test_elicitation_sep1330_enums", "Asks the person to choose."),
    ("test_reconnection", "Answers a little later."),
    ("test_trigger_tool_change", "Announces changed tools."),
    ("test_trigger_prompt_change", "Announces changed prompts."),
    ("test_missing_capability", "Needs a client that can sample."),
    ("test_streaming_elicitation", "Needs an answer of the person."),
    ("test_logging_tool", "Logs only when the request asks for it."),
    ("failing_job", "A task whose tool fails."),
    ("protocol_error_job", "A task that breaks off."),
    ("multi_input", "A task that needs two answers."),
    ("test_tool_with_task", "Needs an answer, then becomes a task."),
    ("test_input_required_result_elicitation", "Needs an answer of the person."),
];

/// More tools without parameters, all of which need input.
const ASKING: [&str; 7] = [
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

fn tool(name: &str, description: &str, schema: Value) -> Tool {
    let schema = schema.as_object().cloned().unwrap_or_default();
    Tool::new(name.to_owned(), description.to_owned(), schema)
}

fn text_tool(name: &str, description: &str, parameter: &str) -> Tool {
    let schema = json!({
        "type": "object",
        "properties": { parameter: { "type": "string" } },
        "required": [parameter],
    });
    tool(name, description, schema)
}

/// The tool whose parameter travels in a header too.
pub(super) fn custom_header() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
        "required": ["value"],
    });
    tool("test_custom_header", "Its parameter travels in a header too.", schema)
}

fn schema_2020_12() -> Tool {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "address",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
        "allOf": [{ "anyOf": [{ "required": ["name"] }, { "required": ["address"] }] }],
        "if": { "required": ["address"] },
        "then": { "properties": { "address": { "required": ["street"] } } },
        "else": { "required": ["name"] },
        "additionalProperties": false,
    });
    tool("json_schema_2020_12_tool", "Uses what JSON Schema 2020-12 added.", schema)
}

/// All tools.
pub(super) fn tools() -> Vec<Tool> {
    let none = json!({ "type": "object", "properties": {} });
    let plain = PLAIN.into_iter().map(|(name, description)| tool(name, description, none.clone()));
    let asking = ASKING.into_iter().map(|name| tool(name, "Needs input.", none.clone()));
    let slow = json!({
        "type": "object",
        "properties": { "seconds": { "type": "number" }, "label": { "type": "string" } },
    });
    let file = json!({ "type": "object", "properties": { "filename": { "type": "string" } } });
    let mut tools: Vec<Tool> = plain.chain(asking).collect();
    tools.extend([
        text_tool("test_sampling", "Asks the client's model.", "prompt"),
        text_tool("test_elicitation", "Asks the person.", "message"),
        text_tool("greet", "Greets at once.", "name"),
        tool("slow_compute", "Takes a while; a task where the client knows tasks.", slow),
        tool("confirm_delete", "A task that needs an answer.", file),
        custom_header(),
        schema_2020_12(),
    ]);
    tools
}

/// All resources.
pub(super) fn resources() -> Vec<Resource> {
    vec![
        Resource::new("test://static-text", "Text").with_mime_type("text/plain"),
        Resource::new("test://static-binary", "Image").with_mime_type("image/png"),
        Resource::new("test://watched-resource", "Watched").with_mime_type("text/plain"),
    ]
}

/// All resource templates.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let template = ResourceTemplate::new("test://template/{id}/data", "By id");
    vec![template.with_mime_type("application/json")]
}

/// All prompts.
pub(super) fn prompts() -> Vec<Prompt> {
    let argument = |name: &str, required| {
        PromptArgument::new(name).with_description("A test argument").with_required(required)
    };
    let plain = |name: &str, arguments| Prompt::new(name, Some("A test prompt"), arguments);
    vec![
        plain("test_simple_prompt", None),
        plain(
            "test_prompt_with_arguments",
            Some(vec![argument("arg1", true), argument("arg2", false)]),
        ),
        plain("test_prompt_with_embedded_resource", Some(vec![argument("resourceUri", true)])),
        plain("test_prompt_with_image", None),
        plain("test_input_required_result_prompt", None),
    ]
}
