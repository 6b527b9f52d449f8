//! Pins: what a Server's tools were when the person accepted them. A change is quarantined until it is accepted.

use std::collections::HashMap;

use prokura_domain::{
    Change, Digest, Durability, Event, Json, Labels, Pin, RecordKind, Server, ServerId, Timestamp,
    Tool, ToolClass,
};
use prokura_store::StoreError;

use crate::facts::first_sight_of;
use crate::suggest::class;
use crate::{Delegation, DelegationError};

/// Tools of one Server that are remembered at most.
const MOST_TOOLS: usize = 5000;

/// Why a tool could not be accepted or classified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinFault {
    /// No such tool.
    #[error("the server has no tool \"{0}\"; list them with `tools list --server NAME`")]
    Unknown(String),
    /// Nothing waits to be accepted.
    #[error("\"{0}\" is already accepted as it is offered")]
    NothingToAccept(String),
    /// The server no longer offers it.
    #[error("the server no longer offers \"{0}\", so there is nothing to accept")]
    Gone(String),
}

/// One difference between what was remembered and what is offered.
struct Difference {
    tool: String,
    what: &'static str,
    digest: Digest,
}

impl Delegation {
    /// Compares what a Server offers with what was accepted, and remembers the differences. `complete`: the list is whole,
    /// so what is missing in it is gone.
    pub(crate) async fn observe(
        &self,
        server: &ServerId,
        offered: &[Json],
        complete: bool,
    ) -> Result<(), StoreError> {
        let (first, differences) = self.compare(server, offered, complete)?;
        if differences.is_empty() {
            return Ok(());
        }
        let kind = if first { RecordKind::ToolsPinned } else { RecordKind::ToolChanged };
        let tools = differences.into_iter().map(|difference| {
            Json::object([
                ("tool", Json::text(difference.tool)),
                ("what", Json::text(difference.what)),
                ("digest", Json::text(difference.digest.to_string())),
            ])
        });
        let detail = Json::object([("tools", Json::Array(tools.collect()))]);
        let event = Event::new(kind, detail).about(self.subject(None, Some(server), None));
        self.append_quietly(event, None).await;
        self.rules_changed(Change::Tools);
        Ok(())
    }

    fn compare(
        &self,
        server: &ServerId,
        offered: &[Json],
        complete: bool,
    ) -> Result<(bool, Vec<Difference>), StoreError> {
        let _one_at_a_time =
            self.0.pinning.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.now();
        let seen_before = self.store().setting(&first_sight_of(server))?.is_some();
        let mut known: HashMap<String, Tool> =
            self.store().tools(server)?.into_iter().map(|tool| (tool.name.clone(), tool)).collect();
        let (mut changed, mut differences) = (Vec::new(), Vec::new());
        for item in offered.iter().take(MOST_TOOLS) {
            let Some((name, definition, digest)) = definition(item) else { continue };
            let (tool, what) = match known.remove(&name) {
                Some(tool) => match renewed(tool, definition, digest) {
                    Some(renewed) => renewed,
                    None => continue,
                },
                None => fresh(server, name, definition, (digest, seen_before), item, now),
            };
            differences.push(Difference { tool: tool.name.clone(), what, digest });
            changed.push(tool);
        }
        if complete {
            for mut tool in known.into_values().filter(|tool| tool.pin != Pin::Gone) {
                tool.pin = Pin::Gone;
                let digest = tool.digest;
                differences.push(Difference { tool: tool.name.clone(), what: "gone", digest });
                changed.push(tool);
            }
        }
        self.store().put_tools(&changed)?;
        if !seen_before {
            self.store().put_setting(&first_sight_of(server), &now.to_string())?;
        }
        Ok((!seen_before, differences))
    }

    pub(crate) fn tool_of(&self, server: &Server, name: &str) -> Result<Tool, DelegationError> {
        let tool = self.store().tool(&server.id, name)?;
        Ok(tool.ok_or_else(|| PinFault::Unknown(name.to_owned()))?)
    }

