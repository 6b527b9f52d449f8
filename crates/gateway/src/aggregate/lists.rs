//! Lists over all Servers of an Agent, page by page (SB-05, P-22). A Server that is slow is on a later page, and one that
//! fails is named in the answer; neither holds up the others. It must never show a page to whom it was not given.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Kind, Refusal, RefusalCode, Reply};
use prokura_domain::protocol::MODERN;
use prokura_domain::{AccountId, AgentId, Entropy, Json, Server, ServerId};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::mapping;
use super::names::Sort;
use super::tour::{Ground, Tour, unanswered};
use crate::away::METHOD_NOT_FOUND;
use crate::header;
use crate::initialize::greeting;
use crate::session::{Session, Sessions};
use crate::shared::Shared;

/// How long the Servers may take for a page that somebody waits for again.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pages of one Server on one page of ours.
const PAGES: usize = 64;
/// Entries of one Server on one page of ours, as far as its own pages can be cut.
const ENTRIES: usize = 1000;
/// The same in bytes.
const BYTES: usize = 8 * 1024 * 1024;
/// Entries that are looked through at once.
const ENOUGH: usize = 20_000;
/// Servers that are asked at once.
const AT_ONCE: usize = 32;
/// Cursors of one Agent; the oldest goes first.
const CURSORS: usize = 64;
/// `_meta` key of the Servers that are missing from a list, and why.
const MISSING: &str = "prokura/missing";
const SLOW: &str = "It did not answer in time.";

/// Where one Server's list goes on.
#[derive(Debug, Clone)]
struct Rest {
    server: ServerId,
    account: AccountId,
    /// The Server's own cursor.
    cursor: Option<Json>,
}

/// Where a list goes on.
#[derive(Debug)]
struct Mark {
    sort: Sort,
    session: Option<String>,
    left: Vec<Rest>,
}

/// The cursors that Agents were given, under texts that say nothing.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Mutex<HashMap<AgentId, Given>>);

/// The oldest comes first.
type Given = VecDeque<(String, Arc<Mark>)>;
/// The entries of one Server, and its cursor where there are more.
type Walked = Result<(Vec<Json>, Option<Json>), Refusal>;

impl Cursors {
    fn give(&self, entropy: &dyn Entropy, agent: &AgentId, mark: Mark) -> String {
        let cursor = Sessions::mint(entropy);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = table.entry(agent.clone()).or_default();
        if own.len() >= CURSORS {
            own.pop_front();
        }
        own.push_back((cursor.clone(), Arc::new(mark)));
        cursor
    }

    fn find(&self, agent: &AgentId, cursor: &str) -> Option<Arc<Mark>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = table.get(agent)?.iter();
        own.find(|(known, _)| known == cursor).map(|(_, mark)| Arc::clone(mark))
    }
}

/// Lists that are still read after the Agent was answered; one of each is enough.
#[derive(Debug, Default)]
pub(crate) struct Late(Mutex<HashSet<(AgentId, Sort, ServerId)>>);

/// What came of one Server.
enum Came {
    Entries(Vec<Json>, Option<Rest>),
    Later(Rest),
    Missing(String, String),
    Nothing,
}

/// What came of all of them.
#[derive(Default)]
struct Gathered {
    entries: Vec<Json>,
    left: Vec<Rest>,
    missing: Vec<Json>,
}

impl Tour {
    /// One page over all Servers: by the Server's name, and then in its own order.
    pub async fn list(&self, sort: Sort, cursor: Option<&Json>) -> Result<Json, Refusal> {
        let servers = self.shared.path.servers_for(&self.agent);
        let (rests, patience) = match cursor {
            None => (servers.iter().map(whole).collect(), self.shared.pace.list_within),
            Some(cursor) => (self.mark(sort, cursor)?.left.clone(), PATIENCE),
        };
        let deadline = Instant::now() + patience;
        let gathered = self.gather(sort, (&servers, rests), deadline, cursor.is_none()).await;
        let mut result = Json::object([(sort.member(), Json::Array(gathered.entries))]);
        if !gathered.left.is_empty() {
            let session = self.session().map(|own| own.id.clone());
            let mark = Mark { sort, session, left: gathered.left };
            let cursor = self.shared.cursors.give(&*self.shared.entropy, &self.agent, mark);
            result.set("nextCursor", Json::text(cursor));
        }
        if !gathered.missing.is_empty() {
            let missing = Json::Array(gathered.missing);
            result.set("_meta", Json::object([(MISSING, missing)]));
        }
        Ok(result)
    }

