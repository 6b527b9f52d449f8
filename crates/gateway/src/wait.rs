//! A call that waits for the person outlives its Agent's patience (V-06). Which way depends on what the Agent speaks: a
//! task, `input_required` with a `requestState` (2026-07-28), or a tool result that says to call again. It must never
//! hand one Agent's call to another, and never send anything but what was kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply, Wait};
use prokura_domain::call::{self, VOLATILE};
use prokura_domain::id::base32;
use prokura_domain::protocol::META_CAPABILITIES;
use prokura_domain::{Digest, Entropy, Era, Json, Outgoing, QuestionId};
use tokio::time::Instant;

use crate::away;
use crate::letter::Letter;
use crate::shared::Shared;
use crate::tasks;

/// What every `requestState` of our own begins with.
const PREFIX: &str = "prokura-waits.";
/// A little longer than a Question can be answered.
const KEPT_FOR: Duration = Duration::from_secs(660);
/// Calls that are kept at most; the oldest goes first.
const MOST: usize = 512;
/// An Agent with tasks gets one when the person does not answer at once.
const SOON: Duration = Duration::from_millis(1500);

/// A call that its Agent was told to ask for again.
#[derive(Debug)]
struct Kept {
    inbound: Inbound,
    bound_to: Digest,
    question: Option<QuestionId>,
    since: Instant,
}

/// The calls that were handed back with a `requestState`.
#[derive(Debug, Default)]
pub(crate) struct Waits(Mutex<HashMap<String, Kept>>);

impl Waits {
    fn keep(&self, entropy: &dyn Entropy, kept: Kept) -> String {
        let mut bytes = [0u8; 20];
        entropy.fill(&mut bytes);
        let token = format!("{PREFIX}{}", base32(&bytes));
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, kept| kept.since.elapsed() < KEPT_FOR);
        if table.len() >= MOST
            && let Some(oldest) =
                table.iter().min_by_key(|(_, kept)| kept.since).map(|(token, _)| token.clone())
        {
            table.remove(&oldest);
        }
        table.insert(token.clone(), kept);
        token
    }

    /// The call behind a `requestState`, once, for the same Agent at the same place with the same parameters.
    fn take(&self, token: &str, inbound: &Inbound) -> Option<Kept> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = table.get(token)?;
        let same = kept.inbound.agent == inbound.agent
            && kept.inbound.server == inbound.server
            && kept.inbound.account == inbound.account
            && kept.since.elapsed() < KEPT_FOR
            && Some(kept.bound_to) == bound(inbound);
        if same { table.remove(token) } else { None }
    }
}

/// How an Agent can wait for longer than its patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// As its era has it.
    Rounds,
    /// The tasks of 2026-07-28.
    Tasks,
    /// It waits in a task already, for as long as it takes.
    InTask,
}

/// Carries one request, and answers before the Agent's patience ends.
pub(crate) async fn pass(
    shared: &Arc<Shared>,
    inbound: Inbound,
    speaks: Speaks,
) -> Result<Reply, Refusal> {
    let Kind::Message { method, params, id: Some(id) } = &inbound.kind else {
        return shared.path.pass(inbound).await;
    };
    if speaks == Speaks::InTask {
        return shared.path.pass(inbound).await;
    }
    let hears = params.at("/_meta/progressToken").is_some();
    let patience = shared.path.patience(&inbound.agent, hears);
    if inbound.era == Era::Legacy {
        return shared.path.pass_within(inbound, Wait { within: patience, resumes: None }).await;
    }
    let asked = (method.as_str(), params, id);
    if let Some(answer) = tasks::modern(shared, &inbound.agent, asked, Some(&inbound)).await {
        return answer;
    }
    let rounds = matches!(method.as_str(), "tools/call" | "prompts/get" | "resources/read");
    let as_task = method == "tools/call" && speaks == Speaks::Tasks;
    let within = match (as_task, rounds) {
        (true, _) => Some(patience.map_or(SOON, |patience| patience.min(SOON))),
        // A round costs little, so a progress token is no reason to trust in a client's patience.
        (false, true) => shared.path.patience(&inbound.agent, false),
        (false, false) => patience,
    };
    let id = id.clone();
    let (inbound, resumes) = match state_of(params) {
        Some(token) => resumed(shared, &token, inbound)?,
        None => (inbound, None),
    };
    let wait = Wait { within, resumes };
    if !rounds {
        return shared.path.pass_within(inbound, wait).await;
    }
    match shared.path.pass_within(inbound.clone(), wait).await {
        Err(refusal) if refusal.code == RefusalCode::Waiting => {
            let question = refusal.question;
            if as_task {
                return Ok(tasks::begin(shared, inbound, question, &id));
            }
            Ok(again(shared, inbound, question, &id))
        }
        other => other,
    }
}

