//! Calls that wait for the person as tasks of our own: the extension of 2026-07-28, and the `task` parameter of
//! 2025-11-25 on the endpoint of all servers. A task belongs to one Agent and is forgotten with the process, as its
//! Question is. It must never answer for another Agent's task, or for a task of a Server.

mod legacy;
mod modern;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use prokura_delegation::{Refusal, Reply};
use prokura_domain::id::base32;
use prokura_domain::sse::{self, Splitter};
use prokura_domain::{AccountId, AgentId, Era, Json, ServerId, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::away::{INTERNAL_ERROR, code_of};
use crate::relay;
use crate::shared::Shared;

pub(crate) use legacy::{
    augmented, begin as begin_legacy, has_to_be_task, local as legacy, may_be_task, offered,
};
pub(crate) use modern::{begin, modern};

/// The extension of 2026-07-28.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// What every task of our own is called by.
const PREFIX: &str = "prokura-task.";
/// Tasks of one Agent at once.
const MOST: usize = 64;
/// How long an ended task can be asked for.
const KEPT_FOR: Duration = Duration::from_secs(1800);
/// How often to ask.
const POLL_MS: i64 = 1000;
/// The largest result.
const LIMIT: usize = 16 * 1024 * 1024;
const WAITING: &str = "Waiting for an approval in Prokura, or for the server";

/// How far a task is.
#[derive(Debug, Clone)]
enum Stage {
    Working,
    /// The Server answered with this result.
    Done(Json),
    /// There is a JSON-RPC error instead.
    Failed(Json),
    /// The Server made a task of its own of it.
    Handed(String),
    Cancelled,
}

/// A task of our own.
#[derive(Debug)]
struct Task {
    agent: AgentId,
    session: Option<String>,
    /// Where its call goes, where that is known from the start.
    place: Option<Place>,
    created: Timestamp,
    updated: Timestamp,
    stage: watch::Sender<Stage>,
    ended: Option<Instant>,
    stop: CancellationToken,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<HashMap<String, Task>>);

impl Tasks {
    /// A new task, where the Agent may have one more.
    fn open(
        &self,
        shared: &Shared,
        whose: Whose<'_>,
        place: Option<Place>,
        stop: CancellationToken,
    ) -> Option<Opened> {
        let (agent, session) = whose;
        let mut bytes = [0u8; 20];
        shared.entropy.fill(&mut bytes);
        let id = format!("{PREFIX}{}", base32(&bytes));
        let now = shared.path.now();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, task| task.ended.is_none_or(|ended| ended.elapsed() < KEPT_FOR));
        if table.values().filter(|task| task.agent == *agent).count() >= MOST {
            return None;
        }
        let task = Task {
            agent: agent.clone(),
            session: session.map(str::to_owned),
            place,
            created: now,
            updated: now,
            stage: watch::channel(Stage::Working).0,
            ended: None,
            stop: stop.clone(),
        };
        table.insert(id.clone(), task);
        Some(Opened { id, stop })
    }

    fn end(&self, id: &str, stage: Stage, now: Timestamp) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(task) = table.get_mut(id).filter(|task| task.ended.is_none()) else { return };
        task.updated = now;
        task.ended = Some(Instant::now());
        task.stage.send_replace(stage);
    }

    /// Looks at a task of this Agent, in this session where it began in one.
    fn look<T>(&self, id: &str, whose: Whose<'_>, see: impl FnOnce(&Task) -> T) -> Option<T> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |task: &&Task| task.agent == *whose.0 && task.session.as_deref() == whose.1;
        table.get(id).filter(own).map(see)
    }

    fn all(&self, whose: Whose<'_>, see: impl Fn(&str, &Task) -> Json) -> Vec<Json> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |task: &Task| task.agent == *whose.0 && task.session.as_deref() == whose.1;
        let mut own: Vec<_> = table.iter().filter(|(_, task)| own(task)).collect();
        own.sort_by_key(|(id, task)| (task.created, (*id).clone()));
        own.into_iter().map(|(id, task)| see(id, task)).collect()
    }
}

/// Whose task: the Agent, and the legacy session.
type Whose<'a> = (&'a AgentId, Option<&'a str>);
type Place = (ServerId, AccountId);

