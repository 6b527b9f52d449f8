//! A tool that the person calls themselves: a message of the agent "you" on the one path of a Call, and its answer in
//! pieces. Nothing is decided here, and nothing is sent that is not decided there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prokura_domain::protocol::{META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN};
use prokura_domain::{Agent, Json, Origin};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::sync::oneshot;

use crate::Api;
use crate::arguments::pretty;
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::view::{ContentPartView, Piece, RunView};

/// How much of a text is shown; the rest is in the audit log, as far as that keeps it.
const SHOWN: usize = 128 * 1024;
/// The most parts of a result that are shown.
const PARTS: usize = 200;
/// A call waits for its approval in rounds; a question lives ten minutes.
const ROUNDS: usize = 40;

/// What is called.
#[derive(Clone)]
pub struct RunCall {
    /// The server's name or id.
    pub server: String,
    /// The account's name or id.
    pub account: Option<String>,
    /// The tool.
    pub tool: String,
    /// A JSON object as text.
    pub arguments: String,
    /// A name by which it can be stopped.
    pub name: Option<String>,
}

impl std::fmt::Debug for RunCall {
    /// Without the arguments: they can hold anything.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunCall").field("tool", &self.tool).finish_non_exhaustive()
    }
}

/// What runs now, by the names it was given.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<HashMap<String, oneshot::Sender<()>>>);

impl Runs {
    /// Resolves when it is stopped. Without a name it is stopped by leaving alone.
    fn begin(&self, name: Option<&String>) -> oneshot::Receiver<()> {
        let (stop, stopped) = oneshot::channel();
        if let Some(name) = name {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            held.insert(name.clone(), stop);
        }
        stopped
    }

    fn end(&self, name: &str) -> Option<oneshot::Sender<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name)
    }
}

impl Api {
    /// Calls a tool as the agent "you". It waits for the person where the call has to be approved.
    ///
    /// # Errors
    /// [`Failure`] when there is no such server, account or tool, or the arguments are no JSON object. What becomes of the
    /// call, refusals included, is in the view.
    pub async fn run(&self, call: RunCall, origin: Origin) -> Result<RunView, Failure> {
        let server = self.server_named(&call.server)?;
        let account = match &call.account {
            Some(account) => format!("@{}", self.account_named(&server, account)?.name),
            None => String::new(),
        };
        if self.store().tool(&server.id, &call.tool)?.is_none() {
            return Err(Failure::new(
                FailureCode::NotFound,
                format!("{} has no tool \"{}\".", server.name, call.tool),
                format!("List its tools with `prokura tools list --server {}`.", server.name),
            ));
        }
        let arguments = arguments(&call.arguments)?;
        let person = self.0.delegation.person().await?;
        self.0.delegation.person_asks(&person, &server, origin).await?;
        let (trace, span) = self.0.delegation.fresh_trace();
        let message = message(&call.tool, arguments, &format!("00-{trace}-{span}-01"));
        let begun = self.0.delegation.moment();
        let place = format!("{}{account}", server.name);
        let stopped = self.1.begin(call.name.as_ref());
        let answer = tokio::select! {
            answer = self.conversation(person, place, message) => Some(answer),
            // A sender that is gone stops nothing.
            Ok(()) = stopped => None,
        };
        if let Some(name) = &call.name {
            self.1.end(name);
        }
        let took = self.0.delegation.moment().millis_since(begun);
        Ok(match answer {
            Some(answer) => shown(&answer?, trace, took),
            None => told("stopped", "You stopped it.", trace, took),
        })
    }

    /// Stops a run. One that is over is stopped already.
    ///
    /// # Errors
    /// None.
    pub async fn run_stop(&self, name: String) -> Result<(), Failure> {
        if let Some(stop) = self.1.end(&name) {
            // It has just ended by itself.
            let _ = stop.send(());
        }
        Ok(())
    }

    /// Says it, and again with what it was told to come back with while the person decides.
    async fn conversation(
        &self,
        person: Agent,
        place: String,
        mut message: Json,
    ) -> Result<Json, Failure> {
        let mut line = BufReader::new(self.0.surroundings.let_in(person, place));
        for round in 0..ROUNDS {
            message.set("id", Json::from(round as u64));
            let answer = say(&mut line, &message, round as u64).await?;
            let result = answer.member("result");
            let waits = result.filter(|result| result.member("inputRequests").is_none());
            let state = waits.and_then(|result| result.member("requestState")).cloned();
            match state {
                Some(state) => {
                    if let Some(params) = message.member_mut("params") {
                        params.set("requestState", state);
                    }
                }
                None => return Ok(answer),
            }
        }
        Err(gone())
    }
}

