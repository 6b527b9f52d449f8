//! Tools: class, pin, what covers them.

use prokura_delegation::Granted;
use prokura_domain::{Account, AccountState, Json, Labels, Server, Tool, ToolClass};

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::view::ToolView;

impl Api {
    /// The tools of a server.
    ///
    /// # Errors
    /// [`Failure`] when there is no such server.
    pub async fn tools(&self, server: String) -> Result<Vec<ToolView>, Failure> {
        let server = self.server_named(&server)?;
        let grants = self.0.delegation.granted_at(&server.id);
        let tools = self.store().tools(&server.id)?;
        Ok(tools.iter().map(|tool| self.tool_view(&server, tool, &grants)).collect())
    }

    /// Asks the server again for its tools.
    ///
    /// # Errors
    /// [`Failure`] when nobody is signed in, or the server does not answer.
    pub async fn tools_refresh(&self, server: String) -> Result<Vec<ToolView>, Failure> {
        let found = self.server_named(&server)?;
        let accounts = self.store().accounts(&found.id)?;
        let usable = |account: &&Account| account.state == AccountState::SignedIn;
        let account = accounts.iter().find(usable).ok_or_else(|| {
            Failure::new(
                FailureCode::SignInNeeded,
                format!("Nobody is signed in to {}.", found.name),
                format!("Run `prokura servers sign-in {}`.", found.name),
            )
        })?;
        self.0.delegation.refresh_tools(&found, &account.id).await?;
        self.tools(server).await
    }

    /// Says what a tool can do.
    ///
    /// # Errors
    /// [`Failure`] when a word is not known, or there is no such tool.
    pub async fn tool_classify(
        &self,
        server: String,
        tool: String,
        class: String,
        labels: Option<String>,
    ) -> Result<ToolView, Failure> {
        let server = self.server_named(&server)?;
        let class = ToolClass::from_text(&class).ok_or_else(|| {
            Failure::new(
                FailureCode::BadRequest,
                format!("\"{class}\" is not a class."),
                "Use read, write, destructive or admin.",
            )
        })?;
        let labels = labels.map(|text| labels_from(&text)).transpose()?;
        let tool = self.0.delegation.classify_tool(&server, &tool, class, labels).await?;
        Ok(self.tool_view(&server, &tool, &self.0.delegation.granted_at(&server.id)))
    }

    /// Accepts a new or changed tool as it is offered now.
    ///
    /// # Errors
    /// [`Failure`] when there is nothing to accept.
    pub async fn tool_accept(&self, server: String, tool: String) -> Result<ToolView, Failure> {
        let server = self.server_named(&server)?;
        let tool = self.0.delegation.accept_tool(&server, &tool).await?;
        Ok(self.tool_view(&server, &tool, &self.0.delegation.granted_at(&server.id)))
    }
}

pub(super) fn labels_from(text: &str) -> Result<Labels, Failure> {
    Labels::from_text(text).ok_or_else(|| {
        Failure::new(
            FailureCode::BadRequest,
            format!("\"{text}\" are no labels."),
            "Use none, or reads_private, reads_untrusted, sends_out joined by commas.",
        )
    })
}

/// Labels as their words.
pub(super) fn words(labels: Labels) -> Vec<String> {
    labels.words().into_iter().map(str::to_owned).collect()
}

impl Api {
    fn tool_view(&self, server: &Server, tool: &Tool, grants: &Granted) -> ToolView {
        let definition = Json::read(tool.definition.as_bytes()).unwrap_or(Json::Null);
        let claim = |name: &str| definition.member(name).and_then(Json::as_str).map(str::to_owned);
        ToolView {
            id: format!("{}/{}", server.name, tool.name),
            name: tool.name.clone(),
            title: claim("title"),
            description: pieces(&claim("description").unwrap_or_default()),
            class: tool.class.map(|class| class.as_str().to_owned()),
            suggested: tool.suggested.as_str().to_owned(),
            labels: tool.labels.map(words),
            labels_proposed: words(self.0.delegation.proposed_labels(tool)),
            pin: tool.pin.as_str().to_owned(),
            digest: tool.digest.to_string(),
            definition: tool.definition.clone(),
            offered: tool.offered.clone(),
            grants: u32::try_from(grants.over(tool)).unwrap_or(u32::MAX),
        }
    }
}
