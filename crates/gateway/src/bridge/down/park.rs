//! Requests that wait for their Agent's answer to a question of the Server: held open under a handle, which the Agent is
//! given sealed as `requestState`. It opens for that Agent at that Server with that Account, once, and not for long (SB-08).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_delegation::{Inbound, Refusal, Reply, Wait};
use prokura_domain::{Digest, Json};
use tokio::time::Instant;

use super::super::Inner;
use super::super::line::Line;
use super::super::words;
use super::{Call, Ear, fresh, respond, stale};
use crate::away;
use crate::sub::Spot;

/// How long an Agent may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Requests of one Agent that wait at once.
const LIMIT: usize = 32;

/// The code by which a server up to 2025-11-25 sends a client to a page first.
const PAGE_FIRST: &str = "-32042";

/// A question: the key the Agent knows it by, the Server's id for it, and what is asked.
struct Ask {
    key: String,
    id: Json,
    request: Json,
}

struct Waiting {
    spot: Spot,
    digest: Digest,
    asks: Vec<Ask>,
    /// The request as it stands at the Server; `None`: it ended there and begins anew.
    call: Option<Call>,
    until: Instant,
}

/// Requests that wait.
#[derive(Default)]
pub(crate) struct Parked(Mutex<HashMap<String, Waiting>>);

impl Parked {
    fn put(&self, handle: String, waiting: Waiting) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = table.iter().filter(|(_, other)| other.spot.agent == waiting.spot.agent);
        if own.clone().count() >= LIMIT {
            let oldest = own.min_by_key(|(_, other)| other.until).map(|(key, _)| key.clone());
            oldest.and_then(|key| table.remove(&key));
        }
        table.insert(handle, waiting);
    }

    /// What waits under a handle for this very request of this very Agent. It is taken out only then.
    fn take(&self, handle: &str, spot: &Spot, digest: Digest) -> Option<Waiting> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = table.get(handle)?;
        let fits = waiting.spot == *spot && waiting.digest == digest;
        (fits && Instant::now() < waiting.until).then(|| table.remove(handle)).flatten()
    }

    /// Gives up what nobody came back for.
    pub fn sweep(&self) {
        let now = Instant::now();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, waiting| now < waiting.until);
    }
}

fn bound(spot: &Spot) -> [&str; 3] {
    [spot.agent.as_str(), spot.server.as_str(), spot.account.as_str()]
}

/// Asks the Agent, and holds the request until it answers.
pub(super) fn ask(
    bridge: &Arc<Inner>,
    call: Call,
    ear: &Ear,
    asked: Vec<(Json, Json)>,
) -> Result<(u16, Json), Refusal> {
    let line = Arc::clone(call.line());
    hold(bridge, &line, ear, Some(call), asked)
}

/// The same for a request that the Server has ended, and that begins anew when the Agent comes back.
pub(super) fn ask_again(
    bridge: &Arc<Inner>,
    line: &Arc<Line>,
    ear: &Ear,
    asked: Vec<(Json, Json)>,
) -> Result<(u16, Json), Refusal> {
    hold(bridge, line, ear, None, asked)
}

fn hold(
    bridge: &Arc<Inner>,
    line: &Arc<Line>,
    ear: &Ear,
    call: Option<Call>,
    asked: Vec<(Json, Json)>,
) -> Result<(u16, Json), Refusal> {
    let asks =
        asked.into_iter().map(|(id, request)| Ask { key: bridge.mint(), id, request }).collect();
    let until = Instant::now() + PATIENCE;
    let spot = line.sub.spot.clone();
    put(bridge, ear, Waiting { spot, digest: ear.digest(), asks, call, until })
}

fn put(bridge: &Arc<Inner>, ear: &Ear, waiting: Waiting) -> Result<(u16, Json), Refusal> {
    let handle = bridge.mint();
    let state = bridge.seal.seal("request-state", &bound(&waiting.spot), &handle)?;
    let requests = waiting.asks.iter().map(|ask| (ask.key.clone(), ask.request.clone()));
    let result = Json::object([
        ("resultType", Json::text("input_required")),
        ("inputRequests", Json::object(requests)),
        ("requestState", Json::text(state)),
    ]);
    bridge.parked.put(handle, waiting);
    Ok((200, away::result(&ear.id, result)))
}

/// The Agent comes back. The answers go to the Server, each decided and recorded on the path like every answer.
pub(super) async fn again(
    bridge: &Arc<Inner>,
    inbound: &Inbound,
    (ear, wait): (Ear, Wait),
    state: &str,
) -> Result<Reply, Refusal> {
    let spot = Spot::of(inbound);
    let Some(handle) = bridge.seal.open("request-state", &bound(&spot), state)? else {
        return Ok(stale(&ear.id));
    };
    let Some(waiting) = bridge.parked.take(&handle, &spot, ear.digest()) else {
        return Ok(stale(&ear.id));
    };
    let given = |ask: &Ask| ear.params.member("inputResponses")?.member(&ask.key).cloned();
    if waiting.asks.iter().any(|ask| given(ask).is_none_or(|given| given.members().is_none())) {
        // Something is missing: asked again, under a new state (SB-09).
        let (status, message) = put(bridge, &ear, waiting)?;
        return Ok(super::json_reply(status, &message));
    }
    let Some(mut call) = waiting.call else {
        return fresh(bridge, inbound, ear, wait).await;
    };
    for ask in &waiting.asks {
        if let Some(answer) = given(ask) {
            call.answer(&ask.id, answer).await?;
        }
    }
    let first = call.turn(&ear).await;
    respond(bridge, call, ear, first).await
}

/// The pages a Server wants to be visited first, as questions to the Agent; `None` where it does not, or where the Agent
/// cannot be asked that.
pub(super) fn pages(line: &Line, ear: &Ear, error: &Json) -> Option<Vec<(Json, Json)>> {
    if error.member("code").map(Json::to_text).as_deref() != Some(PAGE_FIRST)
        || !words::ASKING.contains(&ear.method.as_str())
    {
        return None;
    }
    let pages = error.at("/data/elicitations").and_then(Json::items)?;
    let mut asked = Vec::new();
    for page in pages {
        let mut params = page.clone();
        params.set("mode", Json::text("url"));
        if !words::answers(&line.capabilities, "elicitation/create", &params) {
            return None;
        }
        params.remove("elicitationId");
        let question =
            Json::object([("method", Json::text("elicitation/create")), ("params", params)]);
        asked.push((Json::Null, question));
    }
    (!asked.is_empty()).then_some(asked)
}
