//! The start of a legacy session at one Server. The Agent's parameters go on untouched; the session id that comes
//! back is the gateway's own. A refused handshake makes no session.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Broken, Inbound, Reply};
use prokura_domain::sse::{self, Splitter};
use prokura_domain::{Era, Json, Outgoing, Verb};

use crate::away::{Away, own};
use crate::entrance::{Caller, went_well};
use crate::era;
use crate::header::{self, Accepts};
use crate::letter::Letter;
use crate::relay::{self, Ended, Errand};
use crate::session::{Place, Session, Sessions};
use crate::single::{Reach, kind};

/// The largest answer to a handshake.
const LIMIT: usize = 4 * 1024 * 1024;

/// `initialize` at one Server.
pub(crate) async fn one(
    caller: &Caller,
    reach: Reach,
    letter: Letter,
    accepts: Accepts,
) -> Result<Response<Body>, Away> {
    let shared = &caller.shared;
    let asked = letter.json.at("/params/protocolVersion").and_then(Json::as_str);
    era::check_legacy(&caller.headers, asked)?;
    let mut errand = Errand::of(&letter, Era::Legacy, accepts);
    let account = match reach.account {
        Ok(account) => account,
        Err(refusal) => {
            let refused = Err(Ended::Refused(refusal));
            return Ok(relay::ready(shared.pace, errand, refused).await);
        }
    };
    room(caller)?;
    let slot = caller.slot()?;
    errand.held.slot = Some(slot);
    let id = Sessions::mint(&*shared.entropy);
    let server = reach.server.id;
    let inbound = Inbound {
        agent: caller.agent.id.clone(),
        server: server.clone(),
        account: account.clone(),
        era: Era::Legacy,
        session: Some(id.clone()),
        kind: kind(&letter),
        outgoing: Outgoing {
            verb: Verb::Post,
            headers: header::outgoing(&caller.headers, Era::Legacy, None)?,
            body: letter.raw.clone(),
        },
    };
    match shared.path.pass(inbound).await {
        Ok(reply) if went_well(reply.status) => {
            let upstream = reply.header(header::SESSION).map(str::to_owned);
            let place = Place::One { server, account, upstream };
            greeted(caller, errand, reply, (id, place)).await
        }
        other => {
            let result = other.map_err(Ended::Refused);
            Ok(relay::ready(shared.pace, errand, result).await)
        }
    }
}

/// The handshake went through; whether it succeeded is for its body to say.
async fn greeted(
    caller: &Caller,
    errand: Errand,
    reply: Reply,
    (id, place): (String, Place),
) -> Result<Response<Body>, Away> {
    let read = greeting(reply, errand.id.as_ref()).await;
    let (reply, message) = read.map_err(|broken| {
        let text = relay::sentence(&broken);
        Away::new(502, own::BROKEN, "broken handshake", text)
    })?;
    let pace = caller.shared.pace;
    let Some(result) = message.as_ref().and_then(|message| message.member("result")) else {
        return Ok(relay::ready(pace, errand, Ok(reply)).await);
    };
    let version = result.member("protocolVersion").and_then(Json::as_str).map(str::to_owned);
    let session = Session::new(id, caller.agent.id.clone(), place, version);
    caller.shared.sessions.put(&session);
    let mut response = relay::ready(pace, errand, Ok(reply)).await;
    name(&mut response, &session);
    Ok(response)
}

/// Makes room for one more session of the Agent.
pub(crate) fn room(caller: &Caller) -> Result<(), Away> {
    match caller.shared.sessions.make_room(&caller.agent.id) {
        Ok(None) => Ok(()),
        Ok(Some(dropped)) => {
            caller.shared.say_goodbye(&dropped);
            Ok(())
        }
        Err(()) => {
            let text = "This agent has too many sessions, and all of them are busy. End one first.";
            Err(Away::new(429, own::TOO_MANY, "too many sessions", text))
        }
    }
}

/// Puts the id of a session on an answer.
pub(crate) fn name(response: &mut Response<Body>, session: &Arc<Session>) {
    if let Some(id) = relay::visible(&session.id) {
        response.headers_mut().insert(header::session_name(), id);
    }
}

/// Reads the answer to a request out of a reply, and gives the reply back whole.
pub(crate) async fn greeting(
    reply: Reply,
    id: Option<&Json>,
) -> Result<(Reply, Option<Json>), Broken> {
    let streams = reply.is_stream();
    let Reply { status, headers, mut body } = reply;
    let mut read = BytesMut::new();
    let mut splitter = Splitter::new(LIMIT);
    let mut message = None;
    while message.is_none() {
        let Some(chunk) = body.next().await else { break };
        let chunk = chunk?;
        read.extend_from_slice(&chunk);
        if read.len() > LIMIT {
            return Err(Broken::TooLarge);
        }
        if streams {
            let events = splitter.push(&chunk).map_err(|_| Broken::TooLarge)?;
            message = events.iter().find_map(|event| answer_in(event, id));
        }
    }
    if !streams {
        message = Json::read(&read).ok();
    }
    let read: Bytes = read.freeze();
    let body = stream::once(async move { Ok(read) }).chain(body).boxed();
    Ok((Reply { status, headers, body }, message))
}

/// The response to `id`, where an event holds it.
pub(crate) fn answer_in(event: &[u8], id: Option<&Json>) -> Option<Json> {
    let message = Json::read(sse::data(event)?.as_bytes()).ok()?;
    let answers = message.member("method").is_none() && message.member("id") == id;
    answers.then_some(message)
}
