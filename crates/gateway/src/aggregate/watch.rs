//! What the Servers tell an Agent of 2026-07-28 that listens: one subscription at each Server for its lists, and one for
//! the resources and tasks of it that the Agent names. Each is decided and ends like one of a single Server. It must
//! never pass on what was not asked for (SB-10).

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use prokura_delegation::{Kind, Refusal, RefusalCode};
use prokura_domain::protocol::MODERN;
use prokura_domain::{AccountId, Json, Server, ServerId};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::ears::{covers, has_room, passes_by};
use super::names::Sort;
use super::tour::{Goal, Ground, Tour, unknown};
use super::{address, mapping};
use crate::bridge::reading::Messages;
use crate::header;
use crate::wait::{self, Speaks};

/// Messages that wait for a slow Agent; what comes then is lost.
const BACKLOG: usize = 256;
/// Resources and tasks of one subscription.
const MOST: usize = 64;
/// The shortest and the longest wait before a subscription is opened again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

const LISTEN: &str = "subscriptions/listen";

/// The lists one can listen to, and the member of the filter for each.
pub(crate) const LISTS: [(Sort, &str); 3] = [
    (Sort::Tool, "toolsListChanged"),
    (Sort::Prompt, "promptsListChanged"),
    (Sort::Resource, "resourcesListChanged"),
];

/// What a Server told.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A list may have changed.
    Changed(Sort),
    /// Something of a resource or task, under its address.
    Message(Json),
    /// A subscription to resources or tasks is over.
    Over,
}

/// The subscriptions at the Servers, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Watch {
    wanted: Vec<Sort>,
    lists: HashMap<(ServerId, AccountId), AbortOnDropHandle<()>>,
    pumps: Vec<AbortOnDropHandle<()>>,
    to: mpsc::Sender<Heard>,
    pub from: mpsc::Receiver<Heard>,
}

/// Resources and tasks at one Server.
struct Part {
    server: Server,
    account: AccountId,
    uris: Vec<String>,
    tasks: Vec<String>,
}

impl Watch {
    pub fn over(wanted: Vec<Sort>) -> Self {
        let (to, from) = mpsc::channel(BACKLOG);
        Self { wanted, lists: HashMap::new(), pumps: Vec::new(), to, from }
    }

    /// Listens to the lists of the Servers the Agent has now, and no longer to those it had.
    pub fn keep_up(&mut self, tour: &Tour) {
        if self.wanted.is_empty() {
            return;
        }
        let servers = tour.shared.path.servers_for(&tour.agent);
        self.lists.retain(|(id, account), hearing| {
            !hearing.is_finished()
                && servers.iter().any(|(server, own)| server.id == *id && own == account)
        });
        for (server, account) in servers {
            self.lists.entry((server.id.clone(), account.clone())).or_insert_with(|| {
                let (tour, to) = (tour.clone(), self.to.clone());
                let wanted = self.wanted.clone();
                let hearing = async move { lists(&tour, (&server, &account), &wanted, &to).await };
                AbortOnDropHandle::new(tokio::spawn(hearing))
            });
        }
    }

    /// Opens the subscriptions to these addresses; what the Servers agreed to comes back.
    pub async fn open(
        &mut self,
        tour: &Tour,
        uris: &[String],
        tasks: &[String],
    ) -> Result<Json, Refusal> {
        let parts = parts(tour, uris, tasks)?;
        let opened = join_all(parts.into_iter().map(|part| part.open(tour))).await;
        let (mut agreed_uris, mut agreed_tasks, mut refusal) = (Vec::new(), Vec::new(), None);
        for one in opened {
            match one {
                Ok((part, messages)) => {
                    let name = part.server.name.as_str();
                    agreed_uris.extend(
                        part.uris.iter().map(|uri| Json::text(address::address(name, uri))),
                    );
                    agreed_tasks
                        .extend(part.tasks.iter().map(|id| Json::text(address::task(name, id))));
                    let pump = tokio::spawn(pump(part, messages, self.to.clone()));
                    self.pumps.push(AbortOnDropHandle::new(pump));
                }
                Err(why) => refusal = Some(why),
            }
        }
        if self.pumps.is_empty() && self.wanted.is_empty() {
            return Err(refusal.unwrap_or_else(unknown));
        }
        let mut agreed = Json::Object(Vec::new());
        for (member, all) in [("resourceSubscriptions", agreed_uris), ("taskIds", agreed_tasks)] {
            if !all.is_empty() {
                agreed.set(member, Json::Array(all));
            }
        }
        Ok(agreed)
    }
}