    /// All entries that the Servers have to say in the time of a first page, and who did not.
    pub async fn everything(&self, sort: Sort) -> (Vec<Json>, Vec<Json>) {
        let servers = self.shared.path.servers_for(&self.agent);
        let mut rests: Vec<Rest> = servers.iter().map(whole).collect();
        let deadline = Instant::now() + self.shared.pace.list_within;
        let (mut entries, mut missing) = (Vec::new(), Vec::new());
        while !rests.is_empty() && entries.len() < ENOUGH && Instant::now() < deadline {
            let mut gathered = self.gather(sort, (&servers, rests), deadline, true).await;
            entries.append(&mut gathered.entries);
            missing.append(&mut gathered.missing);
            rests = gathered.left;
        }
        for rest in rests {
            if let Some((server, _)) = servers.iter().find(|(server, _)| server.id == rest.server) {
                missing.push(absent(&server.name, SLOW));
            }
        }
        (entries, missing)
    }

    async fn gather(
        &self,
        sort: Sort,
        (servers, rests): (&[(Server, AccountId)], Vec<Rest>),
        deadline: Instant,
        first: bool,
    ) -> Gathered {
        // What is no longer the Agent's is not asked any more.
        let known = rests.into_iter().filter_map(|rest| {
            let here =
                |one: &&(Server, AccountId)| one.0.id == rest.server && one.1 == rest.account;
            Some((servers.iter().find(here)?.0.clone(), rest))
        });
        let came: Vec<Came> = stream::iter(known)
            .map(|(server, rest)| self.within(sort, (server, rest), deadline, first))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut gathered = Gathered::default();
        for one in came {
            match one {
                Came::Entries(some, rest) => {
                    gathered.entries.extend(some);
                    gathered.left.extend(rest);
                }
                Came::Later(rest) => gathered.left.push(rest),
                Came::Missing(server, why) => gathered.missing.push(absent(&server, &why)),
                Came::Nothing => {}
            }
        }
        gathered
    }

    /// The place behind a cursor of this Agent, for the same list in the same session.
    fn mark(&self, sort: Sort, cursor: &Json) -> Result<Arc<Mark>, Refusal> {
        let found = cursor.as_str().and_then(|text| self.shared.cursors.find(&self.agent, text));
        let session = self.session().map(|own| own.id.as_str());
        let own = |mark: &Arc<Mark>| mark.sort == sort && mark.session.as_deref() == session;
        found.filter(own).ok_or_else(|| {
            let text = "Invalid cursor: this agent was not given it for this list, or long ago. List from the beginning.";
            Refusal::new(RefusalCode::Malformed, text)
        })
    }

    /// What one Server has to say by the deadline. On a first page whoever is late may go on, and the Agent hears of it.
    async fn within(
        &self,
        sort: Sort,
        (server, rest): (Server, Rest),
        deadline: Instant,
        first: bool,
    ) -> Came {
        let (tour, asked, from) = (self.clone(), server.clone(), rest.clone());
        let walk = async move { tour.walk(sort, &asked, from).await };
        let mut walk = AbortOnDropHandle::new(tokio::spawn(walk));
        match timeout_at(deadline, &mut walk).await {
            Ok(Ok(Ok((entries, cursor)))) => {
                Came::Entries(entries, cursor.map(|cursor| Rest { cursor: Some(cursor), ..rest }))
            }
            Ok(Ok(Err(refusal))) => {
                tracing::info!(server = %server.name, code = ?refusal.code, "left out of a list");
                Came::Missing(server.name, refusal.message)
            }
            Ok(Err(_)) => Came::Nothing,
            Err(_) if first => {
                self.wait_on(sort, &server.id, walk);
                Came::Later(rest)
            }
            Err(_) => {
                tracing::info!(server = %server.name, "left out of a list: too slow");
                Came::Missing(server.name, SLOW.to_owned())
            }
        }
    }