    /// Accepts a new or changed tool as it is offered now.
    ///
    /// # Errors
    /// [`PinFault`] when there is nothing to accept; store and log faults.
    pub async fn accept_tool(&self, server: &Server, name: &str) -> Result<Tool, DelegationError> {
        let mut tool = self.tool_of(server, name)?;
        match tool.pin {
            Pin::Accepted => return Err(PinFault::NothingToAccept(name.to_owned()).into()),
            Pin::Gone => return Err(PinFault::Gone(name.to_owned()).into()),
            Pin::New | Pin::Changed => {}
        }
        let before = tool.digest;
        if let Some(offered) = tool.offered.take() {
            tool.digest = Digest::of(&[offered.as_bytes()]);
            tool.definition = offered;
        }
        tool.pin = Pin::Accepted;
        let detail = Json::object([
            ("tool", Json::text(name)),
            ("before", Json::text(before.to_string())),
            ("digest", Json::text(tool.digest.to_string())),
        ]);
        self.note_tool(RecordKind::ToolAccepted, server, detail).await?;
        self.store().put_tools(std::slice::from_ref(&tool))?;
        self.rules_changed(Change::Tools);
        Ok(tool)
    }

    /// Says what a tool can do to the world.
    ///
    /// # Errors
    /// [`PinFault`] when there is no such tool; store and log faults.
    pub async fn classify_tool(
        &self,
        server: &Server,
        name: &str,
        class: ToolClass,
        labels: Option<Labels>,
    ) -> Result<Tool, DelegationError> {
        let mut tool = self.tool_of(server, name)?;
        tool.class = Some(class);
        if labels.is_some() {
            tool.labels = labels;
        }
        let words =
            labels.map(|labels| Json::Array(labels.words().into_iter().map(Json::text).collect()));
        let detail = Json::object([
            ("tool", Json::text(name)),
            ("class", Json::text(class.as_str())),
            ("labels", Json::from(words)),
        ]);
        self.note_tool(RecordKind::ToolClassified, server, detail).await?;
        self.store().put_tools(std::slice::from_ref(&tool))?;
        self.rules_changed(Change::Tools);
        Ok(tool)
    }

    pub(crate) async fn note_tool(
        &self,
        kind: RecordKind,
        server: &Server,
        detail: Json,
    ) -> Result<(), StoreError> {
        let event = Event::new(kind, detail).about(self.subject(None, Some(&server.id), None));
        self.log().append(event, Durability::Synced).await?;
        self.tell(Change::Audit);
        Ok(())
    }
}

/// Name, canonical definition and digest of an offered tool. `_meta` may differ from answer to answer and is no part of it.
fn definition(item: &Json) -> Option<(String, String, Digest)> {
    let name = item.member("name")?.as_str()?.to_owned();
    let mut item = item.clone();
    item.remove("_meta");
    let definition = item.to_canonical();
    let digest = Digest::of(&[definition.as_bytes()]);
    Some((name, definition, digest))
}

/// A tool that is offered again: what changed, if anything did.
fn renewed(mut tool: Tool, definition: String, digest: Digest) -> Option<(Tool, &'static str)> {
    let same = tool.digest == digest;
    match tool.pin {
        Pin::Accepted if same => None,
        Pin::New if same => None,
        Pin::Changed if tool.offered.as_ref() == Some(&definition) => None,
        Pin::New => {
            tool.definition = definition;
            tool.digest = digest;
            Some((tool, "new"))
        }
        Pin::Changed | Pin::Gone if same => {
            tool.pin = Pin::Accepted;
            tool.offered = None;
            Some((tool, "back"))
        }
        Pin::Accepted | Pin::Changed | Pin::Gone => {
            tool.pin = Pin::Changed;
            tool.offered = Some(definition);
            Some((tool, "changed"))
        }
    }
}

fn fresh(
    server: &ServerId,
    name: String,
    definition: String,
    (digest, seen_before): (Digest, bool),
    item: &Json,
    now: Timestamp,
) -> (Tool, &'static str) {
    let (pin, what) = if seen_before { (Pin::New, "new") } else { (Pin::Accepted, "pinned") };
    let suggested = class(&name, item);
    let tool = Tool {
        server: server.clone(),
        name,
        definition,
        digest,
        offered: None,
        pin,
        class: None,
        suggested,
        labels: None,
        seen_at: now,
    };
    (tool, what)
}
