//! A legacy Agent at a modern server: its session is held here, and every message of it stands for itself at the Server
//! (V-02). What the Server needs of the Agent is asked in the session. It must never share a session between Agents.

mod going;
mod hearing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal, RefusalCode, Reply, Wait};
use prokura_domain::protocol::{
    LEGACY, LEGACY_VERSIONS, META_CAPABILITIES, META_CLIENT, META_LOG_LEVEL, META_VERSION, MODERN,
};
use prokura_domain::{AgentId, Json, Outgoing, Verb};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::eras::{Spoken, asking, verdict};
use super::reading::{accepted, json_reply};
use super::{Inner, mirror, request, words};
use crate::away::{self, INVALID_REQUEST, METHOD_NOT_FOUND};
use crate::header;
use crate::initialize::greeting;
use crate::sub::Spot;

/// Changes that wait for a slow Agent.
const BACKLOG: usize = 256;

/// A session of a legacy Agent at a modern server.
pub(crate) struct Session {
    id: String,
    spot: Spot,
    capabilities: Json,
    client: Json,
    discovered: Json,
    level: Mutex<Option<Json>>,
    /// Questions the Agent has not answered, by their id here.
    asked: Mutex<HashMap<String, oneshot::Sender<Json>>>,
    serial: AtomicU64,
    mirrored: mirror::Mirror,
    changes: mpsc::Sender<Json>,
    /// Each change goes to exactly one of the Agent's streams (SL-04).
    heard: Arc<tokio::sync::Mutex<mpsc::Receiver<Json>>>,
    /// Subscriptions at the Server, by resource; the lists under an empty name.
    listening: Mutex<HashMap<String, CancellationToken>>,
    over: CancellationToken,
}

/// All such sessions.
#[derive(Default)]
pub(super) struct Upward(Mutex<HashMap<String, Arc<Session>>>);

impl Upward {
    pub fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(Arc::clone)
    }

    fn put(&self, session: &Arc<Session>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(session.id.clone(), Arc::clone(session));
    }

    fn end(&self, id: &str) {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(session) = ended {
            session.over.cancel();
        }
    }

    /// Ends the sessions of Agents that are gone. The others end with the sessions of the gateway.
    pub fn sweep(&self, gone: impl Fn(&AgentId) -> bool) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, session| {
            let stays = !gone(&session.spot.agent);
            if !stays {
                session.over.cancel();
            }
            stays
        });
    }
}

/// `initialize`: by the Server itself where it has sessions, else answered from what it says of itself.
pub(super) async fn greet(bridge: &Arc<Inner>, inbound: Inbound) -> Result<Reply, Refusal> {
    let mut own = None;
    if !bridge.eras.sessionless(&inbound.server) {
        let reply = bridge.path.pass(inbound.clone()).await?;
        let status = reply.status;
        let id = request(&inbound).map(|(_, _, id)| id);
        let Ok((reply, message)) = greeting(reply, id).await else {
            let text = "The server broke off its answer.";
            return Err(Refusal::new(RefusalCode::Unreachable, text));
        };
        let greeted = message.as_ref().is_some_and(|message| message.member("result").is_some());
        if greeted || matches!(status, 401 | 403 | 429 | 500..) {
            return Ok(reply);
        }
        own = Some(reply);
    }
    match open(bridge, &inbound).await? {
        Some(greeting) => Ok(greeting),
        None => {
            bridge.eras.forget(&inbound.server);
            match own {
                Some(reply) => Ok(reply),
                None => bridge.path.pass(inbound).await,
            }
        }
    }
}

async fn open(bridge: &Arc<Inner>, inbound: &Inbound) -> Result<Option<Reply>, Refusal> {
    let Some((_, params, id)) = request(inbound) else { return Ok(None) };
    let member = |name: &str| params.member(name).cloned();
    let capabilities = member("capabilities").unwrap_or_else(|| Json::Object(Vec::new()));
    let client = member("clientInfo").unwrap_or(Json::Null);
    let asked = asking(inbound, &stamp(&capabilities, &client, None));
    let own = Json::text("prokura-discover");
    let reply = bridge.path.pass(asked).await?;
    let status = reply.status;
    let Ok((_, message)) = greeting(reply, Some(&own)).await else { return Ok(None) };
    let spoken = verdict(status, message.as_ref());
    let discovered = message.and_then(|mut message| message.remove("result"));
    let (Some(discovered), Some(Spoken::Yes)) = (discovered, spoken) else { return Ok(None) };
    let speaks = discovered.member("supportedVersions").and_then(Json::items);
    if !speaks.is_some_and(|versions| versions.contains(&Json::text(MODERN))) {
        return Ok(None);
    }
    bridge.eras.found(&inbound.server, Spoken::Yes);
    bridge.eras.found_sessionless(&inbound.server);
    let wished = params.member("protocolVersion").and_then(Json::as_str);
    let version = wished.filter(|wished| LEGACY_VERSIONS.contains(wished)).unwrap_or(LEGACY);
    let result = words::greeting(&discovered, version);
    let (changes, heard) = mpsc::channel(BACKLOG);
    let session = Arc::new(Session {
        id: inbound.session.clone().unwrap_or_default(),
        spot: Spot::of(inbound),
        capabilities,
        client,
        discovered,
        level: Mutex::default(),
        asked: Mutex::default(),
        serial: AtomicU64::new(1),
        mirrored: mirror::Mirror::default(),
        changes,
        heard: Arc::new(tokio::sync::Mutex::new(heard)),
        listening: Mutex::default(),
        over: CancellationToken::new(),
    });
    bridge.sessions.put(&session);
    Ok(Some(json_reply(200, &away::result(id, result))))
}

