//! Paths named for what they do, and the small world they stand in.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use prokura_delegation::{Broken, Inbound, Kind, Refusal, RefusalCode, Reply};
use prokura_domain::port::{SealContext, SealFault, Sealer};
use prokura_domain::{
    AccountId, Agent, AgentId, AgentState, AuditLevel, Change, Digest, Entropy, Json, Server,
    ServerId, Timestamp,
};
use prokura_gateway::Path;
use tokio::sync::{broadcast, watch};
use zeroize::Zeroizing;

pub const KEY_A: &str = "prk_aaaaaaaa";
pub const KEY_B: &str = "prk_bbbbbbbb";

/// What a path does with one message.
#[async_trait]
pub trait Act: Send + Sync + 'static {
    async fn act(&self, world: &World, inbound: Inbound) -> Result<Reply, Refusal>;
}

/// Two Agents; servers `files` and `git` that both may use, `torn` that needs a sign-in.
pub struct World {
    pub seen: Mutex<Vec<Inbound>>,
    pub notes: Mutex<Vec<(Option<AgentId>, String)>>,
    pub claims: Mutex<Vec<(AgentId, Option<String>)>>,
    pub revoked: Mutex<Vec<AgentId>>,
    pub account: Mutex<String>,
    pub searching: Mutex<Vec<AgentId>>,
    pub changes: broadcast::Sender<Change>,
    pub arrived: watch::Sender<usize>,
    pub dropped: watch::Sender<usize>,
    pub finished: watch::Sender<usize>,
}

impl World {
    fn new() -> Self {
        Self {
            seen: Mutex::default(),
            notes: Mutex::default(),
            claims: Mutex::default(),
            revoked: Mutex::default(),
            account: Mutex::new("acc_one".to_owned()),
            searching: Mutex::default(),
            changes: broadcast::channel(64).0,
            arrived: watch::channel(0).0,
            dropped: watch::channel(0).0,
            finished: watch::channel(0).0,
        }
    }

    pub fn last(&self) -> Inbound {
        self.seen.lock().unwrap().last().cloned().expect("something was passed")
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn methods(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(said).collect()
    }

    pub fn noted(&self) -> Vec<String> {
        self.notes.lock().unwrap().iter().map(|(_, why)| why.clone()).collect()
    }

    pub fn revoke(&self, agent: &AgentId) {
        self.revoked.lock().unwrap().push(agent.clone());
        let _ = self.changes.send(Change::Agents);
    }
}

/// Waits until a counter has reached `count`.
pub async fn reaches(counter: &watch::Sender<usize>, count: usize) {
    let mut seen = counter.subscribe();
    let waited = tokio::time::timeout(Duration::from_secs(10), seen.wait_for(|now| *now >= count));
    waited.await.expect("it happens in time").expect("the world is there");
}

pub fn said(inbound: &Inbound) -> String {
    match &inbound.kind {
        Kind::Message { method, .. } => method.clone(),
        Kind::Answer { .. } => "answer".to_owned(),
        Kind::Stream => "stream".to_owned(),
        Kind::End => "end".to_owned(),
    }
}

/// A path in its world.
pub struct Stage<A> {
    pub world: Arc<World>,
    act: A,
}

impl<A: Act> Stage<A> {
    pub fn set(act: A) -> Arc<Self> {
        Arc::new(Self { world: Arc::new(World::new()), act })
    }
}

struct UnderWay<'a>(&'a World, bool);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let counter = if self.1 { &self.0.finished } else { &self.0.dropped };
        counter.send_modify(|count| *count += 1);
    }
}

pub fn agent_a() -> AgentId {
    AgentId::from_text("agt_a")
}

pub fn agent_b() -> AgentId {
    AgentId::from_text("agt_b")
}

fn agent(id: AgentId, name: &str) -> Agent {
    Agent {
        id,
        name: name.to_owned(),
        state: AgentState::Active,
        key: None,
        claim: None,
        added_at: Timestamp(0),
        seen_at: None,
    }
}

pub fn server(name: &str) -> Server {
    Server {
        id: ServerId::from_text(&format!("srv_{name}")),
        name: name.to_owned(),
        endpoint: format!("https://{name}.example/mcp"),
        resource: None,
        audit_level: AuditLevel::Digest,
        launch: None,
        added_at: Timestamp(0),
    }
}

#[async_trait]
impl<A: Act> Path for Stage<A> {
    fn prove(&self, key: &str) -> Option<Agent> {
        let found = match key {
            KEY_A => agent(agent_a(), "a"),
            KEY_B => agent(agent_b(), "b"),
            _ => return None,
        };
        (!self.gone(&found.id)).then_some(found)
    }

    async fn note_refused(&self, agent: Option<&AgentId>, why: &str) {
        self.world.notes.lock().unwrap().push((agent.cloned(), why.to_owned()));
    }

    fn claim(&self, agent: &AgentId, client_info: Option<&str>) {
        let told = (agent.clone(), client_info.map(str::to_owned));
        self.world.claims.lock().unwrap().push(told);
    }

    fn server_for(&self, _: &AgentId, name: &str) -> Option<(Server, Result<AccountId, Refusal>)> {
        let account = AccountId::from_text(&self.world.account.lock().unwrap());
        match name {
            "files" | "git" => Some((server(name), Ok(account))),
            "files@two" => Some((server("files"), Ok(AccountId::from_text("acc_two")))),
            "torn" => {
                let text = "Sign in to torn in Prokura first.";
                Some((server(name), Err(Refusal::new(RefusalCode::SignInNeeded, text))))
            }
            _ => None,
        }
    }

