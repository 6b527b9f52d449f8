//! Tasks as 2025-11-25 has them: the Agent asks for one with the parameter `task`, polls `tasks/get`, and fetches
//! `tasks/result`. Only the endpoint of all servers offers them; a single Server speaks for itself.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use futures::future::BoxFuture;
use prokura_delegation::{Refusal, Reply};
use prokura_domain::{AgentId, Era, Json};

use super::{KEPT_FOR, POLL_MS, Stage, Task, refused, work};
use crate::away::{self, INVALID_PARAMS, own};
use crate::letter::Letter;
use crate::session::Session;
use crate::shared::Shared;

const RELATED: &str = "io.modelcontextprotocol/related-task";

/// What the endpoint says of itself.
pub(crate) fn offered() -> Json {
    let nothing = || Json::Object(Vec::new());
    let call = Json::object([("tools", Json::object([("call", nothing())]))]);
    Json::object([("list", nothing()), ("cancel", nothing()), ("requests", call)])
}

/// Whether a tool of a Server is called as a task only.
pub(crate) fn has_to_be_task(tool: &Json) -> bool {
    tool.at("/execution/taskSupport").and_then(Json::as_str) == Some("required")
}

/// What a tool says of itself in a list: the Agent may ask for a task, which is ours and not its Server's.
pub(crate) fn may_be_task(tool: &mut Json) {
    if has_to_be_task(tool) {
        return;
    }
    tool.set("execution", Json::object([("taskSupport", Json::text("optional"))]));
}

/// Whether a tool call asks to become a task; its parameters without that wish.
pub(crate) fn augmented(letter: &Letter) -> Option<Letter> {
    if !letter.is("tools/call") || !matches!(letter.json.at("/params/task"), Some(Json::Object(_)))
    {
        return None;
    }
    let mut plain = letter.clone();
    plain.json.member_mut("params")?.remove("task");
    Some(plain)
}

/// Answers a call with a task, in which it goes on.
pub(crate) fn begin(
    shared: &Arc<Shared>,
    (agent, session): (&AgentId, &Session),
    id: &Json,
    passing: BoxFuture<'static, Result<Reply, Refusal>>,
) -> Response<Body> {
    let (whose, stop) = ((agent, Some(session.id.as_str())), session.over.child_token());
    let Some(opened) = shared.tasks.open(shared, whose, None, stop) else {
        let text = "This agent has enough tasks that wait. Call again when some of them are over.";
        return away::json(StatusCode::OK, &away::error(Some(id), own::TOO_MANY, text, None));
    };
    let passing = Box::pin(async move {
        match passing.await {
            Err(refusal) => refused(Era::Legacy, refusal),
            Ok(reply) => Ok(reply),
        }
    });
    work(shared, &opened, id.clone(), passing);
    let look = shared.tasks.look(&opened.id, whose, |task| shape(&opened.id, task));
    let task = look.unwrap_or(Json::Null);
    away::json(StatusCode::OK, &away::result(id, Json::object([("task", task)])))
}

/// Answers `tasks/…` in a session; `None` for every other method.
pub(crate) async fn local(
    shared: &Arc<Shared>,
    (agent, session): (&AgentId, &str),
    letter: &Letter,
) -> Option<Json> {
    let id = letter.id()?;
    let method = letter.method()?;
    if !method.starts_with("tasks/") {
        return None;
    }
    let whose = (agent, Some(session));
    if method == "tasks/list" {
        let tasks = shared.tasks.all(whose, shape);
        return Some(away::result(id, Json::object([("tasks", Json::Array(tasks))])));
    }
    let task = letter.json.at("/params/taskId").and_then(Json::as_str).unwrap_or_default();
    let missing = || away::error(Some(id), INVALID_PARAMS, "Task not found.", None);
    let Some(mut stage) = shared.tasks.look(task, whose, |own| own.stage.subscribe()) else {
        return Some(missing());
    };
    match method {
        "tasks/get" => {}
        "tasks/cancel" => {
            if !matches!(*stage.borrow(), Stage::Working) {
                let text = "This task is over and cannot be cancelled.";
                return Some(away::error(Some(id), INVALID_PARAMS, text, None));
            }
            shared.tasks.look(task, whose, |own| own.stop.cancel());
            shared.tasks.end(task, Stage::Cancelled, shared.path.now());
        }
        "tasks/result" => {
            let ended = stage.wait_for(|stage| !matches!(stage, Stage::Working)).await;
            return Some(ended.map_or_else(|_| missing(), |stage| result(id, task, &stage)));
        }
        _ => return None,
    }
    let shape = shared.tasks.look(task, whose, |own| shape(task, own));
    Some(shape.map_or_else(missing, |shape| away::result(id, shape)))
}

fn result(id: &Json, task: &str, stage: &Stage) -> Json {
    match stage {
        Stage::Done(result) => {
            let mut result = result.clone();
            if result.member("_meta").is_none() {
                result.set("_meta", Json::Object(Vec::new()));
            }
            if let Some(meta) = result.member_mut("_meta") {
                meta.set(RELATED, Json::object([("taskId", Json::text(task))]));
            }
            away::result(id, result)
        }
        Stage::Failed(error) => Json::object([
            ("jsonrpc", Json::text("2.0")),
            ("id", id.clone()),
            ("error", error.clone()),
        ]),
        Stage::Cancelled | Stage::Working | Stage::Handed(_) => {
            away::error(Some(id), own::CANCELLED, "This task was cancelled.", None)
        }
    }
}

fn shape(id: &str, task: &Task) -> Json {
    let (status, told) = task.status();
    let millis = i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    let mut shape = Json::object([
        ("taskId", Json::text(id)),
        ("status", Json::text(status)),
        ("ttl", Json::from(millis)),
        ("createdAt", Json::text(task.created.to_string())),
        ("lastUpdatedAt", Json::text(task.updated.to_string())),
        ("pollInterval", Json::from(POLL_MS)),
    ]);
    if let Some(told) = told {
        shape.set("statusMessage", Json::text(told));
    }
    shape
}
