//! Words for the audit log: subjects with their names, decisions with the rules that mattered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prokura_domain::call::Why;
use prokura_domain::{
    AccountId, AgentId, Call, Change, Digest, Durability, Event, Json, RecordKind, ServerId,
    Subject, Target, Timestamp,
};

use prokura_store::Payload;

use crate::Delegation;
use crate::message::Inbound;

/// At most one record in this time per Agent and reason, so that a broken Agent cannot flood the log.
const THROTTLE_MS: i64 = 10_000;

/// When a reason was last recorded.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<(String, String), Timestamp>>);

impl Throttle {
    fn passes(&self, key: (String, String), now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() > 1000 {
            seen.retain(|_, at| now.millis_since(*at) < THROTTLE_MS);
        }
        let fresh = seen.get(&key).is_none_or(|at| now.millis_since(*at) >= THROTTLE_MS);
        if fresh {
            seen.insert(key, now);
        }
        fresh
    }
}

/// Rules as JSON.
pub(crate) fn rules(why: &[Why]) -> Json {
    Json::Array(
        why.iter()
            .map(|why| {
                Json::object([("rule", Json::text(&why.rule)), ("text", Json::text(&why.text))])
            })
            .collect(),
    )
}

impl Delegation {
    /// Who and what a record is about, with the names of now. A name that cannot be read is left out, never the id.
    pub(crate) fn subject(
        &self,
        agent: Option<&AgentId>,
        server: Option<&ServerId>,
        account: Option<&AccountId>,
    ) -> Subject {
        let store = self.store();
        let agent = agent.map(|id| {
            let name = store.agent(id).ok().flatten().map(|agent| agent.name);
            (id.to_string(), name.unwrap_or_default())
        });
        let server = server.map(|id| {
            let name = store.server(id).ok().flatten().map(|server| server.name);
            (id.to_string(), name.unwrap_or_default())
        });
        let account = account.map(|id| {
            let name = store.account(id).ok().flatten().map(|account| account.name);
            (id.to_string(), name.unwrap_or_default())
        });
        Subject { agent, server, account, ..Subject::default() }
    }

    /// The subject of a Call.
    pub(crate) fn subject_of(&self, call: &Call) -> Subject {
        let mut subject = self.subject(Some(&call.agent), Some(&call.server), Some(&call.account));
        subject.call = Some(call.id.to_string());
        subject.target = Some(target_pair(&call.target));
        let parent = call.params.at("/_meta/traceparent").and_then(Json::as_str);
        subject.trace = parent.and_then(prokura_domain::record::trace_id);
        subject
    }

    /// Records a request that was refused before it was a Call. Rate limited per Agent and reason.
    pub async fn note_refused(&self, agent: Option<&AgentId>, why: &str) {
        let key = (agent.map(ToString::to_string).unwrap_or_default(), why.to_owned());
        if !self.0.refused.passes(key, self.now()) {
            return;
        }
        let event =
            Event::new(RecordKind::RequestRefused, Json::object([("why", Json::text(why))]))
                .about(self.subject(agent, None, None));
        self.append_quietly(event, None).await;
    }

    /// Records a wish of the command line or the window that was refused.
    pub async fn note_wish_refused(&self, wish: &str, why: &str) {
        let detail = Json::object([("wish", Json::text(wish)), ("why", Json::text(why))]);
        self.append_quietly(Event::new(RecordKind::WishRefused, detail), None).await;
    }

    /// Appends a record that nothing waits for. A failure is told in the trace; the next Call will be refused for it.
    pub(crate) async fn append_quietly(&self, event: Event, payload: Option<Payload>) {
        if let Err(error) = self.log().append_call(event, payload, Durability::Logged).await {
            tracing::error!(%error, "a record could not be written");
        }
        self.tell(Change::Audit);
    }
}

/// In which manner a Call came: its era and revision, its session, and how large it is.
pub(crate) fn manner(detail: &mut Json, inbound: &Inbound) {
    let headers = &inbound.outgoing.headers;
    let revision = headers.iter().find(|(name, _)| name == "mcp-protocol-version");
    detail.set("era", Json::text(inbound.era.as_str()));
    detail.set("revision", Json::from(revision.map(|(_, value)| value.clone())));
    // Only to see what belongs together: a session's own id would let somebody join it.
    let session = inbound.session.as_ref().map(|session| {
        let digest = Digest::of(&[b"prokura-session", session.as_bytes()]).to_string();
        digest.chars().take(16).collect::<String>()
    });
    detail.set("session", Json::from(session));
    detail.set("bytes", Json::from(inbound.outgoing.body.len() as u64));
}

/// Kind and name of a target.
pub(crate) fn target_pair(target: &Target) -> (String, String) {
    (target.kind().to_owned(), target.name().to_owned())
}