    /// Lets a late Server finish: its session is open then, and the Agent is told to list again.
    fn wait_on(&self, sort: Sort, server: &ServerId, walk: AbortOnDropHandle<Walked>) {
        let key = (self.agent.clone(), sort, server.clone());
        let late = |shared: &Shared| {
            shared.late.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone())
        };
        if !late(&self.shared) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let done = tokio::time::timeout(PATIENCE, walk).await;
            shared.late.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            if matches!(done, Ok(Ok(Ok((entries, _)))) if !entries.is_empty()) {
                let _ = shared.news.send((key.0, sort));
            }
        });
    }

    /// The entries of one Server under their names here, and its cursor where there are more.
    async fn walk(&self, sort: Sort, server: &Server, rest: Rest) -> Walked {
        let mut entries: Vec<Json> = Vec::new();
        let (mut cursor, mut bytes) = (rest.cursor, 0usize);
        for _ in 0..PAGES {
            let mut result = self.page(sort, (server, &rest.account), cursor.take()).await?;
            cursor = result.remove("nextCursor").filter(|next| next.as_str().is_some());
            bytes += result.to_text().len();
            if let Some(Json::Array(items)) = result.remove(sort.member()) {
                entries.extend(items);
            }
            if cursor.is_none() || entries.len() >= ENTRIES || bytes >= BYTES {
                break;
            }
        }
        if sort == Sort::Tool {
            self.shared.driven.learn(&server.id, &entries);
        }
        let mut taken = HashSet::new();
        entries.retain_mut(|entry| {
            let here = mapping::entry(&self.shared.names, sort, &server.name, entry);
            let called = matches!(sort, Sort::Tool | Sort::Prompt);
            here.is_some_and(|here| !called || taken.insert(here))
        });
        Ok((entries, cursor))
    }

    /// All entries of one Server, which makes their names known.
    pub async fn learn(&self, sort: Sort, server: &Server, account: &AccountId) {
        let rest = whole(&(server.clone(), account.clone()));
        let _ = tokio::time::timeout(PATIENCE, self.walk(sort, server, rest)).await;
    }

    async fn page(
        &self,
        sort: Sort,
        to: (&Server, &AccountId),
        cursor: Option<Json>,
    ) -> Result<Json, Refusal> {
        let mut params = Json::Object(Vec::new());
        if let Some(cursor) = cursor {
            params.set("cursor", cursor);
        }
        match &self.ground {
            Ground::Modern(meta) => {
                params.set("_meta", meta.clone());
                let id = Json::text("prokura-list");
                let body = super::message(sort.method(), &params, Some(&id));
                let method = sort.method().to_owned();
                let headers = vec![
                    (header::VERSION.to_owned(), MODERN.to_owned()),
                    (header::METHOD.to_owned(), method.clone()),
                ];
                let kind = Kind::Message { method, params, id: Some(id.clone()) };
                let sent = self.modern(to, kind, headers, body);
                let reply = self.shared.path.pass(sent).await?;
                answered(to.0, reply, &id).await
            }
            Ground::Legacy(session) => self.page_in_session(session, sort, to, params).await,
        }
    }

    /// One page in a session. A session that its Server no longer knows is opened once more: the list did not run.
    async fn page_in_session(
        &self,
        session: &Arc<Session>,
        sort: Sort,
        to: (&Server, &AccountId),
        params: Json,
    ) -> Result<Json, Refusal> {
        let many = session.many().ok_or_else(|| unanswered(to.0))?;
        for _ in 0..2 {
            let sub = self.sub(session, to).await?;
            if !sub.offers(sort.capability()) {
                return Ok(Json::Null);
            }
            let id = many.next_id();
            let asked = sub.message(sort.method(), params.clone(), Some(id.clone()));
            let reply = self.shared.path.pass(asked).await?;
            if reply.status == 404 && sub.upstream.is_some() {
                many.forget(&sub);
                continue;
            }
            return answered(to.0, reply, &id).await;
        }
        Err(unanswered(to.0))
    }
}

fn absent(server: &str, why: &str) -> Json {
    Json::object([("server", Json::text(server)), ("reason", Json::text(why))])
}

fn whole((server, account): &(Server, AccountId)) -> Rest {
    Rest { server: server.id.clone(), account: account.clone(), cursor: None }
}

/// The result in a reply. A Server without such a list has nothing on it.
async fn answered(server: &Server, reply: Reply, id: &Json) -> Result<Json, Refusal> {
    let (_, message) = greeting(reply, Some(id)).await.map_err(|_| unanswered(server))?;
    let mut message = message.ok_or_else(|| unanswered(server))?;
    let code = message.at("/error/code").map(Json::to_text);
    if code == Some(METHOD_NOT_FOUND.to_string()) {
        return Ok(Json::Null);
    }
    message.remove("result").ok_or_else(|| unanswered(server))
}
