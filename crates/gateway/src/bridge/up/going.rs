//! One request of a legacy Agent under way at a modern server. Where the Server needs input, the Agent is asked on the
//! stream of its own request, and the request goes again with the answers; each round is decided and recorded anew.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Refusal, Reply, Wait};
use prokura_domain::Json;
use tokio::sync::oneshot;

use super::super::reading::{Messages, json_reply, stream_reply};
use super::super::{Inner, words};
use super::Session;
use crate::away::{self, HEADER_MISMATCH, INTERNAL_ERROR, code_of_break, own};
use crate::relay::event;

/// How often one request may be asked about.
const ROUNDS: u8 = 10;
/// How long an Agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How long to wait where the Server only wants the request again.
const AGAIN: Duration = Duration::from_millis(250);

/// What comes next.
enum Step {
    Note(Json),
    /// The answer: the whole message.
    Last(Json),
    /// The Server needs input: its result.
    Input(Json),
}

/// A question to the Agent: the Server's key, the method, the answer to come, and the id of a page to be visited.
struct Asked {
    key: String,
    method: String,
    answer: oneshot::Receiver<Json>,
    page: Option<Json>,
}

struct Going {
    bridge: Arc<Inner>,
    session: Arc<Session>,
    method: String,
    params: Json,
    id: Json,
    /// The id it has at the Server now.
    sent: Json,
    messages: Messages,
    asked: Option<(Vec<Asked>, Option<Json>)>,
    out: VecDeque<Json>,
    rounds: u8,
    done: bool,
}

/// Carries one request.
pub(super) async fn go(
    bridge: &Arc<Inner>,
    session: &Arc<Session>,
    (method, params, id): (&str, &Json, &Json),
    wait: Wait,
) -> Result<Reply, Refusal> {
    let message = session.message(method, params.clone(), id);
    let messages = Messages::of(bridge.path.pass_within(message, wait).await?);
    let mut going = Going {
        bridge: Arc::clone(bridge),
        session: Arc::clone(session),
        method: method.to_owned(),
        params: params.clone(),
        id: id.clone(),
        sent: id.clone(),
        messages,
        asked: None,
        out: VecDeque::new(),
        rounds: 0,
        done: false,
    };
    match going.first().await? {
        Step::Last(message) => return Ok(json_reply(200, &going.close(message))),
        Step::Note(note) => going.out.push_back(note),
        Step::Input(result) => going.ask(result),
    }
    let body = stream::unfold(going, |mut going| async move {
        let message = going.next().await?;
        Some((Ok(event(&message.to_text())), going))
    });
    Ok(stream_reply(body.boxed()))
}

impl Going {
    /// The first step. A Server that misses mirrored arguments gets them once its tools are known (CT-08).
    async fn first(&mut self) -> Result<Step, Refusal> {
        let step = self.step().await;
        let mismatch = HEADER_MISMATCH.to_string();
        let missed = match &step {
            Step::Last(message) => {
                message.at("/error/code").map(Json::to_text).as_deref() == Some(mismatch.as_str())
            }
            Step::Note(_) | Step::Input(_) => false,
        };
        if self.method != "tools/call" || !missed {
            return Ok(step);
        }
        self.learn().await?;
        self.send(self.params.clone()).await?;
        Ok(self.step().await)
    }