/// Whether a task is called like one of our own.
pub(crate) fn is_own(task: &str) -> bool {
    task.starts_with(PREFIX)
}

/// Where the call of a task of our own goes, if it is this Agent's.
pub(crate) fn place(shared: &Shared, agent: &AgentId, task: &str) -> Option<Place> {
    shared.tasks.look(task, (agent, None), |own| own.place.clone()).flatten()
}

struct Opened {
    id: String,
    stop: CancellationToken,
}

impl Task {
    fn status(&self) -> (&'static str, Option<&'static str>) {
        match &*self.stage.borrow() {
            Stage::Working | Stage::Handed(_) => ("working", Some(WAITING)),
            Stage::Done(_) => ("completed", None),
            Stage::Failed(_) => ("failed", None),
            Stage::Cancelled => ("cancelled", None),
        }
    }
}

/// Lets a call run to its end without a connection.
fn work(
    shared: &Arc<Shared>,
    opened: &Opened,
    id: Json,
    passing: BoxFuture<'static, Result<Reply, Refusal>>,
) {
    let (shared, task, stop) = (Arc::downgrade(shared), opened.id.clone(), opened.stop.clone());
    tokio::spawn(async move {
        let outcome = async {
            match passing.await {
                Ok(reply) => answer(reply, &id).await,
                Err(refusal) => Err(fault(code_of(refusal.code), &refusal.message)),
            }
        };
        let stage = tokio::select! {
            biased;
            () = stop.cancelled() => Stage::Cancelled,
            outcome = outcome => stage(outcome),
        };
        if let Some(shared) = shared.upgrade() {
            let now = shared.path.now();
            shared.tasks.end(&task, stage, now);
        }
    });
}

fn stage(outcome: Result<Json, Json>) -> Stage {
    match outcome {
        Err(error) => Stage::Failed(error),
        Ok(result) => match result.member("resultType").and_then(Json::as_str) {
            Some("task") => match result.member("taskId").and_then(Json::as_str) {
                Some(theirs) => Stage::Handed(theirs.to_owned()),
                None => Stage::Failed(fault(INTERNAL_ERROR, "The server named no task.")),
            },
            _ => Stage::Done(result),
        },
    }
}

/// The result, or the error, in a reply.
pub(crate) async fn answer(reply: Reply, id: &Json) -> Result<Json, Json> {
    let broken = |text: String| fault(crate::away::own::BROKEN, &text);
    let (streams, status) = (reply.is_stream(), reply.status);
    let mut body = reply.body;
    let mut read = BytesMut::new();
    let mut splitter = Splitter::new(LIMIT);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|break_off| broken(relay::sentence(&break_off)))?;
        if streams {
            let events = splitter.push(&chunk);
            let events = events.map_err(|_| broken("The answer is too large.".to_owned()))?;
            if let Some(found) = events.iter().find_map(|event| in_event(event, id)) {
                return found;
            }
        } else if read.len() + chunk.len() > LIMIT {
            return Err(broken("The answer is too large.".to_owned()));
        } else {
            read.extend_from_slice(&chunk);
        }
    }
    let whole = Json::read(&read).ok().and_then(|message| outcome(&message));
    whole.unwrap_or_else(|| {
        Err(broken(format!("The server answered with HTTP {status} and no message.")))
    })
}

fn in_event(event: &[u8], id: &Json) -> Option<Result<Json, Json>> {
    let message = Json::read(sse::data(event)?.as_bytes()).ok()?;
    if message.member("id") != Some(id) || message.member("method").is_some() {
        return None;
    }
    outcome(&message)
}

fn outcome(message: &Json) -> Option<Result<Json, Json>> {
    let result = message.member("result").cloned().map(Ok);
    result.or_else(|| message.member("error").cloned().map(Err))
}

fn fault(code: i64, text: &str) -> Json {
    Json::object([("code", Json::from(code)), ("message", Json::text(text))])
}

/// A tool call that was refused is a result with a reason in it, as without a task.
fn refused(era: Era, refusal: Refusal) -> Result<Reply, Refusal> {
    use prokura_delegation::RefusalCode::Unknown;
    if refusal.code == Unknown {
        return Err(refusal);
    }
    let result = relay::tool_error(era, &refusal.message);
    Ok(crate::wait::message(&crate::away::result(&Json::Null, result)))
}
