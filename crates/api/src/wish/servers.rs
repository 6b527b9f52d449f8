//! Servers and their Accounts.

use prokura_account::Access;
use prokura_domain::{Account, AccountKind, AccountState, Grant, Launch, Pin, Server};
use url::Url;

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::view::{AccountView, LocalView, ServerView};

impl Api {
    /// All servers.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn servers(&self) -> Result<Vec<ServerView>, Failure> {
        let grants = self.store().grants()?;
        self.store().servers()?.iter().map(|server| self.server_view(server, &grants)).collect()
    }

    /// Adds a server, looks at it, and pins its tools where it needs no sign-in.
    ///
    /// # Errors
    /// [`Failure`]: the URL or name cannot be used, or the server does not answer; then nothing was added.
    pub async fn server_add(&self, url: String, name: String) -> Result<ServerView, Failure> {
        let url = checked(&url)?;
        let server = self.0.delegation.add_server(&name, url.as_str()).await?;
        match self.look(&server).await {
            Ok(()) => self.server_view(&server, &self.store().grants()?),
            Err(failure) => {
                self.0.delegation.remove_server(&server).await?;
                Err(failure)
            }
        }
    }

    /// First look: what it asks for, and its tools where it asks for nothing.
    async fn look(&self, server: &Server) -> Result<(), Failure> {
        match self.0.accounts.probe(server).await? {
            Access::Open => {
                let account = self.0.accounts.ensure_anonymous(server).await?;
                Ok(self.0.delegation.refresh_tools(server, &account.id).await?)
            }
            Access::Oauth(_) | Access::Key => Ok(()),
        }
    }

    /// Removes a server. Its records stay.
    ///
    /// # Errors
    /// [`Failure`] when there is no such server, or it cannot be recorded.
    pub async fn server_remove(&self, server: String) -> Result<Vec<String>, Failure> {
        let server = self.server_named(&server)?;
        // The tokens are revoked by the client that is deleted after them. Without the Vault nothing is deleted.
        let leaving = self.0.accounts.leaving(&server);
        let told = self.0.delegation.remove_server(&server).await?;
        let mut told: Vec<String> = told.into_iter().map(|out| out.told).collect();
        match leaving {
            Ok(leaving) => match leaving.delete().await {
                (0, 0) => {}
                (_, 0) => told.push("Prokura's registration there was deleted.".to_owned()),
                (_, _) => told.push(
                    "The server kept Prokura's registration; nothing can be done with it from here."
                        .to_owned(),
                ),
            },
            Err(fault) => tracing::warn!(%fault, "registrations could not be deleted"),
        }
        Ok(told)
    }

    pub(crate) fn server_view(
        &self,
        server: &Server,
        grants: &[Grant],
    ) -> Result<ServerView, Failure> {
        let now = self.0.delegation.moment();
        let accounts = self.store().accounts(&server.id)?;
        let tools = self.store().tools(&server.id)?;
        let accounts_seen: Vec<AccountView> =
            accounts.iter().map(|account| self.account_view(account)).collect::<Result<_, _>>()?;
        let ready = accounts.iter().any(|account| account.state == AccountState::SignedIn);
        let wanting = accounts_seen.iter().any(|account| !account.scopes_wanted.is_empty());
        let local = self.local_view(server)?;
        let state = match (ready, wanting) {
            _ if stands(local.as_ref(), &["unapproved", "missing"]) => "approval_needed",
            _ if stands(local.as_ref(), &["given_up"]) => "stopped_for_good",
            (false, _) => "sign_in_needed",
            (true, true) => "scopes_wanted",
            (true, false) => "ready",
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(ServerView {
            id: server.id.to_string(),
            name: server.name.clone(),
            endpoint: server.launch.as_ref().map_or_else(|| server.endpoint.clone(), Launch::line),
            resource: server.resource.clone(),
            state: state.to_owned(),
            accounts: accounts_seen,
            tools: count(tools.iter().filter(|tool| tool.pin != Pin::Gone).count()),
            tools_waiting: count(
                tools.iter().filter(|tool| matches!(tool.pin, Pin::New | Pin::Changed)).count(),
            ),
            grants: count(
                grants
                    .iter()
                    .filter(|grant| grant.server == server.id && super::grants::active(grant, now))
                    .count(),
            ),
            http: format!("{}/s/{}/mcp", self.0.surroundings.http(), server.name),
            added_at: shown(server.added_at),
            exceptions: self
                .0
                .accounts
                .exceptions(server)?
                .into_iter()
                .map(|exception| exception.as_str().to_owned())
                .collect(),
            shows_questions: self.0.delegation.shows_questions(&server.id),
            local,
        })
    }

    pub(crate) fn account_view(&self, account: &Account) -> Result<AccountView, Failure> {
        let kind = match account.kind {
            AccountKind::Anonymous => "anonymous",
            AccountKind::Key => "key",
            AccountKind::Oauth => "oauth",
            AccountKind::Client => "client",
            AccountKind::Workload => "workload",
            AccountKind::Enterprise => "enterprise",
        };
        let state = match account.state {
            AccountState::SignedIn => "signed_in",
            AccountState::NeedsSignIn => "needs_sign_in",
            AccountState::SignedOut => "signed_out",
        };
        Ok(AccountView {
            id: account.id.to_string(),
            name: account.name.clone(),
            kind: kind.to_owned(),
            state: state.to_owned(),
            issuer: account.issuer.clone(),
            resource: account.resource.clone(),
            scopes: account.scopes.clone(),
            expires_at: account.expires_at.map(shown),
            scopes_wanted: self.0.delegation.wanted_scopes(&account.id)?,
            scopes_declined: self.0.delegation.declined_scopes(&account.id)?,
            added_at: shown(account.added_at),
            agents: self.users_of(account)?,
            scopes_unneeded: self.unneeded(account)?,
        })
    }
}

/// Whether a program of this machine is in one of these states.
fn stands(local: Option<&LocalView>, states: &[&str]) -> bool {
    local.is_some_and(|local| states.contains(&local.state.as_str()))
}

/// A URL that can be an MCP endpoint.
fn checked(text: &str) -> Result<Url, Failure> {
    let bad = |message: String| {
        Failure::new(
            FailureCode::BadRequest,
            message,
            "Give the full URL of the MCP endpoint, such as https://mcp.example.com/mcp.",
        )
    };
    let url =
        Url::parse(text).map_err(|error| bad(format!("\"{text}\" is not a URL: {error}.")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(bad("A server is reached by https.".to_owned()));
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad("The URL must have no user name, password or fragment.".to_owned()));
    }
    Ok(url)
}
