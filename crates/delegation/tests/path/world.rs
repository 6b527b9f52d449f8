//! A small world: one agent, one server, one account, and fakes named for what they do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use prokura_delegation::*;
use prokura_domain::port::*;
use prokura_domain::registry::{ClientDocuments, ReadDocument};
use prokura_domain::*;
use prokura_policy::Permit;
use prokura_store::{Log, RecordQuery, Store};
use prokura_testkit::clock::{CountingEntropy, FixedClock};
use tempfile::TempDir;
use tokio::sync::{Notify, broadcast};

use crate::doorman::{Doorman, PlainPassphrases};

#[path = "programs.rs"]
mod programs;

/// A vault without a key: the log works all the same.
struct LockedVault;

impl Sealer for LockedVault {
    // Questions cannot be kept without a Vault, and these tests are about questions; payloads are not kept here.
    fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        match context.purpose {
            "question" => Ok(plain.to_vec()),
            _ => Err(SealFault::Locked("no key".to_owned())),
        }
    }

    fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, SealFault> {
        match context.purpose {
            "question" => Ok(sealed.to_vec().into()),
            _ => Err(SealFault::Locked("no key".to_owned())),
        }
    }
}

impl Signer for LockedVault {
    fn public_key(&self) -> Option<[u8; 32]> {
        None
    }

    fn sign(&self, _: &[u8]) -> Option<[u8; 64]> {
        None
    }

    fn anchor(&self, _: &Anchor) {}

    fn anchored(&self, _: &str) -> Result<Option<Anchor>, AnchorFault> {
        Err(AnchorFault("unlock it".to_owned()))
    }
}

/// Remembers what reached the server, and answers when it is let.
#[derive(Default)]
pub struct RecordingUpstream {
    pub sent: Mutex<Vec<Bytes>>,
    pub holds: Mutex<bool>,
    pub arrived: Notify,
    pub release: Notify,
    pub answer: Mutex<Option<String>>,
    pub streams: Mutex<bool>,
    /// What is refused for lack of these, one message after another.
    pub wants: Mutex<std::collections::VecDeque<Vec<String>>>,
}

#[async_trait]
impl Upstream for RecordingUpstream {
    async fn send(&self, permit: Permit) -> Result<Reply, UpstreamFault> {
        self.sent.lock().unwrap().push(permit.outgoing().body.clone());
        self.arrived.notify_one();
        if *self.holds.lock().unwrap() {
            self.release.notified().await;
        }
        if let Some(scopes) = self.wants.lock().unwrap().pop_front() {
            return Err(UpstreamFault::ScopesNeeded(scopes));
        }
        let answer = self.answer.lock().unwrap().clone();
        let text = answer.unwrap_or_else(|| r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned());
        let streams = *self.streams.lock().unwrap();
        let (kind, text) = match streams {
            true => ("text/event-stream", format!("data: {text}\n\n")),
            false => ("application/json", text),
        };
        let body = futures::stream::once(async move { Ok(Bytes::from(text)) }).boxed();
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Ok(Reply { status: 200, headers, body })
    }
}

#[derive(Default)]
struct WatchfulPrompter {
    raised: Notify,
    seen: Mutex<Vec<QuestionId>>,
}

impl Prompter for WatchfulPrompter {
    fn raised(&self, question: &Question) {
        self.seen.lock().unwrap().push(question.id.clone());
        self.raised.notify_one();
    }

    fn settled(&self, _: &QuestionId) {}
}

struct NoAccounts;

#[async_trait]
impl Accounts for NoAccounts {
    async fn sign_out(&self, _: &AccountId) -> Result<SignOut, String> {
        Ok(SignOut { revoked: false, told: "forgotten".to_owned() })
    }
}

/// The internet, as far as documents of clients are on it.
#[derive(Default)]
pub struct Documents {
    pub held: Mutex<std::collections::HashMap<String, String>>,
    pub read: Mutex<usize>,
}

#[async_trait]
impl ClientDocuments for Documents {
    async fn read(&self, url: &str) -> Result<ReadDocument, String> {
        *self.read.lock().unwrap() += 1;
        let text = self.held.lock().unwrap().get(url).cloned().ok_or("it is not there")?;
        Ok(ReadDocument { text: text.into_bytes(), fresh_seconds: 60 })
    }
}

