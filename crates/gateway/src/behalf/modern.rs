//! A request of a modern Agent: where its Server answers with questions, the person is asked, and the request goes again
//! with the answers, each round decided and recorded on the path.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::join_all;
use prokura_delegation::{Broken, Inbound, Kind, Reaction, Reply, Wait};
use prokura_domain::sse::Splitter;
use prokura_domain::{Json, sse};
use tokio::sync::mpsc;

use super::Inner;
use super::ask::{ask, elicited};
use super::claims::with_params;
use super::front::{Front, Out};
use crate::away::{self, own};
use crate::bridge::json_reply;
use crate::relay::event;

/// How often one request may be asked about.
const ROUNDS: u32 = 10;
/// The largest answer that is looked into.
const LIMIT: usize = 64 * 1024 * 1024;

/// One request under way.
struct Drive {
    inner: Arc<Inner>,
    inbound: Inbound,
    id: Json,
    out: mpsc::Sender<Out>,
    /// Whether the Agent has heard of something.
    spoke: bool,
}

/// Starts one.
pub(super) fn start(inner: &Arc<Inner>, inbound: Inbound, wait: Wait) -> Front {
    let (out, front) = Front::of(&inbound);
    let Kind::Message { id: Some(id), .. } = &inbound.kind else { return front };
    let id = id.clone();
    let drive = Drive { inner: Arc::clone(inner), inbound, id, out: out.clone(), spoke: false };
    tokio::spawn(async move {
        tokio::select! {
            biased;
            // Nobody waits any more: what is under way is dropped, and its question taken back.
            () = out.closed() => {}
            () = drive.run(wait) => {}
        }
    });
    front
}

impl Drive {
    async fn run(mut self, wait: Wait) {
        let (mut sent, mut wait) = (self.inbound.clone(), wait);
        for round in 1..=ROUNDS {
            let reply = match self.inner.path.pass_within(sent, std::mem::take(&mut wait)).await {
                Ok(reply) => reply,
                Err(refusal) if !self.spoke => return self.say(Out::Refused(refusal)).await,
                Err(refusal) => {
                    return self.fault(away::code_of(refusal.code), &refusal.message).await;
                }
            };
            let Some(asked) = self.hear(reply).await else { return };
            let Some(params) = self.answers(asked).await else { return };
            let id = Json::text(format!("prokura-behalf-{round}-{}", self.id.to_text()));
            let Some(again) = with_params(&self.inbound, params, Some(id)) else { return };
            sent = again;
        }
        self.fault(away::INTERNAL_ERROR, "The server keeps asking and gets no further.").await;
    }

    async fn say(&mut self, out: Out) {
        self.spoke |= matches!(out, Out::Event(_));
        // Nobody listening ends this from outside.
        let _ = self.out.send(out).await;
    }

    async fn fault(&mut self, code: i64, text: &str) {
        let message = away::error(Some(&self.id), code, text, None);
        self.last((200, message)).await;
    }

    async fn last(&mut self, (status, message): (u16, Json)) {
        let out = match self.spoke {
            true => Out::Event(event(&message.to_text()).to_vec()),
            false => Out::Whole(json_reply(status, &message)),
        };
        self.say(out).await;
    }

    /// Hands on what comes, up to a result that asks; `None` where that was all.
    async fn hear(&mut self, reply: Reply) -> Option<Json> {
        if reply.is_stream() && reply.status < 300 {
            return self.listen(reply).await;
        }
        let (status, headers) = (reply.status, reply.headers);
        let body = match collected(reply.body).await {
            Ok(body) => body,
            Err(broken) => {
                self.say(Out::Broken(broken)).await;
                return None;
            }
        };
        if let Some(asked) = asks(&body).and_then(|asked| self.ours(asked)) {
            return Some(asked);
        }
        let body = self.own(body);
        let out = match self.spoke {
            true => Out::Event(event(&String::from_utf8_lossy(&body)).to_vec()),
            false => {
                let body = futures::stream::once(async move { Ok(body) }).boxed();
                Out::Whole(Reply { status, headers, body })
            }
        };
        self.say(out).await;
        None
    }

