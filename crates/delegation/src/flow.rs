//! Flows: what tools read and send, what Agents have read, and the rule over both.

use std::sync::PoisonError;

use prokura_domain::flow::WINDOWS;
use prokura_domain::{
    Agent, AgentId, CallId, Change, Durability, Event, FlowRead, FlowReads, FlowRule, Json, Labels,
    RecordKind, Server, ServerId, Target, Tool,
};
use prokura_policy::{Flow, Read};
use prokura_store::{Store, StoreError};

use crate::{Delegation, DelegationError, suggest};

const ON: &str = "flow_rule";
const WINDOW: &str = "flow_window";

/// Why the flow rule could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowFault {
    /// A window that cannot be used.
    #[error("a window of {0} seconds cannot be used; use 60 seconds to 30 days")]
    Window(i64),
}

/// What a Server has beside tools that reads and sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Its resources.
    Resources,
    /// Its prompts.
    Prompts,
}

impl Content {
    fn word(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Prompts => "prompts",
        }
    }

    /// What is proposed for all of them: both are read, and both are words of others.
    fn proposed(self) -> Labels {
        match self {
            Self::Resources => {
                Labels { reads_private: true, reads_untrusted: true, sends_out: false }
            }
            Self::Prompts => Labels { reads_untrusted: true, ..Labels::default() },
        }
    }
}

/// What an Agent has read within the window, with the names of the Servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFlow {
    /// The Agent.
    pub agent: Agent,
    /// The newest private thing.
    pub private: Option<(String, FlowRead)>,
    /// The newest thing of strangers.
    pub untrusted: Option<(String, FlowRead)>,
}

/// The rule as it is remembered. What cannot be read is as strict as it gets.
pub(crate) fn stored_rule(store: &Store) -> Result<FlowRule, StoreError> {
    let mut rule =
        FlowRule { on: store.setting(ON)?.as_deref() != Some("off"), ..FlowRule::default() };
    if let Some(text) = store.setting(WINDOW)? {
        let seconds = text.parse().ok().filter(|seconds| WINDOWS.contains(seconds));
        rule.window_seconds = seconds.unwrap_or(*WINDOWS.end());
    }
    Ok(rule)
}

impl Delegation {
    /// The flow rule as it stands.
    #[must_use]
    pub fn flow_rule(&self) -> FlowRule {
        *self.0.flow.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the flow rule.
    ///
    /// # Errors
    /// [`FlowFault`] for a window that cannot be used; store and log faults.
    pub async fn set_flow_rule(&self, rule: FlowRule) -> Result<(), DelegationError> {
        if !WINDOWS.contains(&rule.window_seconds) {
            return Err(FlowFault::Window(rule.window_seconds).into());
        }
        let detail = Json::object([
            ("on", Json::from(rule.on)),
            ("window_seconds", Json::from(rule.window_seconds)),
        ]);
        self.log().append(Event::new(RecordKind::FlowSet, detail), Durability::Synced).await?;
        self.store().put_setting(ON, if rule.on { "on" } else { "off" })?;
        self.store().put_setting(WINDOW, &rule.window_seconds.to_string())?;
        *self.0.flow.write().unwrap_or_else(PoisonError::into_inner) = rule;
        self.rules_changed(Change::State);
        self.tell(Change::Audit);
        Ok(())
    }

    /// Forgets what an Agent has read: its flows begin anew.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn forget_flow(&self, agent: &Agent) -> Result<(), DelegationError> {
        let event = Event::new(RecordKind::FlowForgotten, Json::object::<String>([]))
            .about(self.subject(Some(&agent.id), None, None));
        self.log().append(event, Durability::Synced).await?;
        self.store().forget_flow(&agent.id)?;
        self.rules_changed(Change::State);
        self.tell(Change::Audit);
        Ok(())
    }

    /// What every active Agent has read within the window.
    ///
    /// # Errors
    /// Store faults.
    pub fn flows(&self) -> Result<Vec<AgentFlow>, DelegationError> {
        let mut flows = Vec::new();
        for agent in self.store().agents()? {
            if agent.state != prokura_domain::AgentState::Active {
                continue;
            }
            let reads = self.reads(&agent.id, None)?;
            let named = |read: FlowRead| (self.server_name(&read.server), read);
            let (private, untrusted) = (reads.private.map(named), reads.untrusted.map(named));
            flows.push(AgentFlow { agent, private, untrusted });
        }
        Ok(flows)
    }

    fn reads(&self, agent: &AgentId, own: Option<&CallId>) -> Result<FlowReads, StoreError> {
        self.store().flow_reads(agent, self.flow_rule(), self.now(), own)
    }

    fn server_name(&self, server: &ServerId) -> String {
        let found = self.store().server(server).ok().flatten();
        found.map_or_else(|| "a server that was removed".to_owned(), |server| server.name)
    }

