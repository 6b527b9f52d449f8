//! Guardrails.

use prokura_domain::{AgentState, Guardrail, GuardrailFault, GuardrailOrigin};

use super::shown;
use crate::Api;
use crate::failure::Failure;
use crate::view::{
    GuardedArgumentView, GuardedToolView, GuardrailFaultView, GuardrailView, GuardrailWordsView,
};

impl Api {
    /// All guardrails, by name.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn guardrails(&self) -> Result<Vec<GuardrailView>, Failure> {
        self.0.delegation.guardrails()?.into_iter().map(|one| self.guardrail_view(one)).collect()
    }

    /// One guardrail.
    ///
    /// # Errors
    /// [`Failure`] when there is no such guardrail.
    pub async fn guardrail_show(&self, name: String) -> Result<GuardrailView, Failure> {
        self.guardrail_view(self.0.delegation.guardrail_named(&name)?)
    }

    /// Adds a guardrail.
    ///
    /// # Errors
    /// [`Failure`] that names every fault of the text with its place.
    pub async fn guardrail_add(
        &self,
        name: String,
        text: String,
        origin: GuardrailOrigin,
    ) -> Result<GuardrailView, Failure> {
        self.guardrail_view(self.0.delegation.add_guardrail(&name, &text, origin).await?)
    }

    /// Changes the text of a guardrail, or switches it on or off.
    ///
    /// # Errors
    /// [`Failure`] that names every fault of the text with its place.
    pub async fn guardrail_change(
        &self,
        name: String,
        text: Option<String>,
        enabled: Option<bool>,
    ) -> Result<GuardrailView, Failure> {
        let changed = self.0.delegation.change_guardrail(&name, text.as_deref(), enabled).await?;
        self.guardrail_view(changed)
    }

    /// Removes a guardrail.
    ///
    /// # Errors
    /// [`Failure`] when there is no such guardrail, or it belongs to a bundle.
    pub async fn guardrail_remove(&self, name: String) -> Result<GuardrailView, Failure> {
        self.guardrail_view(self.0.delegation.remove_guardrail(&name).await?)
    }

    /// What is wrong with a text; an empty list is fine.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn guardrail_check(&self, text: String) -> Result<Vec<GuardrailFaultView>, Failure> {
        Ok(self.0.delegation.check_guardrail(&text)?.into_iter().map(fault).collect())
    }

    /// What a guardrail can name.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn guardrail_words(&self) -> Result<GuardrailWordsView, Failure> {
        let agents = self.store().agents()?;
        let servers = self.store().servers()?;
        let mut accounts = Vec::new();
        for server in &servers {
            let at = self.store().accounts(&server.id)?;
            accounts.extend(at.iter().map(|account| format!("{}/{}", server.name, account.name)));
        }
        let tools = self.0.delegation.guarded_tools()?;
        Ok(GuardrailWordsView {
            agents: agents
                .into_iter()
                .filter(|agent| agent.state == AgentState::Active)
                .map(|agent| agent.name)
                .collect(),
            servers: servers.into_iter().map(|server| server.name).collect(),
            accounts,
            tools: tools
                .into_iter()
                .map(|tool| GuardedToolView {
                    name: format!("{}/{}", tool.server, tool.name),
                    arguments: tool
                        .arguments
                        .into_iter()
                        .map(|argument| GuardedArgumentView {
                            name: argument.name,
                            cedar: argument.cedar,
                            required: argument.required,
                        })
                        .collect(),
                })
                .collect(),
        })
    }

    fn guardrail_view(&self, guardrail: Guardrail) -> Result<GuardrailView, Failure> {
        let faults = self.0.delegation.check_guardrail(&guardrail.text)?;
        let (origin, bundle) = match guardrail.origin {
            GuardrailOrigin::Window => ("window", None),
            GuardrailOrigin::Cli => ("cli", None),
            GuardrailOrigin::File => ("file", None),
            GuardrailOrigin::Bundle { bundle } => ("bundle", Some(bundle)),
        };
        Ok(GuardrailView {
            id: guardrail.id.to_string(),
            name: guardrail.name,
            text: guardrail.text,
            enabled: guardrail.enabled,
            origin: origin.to_owned(),
            bundle,
            faults: faults.into_iter().map(fault).collect(),
            added_at: shown(guardrail.added_at),
            changed_at: shown(guardrail.changed_at),
        })
    }
}

pub(super) fn fault(fault: GuardrailFault) -> GuardrailFaultView {
    GuardrailFaultView {
        line: fault.line,
        column: fault.column,
        message: fault.message,
        help: fault.help,
    }
}