    async fn listen(&mut self, reply: Reply) -> Option<Json> {
        let (mut body, mut splitter) = (reply.body, Splitter::new(LIMIT));
        loop {
            let (events, over) = match body.next().await {
                Some(Ok(chunk)) => match splitter.push(&chunk) {
                    Ok(events) => (events, false),
                    Err(_) => {
                        self.say(Out::Broken(Broken::TooLarge)).await;
                        return None;
                    }
                },
                Some(Err(broken)) => {
                    self.say(Out::Broken(broken)).await;
                    return None;
                }
                None => {
                    let rest = std::mem::replace(&mut splitter, Splitter::new(LIMIT)).rest();
                    (if rest.is_empty() { Vec::new() } else { vec![rest] }, true)
                }
            };
            for one in events {
                let data = sse::data(&one);
                let asked = data.as_deref().and_then(|data| asks(data.as_bytes()));
                if let Some(asked) = asked.and_then(|asked| self.ours(asked)) {
                    return Some(asked);
                }
                let one = match data {
                    Some(data) if self.is_renamed(data.as_bytes()) => {
                        let own = self.own(Bytes::from(data));
                        sse::with_data(&one, &String::from_utf8_lossy(&own))
                    }
                    _ => one,
                };
                self.say(Out::Event(one)).await;
            }
            if over {
                return None;
            }
        }
    }

    /// What the person is asked; what the Agent itself is asked goes on to it, and only that may it answer.
    fn ours(&self, asked: Json) -> Option<Json> {
        let requests = asked.member("inputRequests").and_then(Json::members).unwrap_or_default();
        if requests.iter().any(|(_, request)| method(request) == Some("elicitation/create")) {
            return Some(asked);
        }
        self.inner.handed.note(&self.inbound, &asked);
        None
    }

    fn is_renamed(&self, message: &[u8]) -> bool {
        let own = b"prokura-behalf-";
        message.windows(own.len()).any(|window| window == own)
    }

    /// The answer under the id that the Agent knows.
    fn own(&self, body: Bytes) -> Bytes {
        if !self.is_renamed(&body) {
            return body;
        }
        let Ok(mut message) = Json::read(&body) else { return body };
        let ours = message.member("id").and_then(Json::as_str);
        if ours.is_some_and(|id| id.starts_with("prokura-behalf-"))
            && message.member("method").is_none()
        {
            message.set("id", self.id.clone());
            return Bytes::from(message.to_text());
        }
        body
    }

    /// The parameters with what the person answered; `None` where it ends here.
    async fn answers(&mut self, mut asked: Json) -> Option<Json> {
        let requests = asked.remove("inputRequests").unwrap_or(Json::Null);
        let requests = requests.members().unwrap_or_default();
        let ours = |request: &Json| method(request) == Some("elicitation/create");
        if !requests.iter().all(|(_, request)| ours(request)) {
            let text = "The server asks for several things at once, of which the person can answer only some.";
            self.fault(own::BROKEN, text).await;
            return None;
        }
        let asking = requests.iter().map(|(key, request)| {
            let params = request.member("params").cloned().unwrap_or(Json::Object(Vec::new()));
            let asked = elicited(&self.inbound, params, false);
            let asking = ask(Arc::clone(&self.inner.path), asked, self.out.clone());
            // What cannot be shown, or may not be asked now, was answered by nobody.
            async move { (key.clone(), asking.await.unwrap_or(Reaction::Cancel).into_result()) }
        });
        let given = join_all(asking).await;
        let Kind::Message { params, .. } = &self.inbound.kind else { return None };
        let mut params = params.clone();
        params.remove("requestState");
        params.set("inputResponses", Json::Object(given));
        if let Some(state) = asked.remove("requestState") {
            params.set("requestState", state);
        }
        Some(params)
    }
}

fn method(request: &Json) -> Option<&str> {
    request.member("method").and_then(Json::as_str)
}

/// The result in a message that asks for something.
fn asks(message: &[u8]) -> Option<Json> {
    let word = b"input_required";
    if !message.windows(word.len()).any(|window| window == word) {
        return None;
    }
    let result = Json::read(message).ok()?.remove("result")?;
    let kind = result.member("resultType").and_then(Json::as_str);
    (kind == Some("input_required")).then_some(result)
}

/// A whole body.
pub(super) async fn collected(
    mut body: futures::stream::BoxStream<'static, Result<Bytes, Broken>>,
) -> Result<Bytes, Broken> {
    let mut whole: Vec<u8> = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if whole.len() + chunk.len() > LIMIT {
            return Err(Broken::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(whole))
}
