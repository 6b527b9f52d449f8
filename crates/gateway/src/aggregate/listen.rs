//! Standing streams of the aggregate endpoint: they say that lists may have changed, and nothing else.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use futures::stream;
use prokura_delegation::Standing;
use prokura_domain::{AgentId, Change, Json};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::relay::{self, Held, event};
use crate::shared::Shared;

/// Changes within this time are told once.
const TOGETHER: Duration = Duration::from_millis(250);
/// `_meta` key of the subscription a message belongs to.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// What a stream says.
pub(crate) struct Listener {
    pub shared: Arc<Shared>,
    pub agent: AgentId,
    /// The id of the `subscriptions/listen` request; `None` for a legacy stream.
    pub subscription: Option<Json>,
    pub tools: bool,
    pub prompts: bool,
    pub over: CancellationToken,
    #[expect(dead_code, reason = "kept for as long as the stream, never looked at")]
    pub held: Held,
}

struct Stream {
    listener: Listener,
    /// Ends with the Agent's credential.
    standing: Option<Standing>,
    changes: broadcast::Receiver<Change>,
    out: VecDeque<Bytes>,
    done: bool,
}

enum News {
    Lists,
    Silence,
    End,
}

/// The stream as an answer.
pub(crate) fn stand(listener: Listener) -> Response<Body> {
    let mut out = VecDeque::from([Bytes::from_static(b": listening\n\n")]);
    if listener.subscription.is_some() {
        let mut agreed = Vec::new();
        if listener.tools {
            agreed.push(("toolsListChanged".to_owned(), Json::from(true)));
        }
        if listener.prompts {
            agreed.push(("promptsListChanged".to_owned(), Json::from(true)));
        }
        let filter = ("notifications".to_owned(), Json::Object(agreed));
        out.push_front(listener.note("notifications/subscriptions/acknowledged", vec![filter]));
    }
    let changes = listener.shared.path.changes();
    let standing = listener.shared.path.stand(&listener.agent);
    let own = Stream { listener, standing, changes, out, done: false };
    let body = Body::from_stream(stream::unfold(own, |mut own| async move {
        let bytes = own.next().await?;
        Some((Ok::<_, Infallible>(bytes), own))
    }));
    relay::stream_of(body)
}

impl Listener {
    fn note(&self, method: &str, members: Vec<(String, Json)>) -> Bytes {
        let mut params = Vec::new();
        if let Some(id) = &self.subscription {
            params.push(("_meta".to_owned(), Json::object([(SUBSCRIPTION, id.clone())])));
        }
        params.extend(members);
        let mut note =
            Json::object([("jsonrpc", Json::text("2.0")), ("method", Json::text(method))]);
        if !params.is_empty() {
            note.set("params", Json::Object(params));
        }
        event(&note.to_text())
    }

    /// The graceful end of a subscription.
    fn end(&self) -> Option<Bytes> {
        let id = self.subscription.as_ref()?;
        let result = Json::object([
            ("resultType", Json::text("complete")),
            ("_meta", Json::object([(SUBSCRIPTION, id.clone())])),
        ]);
        Some(event(&crate::away::result(id, result).to_text()))
    }
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                return Some(bytes);
            }
            if self.done {
                return None;
            }
            match self.news().await {
                News::Silence => self.out.push_back(Bytes::from_static(b": listening\n\n")),
                News::Lists => self.tell(),
                News::End => {
                    self.done = true;
                    self.out.extend(self.listener.end());
                }
            }
        }
    }

    fn tell(&mut self) {
        let listener = &self.listener;
        let lists = [
            (listener.tools, "notifications/tools/list_changed"),
            (listener.prompts, "notifications/prompts/list_changed"),
        ];
        for (wanted, method) in lists {
            if wanted {
                self.out.push_back(listener.note(method, Vec::new()));
            }
        }
    }

    async fn news(&mut self) -> News {
        let silence = tokio::time::sleep(self.listener.shared.pace.keep_alive);
        tokio::pin!(silence);
        loop {
            let change = tokio::select! {
                biased;
                () = self.listener.over.cancelled() => return News::End,
                () = cut(self.standing.as_ref()) => return News::End,
                change = self.changes.recv() => change,
                () = &mut silence => return News::Silence,
            };
            match change {
                Ok(Change::Grants | Change::Tools | Change::Servers | Change::Accounts)
                | Err(RecvError::Lagged(_)) => {
                    tokio::time::sleep(TOGETHER).await;
                    self.changes = self.changes.resubscribe();
                    return self.unless_gone(News::Lists);
                }
                Ok(Change::Agents) => {
                    if self.listener.shared.path.gone(&self.listener.agent) {
                        return News::End;
                    }
                }
                Ok(Change::Guardrails | Change::Approvals | Change::Audit | Change::State) => {}
                Err(RecvError::Closed) => return News::End,
            }
        }
    }

    fn unless_gone(&self, news: News) -> News {
        if self.listener.shared.path.gone(&self.listener.agent) { News::End } else { news }
    }
}

async fn cut(standing: Option<&Standing>) {
    match standing {
        Some(standing) => standing.cut().await,
        None => std::future::pending().await,
    }
}