    /// What flows with a Call, as policy needs it.
    pub(crate) fn flow_of(
        &self,
        agent: &AgentId,
        server: &ServerId,
        target: &Target,
        tool: Option<&Tool>,
        own: &CallId,
    ) -> Result<Flow, StoreError> {
        let labels = match target {
            Target::Tool(_) => tool.and_then(|tool| tool.labels),
            Target::Resource(_) => self.content_labels(server, Content::Resources)?,
            Target::Prompt(_) => self.content_labels(server, Content::Prompts)?,
            Target::Method(_) => None,
        };
        let reads = self.reads(agent, Some(own))?;
        // Words are only needed where they are shown.
        let read = |read: Option<FlowRead>| {
            read.map(|read| {
                let name = read.target.split_once(':').map_or("", |(_, name)| name);
                Read { what: format!("{name} of {}", self.server_name(&read.server)), at: read.at }
            })
        };
        let (private, untrusted) = (read(reads.private), read(reads.untrusted));
        Ok(Flow { rule: self.flow_rule(), labels, own: own.clone(), private, untrusted })
    }

    /// What the person said of all resources or prompts of a Server.
    ///
    /// # Errors
    /// Store faults.
    pub fn content_labels(
        &self,
        server: &ServerId,
        content: Content,
    ) -> Result<Option<Labels>, StoreError> {
        let said = self.store().setting(&labels_of(server, content))?;
        Ok(said.and_then(|text| Labels::from_text(&text)))
    }

    /// The labels that are proposed for a tool.
    #[must_use]
    pub fn proposed_labels(&self, tool: &Tool) -> Labels {
        let definition = tool.offered.as_ref().unwrap_or(&tool.definition);
        let item = Json::read(definition.as_bytes()).unwrap_or(Json::Null);
        suggest::labels(&tool.name, &item)
    }

    /// Says what one tool reads and sends.
    ///
    /// # Errors
    /// [`crate::PinFault`] when there is no such tool; store and log faults.
    pub async fn label_tool(
        &self,
        server: &Server,
        name: &str,
        labels: Labels,
    ) -> Result<(), DelegationError> {
        let tool = self.tool_of(server, name)?;
        self.keep_labels(server, vec![(tool.name, labels)], &[]).await
    }

    /// Takes what is proposed for one tool.
    ///
    /// # Errors
    /// [`crate::PinFault`] when there is no such tool; store and log faults.
    pub async fn label_tool_as_proposed(
        &self,
        server: &Server,
        name: &str,
    ) -> Result<(), DelegationError> {
        let labels = self.proposed_labels(&self.tool_of(server, name)?);
        self.label_tool(server, name, labels).await
    }

    /// Says what all resources or prompts of a Server read and send.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn label_content(
        &self,
        server: &Server,
        content: Content,
        labels: Labels,
    ) -> Result<(), DelegationError> {
        self.keep_labels(server, Vec::new(), &[(content, labels)]).await
    }

    /// Takes what is proposed for everything of a Server that nobody has looked at, in one step.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn label_as_proposed(&self, server: &Server) -> Result<(), DelegationError> {
        let mut tools = self.store().tools(&server.id)?;
        tools.retain(|tool| tool.labels.is_none());
        let proposed = |tool: Tool| (tool.name.clone(), self.proposed_labels(&tool));
        let tools = tools.into_iter().map(proposed).collect();
        let mut contents = Vec::new();
        for content in [Content::Resources, Content::Prompts] {
            if self.content_labels(&server.id, content)?.is_none() {
                contents.push((content, content.proposed()));
            }
        }
        self.keep_labels(server, tools, &contents).await
    }

    /// Records labels, then keeps them.
    async fn keep_labels(
        &self,
        server: &Server,
        tools: Vec<(String, Labels)>,
        contents: &[(Content, Labels)],
    ) -> Result<(), DelegationError> {
        if tools.is_empty() && contents.is_empty() {
            return Ok(());
        }
        let said = |what: &str, labels: Labels| (what.to_owned(), Json::text(labels.to_text()));
        let of_tools = tools.iter().map(|(tool, labels)| said(tool, *labels)).collect();
        let of_contents = contents.iter().map(|(content, labels)| said(content.word(), *labels));
        let detail = Json::object([
            ("tools", Json::Object(of_tools)),
            ("contents", Json::Object(of_contents.collect())),
        ]);
        self.note_tool(RecordKind::ToolsLabelled, server, detail).await?;
        self.store().label_tools(&server.id, &tools)?;
        for (content, labels) in contents {
            self.store().put_setting(&labels_of(&server.id, *content), &labels.to_text())?;
        }
        self.rules_changed(Change::Tools);
        Ok(())
    }
}

/// The setting that holds what was said of a Server's resources or prompts.
fn labels_of(server: &ServerId, content: Content) -> String {
    format!("labels/{server}/{}", content.word())
}
