//! Accounts: what a sign-in would ask for, names, who uses which, and what is excused.

use prokura_account::Exception;
use prokura_domain::{Account, AgentState, Question, QuestionKind};

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::SignInChoice;
use crate::view::{AccountView, Named, PlanView, ScopeView, ServerView};

impl Api {
    /// What a sign-in would ask for. Nothing is registered or kept.
    ///
    /// # Errors
    /// [`Failure`] of discovery, with what to do next.
    pub async fn sign_in_plan(
        &self,
        server: String,
        account: Option<String>,
        choice: SignInChoice,
    ) -> Result<PlanView, Failure> {
        let server = self.server_named(&server)?;
        let wish = self.wish(&server, account, choice)?;
        let plan = self.0.accounts.plan_sign_in(&server, &wish).await?;
        let scopes = plan.scopes.into_iter().map(|name| ScopeView {
            allows: allows(&name).to_owned(),
            had: plan.had.contains(&name),
            wanted: wish.extra.contains(&name),
            name,
        });
        Ok(PlanView {
            issuer: plan.issuer,
            issuers: plan.issuers,
            resource: plan.resource,
            scopes: scopes.collect(),
            browser: plan.browser,
            device: plan.device,
            bound: plan.bound,
        })
    }

    /// Takes the address that a browser elsewhere ended at.
    ///
    /// # Errors
    /// [`Failure`] when it is not the answer to this sign-in.
    pub async fn sign_in_paste(&self, sign_in: String, address: String) -> Result<(), Failure> {
        Ok(self.0.accounts.paste_sign_in(&sign_in, &address)?)
    }

    /// Calls an account by another name.
    ///
    /// # Errors
    /// [`Failure`] when the name cannot be used or is taken.
    pub async fn account_rename(
        &self,
        server: String,
        account: String,
        name: String,
    ) -> Result<AccountView, Failure> {
        let server = self.server_named(&server)?;
        let account = self.account_named(&server, &account)?;
        let renamed = self.0.accounts.rename(&account.id, &name).await?;
        self.account_view(&renamed)
    }

    /// Chooses the account that an agent uses at a server. It holds for the next call.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agent or account.
    pub async fn account_use(
        &self,
        server: String,
        account: String,
        agent: String,
    ) -> Result<AccountView, Failure> {
        let server = self.server_named(&server)?;
        let account = self.account_named(&server, &account)?;
        let agent = self.agent_named(&agent)?;
        self.0.delegation.choose_account(&agent.id, &account).await?;
        self.account_view(&account)
    }

    /// Excuses something of a server's authorization server, or takes that back.
    ///
    /// # Errors
    /// [`Failure`] when there is no such exception, or it cannot be recorded.
    pub async fn server_except(
        &self,
        server: String,
        exception: String,
        holds: bool,
    ) -> Result<ServerView, Failure> {
        let server = self.server_named(&server)?;
        let exception = Exception::from_text(&exception).ok_or_else(|| {
            Failure::new(
                FailureCode::BadRequest,
                format!("There is no exception \"{exception}\"."),
                "The exceptions are no-pkce and other-issuer.",
            )
        })?;
        self.0.accounts.set_exception(&server, exception, holds).await?;
        self.server_view(&server, &self.store().grants()?)
    }

    /// The address to enter where a client is made by hand; with `port`, on that port from now on.
    ///
    /// # Errors
    /// [`Failure`] when no port can be had.
    pub async fn redirect(&self, server: String, port: Option<u16>) -> Result<String, Failure> {
        let server = self.server_named(&server)?;
        if let Some(port) = port {
            self.0.accounts.fix_port(&server, port)?;
        }
        Ok(self.0.accounts.redirect_address(&server).await?)
    }

