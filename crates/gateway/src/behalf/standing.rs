//! What goes to a Server in the same session besides a request, and the standing stream: what is asked there belongs to the
//! newest request, or to none.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use prokura_delegation::{Broken, Inbound, Kind, Reaction, Refusal, RefusalCode, Reply};
use prokura_domain::sse::{self, Splitter};
use prokura_domain::{Json, Outgoing, Verb};

use super::Inner;
use super::seat::Seat;
use crate::away::{self, INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::bridge::stream_reply;
use crate::header;

/// The largest event.
const LIMIT: usize = 64 * 1024 * 1024;

/// Something else in the same session.
pub(super) fn in_session(within: &Inbound, kind: Kind, body: &Json) -> Inbound {
    let kept = [header::SESSION, header::VERSION];
    let headers = within.outgoing.headers.iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let outgoing = Outgoing {
        verb: Verb::Post,
        headers: headers.cloned().collect(),
        body: Bytes::from(body.to_text()),
    };
    Inbound { kind, outgoing, ..within.clone() }
}

/// The answer to a question of the Server.
pub(super) fn answer(within: &Inbound, id: &Json, reaction: Result<Reaction, Refusal>) -> Inbound {
    let mut body = Json::object([("jsonrpc", Json::text("2.0")), ("id", id.clone())]);
    let result = match reaction {
        Ok(reaction) => {
            let result = reaction.into_result();
            body.set("result", result.clone());
            result
        }
        Err(refusal) => {
            let code = match refusal.code {
                RefusalCode::Malformed => INVALID_PARAMS,
                _ => away::code_of(refusal.code),
            };
            set_error(&mut body, code, &refusal.message);
            Json::Null
        }
    };
    in_session(within, Kind::Answer { id: id.clone(), result }, &body)
}

fn set_error(body: &mut Json, code: i64, text: &str) {
    body.set("error", Json::object([("code", Json::from(code)), ("message", Json::text(text))]));
}

/// The standing stream: what the Server asks there belongs to the newest request, or to none.
pub(super) fn standing(
    inner: &Arc<Inner>,
    seat: &Arc<Seat>,
    inbound: Inbound,
    reply: Reply,
) -> Reply {
    if !reply.is_stream() || reply.status >= 300 {
        return reply;
    }
    let (path, seat) = (Arc::clone(&inner.path), Arc::clone(seat));
    let state = (reply.body, Splitter::new(LIMIT), Vec::<Vec<u8>>::new());
    let body = futures::stream::unfold(Some(state), move |state| {
        let (path, seat, inbound) = (Arc::clone(&path), Arc::clone(&seat), inbound.clone());
        async move {
            let (mut body, mut splitter, mut ready) = state?;
            loop {
                if !ready.is_empty() {
                    let event = ready.remove(0);
                    if stays(&path, &seat, &inbound, &event) {
                        continue;
                    }
                    return Some((Ok(Bytes::from(event)), Some((body, splitter, ready))));
                }
                match body.next().await? {
                    Ok(chunk) => match splitter.push(&chunk) {
                        Ok(events) => ready = events,
                        Err(_) => return Some((Err(Broken::TooLarge), None)),
                    },
                    Err(broken) => return Some((Err(broken), None)),
                }
            }
        }
    });
    Reply { headers: reply.headers, ..stream_reply(body.boxed()) }
}

/// Whether an event of the standing stream is not for the Agent.
fn stays(path: &Arc<dyn crate::path::Path>, seat: &Seat, inbound: &Inbound, event: &[u8]) -> bool {
    let message = sse::data(event).and_then(|data| Json::read(data.as_bytes()).ok());
    let Some(message @ Json::Object(_)) = message else { return false };
    let method = message.member("method").and_then(Json::as_str).unwrap_or_default().to_owned();
    match (method.as_str(), message.member("id").cloned()) {
        ("elicitation/create", Some(id)) => {
            if !seat.to_newest(message) {
                // It belongs to nothing that an Agent asked for, so there is nothing to show it for.
                let mut body = Json::object([("jsonrpc", Json::text("2.0")), ("id", id.clone())]);
                set_error(&mut body, METHOD_NOT_FOUND, "The client does not answer this here.");
                let kind = Kind::Answer { id, result: Json::Null };
                let (path, answer) = (Arc::clone(path), in_session(inbound, kind, &body));
                tokio::spawn(async move {
                    let _ = path.pass(answer).await;
                });
            }
            true
        }
        ("notifications/elicitation/complete", None) => {
            seat.to_all(&message);
            true
        }
        ("notifications/cancelled", None) => {
            seat.to_all(&message);
            false
        }
        ("", _) => false,
        (_, Some(id)) => {
            seat.hands_out(&id);
            false
        }
        (_, None) => false,
    }
}
