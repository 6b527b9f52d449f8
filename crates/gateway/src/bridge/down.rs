//! A modern Agent at a legacy server: every request in a kept session, questions of the Server as `input_required`
//! with a sealed `requestState`, and the request held open until the Agent comes back with the answers (V-03).

mod call;
mod listen;
mod park;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Inbound, Refusal, Reply, Wait};
use prokura_domain::protocol::META_LOG_LEVEL;
use prokura_domain::{Digest, Json, call as domain_call};

use super::line::{Line, line_for};
use super::reading::{accepted, json_reply, stream_reply};
use super::{Inner, request, words};
use crate::away::{self, HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, own};
use crate::relay::event;
use call::{Call, Turn};
pub(super) use park::Parked;

/// What the Agent wants of this very request.
#[derive(Debug, Clone)]
struct Ear {
    id: Json,
    method: String,
    params: Json,
    token: Option<Json>,
    /// The least severe log message it wants to hear.
    level: Option<usize>,
}

impl Ear {
    fn of(method: &str, params: &Json, id: &Json) -> Self {
        let meta = params.member("_meta");
        let level = meta.and_then(|meta| meta.member(META_LOG_LEVEL)).and_then(Json::as_str);
        Self {
            id: id.clone(),
            method: method.to_owned(),
            params: params.clone(),
            token: meta.and_then(|meta| meta.member("progressToken")).cloned(),
            level: level.and_then(words::severity),
        }
    }

    /// What a retry has to be the same in: everything but what it brings along.
    fn digest(&self) -> Digest {
        let mut params = words::params_down(self.params.clone());
        params.remove("_meta");
        domain_call::digest(&self.method, &params)
    }
}

/// Carries one message of a modern Agent to a legacy server.
pub(super) async fn carry(
    bridge: &Arc<Inner>,
    inbound: Inbound,
    wait: Wait,
) -> Result<Reply, Refusal> {
    // Notifications of a modern agent say nothing to a session; cancelling is closing the stream.
    let Some((method, params, id)) = request(&inbound) else { return Ok(accepted()) };
    let ear = Ear::of(method, params, id);
    let headers = &inbound.outgoing.headers;
    match method {
        "server/discover" => {
            let line = line_for(bridge, &inbound).await?;
            let result = words::discovered(&line.sub.greeting);
            Ok(json_reply(200, &away::result(id, result)))
        }
        "subscriptions/listen" => listen::listen(bridge, &inbound, &ear).await,
        // Tasks of 2025-11-25 are not those of the extension (docs/bridging.md).
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            let text = format!("Method not found: {method} is not offered by this server.");
            let fault = away::error(Some(id), METHOD_NOT_FOUND, &text, None);
            Ok(json_reply(404, &fault))
        }
        "tools/call" if !line_for(bridge, &inbound).await?.mirrored.agrees(params, headers) => {
            let text =
                "Header mismatch: a header Mcp-Param-* says something else than the arguments.";
            Ok(json_reply(400, &away::error(Some(id), HEADER_MISMATCH, text, None)))
        }
        _ => {
            let state = ear.params.member("requestState").and_then(Json::as_str).map(str::to_owned);
            match state {
                Some(state) => park::again(bridge, &inbound, (ear, wait), &state).await,
                None => fresh(bridge, &inbound, ear, wait).await,
            }
        }
    }
}

/// A request that begins. A session that its Server no longer knows is opened once more: the request did not run.
async fn fresh(
    bridge: &Arc<Inner>,
    inbound: &Inbound,
    ear: Ear,
    wait: Wait,
) -> Result<Reply, Refusal> {
    let line = line_for(bridge, inbound).await?;
    line.hear_from(bridge, &ear).await?;
    let mut call = Call::start(bridge, &line, &ear, wait.clone());
    let mut first = call.turn(&ear).await;
    if let Turn::Gone = first {
        bridge.lines.forget(&line);
        let line = line_for(bridge, inbound).await?;
        line.hear_from(bridge, &ear).await?;
        call = Call::start(bridge, &line, &ear, wait);
        first = call.turn(&ear).await;
    }
    respond(bridge, call, ear, first).await
}

/// The answer to the Agent: whole where the next thing the Server says is the answer, else as a stream.
async fn respond(bridge: &Arc<Inner>, call: Call, ear: Ear, first: Turn) -> Result<Reply, Refusal> {
    match first {
        Turn::Refused(refusal) => Err(refusal),
        Turn::Note(note) => {
            let out = VecDeque::from([event(&note.to_text())]);
            let telling = Telling { bridge: Arc::clone(bridge), under_way: Some((call, ear)), out };
            let body = stream::unfold(telling, |mut telling| async move {
                let bytes = telling.next().await?;
                Some((Ok(bytes), telling))
            });
            Ok(stream_reply(body.boxed()))
        }
        last => {
            let (status, message) = close(bridge, call, &ear, last).await?;
            Ok(json_reply(status, &message))
        }
    }
}