/// One message in such a session.
pub(super) async fn carry(
    bridge: &Arc<Inner>,
    session: &Arc<Session>,
    inbound: Inbound,
    wait: Wait,
) -> Result<Reply, Refusal> {
    let (method, params, id) = match &inbound.kind {
        Kind::Message { method, params, id: Some(id) } => (method.as_str(), params, id),
        // What a client tells a session has no meaning outside of it; a cancelled request is dropped where it waits.
        Kind::Message { id: None, .. } => return Ok(accepted()),
        Kind::Answer { id, result } => return session.answered(id, result),
        Kind::Stream => return Ok(hearing::stream(bridge, session)),
        Kind::End => {
            bridge.sessions.end(&session.id);
            return Ok(accepted());
        }
    };
    let done = |result: Json| Ok(json_reply(200, &away::result(id, result)));
    match method {
        "ping" => done(Json::Object(Vec::new())),
        "logging/setLevel" => {
            let level = params.member("level").cloned();
            *session.level.lock().unwrap_or_else(PoisonError::into_inner) = level;
            done(Json::Object(Vec::new()))
        }
        "resources/subscribe" => hearing::subscribe(bridge, session, params, id).await,
        "resources/unsubscribe" => {
            let uri = params.member("uri").and_then(Json::as_str).unwrap_or_default();
            session.stop_listening(uri);
            done(Json::Object(Vec::new()))
        }
        "initialize" => {
            let text = "Invalid request: this session is open already.";
            Ok(json_reply(200, &away::error(Some(id), INVALID_REQUEST, text, None)))
        }
        // Tasks of 2025-11-25 are not those of the extension (docs/bridging.md).
        "tasks/get" | "tasks/result" | "tasks/list" | "tasks/cancel" => {
            let text = format!("Method not found: {method} is not offered by this server.");
            Ok(json_reply(200, &away::error(Some(id), METHOD_NOT_FOUND, &text, None)))
        }
        _ => going::go(bridge, session, (method, params, id), wait).await,
    }
}

/// The `_meta` of a request that stands for itself.
fn stamp(capabilities: &Json, client: &Json, level: Option<Json>) -> Vec<(&'static str, Json)> {
    let mut stamp =
        vec![(META_VERSION, Json::text(MODERN)), (META_CAPABILITIES, capabilities.clone())];
    if client.members().is_some() {
        stamp.push((META_CLIENT, client.clone()));
    }
    if let Some(level) = level {
        stamp.push((META_LOG_LEVEL, level));
    }
    stamp
}

impl Session {
    fn next_id(&self) -> Json {
        Json::text(format!("prokura-{}", self.serial.fetch_add(1, Ordering::Relaxed)))
    }

    /// A message to the Server that stands for itself.
    fn message(&self, method: &str, params: Json, id: &Json) -> Inbound {
        let level = self.level.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let params = words::params_up(params, &stamp(&self.capabilities, &self.client, level));
        let mut headers = vec![
            (header::VERSION.to_owned(), MODERN.to_owned()),
            (header::METHOD.to_owned(), method.to_owned()),
        ];
        let named = crate::letter::named_by(method).and_then(|member| params.member(member));
        if let Some(name) = named.and_then(Json::as_str) {
            headers.push((header::NAME.to_owned(), header::encoded(name)));
        }
        if method == "tools/call" {
            headers.extend(self.mirrored.headers(&params));
        }
        let body = words::message(Some(id), method, params.clone());
        Inbound {
            agent: self.spot.agent.clone(),
            server: self.spot.server.clone(),
            account: self.spot.account.clone(),
            era: prokura_domain::Era::Legacy,
            session: Some(self.id.clone()),
            kind: Kind::Message { method: method.to_owned(), params, id: Some(id.clone()) },
            outgoing: Outgoing { verb: Verb::Post, headers, body: Bytes::from(body.to_text()) },
        }
    }

    /// Registers a question to the Agent.
    fn ask(&self) -> (Json, oneshot::Receiver<Json>) {
        let id = Json::text(format!("prokura-ask-{}", self.serial.fetch_add(1, Ordering::Relaxed)));
        let (to, from) = oneshot::channel();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, waiting| !waiting.is_closed());
        asked.insert(id.to_text(), to);
        (id, from)
    }

    /// The Agent's answer to a question. It leaves with the request it belongs to, and is decided with it.
    fn answered(&self, id: &Json, result: &Json) -> Result<Reply, Refusal> {
        let waiting =
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.to_text());
        let unknown = || {
            let text = "No request of the server is open under this id.";
            Refusal::new(RefusalCode::Malformed, text)
        };
        let waiting = waiting.ok_or_else(unknown)?;
        let _ = waiting.send(result.clone());
        Ok(accepted())
    }

    fn stop_listening(&self, uri: &str) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = listening.remove(uri) {
            stop.cancel();
        }
    }
}