    fn servers_for(&self, _: &AgentId) -> Vec<(Server, AccountId)> {
        ["files", "git"].map(|name| (server(name), AccountId::from_text("acc_one"))).into()
    }

    async fn pass(&self, inbound: Inbound) -> Result<Reply, Refusal> {
        self.world.seen.lock().unwrap().push(inbound.clone());
        self.world.arrived.send_modify(|count| *count += 1);
        let mut under_way = UnderWay(&self.world, false);
        let result = self.act.act(&self.world, inbound).await;
        under_way.1 = true;
        result
    }

    fn searches(&self, agent: &AgentId) -> bool {
        self.world.searching.lock().unwrap().contains(agent)
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.world.changes.subscribe()
    }

    fn gone(&self, agent: &AgentId) -> bool {
        self.world.revoked.lock().unwrap().contains(agent)
    }
}

/// Counts up; unpredictable to nobody.
pub struct Counting(pub AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        let serial = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (slot, byte) in out.iter_mut().zip(serial.iter().cycle()) {
            *slot = *byte;
        }
    }
}

/// Ties what it seals to its context, and hides nothing.
pub struct GlassSealer;

impl GlassSealer {
    fn tag(context: &SealContext<'_>) -> String {
        Digest::of(&[format!("{context:?}").as_bytes()]).to_string()
    }
}

impl Sealer for GlassSealer {
    fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        Ok([Self::tag(context).as_bytes(), plain].concat())
    }

    fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let plain = sealed.strip_prefix(Self::tag(context).as_bytes());
        plain.map(|plain| Zeroizing::new(plain.to_vec())).ok_or(SealFault::DoesNotOpen)
    }
}

pub fn json_reply(status: u16, body: impl Into<String>) -> Reply {
    let body: String = body.into();
    reply(status, "application/json", stream::iter([Ok(Bytes::from(body))]).boxed())
}

pub fn reply(status: u16, kind: &str, body: BoxStream<'static, Result<Bytes, Broken>>) -> Reply {
    Reply { status, headers: vec![("content-type".to_owned(), kind.to_owned())], body }
}

pub fn events(chunks: Vec<Result<Bytes, Broken>>) -> Reply {
    reply(200, "text/event-stream", stream::iter(chunks).boxed())
}

pub fn with_session(mut reply: Reply, id: &str) -> Reply {
    reply.headers.push(("mcp-session-id".to_owned(), id.to_owned()));
    reply
}

pub fn result(id: &Json, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, id.to_text())
}

/// The handshake of a legacy server with sessions; `None` for what is no handshake.
pub fn handshake(inbound: &Inbound) -> Option<Reply> {
    let server = inbound.server.as_str();
    match &inbound.kind {
        Kind::Message { method, id: Some(id), .. } if method == "initialize" => {
            let greeting = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{},"resources":{"subscribe":true,"listChanged":true},"logging":{},"completions":{}},"serverInfo":{"name":"s","version":"1"}}"#;
            Some(with_session(json_reply(200, result(id, greeting)), &format!("up-{server}")))
        }
        Kind::Message { id: None, .. } | Kind::Answer { .. } => {
            Some(Reply { status: 202, headers: Vec::new(), body: stream::empty().boxed() })
        }
        Kind::Message { .. } => None,
        Kind::Stream => Some(reply(200, "text/event-stream", stream::pending().boxed())),
        Kind::End => Some(json_reply(200, "")),
    }
}

pub fn id_of(inbound: &Inbound) -> Json {
    match &inbound.kind {
        Kind::Message { id: Some(id), .. } => id.clone(),
        _ => Json::Null,
    }
}

/// Answers everything with what it was asked.
pub struct EchoPath;

#[async_trait]
impl Act for EchoPath {
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        if let Some(reply) = handshake(&inbound) {
            return Ok(reply);
        }
        let echo = result(&id_of(&inbound), &format!(r#"{{"echo":"{}"}}"#, said(&inbound)));
        Ok(json_reply(200, echo))
    }
}

/// Greets, then refuses everything the same way.
pub struct RefusingPath(pub RefusalCode);

#[async_trait]
impl Act for RefusingPath {
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        match handshake(&inbound) {
            Some(reply) => Ok(reply),
            None => Err(Refusal::new(self.0, "Because.")),
        }
    }
}

/// Greets, then answers nothing until it is let go.
pub struct HangingPath(pub watch::Sender<usize>);

impl HangingPath {
    pub fn new() -> Self {
        Self(watch::channel(0).0)
    }
}

#[async_trait]
impl Act for HangingPath {
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        if let Some(reply) = handshake(&inbound) {
            return Ok(reply);
        }
        let mut go = self.0.subscribe();
        let _ = go.wait_for(|count| *count > 0).await;
        Ok(json_reply(200, result(&id_of(&inbound), "{\"late\":true}")))
    }
}

/// Greets, then says what it was given to say, one reply after the other.
pub struct ScriptedPath<F>(pub F, pub AtomicUsize);

impl<F> ScriptedPath<F> {
    pub fn new(script: F) -> Self {
        Self(script, AtomicUsize::new(0))
    }
}

#[async_trait]
impl<F> Act for ScriptedPath<F>
where
    F: Fn(usize, &Inbound) -> Option<Result<Reply, Refusal>> + Send + Sync + 'static,
{
    async fn act(&self, _: &World, inbound: Inbound) -> Result<Reply, Refusal> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        match (self.0)(turn, &inbound) {
            Some(result) => result,
            None => handshake(&inbound)
                .map_or_else(|| Ok(json_reply(200, result(&id_of(&inbound), "{}"))), Ok),
        }
    }
}