    /// Lets the person be asked again for scopes that were declined.
    ///
    /// # Errors
    /// [`Failure`] when there is no such account.
    pub async fn scopes_ask_again(
        &self,
        server: String,
        account: String,
    ) -> Result<AccountView, Failure> {
        let server = self.server_named(&server)?;
        let account = self.account_named(&server, &account)?;
        self.0.delegation.ask_for_scopes_again(&account.id)?;
        self.account_view(&account)
    }

    /// What a question about scopes shows: what the account has, and what it would have besides.
    pub(super) fn scopes_view(&self, question: &Question) -> Option<Vec<ScopeView>> {
        let QuestionKind::Scopes { had, wanted, .. } = &question.kind else { return None };
        let view = |name: &String, had: bool| ScopeView {
            name: name.clone(),
            allows: allows(name).to_owned(),
            had,
            wanted: !had,
        };
        let wanted = wanted.iter().map(|name| view(name, false));
        Some(wanted.chain(had.iter().map(|name| view(name, true))).collect())
    }

    /// Forgets the client that was entered.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be forgotten.
    pub async fn client_forget(&self, server: String) -> Result<(), Failure> {
        let server = self.server_named(&server)?;
        Ok(self.0.accounts.forget_client(&server)?)
    }

    /// The agents that use an account at its server.
    pub(super) fn users_of(&self, account: &Account) -> Result<Vec<Named>, Failure> {
        let mut users = Vec::new();
        for agent in self.store().agents()? {
            let is_active = agent.state == AgentState::Active;
            let used = self.store().active_account(&agent.id, &account.server)?;
            if is_active && used.as_ref() == Some(&account.id) {
                users.push(Named { id: agent.id.to_string(), name: agent.name });
            }
        }
        Ok(users)
    }

    /// Granted scopes that no active grant needs, as far as names tell: all of them where no grant covers the account,
    /// those that change something where every covered tool only reads. What a name does not tell counts as needed.
    pub(super) fn unneeded(&self, account: &Account) -> Result<Vec<String>, Failure> {
        if account.scopes.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.0.delegation.moment();
        let mut grants = self.store().grants()?;
        grants.retain(|grant| {
            grant.server == account.server
                && grant.account.as_ref().is_none_or(|of| *of == account.id)
                && grant.effect != prokura_domain::Effect::Deny
                && super::grants::active(grant, now)
        });
        let tools = self.store().tools(&account.server)?;
        let reads_only = tools
            .iter()
            .filter(|tool| grants.iter().any(|grant| prokura_delegation::covers_tool(grant, tool)))
            .all(|tool| tool.class == Some(prokura_domain::ToolClass::Read));
        let is_unneeded = |scope: &&String| match allows(scope) {
            "identity" | "stay" => false,
            "change" | "delete" | "admin" => grants.is_empty() || reads_only,
            _ => grants.is_empty(),
        };
        Ok(account.scopes.iter().filter(is_unneeded).cloned().collect())
    }
}

/// What a scope's name says it allows. The name is the server's, so this sorts a list and decides nothing.
fn allows(scope: &str) -> &'static str {
    match scope {
        "openid" | "profile" | "email" | "phone" | "address" => return "identity",
        "offline_access" => return "stay",
        _ => {}
    }
    let lower = scope.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["admin", "manage", "owner", "full"]) {
        "admin"
    } else if says(&["delete", "remove", "destroy"]) {
        "delete"
    } else if says(&["write", "create", "update", "edit", "send", "post", "publish", "modify"]) {
        "change"
    } else if says(&["read", "list", "view", "search"]) {
        "read"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_sorted_by_what_their_names_say_and_the_stronger_word_counts() {
        for (scope, group) in [
            ("openid", "identity"),
            ("offline_access", "stay"),
            ("repo:read", "read"),
            ("https://www.example.com/auth/drive.readonly", "read"),
            ("readwrite", "change"),
            ("mail.send", "change"),
            ("files:delete", "delete"),
            ("admin:read", "admin"),
            ("use", "other"),
        ] {
            assert_eq!(allows(scope), group, "{scope}");
        }
    }
}