    async fn learn(&mut self) -> Result<(), Refusal> {
        let mut cursor: Option<Json> = None;
        for _ in 0..16 {
            let mut params = Json::Object(Vec::new());
            if let Some(cursor) = cursor.take() {
                params.set("cursor", cursor);
            }
            let id = self.session.next_id();
            let asked = self.session.message("tools/list", params, &id);
            let mut messages = Messages::of(self.bridge.path.pass(asked).await?);
            let Some(Ok(message)) = messages.next().await else { return Ok(()) };
            let tools = message.at("/result/tools").and_then(Json::items).unwrap_or_default();
            self.session.mirrored.learn(tools);
            cursor =
                message.at("/result/nextCursor").filter(|next| next.as_str().is_some()).cloned();
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Sends it again under an id of its own (CP-03).
    async fn send(&mut self, params: Json) -> Result<(), Refusal> {
        self.sent = self.session.next_id();
        let message = self.session.message(&self.method, params, &self.sent);
        self.messages = Messages::of(self.bridge.path.pass(message).await?);
        Ok(())
    }

    async fn step(&mut self) -> Step {
        loop {
            let message = match self.messages.next().await {
                Some(Ok(message)) => message,
                Some(Err(broken)) => {
                    return self.fault(code_of_break(&broken), &crate::relay::sentence(&broken));
                }
                None => {
                    let status = self.messages.status;
                    let text = format!("The server answered with HTTP {status} and no message.");
                    return self.fault(own::BROKEN, &text);
                }
            };
            match (message.member("method"), message.member("id")) {
                (Some(_), None) => return Step::Note(message),
                // A modern server asks nothing on a stream (ST-05).
                (Some(_), Some(_)) => {}
                (None, id) => {
                    let nobody = matches!(id, None | Some(Json::Null));
                    let answers =
                        id == Some(&self.sent) || (nobody && message.member("error").is_some());
                    let kind = message.at("/result/resultType").and_then(Json::as_str);
                    match (answers, kind) {
                        (true, Some("input_required")) => {
                            return Step::Input(
                                message.member("result").cloned().unwrap_or(Json::Null),
                            );
                        }
                        (true, _) => return Step::Last(message),
                        (false, _) => {}
                    }
                }
            }
        }
    }

    fn fault(&self, code: i64, text: &str) -> Step {
        Step::Last(away::error(Some(&self.id), code, text, None))
    }

    /// The last word as the session gives it.
    fn close(&self, mut message: Json) -> Json {
        message.set("id", self.id.clone());
        if let Some(result) = message.remove("result") {
            if let ("tools/list", Some(tools)) = (self.method.as_str(), result.member("tools")) {
                self.session.mirrored.learn(tools.items().unwrap_or_default());
            }
            return away::result(&self.id, words::result_up(&self.method, result));
        }
        if let Some(error) = message.remove("error") {
            message.set("error", words::error_up(&self.method, error));
        }
        message
    }

    async fn next(&mut self) -> Option<Json> {
        loop {
            if let Some(message) = self.out.pop_front() {
                return Some(message);
            }
            if self.done {
                return None;
            }
            if let Some((asked, state)) = self.asked.take() {
                if let Err(fault) = self.come_back(asked, state).await {
                    self.done = true;
                    return Some(fault);
                }
                continue;
            }
            match self.step().await {
                Step::Note(note) => return Some(note),
                Step::Input(result) => self.ask(result),
                Step::Last(message) => {
                    self.done = true;
                    return Some(self.close(message));
                }
            }
        }
    }

    /// Puts the Server's questions to the Agent, as requests on the stream of its own.
    fn ask(&mut self, mut result: Json) {
        self.rounds += 1;
        let requests = result.remove("inputRequests");
        let requests = requests.as_ref().and_then(Json::members).unwrap_or_default();
        let state = result.remove("requestState");
        if self.rounds > ROUNDS || (requests.is_empty() && state.is_none()) {
            self.fail("The server keeps asking and gets no further.");
            return;
        }
        let mut asked = Vec::new();
        for (key, request) in requests {
            let method = request.member("method").and_then(Json::as_str).unwrap_or_default();
            let mut params =
                request.member("params").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
            if !words::answers(&self.session.capabilities, method, &params) {
                self.fail("The server asks for something this agent did not say it can answer.");
                return;
            }
            let (id, answer) = self.session.ask();
            let visits = params.member("mode").and_then(Json::as_str) == Some("url");
            let page = visits
                .then(|| Json::text(format!("prokura-page-{}", id.as_str().unwrap_or_default())));
            if let Some(page) = &page {
                params.set("elicitationId", page.clone());
            }
            self.out.push_back(words::message(Some(&id), method, params));
            asked.push(Asked { key: key.clone(), method: method.to_owned(), answer, page });
        }
        self.asked = Some((asked, state));
    }

    fn fail(&mut self, text: &str) {
        self.done = true;
        self.out.push_back(away::error(Some(&self.id), INTERNAL_ERROR, text, None));
    }

    /// Waits for the answers and sends the request again with them. The error is the last word to the Agent.
    async fn come_back(&mut self, asked: Vec<Asked>, state: Option<Json>) -> Result<(), Json> {
        let own_id = self.id.clone();
        let fault = |text: &str| away::error(Some(&own_id), own::UNANSWERED, text, None);
        if asked.is_empty() {
            tokio::time::sleep(AGAIN).await;
        }
        let (mut keys, mut waiting, mut pages) = (Vec::new(), Vec::new(), Vec::new());
        for one in asked {
            keys.push((one.key, one.method));
            waiting.push(one.answer);
            pages.extend(one.page);
        }
        let answers = tokio::time::timeout(PATIENCE, join_all(waiting)).await;
        let answers = answers.map_err(|_| fault("The agent did not answer the server in time."))?;
        let mut given = Vec::new();
        for ((key, method), answer) in keys.into_iter().zip(answers) {
            let answer = match answer {
                Ok(answer) if answer.members().is_some() => answer,
                // An error: whoever was asked has left it at that.
                _ if method == "elicitation/create" => {
                    Json::object([("action", Json::text("cancel"))])
                }
                _ => return Err(fault("The agent could not answer the server.")),
            };
            given.push((key, answer));
        }
        let mut params = self.params.clone();
        if !given.is_empty() {
            params.set("inputResponses", Json::Object(given));
        }
        if let Some(state) = state {
            params.set("requestState", state);
        }
        let sent = self.send(params).await;
        sent.map_err(|refusal| {
            let code = away::code_of(refusal.code);
            away::error(Some(&self.id), code, &refusal.message, None)
        })?;
        for page in pages {
            let params = Json::object([("elicitationId", page)]);
            self.out.push_back(words::message(None, "notifications/elicitation/complete", params));
        }
        Ok(())
    }
}
