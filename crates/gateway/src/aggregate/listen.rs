//! Standing streams of the aggregate endpoint: what changes here, and what the Servers tell. One for each subscription of
//! a modern Agent, several for a session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Broken, Reply, Standing};
use prokura_domain::protocol::META_SUBSCRIPTION;
use prokura_domain::{AgentId, Change, Json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::names::Sort;
use super::tour::Tour;
use super::watch::{Heard, LISTS, Watch};
use crate::bridge::reading::stream_reply;
use crate::bridge::words;
use crate::relay::event;

/// Changes within this time are told once.
const TOGETHER: Duration = Duration::from_millis(250);

/// Where what the Servers say comes from.
pub(crate) enum Source {
    /// A session.
    Session(Arc<Mutex<mpsc::Receiver<Json>>>),
    /// The request with this id, and what was agreed to of its filter besides lists.
    Subscription { id: Json, watch: Watch, agreed: Json },
}

/// What a stream says.
pub(crate) struct Listener {
    pub tour: Tour,
    pub source: Source,
    /// The lists whose changes are told.
    pub lists: Vec<Sort>,
    pub over: CancellationToken,
}

struct Stream {
    listener: Listener,
    /// Ends with the Agent's credential.
    standing: Option<Standing>,
    changes: broadcast::Receiver<Change>,
    late: broadcast::Receiver<(AgentId, Sort)>,
    out: VecDeque<Bytes>,
    /// Whether the Agent is in search mode.
    searches: bool,
    done: bool,
}

enum Step {
    News(News),
    Changed(Result<Change, RecvError>),
    Late(Result<(AgentId, Sort), RecvError>),
}

enum News {
    Lists(Vec<Sort>),
    Message(Json),
    End,
}

/// The stream as a reply.
pub(crate) fn stand(mut listener: Listener) -> Reply {
    let mut out = VecDeque::new();
    if let Source::Subscription { watch, agreed, .. } = &mut listener.source {
        watch.keep_up(&listener.tour);
        let mut filter = std::mem::replace(agreed, Json::Null);
        for (sort, member) in LISTS {
            if listener.lists.contains(&sort) {
                filter.set(member, Json::from(true));
            }
        }
        let params = Json::object([("notifications", filter)]);
        let note = words::message(None, "notifications/subscriptions/acknowledged", params);
        out.push_back(listener.told(note));
    }
    out.push_back(Bytes::from_static(b": listening\n\n"));
    let shared = &listener.tour.shared;
    let (changes, late) = (shared.path.changes(), shared.news.subscribe());
    let standing = shared.path.stand(&listener.tour.agent);
    let searches = listener.searches();
    let own = Stream { listener, standing, changes, late, out, searches, done: false };
    let body = stream::unfold(own, |mut own| async move {
        let bytes = own.next().await?;
        Some((Ok::<_, Broken>(bytes), own))
    });
    stream_reply(body.boxed())
}

impl Listener {
    fn searches(&self) -> bool {
        self.tour.shared.path.searches(&self.tour.agent)
    }

    /// A message as an event, with the subscription it belongs to.
    fn told(&self, mut message: Json) -> Bytes {
        if let Source::Subscription { id, .. } = &self.source {
            let params = message.remove("params").unwrap_or_else(|| Json::Object(Vec::new()));
            let stamp = [(META_SUBSCRIPTION, id.clone())];
            message.set("params", words::params_up(params, &stamp));
        }
        event(&message.to_text())
    }

    /// The graceful end of a subscription.
    fn end(&self) -> Option<Bytes> {
        let Source::Subscription { id, .. } = &self.source else { return None };
        let result = Json::object([
            ("resultType", Json::text("complete")),
            ("_meta", Json::object([(META_SUBSCRIPTION, id.clone())])),
        ]);
        Some(event(&crate::away::result(id, result).to_text()))
    }
}

/// What a Server says next.
async fn heard(source: &mut Source) -> News {
    match source {
        Source::Session(from) => match from.lock().await.recv().await {
            Some(message) => News::Message(message),
            None => std::future::pending().await,
        },
        Source::Subscription { watch, .. } => match watch.from.recv().await {
            Some(Heard::Changed(sort)) => News::Lists(vec![sort]),
            Some(Heard::Message(message)) => News::Message(message),
            Some(Heard::Over) | None => News::End,
        },
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
                News::Lists(sorts) => self.tell(&sorts),
                News::Message(message) => self.out.push_back(self.listener.told(message)),
                News::End => {
                    self.done = true;
                    self.out.extend(self.listener.end());
                }
            }
        }
    }

    fn tell(&mut self, sorts: &[Sort]) {
        let mut told: Vec<&str> = Vec::new();
        for method in sorts.iter().map(|sort| sort.changed()) {
            let wanted = self.listener.lists.iter().any(|sort| sort.changed() == method);
            if wanted && !told.contains(&method) {
                told.push(method);
                let note =
                    Json::object([("jsonrpc", Json::text("2.0")), ("method", Json::text(method))]);
                self.out.push_back(self.listener.told(note));
            }
        }
    }

    async fn news(&mut self) -> News {
        loop {
            let step = {
                let Self { listener, standing, changes, late, .. } = self;
                tokio::select! {
                    biased;
                    () = listener.over.cancelled() => Step::News(News::End),
                    () = cut(standing.as_ref()) => Step::News(News::End),
                    change = changes.recv() => Step::Changed(change),
                    late = late.recv() => Step::Late(late),
                    heard = heard(&mut listener.source) => Step::News(heard),
                }
            };
            match step {
                Step::News(news) => return self.unless_gone(news),
                Step::Late(Ok((agent, sort))) if agent == self.listener.tour.agent => {
                    return self.unless_gone(News::Lists(vec![sort]));
                }
                Step::Late(Ok(_) | Err(RecvError::Closed)) => {}
                Step::Changed(
                    Ok(Change::Grants | Change::Tools | Change::Servers | Change::Accounts)
                    | Err(RecvError::Lagged(_)),
                )
                | Step::Late(Err(RecvError::Lagged(_))) => {
                    tokio::time::sleep(TOGETHER).await;
                    self.changes = self.changes.resubscribe();
                    if let Source::Subscription { watch, .. } = &mut self.listener.source {
                        watch.keep_up(&self.listener.tour);
                    }
                    return self.unless_gone(News::Lists(self.listener.lists.clone()));
                }
                Step::Changed(Ok(Change::Agents)) => {
                    if self.gone() {
                        return News::End;
                    }
                    let searches = self.listener.searches();
                    if std::mem::replace(&mut self.searches, searches) != searches {
                        return News::Lists(vec![Sort::Tool]);
                    }
                }
                Step::Changed(Ok(
                    Change::Guardrails | Change::Approvals | Change::Audit | Change::State,
                )) => {}
                Step::Changed(Err(RecvError::Closed)) => return News::End,
            }
        }
    }

    fn unless_gone(&self, news: News) -> News {
        if self.gone() { News::End } else { news }
    }

    fn gone(&self) -> bool {
        self.listener.tour.shared.path.gone(&self.listener.tour.agent)
    }
}

async fn cut(standing: Option<&Standing>) {
    match standing {
        Some(standing) => standing.cut().await,
        None => std::future::pending().await,
    }
}
