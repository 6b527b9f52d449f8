//! Tools that become tasks where the client knows tasks.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    CreateTaskResult, InputRequiredResult,
};
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskExit, TaskOptions};
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::State;
use super::asking::{answer, needed, person};
use super::content::said;

/// Tools that have nothing to say to a client without tasks.
const ONLY_AS_TASK: [&str; 4] =
    ["failing_job", "test_tool_with_task", "confirm_delete", "multi_input"];

/// Answers tool `name`; `None` when it is not one of these.
pub(super) async fn call(
    state: &State,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let name = request.name.as_ref();
    let knows = context.client_capabilities().is_some_and(|declared| declared.supports_tasks());
    if ONLY_AS_TASK.contains(&name) && !knows {
        let needed = ClientCapabilities::builder().enable_tasks().build();
        return Some(Err(ErrorData::missing_required_client_capability(needed)));
    }
    let argument = |key: &str| request.arguments.as_ref().and_then(|given| given.get(key));
    Some(match name {
        "slow_compute" => {
            let seconds = argument("seconds").and_then(Value::as_f64).unwrap_or(1.0);
            let label = argument("label").and_then(Value::as_str).unwrap_or("compute").to_owned();
            slow(state, Duration::from_secs_f64(seconds), label, knows).await
        }
        "failing_job" => Ok(spawn_failing(state).into()),
        "protocol_error_job" => breaking(state, knows),
        "confirm_delete" => {
            let file =
                argument("filename").and_then(Value::as_str).unwrap_or("file.txt").to_owned();
            Ok(spawn_confirm(state, file).into())
        }
        "multi_input" => Ok(spawn_two(state).into()),
        "test_tool_with_task" => ask_then_spawn(state, request),
        _ => return None,
    })
}

async fn slow(
    state: &State,
    time: Duration,
    label: String,
    as_task: bool,
) -> Result<CallToolResponse, ErrorData> {
    if !as_task {
        tokio::time::sleep(time).await;
        return Ok(said(format!("{label} is done")).into());
    }
    let task = state.tasks.spawn(TaskOptions::default(), move |job| {
        Box::pin(async move {
            tokio::select! {
                _ = job.cancelled() => Err(TaskExit::Cancelled),
                () = tokio::time::sleep(time) => Ok(said(format!("{label} is done"))),
            }
        })
    });
    Ok(CreateTaskResult::new(task).into())
}

fn spawn_failing(state: &State) -> CreateTaskResult {
    CreateTaskResult::new(state.tasks.spawn(TaskOptions::default(), |_job| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(CallToolResult::error(vec![ContentBlock::text("This job always fails")]))
        })
    }))
}

fn breaking(state: &State, as_task: bool) -> Result<CallToolResponse, ErrorData> {
    let broken = || ErrorData::internal_error("This job always breaks off", None);
    if !as_task {
        return Err(broken());
    }
    let task = state.tasks.spawn(TaskOptions::default(), move |_job| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Err(TaskExit::Error(broken()))
        })
    });
    Ok(CreateTaskResult::new(task).into())
}

fn spawn_confirm(state: &State, file: String) -> CreateTaskResult {
    CreateTaskResult::new(state.tasks.spawn(TaskOptions::default(), move |job| {
        Box::pin(async move {
            let question = person(&format!("Delete {file}?"), "confirm", "boolean");
            let question = question.map_err(TaskExit::Error)?;
            let given = job.request_input("confirm", question).await?;
            let yes = given.pointer("/content/confirm").and_then(Value::as_bool).unwrap_or(false);
            Ok(said(format!("{file}: confirmed = {yes}")))
        })
    }))
}

fn spawn_two(state: &State) -> CreateTaskResult {
    CreateTaskResult::new(state.tasks.spawn(TaskOptions::default(), |job| {
        Box::pin(async move {
            let first = person("Provide value A", "value", "string").map_err(TaskExit::Error)?;
            let second = person("Provide value B", "value", "string").map_err(TaskExit::Error)?;
            let (first, second) = tokio::join!(
                job.request_input("input-a", first),
                job.request_input("input-b", second)
            );
            let (first, second) = (first?, second?);
            let value = |given: &Value| given.pointer("/content/value").map(Value::to_string);
            Ok(said(format!("a = {:?}, b = {:?}", value(&first), value(&second))))
        })
    }))
}

fn ask_then_spawn(
    state: &State,
    request: &CallToolRequestParams,
) -> Result<CallToolResponse, ErrorData> {
    let Some(given) = answer(request.input_responses.as_ref(), "user_name") else {
        let asked = needed([("user_name", person("What is your name?", "name", "string")?)]);
        return Ok(InputRequiredResult::from_input_requests(asked).into());
    };
    let content = given.get("content").and_then(|content| content.get("name"));
    let name = content.and_then(Value::as_str).unwrap_or("friend").to_owned();
    let task = state.tasks.spawn(TaskOptions::default(), move |_job| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(said(format!("Hello, {name}! (async)")))
        })
    });
    Ok(CreateTaskResult::new(task).into())
}
