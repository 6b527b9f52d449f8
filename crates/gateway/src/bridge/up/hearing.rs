//! What changes at a modern server, for a legacy Agent: one `subscriptions/listen` for the lists and one for every
//! resource it subscribes to, told on the standing stream of its session.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Refusal, Reply};
use prokura_domain::Json;
use prokura_domain::protocol::META_SUBSCRIPTION;
use tokio_util::sync::CancellationToken;

use super::super::reading::{Messages, json_reply, stream_reply};
use super::super::{Inner, words};
use super::Session;
use crate::away::{self, INVALID_PARAMS};
use crate::relay::event;

/// Resources one session may be subscribed to.
const MOST: usize = 64;
/// The shortest and the longest wait before a subscription is opened again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The member of the filter and the capability, for each list.
const LISTS: [(&str, &str); 3] = [
    ("toolsListChanged", "tools"),
    ("promptsListChanged", "prompts"),
    ("resourcesListChanged", "resources"),
];

/// The standing stream of the session.
pub(super) fn stream(bridge: &Arc<Inner>, session: &Arc<Session>) -> Reply {
    let says = |capability: &str| {
        let found =
            session.discovered.member("capabilities").and_then(|all| all.member(capability));
        found.and_then(|found| found.member("listChanged")) == Some(&Json::Bool(true))
    };
    let lists = LISTS.into_iter().filter(|(_, capability)| says(capability));
    let filter: Vec<_> = lists.map(|(member, _)| (member, Json::from(true))).collect();
    if !filter.is_empty()
        && let Some(stop) = session.listens("")
    {
        let (bridge, session) = (Arc::clone(bridge), Arc::clone(session));
        let filter = Json::object(filter);
        tokio::spawn(async move {
            session.keep_listening(&bridge, filter, stop, None).await;
        });
    }
    let (heard, over) = (Arc::clone(&session.heard), session.over.clone());
    let body = stream::unfold((heard, over), |(heard, over)| async move {
        let change = async { heard.lock().await.recv().await };
        let change = tokio::select! {
            biased;
            () = over.cancelled() => return None,
            change = change => change?,
        };
        Some((Ok(event(&change.to_text())), (heard, over)))
    });
    stream_reply(body.boxed())
}

/// `resources/subscribe`: done when the Server has agreed.
pub(super) async fn subscribe(
    bridge: &Arc<Inner>,
    session: &Arc<Session>,
    params: &Json,
    id: &Json,
) -> Result<Reply, Refusal> {
    let done = || json_reply(200, &away::result(id, Json::Object(Vec::new())));
    let wrong = |text: &str| json_reply(200, &away::error(Some(id), INVALID_PARAMS, text, None));
    let Some(uri) = params.member("uri").and_then(Json::as_str).filter(|uri| !uri.is_empty())
    else {
        return Ok(wrong(
            "Invalid params: resources/subscribe needs the string parameter \"uri\".",
        ));
    };
    if session.listening.lock().unwrap_or_else(PoisonError::into_inner).len() > MOST {
        return Ok(wrong("This session has enough subscriptions. End one first."));
    }
    let Some(stop) = session.listens(uri) else { return Ok(done()) };
    let filter = Json::object([("resourceSubscriptions", Json::Array(vec![Json::text(uri)]))]);
    let opened = session.listen(bridge, &filter).await;
    let mut messages = match opened {
        Ok(messages) => messages,
        Err(refusal) => {
            session.stop_listening(uri);
            return Err(refusal);
        }
    };
    let first = messages.next().await;
    let agreed = matches!(&first, Some(Ok(message)) if acknowledges(message, uri));
    if !agreed {
        session.stop_listening(uri);
        let error = match first {
            Some(Ok(mut message)) => message.remove("error"),
            Some(Err(_)) | None => None,
        };
        return Ok(match error {
            Some(error) => {
                let mut message = away::error(Some(id), INVALID_PARAMS, "", None);
                message.set("error", words::error_up("resources/read", error));
                json_reply(200, &message)
            }
            None => wrong("The server offers no subscription to this resource."),
        });
    }
    let (bridge, session) = (Arc::clone(bridge), Arc::clone(session));
    tokio::spawn(async move {
        session.keep_listening(&bridge, filter, stop, Some(messages)).await;
    });
    Ok(done())
}

fn acknowledges(message: &Json, uri: &str) -> bool {
    let agreed = message.at("/params/notifications/resourceSubscriptions").and_then(Json::items);
    agreed.is_some_and(|agreed| agreed.contains(&Json::text(uri)))
}

impl Session {
    /// Takes the place of one subscription; `None` where it is there already.
    fn listens(&self, name: &str) -> Option<CancellationToken> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.contains_key(name) {
            return None;
        }
        let stop = self.over.child_token();
        listening.insert(name.to_owned(), stop.clone());
        Some(stop)
    }

    async fn listen(&self, bridge: &Arc<Inner>, filter: &Json) -> Result<Messages, Refusal> {
        let params = Json::object([("notifications", filter.clone())]);
        let asked = self.message("subscriptions/listen", params, &self.next_id());
        bridge.path.pass(asked).await.map(Messages::of)
    }

    /// Hears what the Server tells until it is stopped; a subscription that ends is opened again.
    async fn keep_listening(
        &self,
        bridge: &Arc<Inner>,
        filter: Json,
        stop: CancellationToken,
        open: Option<Messages>,
    ) {
        let hearing = async {
            let (mut open, mut wait) = (open, AGAIN.0);
            loop {
                let messages = match open.take() {
                    Some(messages) => Ok(messages),
                    None => self.listen(bridge, &filter).await,
                };
                // What was taken back is not asked for again.
                let Ok(mut messages) = messages else { return };
                if messages.status >= 400 {
                    return;
                }
                while let Some(Ok(message)) = messages.next().await {
                    wait = AGAIN.0;
                    self.told(message);
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = hearing => {}
        }
    }

    fn told(&self, mut message: Json) {
        let method = message.member("method").and_then(Json::as_str).unwrap_or_default();
        if !super::super::line::is_change(method) {
            return;
        }
        if let Some(params) = message.member_mut("params") {
            if let Some(meta) = params.member_mut("_meta") {
                meta.remove(META_SUBSCRIPTION);
                if meta.members().is_some_and(<[_]>::is_empty) {
                    params.remove("_meta");
                }
            }
            if params.members().is_some_and(<[_]>::is_empty) {
                message.remove("params");
            }
        }
        // An Agent that does not listen misses changes, and holds up nobody.
        let _ = self.changes.try_send(message);
    }
}