/// One request, and its answer; what else is said meanwhile is not for the person.
async fn say(line: &mut BufReader<DuplexStream>, message: &Json, id: u64) -> Result<Json, Failure> {
    let mut text = message.to_text();
    text.push('\n');
    line.get_mut().write_all(text.as_bytes()).await.map_err(|_| gone())?;
    loop {
        let mut heard = Vec::new();
        if line.read_until(b'\n', &mut heard).await.map_err(|_| gone())? == 0 {
            return Err(gone());
        }
        let Ok(answer) = Json::read(&heard) else { continue };
        let own = answer.member("id").map(Json::to_text) == Some(id.to_string());
        if own && answer.member("method").is_none() {
            return Ok(answer);
        }
    }
}

fn gone() -> Failure {
    Failure::new(
        FailureCode::Internal,
        "The call ended without an answer.",
        "Look into the audit log, whether it was sent, before you run it again.",
    )
}

fn arguments(text: &str) -> Result<Json, Failure> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let bad = |why: String| {
        Failure::new(
            FailureCode::BadRequest,
            format!("The arguments are no JSON object: {why}."),
            "Write them like {\"path\": \"notes.txt\"}.",
        )
    };
    let read = Json::read(text.as_bytes()).map_err(|fault| bad(fault.to_string()))?;
    match read.members() {
        Some(_) => Ok(read),
        None => Err(bad("it is another kind of value".to_owned())),
    }
}

fn message(tool: &str, arguments: Json, traceparent: &str) -> Json {
    let own = [("name", Json::text("prokura")), ("version", Json::text(env!("CARGO_PKG_VERSION")))];
    let meta = Json::object([
        (META_VERSION, Json::text(MODERN)),
        (META_CLIENT, Json::object(own)),
        (META_CAPABILITIES, Json::Object(Vec::new())),
        ("traceparent", Json::text(traceparent)),
    ]);
    let params =
        Json::object([("name", Json::text(tool)), ("arguments", arguments), ("_meta", meta)]);
    Json::object([
        ("jsonrpc", Json::text("2.0")),
        ("id", Json::Null),
        ("method", Json::text("tools/call")),
        ("params", params),
    ])
}

fn told(outcome: &str, message: &str, trace: String, took_ms: i64) -> RunView {
    RunView {
        outcome: outcome.to_owned(),
        trace,
        took_ms,
        code: None,
        message: pieces(message),
        parts: Vec::new(),
        structured: Vec::new(),
        raw: Vec::new(),
        cut: false,
    }
}

fn shown(answer: &Json, trace: String, took_ms: i64) -> RunView {
    let mut cut = false;
    let raw = some(&pretty(answer), &mut cut);
    if let Some(error) = answer.member("error") {
        let message = error.member("message").and_then(Json::as_str).unwrap_or_default();
        let code = error.member("code").and_then(|code| code.to_text().parse().ok());
        let message = some(message, &mut cut);
        return RunView { code, message, raw, cut, ..told("refused", "", trace, took_ms) };
    }
    let result = answer.member("result").unwrap_or(&Json::Null);
    if result.member("inputRequests").is_some() {
        let why = "The server wants to know something before it answers, and this form cannot ask for it.";
        return RunView { raw, cut, ..told("asks", why, trace, took_ms) };
    }
    let failed = matches!(result.member("isError"), Some(Json::Bool(true)));
    let content = result.member("content").and_then(Json::items).unwrap_or_default();
    cut |= content.len() > PARTS;
    let parts = content.iter().take(PARTS).map(|part| one(part, &mut cut)).collect();
    let structured = result.member("structuredContent");
    let structured = structured.map(|value| some(&pretty(value), &mut cut)).unwrap_or_default();
    let outcome = if failed { "failed" } else { "done" };
    RunView { parts, structured, raw, cut, ..told(outcome, "", trace, took_ms) }
}

/// One part of a result.
fn one(part: &Json, cut: &mut bool) -> ContentPartView {
    let text = |value: &Json, name: &str| {
        value.member(name).and_then(Json::as_str).map(str::to_owned).unwrap_or_default()
    };
    let kind = text(part, "type");
    let held = part.member("resource").unwrap_or(part);
    let words = text(held, "text");
    let size = held.member("data").or_else(|| held.member("blob")).and_then(Json::as_str);
    // Base64 is four letters for three bytes.
    let size = size.map(|data| format!("{} KiB", (data.len() / 4 * 3).div_ceil(1024)));
    let about = [text(held, "uri"), text(held, "mimeType"), size.unwrap_or_default()];
    let about: Vec<String> = about.into_iter().filter(|word| !word.is_empty()).collect();
    ContentPartView { kind, about: about.join(", "), text: some(&words, cut) }
}

/// As much of a text as is shown.
fn some(text: &str, cut: &mut bool) -> Vec<Piece> {
    let mut end = text.len().min(SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    *cut |= end < text.len();
    pieces(text.get(..end).unwrap_or(text))
}