/// Puts rows into a store, for an agent at a server.
pub type Fill<'a> = dyn FnMut(&Store, &AgentId, &ServerId) + 'a;

pub struct World {
    pub delegation: Delegation,
    pub store: Store,
    pub log: Log,
    pub clock: FixedClock,
    pub upstream: Arc<RecordingUpstream>,
    pub agent: Agent,
    pub server: Server,
    pub account: AccountId,
    pub documents: Arc<Documents>,
    pub presence: Arc<Doorman>,
    pub looks: Arc<PlainPassphrases>,
    prompter: Arc<WatchfulPrompter>,
    _folder: TempDir,
}

impl World {
    /// A world where the flow rule is off, because most tests are about something else.
    pub async fn new() -> Self {
        let world = Self::with_flows().await;
        let off = FlowRule { on: false, ..FlowRule::default() };
        world.delegation.set_flow_rule(off).await.unwrap();
        world
    }

    /// The same, started over what `fill` put into the store.
    #[allow(dead_code)] // Only benches have so much.
    pub async fn new_over(fill: &mut Fill<'_>) -> Self {
        let world = Self::made(Some(fill)).await;
        let off = FlowRule { on: false, ..FlowRule::default() };
        world.delegation.set_flow_rule(off).await.unwrap();
        world
    }

    /// A world as it is at first.
    pub async fn with_flows() -> Self {
        Self::made(None).await
    }

    async fn made(fill: Option<&mut Fill<'_>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = FixedClock::at(1_700_000_000_000);
        let entropy: Arc<dyn Entropy> = Arc::new(CountingEntropy::default());
        let store = Store::open(folder.path()).unwrap();
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let vault = Arc::new(LockedVault);
        let log = Log::open(&store, time.clone(), entropy.clone(), vault.clone(), vault).unwrap();
        let upstream = Arc::new(RecordingUpstream::default());
        let prompter = Arc::new(WatchfulPrompter::default());
        let documents = Arc::new(Documents::default());
        let presence = Arc::new(Doorman::default());
        let looks = Arc::new(PlainPassphrases::default());
        let parts = || Parts {
            store: store.clone(),
            log: log.clone(),
            upstream: upstream.clone(),
            programs: Arc::new(programs::EveryProgram),
            prompter: prompter.clone(),
            accounts: Arc::new(NoAccounts),
            documents: documents.clone(),
            passphrases: looks.clone(),
            presence: presence.clone(),
            clock: time.clone(),
            entropy: entropy.clone(),
            changes: broadcast::channel(64).0,
        };
        let mut delegation = Delegation::new(parts()).unwrap();
        let agent = delegation.add_agent("clerk").await.unwrap().agent;
        let server = delegation.add_server("ledger", "http://127.0.0.1:1/mcp").await.unwrap();
        let account = anonymous(&server, &*entropy, clock.now());
        store.put_account(&account).unwrap();
        let account = account.id;
        if let Some(fill) = fill {
            fill(&store, &agent.id, &server.id);
            delegation = Delegation::new(parts()).unwrap();
        }
        Self {
            delegation,
            store,
            log,
            clock,
            upstream,
            agent,
            server,
            account,
            documents,
            presence,
            looks,
            prompter,
            _folder: folder,
        }
    }

    /// The server offers these tools; an agent that lists makes Prokura see them.
    pub async fn offers(&self, tools: &str) -> Vec<String> {
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":{tools}}}}}"#);
        *self.upstream.answer.lock().unwrap() = Some(answer);
        let listed = self.delegation.pass(self.inbound("tools/list", "{}")).await.unwrap();
        *self.upstream.answer.lock().unwrap() = None;
        self.upstream.sent.lock().unwrap().clear();
        // What arrived so far was the list.
        self.upstream.arrived.notified().await;
        let body = body(listed).await;
        let tools = Json::read(&body).unwrap();
        tools
            .at("/result/tools")
            .and_then(Json::items)
            .unwrap()
            .iter()
            .map(|tool| tool.member("name").and_then(Json::as_str).unwrap().to_owned())
            .collect()
    }

    pub async fn grant(&self, target: TargetPattern, effect: Effect) -> Grant {
        self.delegation.grant(self.wish(target, effect, &[])).await.unwrap()
    }