/// A stream to the Agent.
struct Telling {
    bridge: Arc<Inner>,
    under_way: Option<(Call, Ear)>,
    out: VecDeque<Bytes>,
}

impl Telling {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.out.pop_front() {
            return Some(bytes);
        }
        let (mut call, ear) = self.under_way.take()?;
        // While this is polled the call is in nobody else's hands; dropped here, it is cancelled at the Server.
        match call.turn(&ear).await {
            Turn::Note(note) => {
                self.under_way = Some((call, ear));
                Some(event(&note.to_text()))
            }
            last => {
                let message = match close(&self.bridge, call, &ear, last).await {
                    Ok((_, message)) => message,
                    Err(refusal) => {
                        let code = away::code_of(refusal.code);
                        away::error(Some(&ear.id), code, &refusal.message, None)
                    }
                };
                Some(event(&message.to_text()))
            }
        }
    }
}

/// The last word on a request: status and message.
async fn close(
    bridge: &Arc<Inner>,
    mut call: Call,
    ear: &Ear,
    last: Turn,
) -> Result<(u16, Json), Refusal> {
    let line = Arc::clone(call.line());
    match last {
        Turn::Answer(mut message) => Ok(match message.remove("result") {
            Some(result) => {
                if let ("tools/list", Some(tools)) = (ear.method.as_str(), result.member("tools")) {
                    line.mirrored.learn(tools.items().unwrap_or_default());
                }
                let server = line.sub.greeting.member("serverInfo");
                (200, away::result(&ear.id, words::result_down(&ear.method, result, server)))
            }
            None => failed(bridge, &line, ear, message)?,
        }),
        Turn::Question(id, first) => {
            let mut asked = vec![(id, first)];
            call.gather(ear, &mut asked).await;
            park::ask(bridge, call, ear, asked)
        }
        Turn::Refused(refusal) => Err(refusal),
        Turn::Broken(broken) => {
            let text = crate::relay::sentence(&broken);
            Ok((502, away::error(Some(&ear.id), away::code_of_break(&broken), &text, None)))
        }
        Turn::Ended(status) => {
            let text = format!("The server answered with HTTP {status} and no message.");
            Ok((502, away::error(Some(&ear.id), own::BROKEN, &text, None)))
        }
        // A note is no last word, and a session that went twice is the Server's fault.
        Turn::Note(_) | Turn::Gone => {
            let text = "The server ended its session; try again.";
            Ok((502, away::error(Some(&ear.id), own::BROKEN, text, None)))
        }
    }
}

/// An error of the Server. The one that asks for a visit to a page becomes a question (2025-11-25, −32042).
fn failed(
    bridge: &Arc<Inner>,
    line: &Arc<Line>,
    ear: &Ear,
    mut message: Json,
) -> Result<(u16, Json), Refusal> {
    let error = message.remove("error").unwrap_or(Json::Null);
    if let Some(asked) = park::pages(line, ear, &error) {
        return park::ask_again(bridge, line, ear, asked);
    }
    let (status, error) = words::error_down(&ear.method, error);
    let mut message =
        Json::object([("jsonrpc", Json::text("2.0")), ("id", ear.id.clone()), ("error", error)]);
    if message.at("/error/code").is_none() {
        message = away::error(Some(&ear.id), own::BROKEN, "The server said nothing of use.", None);
    }
    Ok((status, message))
}

impl Line {
    /// Asks the Server for the log messages this request wants, where it has them and was not asked for as many yet.
    async fn hear_from(&self, bridge: &Arc<Inner>, ear: &Ear) -> Result<(), Refusal> {
        let Some(wanted) = ear.level.filter(|_| self.sub.offers("logging")) else { return Ok(()) };
        let mut level = self.level.lock().await;
        if level.is_some_and(|now| now <= wanted) {
            return Ok(());
        }
        let meta = ear.params.member("_meta").and_then(|meta| meta.member(META_LOG_LEVEL));
        let params = Json::object([("level", meta.cloned().unwrap_or(Json::Null))]);
        bridge
            .path
            .pass(self.sub.message("logging/setLevel", params, Some(self.next_id())))
            .await?;
        *level = Some(wanted);
        Ok(())
    }
}

/// What is said to a `requestState` that is not ours, not this Agent's, not for this request, or too old.
fn stale(id: &Json) -> Reply {
    let text = "Invalid params: this requestState is not valid here (changed, used, expired, or of another request). \
                Send the request again without it.";
    json_reply(400, &away::error(Some(id), INVALID_PARAMS, text, None))
}
