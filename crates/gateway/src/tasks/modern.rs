//! Tasks as 2026-07-28 has them in its extension: the receiver decides, the Agent polls `tasks/get`.

use std::sync::Arc;

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply, Wait};
use prokura_domain::{AgentId, Era, Json, Outgoing, QuestionId};
use tokio_util::sync::CancellationToken;

use super::{KEPT_FOR, POLL_MS, PREFIX, Stage, Task, answer, refused, work};
use crate::away::{self, own};
use crate::header;
use crate::shared::Shared;
use crate::wait::message;

/// Makes a task of a call that waits for the person.
pub(crate) fn begin(
    shared: &Arc<Shared>,
    inbound: Inbound,
    question: Option<QuestionId>,
    id: &Json,
) -> Reply {
    let whose = inbound.agent.clone();
    let place = Some((inbound.server.clone(), inbound.account.clone()));
    let stop = CancellationToken::new();
    let Some(opened) = shared.tasks.open(shared, (&whose, None), place, stop) else {
        let text = "This agent has enough tasks that wait. Call again when some of them are over.";
        return message(&away::error(Some(id), own::TOO_MANY, text, None));
    };
    let path = Arc::clone(&shared.path);
    let passing = Box::pin(async move {
        let wait = Wait { within: None, resumes: question };
        match path.pass_within(inbound, wait).await {
            Err(refusal) => refused(Era::Modern, refusal),
            Ok(reply) => Ok(reply),
        }
    });
    work(shared, &opened, id.clone(), passing);
    let seed = shared.tasks.look(&opened.id, (&whose, None), |task| shape(&opened.id, task));
    let mut result = seed.unwrap_or_else(|| Json::Object(Vec::new()));
    result.set("resultType", Json::text("task"));
    message(&away::result(id, result))
}

/// Answers `tasks/…` for a task of our own; `None` for everything else.
pub(crate) async fn modern(
    shared: &Arc<Shared>,
    agent: &AgentId,
    (method, params, id): (&str, &Json, &Json),
    inbound: Option<&Inbound>,
) -> Option<Result<Reply, Refusal>> {
    if !matches!(method, "tasks/get" | "tasks/update" | "tasks/cancel") {
        return None;
    }
    let task = params.member("taskId").and_then(Json::as_str)?;
    if !task.starts_with(PREFIX) {
        return None;
    }
    let seen = shared.tasks.look(task, (agent, None), |own| {
        (own.stage.borrow().clone(), shape(task, own), own.stop.clone())
    });
    let Some((stage, shape, stop)) = seen else {
        let text = "There is no such task.";
        return Some(Err(Refusal::new(RefusalCode::Malformed, text)));
    };
    if let (Stage::Handed(theirs), Some(inbound)) = (&stage, inbound) {
        return Some(handed(shared, inbound, task, theirs).await);
    }
    let mut result = match method {
        "tasks/get" => shape,
        "tasks/cancel" => {
            stop.cancel();
            Json::Object(Vec::new())
        }
        _ => Json::Object(Vec::new()),
    };
    result.set("resultType", Json::text("complete"));
    Some(Ok(message(&away::result(id, result))))
}

/// The Server made a task of its own: what is asked about ours is asked about that one.
async fn handed(
    shared: &Arc<Shared>,
    inbound: &Inbound,
    own: &str,
    theirs: &str,
) -> Result<Reply, Refusal> {
    let mut sent = inbound.clone();
    let Kind::Message { params, id, .. } = &mut sent.kind else {
        return Err(Refusal::new(RefusalCode::Internal, "Not a request."));
    };
    params.set("taskId", Json::text(theirs));
    let id = id.clone().unwrap_or(Json::Null);
    let mut whole = Json::read(&sent.outgoing.body).unwrap_or(Json::Null);
    whole.set("params", params.clone());
    let mut headers = sent.outgoing.headers.clone();
    for (name, value) in &mut headers {
        if name == header::NAME {
            *value = header::encoded(theirs);
        }
    }
    sent.outgoing = Outgoing { headers, body: Bytes::from(whole.to_text()), ..sent.outgoing };
    let reply = shared.path.pass(sent).await?;
    let said = match answer(reply, &id).await {
        Ok(mut result) => {
            if result.member("taskId").is_some() {
                result.set("taskId", Json::text(own));
            }
            away::result(&id, result)
        }
        Err(error) => {
            Json::object([("jsonrpc", Json::text("2.0")), ("id", id.clone()), ("error", error)])
        }
    };
    Ok(message(&said))
}

fn shape(id: &str, task: &Task) -> Json {
    let (status, told) = task.status();
    let millis = i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    let mut shape = Json::object([
        ("taskId", Json::text(id)),
        ("status", Json::text(status)),
        ("createdAt", Json::text(task.created.to_string())),
        ("lastUpdatedAt", Json::text(task.updated.to_string())),
        ("ttlMs", Json::from(millis)),
        ("pollIntervalMs", Json::from(POLL_MS)),
    ]);
    if let Some(told) = told {
        shape.set("statusMessage", Json::text(told));
    }
    match &*task.stage.borrow() {
        Stage::Done(result) => shape.set("result", result.clone()),
        Stage::Failed(error) => shape.set("error", error.clone()),
        Stage::Working | Stage::Handed(_) | Stage::Cancelled => {}
    }
    shape
}
