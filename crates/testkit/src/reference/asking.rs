//! Tools and prompts that need input first: as `input_required` results to a client of the modern revision, and as
//! requests to a client with a session.

mod live;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CreateMessageRequest,
    CreateMessageRequestParams, ElicitRequest, ElicitRequestParams, ElicitationSchema,
    InputRequest, InputRequests, InputRequiredResult, InputResponses, JsonObject, ListRootsRequest,
    SamplingMessage,
};
use serde_json::{Map, Value, json};

use super::State;
use super::content::said;

/// An answer that is an object; anything else counts as missing and is asked for again.
pub(super) fn answer<'a>(
    given: Option<&'a InputResponses>,
    key: &str,
) -> Option<&'a Map<String, Value>> {
    given.and_then(|given| given.get(key)).and_then(Value::as_object)
}

fn fault(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn schema(schema: Value) -> Result<ElicitationSchema, ErrorData> {
    serde_json::from_value(schema).map_err(fault)
}

fn form(message: &str, asked: ElicitationSchema) -> ElicitRequestParams {
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.to_owned(),
        requested_schema: asked,
    }
}

/// The question for one value.
pub(super) fn person(message: &str, key: &str, kind: &str) -> Result<InputRequest, ErrorData> {
    let asked = schema(
        json!({ "type": "object", "properties": { key: { "type": kind } }, "required": [key] }),
    )?;
    Ok(InputRequest::Elicitation(ElicitRequest::new(form(message, asked))))
}

fn model(prompt: &str) -> InputRequest {
    let messages = vec![SamplingMessage::user_text(prompt)];
    InputRequest::CreateMessage(CreateMessageRequest::new(CreateMessageRequestParams::new(
        messages, 100,
    )))
}

fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