/// The answer that makes the Agent ask again at once.
fn again(shared: &Arc<Shared>, inbound: Inbound, question: Option<QuestionId>, id: &Json) -> Reply {
    let Some(bound_to) = bound(&inbound) else {
        return message(&away::error(Some(id), away::INTERNAL_ERROR, "Not a request.", None));
    };
    let kept = Kept { inbound, bound_to, question, since: Instant::now() };
    let token = shared.waits.keep(&*shared.entropy, kept);
    let result = Json::object([
        ("resultType", Json::text("input_required")),
        ("requestState", Json::text(token)),
    ]);
    message(&away::result(id, result))
}

/// The kept call with the new message's id, progress token and trace.
fn resumed(
    shared: &Arc<Shared>,
    token: &str,
    inbound: Inbound,
) -> Result<(Inbound, Option<QuestionId>), Refusal> {
    let kept = shared.waits.take(token, &inbound);
    let same = kept.and_then(|kept| Some((as_kept(&kept.inbound, inbound)?, kept.question)));
    same.ok_or_else(|| {
        let text = "This requestState is not known here: it was used, is too old, or belongs to another call. Call \
                    again without it.";
        Refusal::new(RefusalCode::Malformed, text)
    })
}

fn as_kept(kept: &Inbound, now: Inbound) -> Option<Inbound> {
    let Kind::Message { method, params: new, id } = &now.kind else { return None };
    let Kind::Message { params, .. } = &kept.kind else { return None };
    let mut params = params.clone();
    if let Some(meta) = params.member_mut("_meta") {
        for key in VOLATILE {
            meta.remove(key);
            if let Some(value) = new.member("_meta").and_then(|meta| meta.member(key)) {
                meta.set(key, value.clone());
            }
        }
    }
    let mut message = Json::read(&kept.outgoing.body).ok()?;
    message.set("id", id.clone()?);
    message.set("params", params.clone());
    let body = Bytes::from(message.to_text());
    let kind = Kind::Message { method: method.clone(), params, id: id.clone() };
    Some(Inbound { kind, outgoing: Outgoing { body, ..now.outgoing.clone() }, ..now })
}

/// What identifies a call apart from the rounds it goes through.
fn bound(inbound: &Inbound) -> Option<Digest> {
    let Kind::Message { method, params, .. } = &inbound.kind else { return None };
    let mut params = params.clone();
    params.remove("requestState");
    params.remove("inputResponses");
    Some(call::digest(method, &params))
}

fn state_of(params: &Json) -> Option<String> {
    let state = params.member("requestState").and_then(Json::as_str)?;
    state.starts_with(PREFIX).then(|| state.to_owned())
}

/// What the Agent says with this request that it knows.
pub(crate) fn spoken(letter: &Letter) -> Speaks {
    let extensions = letter.meta(META_CAPABILITIES).and_then(|said| said.member("extensions"));
    match extensions.and_then(|all| all.member(tasks::EXTENSION)) {
        Some(_) => Speaks::Tasks,
        None => Speaks::Rounds,
    }
}

/// A message of our own as a reply, so that it travels like every other.
pub(crate) fn message(message: &Json) -> Reply {
    let bytes = Bytes::from(message.to_text());
    Reply {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: stream::once(async move { Ok(bytes) }).boxed(),
    }
}
