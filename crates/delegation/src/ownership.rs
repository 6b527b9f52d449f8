//! What belongs to one Agent at a Server that several Agents use with one Account: the tasks the Server made for its calls,
//! and the cursors of the lists it was given. To every other Agent they are unknown. It must never give away which of
//! both it is: a task of somebody else, or none at all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use prokura_domain::protocol::META_CAPABILITIES;
use prokura_domain::{AccountId, AgentId, Call, Digest, Era, Json, ServerId};
use serde::Deserialize;

use crate::Delegation;
use crate::ask::internal;
use crate::message::{Inbound, Kind, Refusal, RefusalCode, Reply};

/// Cursors of one Agent that are remembered; the oldest goes first.
const CURSORS: usize = 512;
/// The extension by which agents of 2026-07-28 know tasks.
const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// `_meta` key of the task a request belongs to (2025-11-25).
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// The cursors that Agents were given.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Mutex<HashMap<AgentId, VecDeque<Digest>>>);

impl Cursors {
    fn give(&self, agent: &AgentId, cursor: Digest) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = table.entry(agent.clone()).or_default();
        own.retain(|known| *known != cursor);
        if own.len() >= CURSORS {
            own.pop_front();
        }
        own.push_back(cursor);
    }

    fn has(&self, agent: &AgentId, cursor: &Digest) -> bool {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(agent).is_some_and(|own| own.contains(cursor))
    }
}

/// A Call whose answer may be a task.
#[derive(Debug, Clone)]
pub(crate) struct TaskMaker {
    agent: AgentId,
    server: ServerId,
    account: AccountId,
    /// It asked for one, as 2025-11-25 has it.
    asked: bool,
}

#[derive(Deserialize)]
struct Answer {
    result: Made,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Made {
    task_id: Option<String>,
    task: Option<Asked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    task_id: String,
}

impl TaskMaker {
    pub fn of(call: &Call) -> Self {
        Self {
            agent: call.agent.clone(),
            server: call.server.clone(),
            account: call.account.clone(),
            asked: call.params.member("task").is_some(),
        }
    }

    /// The task in an answer that went as `how`.
    fn made(&self, how: &str, answer: &[u8]) -> Option<String> {
        if how != "task" && !self.asked {
            return None;
        }
        let made = serde_json::from_slice::<Answer>(answer).ok()?.result;
        match how {
            "task" => made.task_id,
            _ => made.task.map(|task| task.task_id),
        }
    }
}

fn task_digest(id: &str) -> Digest {
    Digest::of(&[b"prokura-task-v1", id.as_bytes()])
}

fn cursor_digest(inbound: &Inbound, method: &str, cursor: &str) -> Digest {
    let (server, account) = (inbound.server.as_str(), inbound.account.as_str());
    let parts = [server, account, method, cursor].map(str::as_bytes);
    Digest::of(&[b"prokura-cursor-v1", parts[0], b"\0", parts[1], b"\0", parts[2], b"\0", parts[3]])
}

/// What 2026-07-28 says before it comes to whose task it is: there is no `tasks/result`, and who did not declare tasks has
/// none.
fn declared(inbound: &Inbound, method: &str, params: &Json) -> Result<(), Refusal> {
    if inbound.era != Era::Modern {
        return Ok(());
    }
    if method == "tasks/result" {
        return Err(Refusal::new(RefusalCode::Unknown, "There is no such method."));
    }
    let meta = params.member("_meta").and_then(|meta| meta.member(META_CAPABILITIES));
    let extensions = meta.and_then(|said| said.member("extensions"));
    if extensions.is_none_or(|all| all.member(EXTENSION).is_none()) {
        let text =
            format!("This needs the capability {EXTENSION}, and the request does not declare it.");
        return Err(Refusal::new(RefusalCode::TasksUndeclared, text));
    }
    Ok(())
}

fn is_list(method: &str) -> bool {
    matches!(
        method,
        "tools/list"
            | "resources/list"
            | "resources/templates/list"
            | "prompts/list"
            | "tasks/list"
    )
}

impl Delegation {
    /// Refuses a message that names what was given to another Agent, or to nobody.
    pub(crate) fn own_things(&self, inbound: &Inbound) -> Result<(), Refusal> {
        let Kind::Message { method, params, id } = &inbound.kind else { return Ok(()) };
        match method.as_str() {
            "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => {
                declared(inbound, method, params)?;
                let task = params.member("taskId").and_then(Json::as_str).unwrap_or_default();
                self.own_task(inbound, task)?;
            }
            "subscriptions/listen" => {
                let tasks = params.at("/notifications/taskIds").and_then(Json::items);
                for task in tasks.unwrap_or_default() {
                    self.own_task(inbound, task.as_str().unwrap_or_default())?;
                }
            }
            method if is_list(method) => {
                let cursor = params.member("cursor").and_then(Json::as_str);
                let given = |cursor| {
                    let cursor = cursor_digest(inbound, method, cursor);
                    self.0.cursors.has(&inbound.agent, &cursor)
                };
                if !cursor.is_none_or(given) {
                    let text = "Invalid cursor: this agent was not given it, or long ago. List from the beginning.";
                    return Err(Refusal::new(RefusalCode::Malformed, text));
                }
            }
            _ => {}
        }
        let meta = params.member("_meta").and_then(|meta| meta.member(RELATED));
        match meta.and_then(|related| related.member("taskId")).and_then(Json::as_str) {
            Some(task) if id.is_some() => self.own_task(inbound, task),
            Some(_) | None => Ok(()),
        }
    }