    pub fn wish(&self, target: TargetPattern, effect: Effect, conditions: &[&str]) -> NewGrant {
        NewGrant {
            agent: self.agent.id.clone(),
            server: self.server.id.clone(),
            account: None,
            target,
            effect,
            arguments: None,
            conditions: conditions.iter().map(|text| text.parse().unwrap()).collect(),
            budget: None,
            level: None,
            until: None,
            note: None,
            origin: Origin::Cli,
        }
    }

    pub fn inbound(&self, method: &str, params: &str) -> Inbound {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        Inbound {
            agent: self.agent.id.clone(),
            server: self.server.id.clone(),
            account: self.account.clone(),
            era: Era::Legacy,
            session: Some("session".to_owned()),
            kind: Kind::Message {
                method: method.to_owned(),
                params: Json::read(params.as_bytes()).unwrap(),
                id: Some(Json::from(1i64)),
            },
            outgoing: Outgoing { verb: Verb::Post, headers: Vec::new(), body: Bytes::from(body) },
        }
    }

    pub fn pay(&self, amount: i64) -> Inbound {
        self.inbound("tools/call", &format!(r#"{{"name":"pay","arguments":{{"n":{amount}}}}}"#))
    }

    /// Starts a call on a task of its own.
    pub fn begin(&self, inbound: Inbound) -> tokio::task::JoinHandle<Result<Bytes, Refusal>> {
        let delegation = self.delegation.clone();
        tokio::spawn(async move { Ok(body(delegation.pass(inbound).await?).await) })
    }

    /// The question that was raised next.
    pub async fn question(&self) -> QuestionId {
        within(self.prompter.raised.notified()).await;
        self.prompter.seen.lock().unwrap().last().unwrap().clone()
    }

    pub fn questions_raised(&self) -> usize {
        self.prompter.seen.lock().unwrap().len()
    }

    pub async fn answer(&self, question: &QuestionId, choice: Choice) {
        self.try_answer(question, choice, None).await.unwrap();
    }

    /// The same with a passphrase, whatever comes of it.
    pub async fn try_answer(
        &self,
        question: &QuestionId,
        choice: Choice,
        passphrase: Option<&str>,
    ) -> Result<Question, DelegationError> {
        let passphrase = passphrase.map(|text| Passphrase::new(text.to_owned()));
        let answer = Answer { question: question.clone(), choice, passphrase };
        self.delegation.answer(answer, Origin::Cli).await
    }

    pub fn sent(&self) -> usize {
        self.upstream.sent.lock().unwrap().len()
    }

    /// The kinds of all records, oldest first.
    pub fn kinds(&self) -> Vec<String> {
        let query = RecordQuery { limit: 1000, ..Default::default() };
        let mut records = self.log.records(&query).unwrap();
        records.reverse();
        records.into_iter().map(|record| record.kind).collect()
    }

    /// Waits until a record says `kind` with `text` in its body.
    pub async fn recorded(&self, kind: &str, text: &str) {
        within(async {
            loop {
                let query = RecordQuery { limit: 1000, ..Default::default() };
                let records = self.log.records(&query).unwrap();
                if records.iter().any(|r| r.kind == kind && r.body.contains(text)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn anonymous(server: &Server, entropy: &dyn Entropy, now: Timestamp) -> Account {
    Account {
        id: AccountId::new(entropy),
        server: server.id.clone(),
        name: "anonymous".to_owned(),
        kind: AccountKind::Anonymous,
        state: AccountState::SignedIn,
        issuer: None,
        resource: None,
        subject: None,
        tenant: None,
        scopes: Vec::new(),
        generation: 0,
        expires_at: None,
        added_at: now,
    }
}

/// Reads a reply to its end; a broken one is empty.
pub async fn body(reply: Reply) -> Bytes {
    let chunks: Vec<Result<Bytes, Broken>> = reply.body.collect().await;
    chunks.into_iter().collect::<Result<Vec<_>, _>>().unwrap_or_default().concat().into()
}

/// Fails instead of hanging.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it took too long")
}

pub fn tool(name: &str) -> TargetPattern {
    TargetPattern::Tool(name.to_owned())
}

pub const PAY: &str = r#"[{"name":"pay","description":"Pays.","inputSchema":{"type":"object"}}]"#;
