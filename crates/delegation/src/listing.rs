//! Lists, cut down to what an Agent may use. What it may not use does not exist for it.

use std::collections::HashMap;

use bytes::Bytes;
use futures::StreamExt as _;
use prokura_domain::protocol::Listing;
use prokura_domain::{Era, Json, Target, sse};
use prokura_policy::{ToolFacts, visible};
use prokura_store::StoreError;

use crate::Delegation;
use crate::ask::internal;
use crate::facts::tool_facts;
use crate::message::{Inbound, Kind, Refusal, RefusalCode, Reply};
use crate::reply::{LARGEST, collect, refusal};

impl Delegation {
    pub(crate) async fn list(&self, inbound: Inbound, listing: Listing) -> Result<Reply, Refusal> {
        let Kind::Message { method, .. } = &inbound.kind else {
            return Err(Refusal::new(RefusalCode::Malformed, "A list is asked for by a request."));
        };
        let reply = self.forward(inbound.clone(), Some(method)).await?;
        self.cut_reply(reply, &inbound, Some(listing)).await
    }

    /// The answer to a list without what is not this Agent's; `None` is the list of tasks.
    pub(crate) async fn cut_reply(
        &self,
        reply: Reply,
        inbound: &Inbound,
        listing: Option<Listing>,
    ) -> Result<Reply, Refusal> {
        if reply.status != 200 {
            return Ok(reply);
        }
        let stream = reply.is_stream();
        let Reply { status, headers, body } = reply;
        let whole = collect(body, self.limits(&inbound.agent).answer_bytes().min(LARGEST))
            .await
            .map_err(|broken| refusal(&broken))?;
        let cut = if stream {
            self.cut_events(&whole, inbound, listing).await?
        } else {
            self.cut_message(&whole, inbound, listing).await?.into_bytes()
        };
        let body = futures::stream::once(async move { Ok(Bytes::from(cut)) }).boxed();
        Ok(Reply { status, headers, body })
    }

    async fn cut_events(
        &self,
        whole: &[u8],
        inbound: &Inbound,
        listing: Option<Listing>,
    ) -> Result<Vec<u8>, Refusal> {
        let mut splitter = sse::Splitter::new(LARGEST);
        let mut events = splitter.push(whole).map_err(|_| unreadable())?;
        // An event that was not ended is cut down like any other.
        events.push(splitter.rest());
        let mut out = Vec::new();
        for event in events {
            match sse::data(&event) {
                Some(data) if !data.trim().is_empty() => {
                    let cut = self.cut_message(data.as_bytes(), inbound, listing).await?;
                    out.extend_from_slice(&sse::with_data(&event, &cut));
                }
                _ => out.extend_from_slice(&event),
            }
        }
        Ok(out)
    }

    async fn cut_message(
        &self,
        message: &[u8],
        inbound: &Inbound,
        listing: Option<Listing>,
    ) -> Result<String, Refusal> {
        let mut message = Json::read(message).map_err(|_| unreadable())?;
        let Some(result) = message.member_mut("result") else { return Ok(message.to_text()) };
        self.note_cursor(inbound, result);
        let member = listing.map_or("tasks", Listing::member);
        if listing == Some(Listing::Tools) {
            let items = result.member(member).and_then(Json::items).unwrap_or_default();
            self.observe(&inbound.server, items, false).await.map_err(internal)?;
        }
        if let Some(Json::Array(items)) = result.member_mut(member) {
            match listing {
                Some(listing) => self.cut(items, inbound, listing).map_err(internal)?,
                None => self.cut_tasks(items, inbound).map_err(internal)?,
            }
        }
        // P-13: a list cut to one Agent's Grants must not be shared.
        if inbound.era == Era::Modern || result.member("cacheScope").is_some() {
            result.set("cacheScope", Json::text("private"));
        }
        Ok(message.to_text())
    }

    fn cut(
        &self,
        items: &mut Vec<Json>,
        inbound: &Inbound,
        listing: Listing,
    ) -> Result<(), StoreError> {
        let mut facts = self.facts(&inbound.agent, &inbound.server, None, None)?;
        let tools = match listing {
            Listing::Tools => self.store().tools(&inbound.server)?,
            Listing::Resources | Listing::Templates | Listing::Prompts => Vec::new(),
        };
        let known: HashMap<&str, ToolFacts> =
            tools.iter().map(|tool| (tool.name.as_str(), tool_facts(tool))).collect();
        let ledger = self.ledger();
        let who = (&inbound.agent, &inbound.server, &inbound.account);
        items.retain(|item| {
            let Some(target) = named(item, listing) else { return false };
            facts.tool = known.get(target.name()).cloned();
            let class = facts.tool.as_ref().and_then(|tool| tool.class);
            visible(&target, &ledger.concerning(who, &target, class), &facts)
        });
        Ok(())
    }
}

fn named(item: &Json, listing: Listing) -> Option<Target> {
    let member = |name| item.member(name).and_then(Json::as_str).map(str::to_owned);
    match listing {
        Listing::Tools => member("name").map(Target::Tool),
        Listing::Resources => member("uri").map(Target::Resource),
        Listing::Templates => member("uriTemplate").map(Target::Resource),
        Listing::Prompts => member("name").map(Target::Prompt),
    }
}

fn unreadable() -> Refusal {
    let text =
        "The server's list cannot be read (not JSON, or a member twice), so nothing is shown.";
    Refusal::new(RefusalCode::Unreachable, text)
}
