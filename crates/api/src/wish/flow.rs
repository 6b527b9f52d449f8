//! Flows: the rule, what agents have read, what tools read and send.

use prokura_delegation::{AgentFlow, Content};
use prokura_domain::FlowRead;

use super::shown;
use super::tools::{labels_from, words};
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::seconds_in;
use crate::view::{AgentFlowView, ContentView, FlowReadView, FlowView, Named, ToolView};

impl Api {
    /// The flow rule, and what each agent has read.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn flow(&self) -> Result<FlowView, Failure> {
        let rule = self.0.delegation.flow_rule();
        let agents = self.0.delegation.flows()?;
        let mut contents = Vec::new();
        for server in self.store().servers()? {
            let said = |content| self.0.delegation.content_labels(&server.id, content);
            let (resources, prompts) = (said(Content::Resources)?, said(Content::Prompts)?);
            contents.push(ContentView {
                server: Named { id: server.id.to_string(), name: server.name },
                resources: resources.map(words),
                prompts: prompts.map(words),
            });
        }
        Ok(FlowView {
            on: rule.on,
            window_seconds: rule.window_seconds,
            agents: agents.into_iter().map(|flow| agent(flow, rule.on)).collect(),
            contents,
        })
    }

    /// Sets the flow rule; what is omitted stays.
    ///
    /// # Errors
    /// [`Failure`] when the window cannot be used.
    pub async fn flow_set(
        &self,
        on: Option<bool>,
        window: Option<String>,
    ) -> Result<FlowView, Failure> {
        let mut rule = self.0.delegation.flow_rule();
        rule.on = on.unwrap_or(rule.on);
        if let Some(text) = window {
            rule.window_seconds = seconds_in(&text).ok_or_else(|| {
                let message = format!("\"{text}\" is not a length of time.");
                Failure::new(FailureCode::BadRequest, message, "For example: `--window 8h`.")
            })?;
        }
        self.0.delegation.set_flow_rule(rule).await?;
        self.flow().await
    }

    /// Forgets what an agent has read.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent.
    pub async fn flow_forget(&self, agent: String) -> Result<FlowView, Failure> {
        let found = self.store().find_agent(&agent)?.ok_or_else(|| {
            let message = format!("There is no agent \"{agent}\".");
            Failure::new(FailureCode::NotFound, message, "List them with `prokura agents list`.")
        })?;
        self.0.delegation.forget_flow(&found).await?;
        self.flow().await
    }

    /// Says what flows through a tool, through resources or prompts; or takes what is proposed.
    ///
    /// # Errors
    /// [`Failure`] when a word is not known, or there is no such tool.
    pub async fn tools_label(
        &self,
        server: String,
        tool: Option<String>,
        labels: Option<String>,
        resources: Option<String>,
        prompts: Option<String>,
    ) -> Result<Vec<ToolView>, Failure> {
        let found = self.server_named(&server)?;
        let delegation = &self.0.delegation;
        let plain = tool.is_none() && resources.is_none() && prompts.is_none();
        match (&tool, &labels) {
            (Some(name), Some(text)) => {
                delegation.label_tool(&found, name, labels_from(text)?).await?;
            }
            (Some(name), None) => delegation.label_tool_as_proposed(&found, name).await?,
            (None, Some(_)) => {
                return Err(Failure::new(
                    FailureCode::BadRequest,
                    "Labels are for one tool.",
                    "Name the tool, or use --resources or --prompts.",
                ));
            }
            (None, None) if plain => delegation.label_as_proposed(&found).await?,
            (None, None) => {}
        }
        for (content, said) in [(Content::Resources, resources), (Content::Prompts, prompts)] {
            if let Some(text) = said {
                delegation.label_content(&found, content, labels_from(&text)?).await?;
            }
        }
        self.tools(server).await
    }
}

fn agent(flow: AgentFlow, on: bool) -> AgentFlowView {
    let read = |(server, read): (String, FlowRead)| FlowReadView {
        server,
        target: read.target,
        at: shown(read.at),
    };
    AgentFlowView {
        agent: Named { id: flow.agent.id.to_string(), name: flow.agent.name },
        asks: on && flow.private.is_some() && flow.untrusted.is_some(),
        private: flow.private.map(read),
        untrusted: flow.untrusted.map(read),
    }
}