pub(super) fn needed(
    requests: impl IntoIterator<Item = (&'static str, InputRequest)>,
) -> InputRequests {
    let mut needed = InputRequests::new();
    for (key, request) in requests {
        needed.insert(key.into(), request);
    }
    needed
}

fn content(given: &Map<String, Value>, pointer: &str) -> String {
    let value = given.get("content").and_then(|content| content.pointer(pointer));
    value.and_then(Value::as_str).unwrap_or("nobody").to_owned()
}

/// Answers a tool that works with `input_required` results; `None` when `name` is not one.
pub(super) fn call(
    state: &State,
    request: &CallToolRequestParams,
    declared: &ClientCapabilities,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let given = request.input_responses.as_ref();
    let sealed = request.request_state.as_deref();
    let short = request.name.strip_prefix("test_input_required_result_");
    Some(match (short, request.name.as_ref()) {
        (_, "test_streaming_elicitation") => {
            ask_one("streaming_elicitation", person("Provide a value", "value", "string"))
        }
        (Some("elicitation"), _) => match answer(given, "user_name") {
            Some(given) => Ok(said(format!("Hello, {}!", content(given, "/name"))).into()),
            None => ask_one("user_name", person("What is your name?", "name", "string")),
        },
        (Some("sampling"), _) => match answer(given, "capital_question") {
            Some(given) => Ok(said(format!("The model says {}", content(given, "/text"))).into()),
            None => ask_one("capital_question", Ok(model("What is the capital of France?"))),
        },
        (Some("list_roots"), _) => match answer(given, "client_roots") {
            Some(given) => Ok(said(format!("Roots: {}", json!(given.get("roots")))).into()),
            None => ask_one("client_roots", Ok(roots())),
        },
        (Some("request_state" | "tampered_state"), _) => with_state(state, sealed),
        (Some("multiple_inputs"), _) => several(state, sealed, given),
        (Some("multi_round"), _) => rounds(state, sealed),
        (Some("capabilities"), _) => by_capability(given, declared),
        _ => return None,
    })
}

fn ask_one(
    key: &'static str,
    request: Result<InputRequest, ErrorData>,
) -> Result<CallToolResponse, ErrorData> {
    Ok(InputRequiredResult::from_input_requests(needed([(key, request?)])).into())
}

fn open(state: &State, sealed: &str) -> Result<Value, ErrorData> {
    let opened = state.seal.open_json(sealed);
    opened
        .map_err(|_| ErrorData::invalid_params("requestState failed integrity verification", None))
}

fn ask_sealed(
    state: &State,
    kept: &Value,
    requests: InputRequests,
) -> Result<CallToolResponse, ErrorData> {
    let sealed = state.seal.seal_json(kept).map_err(fault)?;
    Ok(InputRequiredResult::new(Some(requests), Some(sealed)).into())
}

fn with_state(state: &State, sealed: Option<&str>) -> Result<CallToolResponse, ErrorData> {
    match sealed {
        Some(sealed) => open(state, sealed).map(|_| said("Confirmed: state-ok").into()),
        None => {
            let asked = needed([("confirm", person("Please confirm", "ok", "boolean")?)]);
            ask_sealed(state, &json!({ "stage": "confirm" }), asked)
        }
    }
}

fn several(
    state: &State,
    sealed: Option<&str>,
    given: Option<&InputResponses>,
) -> Result<CallToolResponse, ErrorData> {
    if let Some(sealed) = sealed {
        open(state, sealed)?;
        if ["user_name", "greeting", "client_roots"].iter().all(|key| answer(given, key).is_some())
        {
            return Ok(said("All inputs received").into());
        }
    }
    let asked = needed([
        ("user_name", person("What is your name?", "name", "string")?),
        ("greeting", model("Generate a greeting")),
        ("client_roots", roots()),
    ]);
    ask_sealed(state, &json!({ "stage": "gather" }), asked)
}

fn rounds(state: &State, sealed: Option<&str>) -> Result<CallToolResponse, ErrorData> {
    let round = match sealed {
        Some(sealed) => open(state, sealed)?.get("round").and_then(Value::as_i64).unwrap_or(0),
        None => 0,
    };
    let asked = match round {
        0 => needed([("step1", person("Step 1: What is your name?", "name", "string")?)]),
        1 => needed([(
            "step2",
            person("Step 2: What is your favourite colour?", "color", "string")?,
        )]),
        _ => return Ok(said("Multi-round flow complete").into()),
    };
    ask_sealed(state, &json!({ "round": round + 1 }), asked)
}

fn by_capability(
    given: Option<&InputResponses>,
    declared: &ClientCapabilities,
) -> Result<CallToolResponse, ErrorData> {
    let mut asked = Vec::new();
    if declared.elicitation.is_some() {
        asked.push(("user_name", person("What is your name?", "name", "string")?));
    }
    if declared.sampling.is_some() {
        asked.push(("greeting", model("Generate a greeting")));
    }
    if declared.roots.is_some() {
        asked.push(("client_roots", roots()));
    }
    if given.is_some() || asked.is_empty() {
        return Ok(said("Nothing more is needed").into());
    }
    Ok(InputRequiredResult::from_input_requests(needed(asked)).into())
}

/// Answers a tool whose answer is what the person or the model said; `None` when `name` is not one.
pub(super) fn said_back(
    name: &str,
    arguments: &JsonObject,
    given: Option<&InputResponses>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let text =
        |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or("Please").to_owned();
    if name == "test_sampling" {
        return Some(match answer(given, "model") {
            Some(given) => Ok(said(format!("LLM response: {}", content(given, "/text"))).into()),
            None => ask_one("model", Ok(model(&text("prompt")))),
        });
    }
    let (message, asked) = match name {
        "test_elicitation" => (
            text("message"),
            json!({
                "type": "object",
                "properties": { "username": { "type": "string" }, "email": { "type": "string" } },
                "required": ["username", "email"],
            }),
        ),
        "test_elicitation_sep1034_defaults" => ("All have defaults".to_owned(), defaults()),
        "test_elicitation_sep1330_enums" => ("Please choose".to_owned(), choices()),
        _ => return None,
    };
    Some(match answer(given, "person") {
        Some(given) => {
            let (action, content) = (json!(given.get("action")), json!(given.get("content")));
            Ok(said(format!("action={action}, content={content}")).into())
        }
        None => ask_one(
            "person",
            schema(asked)
                .map(|asked| InputRequest::Elicitation(ElicitRequest::new(form(&message, asked)))),
        ),
    })
}

pub(super) use live::{Step, live};

fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        },
    })
}

fn choices() -> Value {
    let titled = |noun: &str| {
        json!([
            { "const": "value1", "title": format!("First {noun}") },
            { "const": "value2", "title": format!("Second {noun}") },
            { "const": "value3", "title": format!("Third {noun}") },
        ])
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": plain },
            "titledSingle": { "type": "string", "oneOf": titled("Option") },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
            "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
        },
    })
}