/// The addresses by Server. What leads nowhere is not agreed to.
fn parts(tour: &Tour, uris: &[String], tasks: &[String]) -> Result<Vec<Part>, Refusal> {
    if uris.len() + tasks.len() > MOST {
        let text = "One subscription has at most 64 resources and tasks.";
        return Err(Refusal::new(RefusalCode::Malformed, text));
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |goal: Goal, is_task: bool| {
        let Goal { server, account, named } = goal;
        let at = parts.iter().position(|part| part.server.id == server.id);
        let at = at.unwrap_or_else(|| {
            parts.push(Part { server, account, uris: Vec::new(), tasks: Vec::new() });
            parts.len() - 1
        });
        if let Some(part) = parts.get_mut(at) {
            if is_task { part.tasks.push(named) } else { part.uris.push(named) }
        }
    };
    for goal in uris.iter().filter_map(|uri| tour.addressed(uri).ok()) {
        add(goal, false);
    }
    for goal in tasks.iter().filter_map(|id| tour.task(id)) {
        add(goal, true);
    }
    Ok(parts)
}

fn asked(tour: &Tour, to: (&Server, &AccountId), filter: Json) -> prokura_delegation::Inbound {
    let mut params = Json::object([("notifications", filter)]);
    if let Ground::Modern(meta) = &tour.ground {
        params.set("_meta", meta.clone());
    }
    let id = Json::text("prokura-listen");
    let body = super::message(LISTEN, &params, Some(&id));
    let headers = vec![
        (header::VERSION.to_owned(), MODERN.to_owned()),
        (header::METHOD.to_owned(), LISTEN.to_owned()),
    ];
    let kind = Kind::Message { method: LISTEN.to_owned(), params, id: Some(id) };
    tour.modern(to, kind, headers, body)
}

/// Hears of the lists of one Server; a subscription that ends is opened again.
async fn lists(
    tour: &Tour,
    to: (&Server, &AccountId),
    wanted: &[Sort],
    told: &mpsc::Sender<Heard>,
) {
    let mut wait = AGAIN.0;
    loop {
        let members = LISTS.iter().filter(|(sort, _)| wanted.contains(sort));
        let filter = Json::object(members.map(|(_, member)| (*member, Json::from(true))));
        match tour.shared.path.pass(asked(tour, to, filter)).await {
            Ok(reply) if reply.status >= 400 => return,
            Ok(reply) => {
                let mut messages = Messages::of(reply);
                while let Some(Ok(message)) = messages.next().await {
                    let Some(method) = message.member("method").and_then(Json::as_str) else {
                        break;
                    };
                    wait = AGAIN.0;
                    let sort = wanted.iter().find(|sort| sort.changed() == method);
                    if let Some(sort) = sort {
                        let _ = told.try_send(Heard::Changed(*sort));
                    }
                }
            }
            Err(refusal) if passes_by(refusal.code) => {}
            Err(_) => return,
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN.1);
    }
}

impl Part {
    /// Opens the subscription; what is left in the part is what the Server agreed to.
    async fn open(mut self, tour: &Tour) -> Result<(Self, Messages), Refusal> {
        let mut filter = Json::Object(Vec::new());
        for (member, all) in [("resourceSubscriptions", &self.uris), ("taskIds", &self.tasks)] {
            if !all.is_empty() {
                filter.set(member, Json::Array(all.iter().map(Json::text).collect()));
            }
        }
        let sent = asked(tour, (&self.server, &self.account), filter);
        let mut messages = Messages::of(wait::pass(&tour.shared, sent, Speaks::Rounds).await?);
        let first = match messages.next().await {
            Some(Ok(first)) => first,
            Some(Err(_)) | None => Json::Null,
        };
        let agreed = first.at("/params/notifications");
        let among = |member: &str, own: &mut Vec<String>| {
            let said = agreed.and_then(|agreed| agreed.member(member)).and_then(Json::items);
            own.retain(|one| said.is_some_and(|said| said.contains(&Json::text(one))));
        };
        among("resourceSubscriptions", &mut self.uris);
        among("taskIds", &mut self.tasks);
        if self.uris.is_empty() && self.tasks.is_empty() {
            let text = format!("The server {} offers no such subscription.", self.server.name);
            let said = first.at("/error/message").and_then(Json::as_str).map(str::to_owned);
            return Err(Refusal::new(RefusalCode::Malformed, said.unwrap_or(text)));
        }
        Ok((self, messages))
    }

    fn wants(&self, message: &Json) -> bool {
        let at = |pointer: &str| message.at(pointer).and_then(Json::as_str);
        match at("/method") {
            Some("notifications/resources/updated") => {
                at("/params/uri").is_some_and(|uri| self.uris.iter().any(|own| covers(own, uri)))
            }
            Some("notifications/tasks") => {
                at("/params/taskId").is_some_and(|id| self.tasks.iter().any(|own| own == id))
            }
            _ => false,
        }
    }
}

/// Hands on what was asked for, under its address.
async fn pump(part: Part, mut messages: Messages, to: mpsc::Sender<Heard>) {
    while let Some(Ok(mut message)) = messages.next().await {
        if part.wants(&message) {
            mapping::told(&part.server.name, &mut message);
            if has_room(&to, &message) {
                let _ = to.try_send(Heard::Message(message));
            }
        }
    }
    let _ = to.send(Heard::Over).await;
}