    fn own_task(&self, inbound: &Inbound, task: &str) -> Result<(), Refusal> {
        if self.is_own_task(inbound, task).map_err(internal)? {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::Malformed, "There is no such task."))
    }

    fn is_own_task(
        &self,
        inbound: &Inbound,
        task: &str,
    ) -> Result<bool, prokura_store::StoreError> {
        let at = (&inbound.server, &inbound.account);
        Ok(self.store().task_agent(at, &task_digest(task))?.as_ref() == Some(&inbound.agent))
    }

    /// Notes the task that a Server made of a Call, before its Agent hears of it.
    pub(crate) fn note_task(&self, maker: &TaskMaker, how: &str, answer: &[u8]) {
        let Some(task) = maker.made(how, answer) else { return };
        let at = (&maker.server, &maker.account);
        match self.store().keep_task(at, &task_digest(&task), &maker.agent, self.now()) {
            Ok(true) => {}
            Ok(false) => tracing::warn!("a server gave the id of one agent's task to another"),
            Err(error) => tracing::error!(%error, "a task could not be kept for its agent"),
        }
    }

    /// Notes the cursor in the answer to a list.
    pub(crate) fn note_cursor(&self, inbound: &Inbound, result: &Json) {
        let Kind::Message { method, .. } = &inbound.kind else { return };
        if let Some(cursor) = result.member("nextCursor").and_then(Json::as_str) {
            self.0.cursors.give(&inbound.agent, cursor_digest(inbound, method, cursor));
        }
    }

    /// `tasks/list`, cut down to the Agent's own.
    pub(crate) async fn list_tasks(&self, inbound: Inbound) -> Result<Reply, Refusal> {
        let reply = self.forward(inbound.clone(), Some("tasks/list")).await?;
        self.cut_reply(reply, &inbound, None).await
    }

    /// Takes the tasks of other Agents out of a list.
    pub(crate) fn cut_tasks(
        &self,
        items: &mut Vec<Json>,
        inbound: &Inbound,
    ) -> Result<(), prokura_store::StoreError> {
        let mut own = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            let task = item.member("taskId").and_then(Json::as_str).unwrap_or_default();
            if self.is_own_task(inbound, task)? {
                own.push(item);
            }
        }
        *items = own;
        Ok(())
    }
}
