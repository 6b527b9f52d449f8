//! Tools of Servers of 2025-11-25 that are called as a task only. The Agent has a task of our own; behind it stands one of
//! the Server, which is waited for here and cancelled with ours. The Agent never hears of that one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_delegation::{Inbound, Refusal, Reply};
use prokura_domain::{Json, Server, ServerId};

use super::mapping;
use super::tour::Tour;
use crate::away;
use crate::path::Path;
use crate::sub::Sub;
use crate::{tasks, wait};

/// Tools that are remembered.
const MOST: usize = 4096;

/// The tools that are called as a task only, learnt from the lists that pass.
#[derive(Debug, Default)]
pub(crate) struct Driven(Mutex<HashSet<(ServerId, String)>>);

impl Driven {
    /// Learns from tools under the Server's own names.
    pub fn learn(&self, server: &ServerId, tools: &[Json]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tool in tools {
            let Some(name) = tool.member("name").and_then(Json::as_str) else { continue };
            let key = (server.clone(), name.to_owned());
            if !tasks::has_to_be_task(tool) {
                known.remove(&key);
            } else if known.len() < MOST {
                known.insert(key);
            }
        }
    }

    pub fn knows(&self, server: &ServerId, name: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&(server.clone(), name.to_owned()))
    }
}

/// Cancels a task at its Server when it is dropped before its end.
struct UnderWay {
    path: Arc<dyn Path>,
    cancel: Option<Inbound>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let (Some(cancel), Ok(runtime)) =
            (self.cancel.take(), tokio::runtime::Handle::try_current())
        {
            let path = Arc::clone(&self.path);
            runtime.spawn(async move {
                let _ = path.pass(cancel).await;
            });
        }
    }
}

/// Waits for the task that a Server made of a call, and gives back what came of it as the answer to the call.
pub(crate) async fn follow(
    tour: &Tour,
    (server, sub): (&Server, &Sub),
    id: &Json,
    reply: Reply,
) -> Result<Reply, Refusal> {
    let made = match tasks::answer(reply, id).await {
        Ok(made) => made,
        Err(fault) => return Ok(failed(id, fault)),
    };
    let Some(task) = made.at("/task/taskId").and_then(Json::as_str) else {
        return Ok(done(server, id, made));
    };
    let about = || Json::object([("taskId", Json::text(task))]);
    let ask = |method: &str, id: Json| sub.message(method, about(), Some(id));
    let cancel = Some(ask("tasks/cancel", Json::text("prokura-task-cancel")));
    let mut under_way = UnderWay { path: Arc::clone(&tour.shared.path), cancel };
    let own = Json::text("prokura-task-result");
    let reply = tour.shared.path.pass(ask("tasks/result", own.clone())).await?;
    let outcome = tasks::answer(reply, &own).await;
    under_way.cancel = None;
    Ok(match outcome {
        Ok(result) => done(server, id, result),
        Err(fault) => failed(id, fault),
    })
}

fn done(server: &Server, id: &Json, mut result: Json) -> Reply {
    mapping::result("tools/call", &server.name, &mut result);
    wait::message(&away::result(id, result))
}

fn failed(id: &Json, fault: Json) -> Reply {
    let mut message = away::error(Some(id), away::INTERNAL_ERROR, "", None);
    message.set("error", fault);
    wait::message(&message)
}
