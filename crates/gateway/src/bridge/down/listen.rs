//! `subscriptions/listen` of a modern Agent at a legacy server: subscriptions in the kept session, each decided like any
//! other, and the changes the Server tells of on its standing stream.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Inbound, Refusal, Reply};
use prokura_domain::Json;
use prokura_domain::protocol::META_SUBSCRIPTION;
use tokio::sync::mpsc;

use super::super::line::{Line, line_for};
use super::super::reading::{json_reply, stream_reply};
use super::super::{Inner, words};
use super::Ear;
use crate::away::{self, INVALID_PARAMS};
use crate::relay::event;

/// Resources of one subscription.
const MOST: usize = 64;

/// The lists: the member of the filter, the capability, the notification.
const LISTS: [(&str, &str, &str); 3] = [
    ("toolsListChanged", "tools", "notifications/tools/list_changed"),
    ("promptsListChanged", "prompts", "notifications/prompts/list_changed"),
    ("resourcesListChanged", "resources", "notifications/resources/list_changed"),
];

/// A subscription; what it holds at the Server is let go when it is dropped.
struct Listening {
    line: Arc<Line>,
    bridge: Arc<Inner>,
    serial: u64,
    uris: Vec<String>,
    id: Json,
    first: Option<Json>,
    changes: mpsc::Receiver<Json>,
    done: bool,
}

pub(super) async fn listen(
    bridge: &Arc<Inner>,
    inbound: &Inbound,
    ear: &Ear,
) -> Result<Reply, Refusal> {
    let line = line_for(bridge, inbound).await?;
    let filter = ear.params.member("notifications").cloned().unwrap_or(Json::Null);
    let asked = filter.member("resourceSubscriptions").and_then(Json::items).unwrap_or_default();
    let subscribes = offers(&line, "resources", "subscribe");
    let uris: Vec<String> =
        asked.iter().filter(|_| subscribes).filter_map(Json::as_str).map(str::to_owned).collect();
    if uris.len() > MOST {
        let text = format!("Invalid params: at most {MOST} resources in one subscription.");
        return Ok(json_reply(400, &away::error(Some(&ear.id), INVALID_PARAMS, &text, None)));
    }
    let wants = |member: &str| filter.member(member) == Some(&Json::Bool(true));
    let lists: Vec<_> = LISTS
        .into_iter()
        .filter(|(member, capability, _)| wants(member) && offers(&line, capability, "listChanged"))
        .collect();
    line.stand(&bridge.path).await;
    let names: Vec<&'static str> = lists.iter().map(|(.., name)| *name).collect();
    let about = uris.clone();
    let (serial, changes) = line.watch(Box::new(move |message| {
        let method = message.member("method").and_then(Json::as_str).unwrap_or_default();
        let uri = message.at("/params/uri").and_then(Json::as_str).unwrap_or_default();
        let updated = method == "notifications/resources/updated";
        names.contains(&method) || (updated && about.iter().any(|own| covers(own, uri)))
    }));
    let mut listening = Listening {
        line,
        bridge: Arc::clone(bridge),
        serial,
        uris: Vec::new(),
        id: ear.id.clone(),
        first: None,
        changes,
        done: false,
    };
    for uri in uris {
        listening.subscribe(uri).await?;
    }
    let mut agreed: Vec<(String, Json)> =
        lists.iter().map(|(member, ..)| ((*member).to_owned(), Json::from(true))).collect();
    if !listening.uris.is_empty() {
        let uris = listening.uris.iter().map(Json::text).collect();
        agreed.push(("resourceSubscriptions".to_owned(), Json::Array(uris)));
    }
    let params = Json::object([("notifications", Json::Object(agreed))]);
    let first = words::message(None, "notifications/subscriptions/acknowledged", params);
    listening.first = Some(first);
    let body = stream::unfold(listening, |mut listening| async move {
        let message = listening.next().await?;
        Some((Ok(event(&message.to_text())), listening))
    });
    Ok(stream_reply(body.boxed()))
}

/// Whether news of `uri` belong to a subscription to `own`: the resource itself, or one below it.
fn covers(own: &str, uri: &str) -> bool {
    uri == own || uri.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
}

fn offers(line: &Line, capability: &str, member: &str) -> bool {
    let found = line.sub.greeting.member("capabilities").and_then(|all| all.member(capability));
    found.and_then(|found| found.member(member)) == Some(&Json::Bool(true))
}

impl Listening {
    async fn subscribe(&mut self, uri: String) -> Result<(), Refusal> {
        // Every subscription is a Call of its own; the Server hears of a resource once.
        let params = Json::object([("uri", Json::text(&uri))]);
        let id = self.line.next_id();
        let sent = self.line.sub.message("resources/subscribe", params, Some(id));
        self.bridge.path.pass(sent).await?;
        self.line.subscribed(&uri);
        self.uris.push(uri);
        Ok(())
    }

    async fn next(&mut self) -> Option<Json> {
        let message = match self.first.take() {
            Some(first) => Some(first),
            None if self.done => return None,
            None => tokio::select! {
                biased;
                () = self.line.over.cancelled() => None,
                change = self.changes.recv() => change,
            },
        };
        let stamp = [(META_SUBSCRIPTION, self.id.clone())];
        let Some(mut message) = message else {
            // The graceful end (SB-10).
            self.done = true;
            let result = Json::object([("resultType", Json::text("complete"))]);
            return Some(away::result(&self.id, words::params_up(result, &stamp)));
        };
        let params = message.remove("params").unwrap_or_else(|| Json::Object(Vec::new()));
        message.set("params", words::params_up(params, &stamp));
        Some(message)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.line.unwatch(self.serial);
        let left: Vec<String> =
            self.uris.drain(..).filter(|uri| self.line.unsubscribed(uri)).collect();
        let (line, path) = (Arc::clone(&self.line), Arc::clone(&self.bridge.path));
        if let (false, Ok(runtime)) = (left.is_empty(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                for uri in left {
                    let params = Json::object([("uri", Json::text(uri))]);
                    let id = line.next_id();
                    let _ = path
                        .pass(line.sub.message("resources/unsubscribe", params, Some(id)))
                        .await;
                }
            });
        }
    }
}
