//! Signing in and out.

use prokura_account::{ClientProof, Machine, Secret, Wish};
use prokura_domain::{Account, AccountId, QuestionId, QuestionKind, QuestionState, Server};

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::{ClientWish, MachineWish, SignInChoice};
use crate::view::{AccountView, DeviceView, SignInView};

impl Api {
    /// Starts a sign-in, or joins the one that waits for this server already.
    ///
    /// # Errors
    /// [`Failure`] of discovery or registration, with what to do next.
    pub async fn sign_in(
        &self,
        server: String,
        account: Option<String>,
        choice: SignInChoice,
    ) -> Result<SignInView, Failure> {
        let server = self.server_named(&server)?;
        let wish = self.wish(&server, account, choice)?;
        self.begin(&server, wish).await
    }

    /// Starts the sign-in that gives an account what a question asks for.
    ///
    /// # Errors
    /// [`Failure`] when no such question waits, and of discovery or registration.
    pub async fn scopes_give(&self, approval: String) -> Result<SignInView, Failure> {
        let id = QuestionId::from_text(&approval);
        let unknown = || {
            Failure::new(
                FailureCode::NotFound,
                format!("No question {approval} waits for a sign-in."),
                "List the questions with `prokura approvals list`.",
            )
        };
        let question = self.store().question(&id)?.ok_or_else(unknown)?;
        let over = question.state != QuestionState::Pending
            || self.0.delegation.moment() >= question.expires_at;
        let QuestionKind::Scopes { wanted, .. } = question.kind else { return Err(unknown()) };
        let (Some(server), Some(account), false) = (question.server, question.account, over) else {
            return Err(unknown());
        };
        let server = self.store().server(&server)?.ok_or_else(unknown)?;
        let account = Some(account);
        self.begin(&server, Wish { account, extra: wanted, ..Wish::default() }).await
    }

    /// Whoever waits for it may go away; what waits for the account does not.
    async fn begin(&self, server: &Server, wish: Wish) -> Result<SignInView, Failure> {
        let started = self.0.accounts.begin_sign_in(server, wish).await?;
        let (accounts, delegation) = (self.0.accounts.clone(), self.0.delegation.clone());
        let id = started.id.clone();
        tokio::spawn(async move {
            let Ok(account) = accounts.wait_sign_in(&id).await else { return };
            if let Err(error) = delegation.signed_in(&account).await {
                tracing::warn!(%error, "what waits for an account could not be told of its sign-in");
            }
        });
        Ok(SignInView {
            sign_in: started.id,
            url: started.url,
            issuer: started.issuer,
            resource: started.resource,
            scopes: started.scopes,
            device: started.device.map(|device| DeviceView {
                code: device.code,
                page: device.page,
                expires_at: shown(started.expires_at),
            }),
        })
    }

    /// Waits until a sign-in ends, then looks at the server's tools.
    ///
    /// # Errors
    /// [`Failure`]: what went wrong in the browser or at the authorization server.
    pub async fn sign_in_wait(&self, sign_in: String) -> Result<AccountView, Failure> {
        let account = self.0.accounts.wait_sign_in(&sign_in).await?;
        self.0.delegation.signed_in(&account).await?;
        if let Some(server) = self.store().server(&account.server)? {
            self.0.delegation.refresh_tools(&server, &account.id).await?;
        }
        self.account_view(&account)
    }

    /// Gives up a sign-in.
    ///
    /// # Errors
    /// None; the signature is that of every wish.
    pub async fn sign_in_cancel(&self, sign_in: String) -> Result<(), Failure> {
        self.0.accounts.cancel_sign_in(&sign_in);
        Ok(())
    }

    /// Signs a program in, then looks at the server's tools.
    ///
    /// # Errors
    /// [`Failure`]: what stands in the way at the authorization server.
    pub async fn sign_in_machine(
        &self,
        server: String,
        account: Option<String>,
        machine: MachineWish,
        scopes: Option<Vec<String>>,
    ) -> Result<AccountView, Failure> {
        let server = self.server_named(&server)?;
        let account = match account {
            Some(name) => Some(self.account_named(&server, &name)?.id),
            None => None,
        };
        let machine = match machine {
            MachineWish::Client => Machine::Client,
            MachineWish::Workload { token_file } => {
                Machine::Workload { token_file: token_file.into() }
            }
            MachineWish::Enterprise { issuer, client_id, client_secret, id_token_file } => {
                Machine::Enterprise {
                    issuer,
                    client_id,
                    client_secret: client_secret.map(Secret::new),
                    id_token_file: id_token_file.into(),
                }
            }
        };
        let accounts = &self.0.accounts;
        let account = accounts.sign_in_machine(&server, account, machine, scopes).await?;
        self.0.delegation.signed_in(&account).await?;
        self.0.delegation.refresh_tools(&server, &account.id).await?;
        self.account_view(&account)
    }

    /// Enters the client that was registered by hand; of a key, answers the public part to enter there.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be kept.
    pub async fn client_set(
        &self,
        server: String,
        client_id: String,
        proof: ClientWish,
    ) -> Result<Option<String>, Failure> {
        let server = self.server_named(&server)?;
        let proof = match proof {
            ClientWish::Nothing => ClientProof::None,
            ClientWish::Secret(secret) => ClientProof::Secret(Secret::new(secret)),
            ClientWish::Key { pem, algorithm, kid } => {
                ClientProof::Key { pem: Secret::new(pem), algorithm, kid }
            }
            ClientWish::NewKey => ClientProof::NewKey,
        };
        let public = self.0.accounts.set_client(&server, &client_id, proof).await?;
        Ok(public.map(|key| key.to_string()))
    }

    /// Enters a static key and looks at the server's tools.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be kept, or the server does not take it.
    pub async fn key_set(
        &self,
        server: String,
        header: String,
        key: String,
    ) -> Result<AccountView, Failure> {
        let server = self.server_named(&server)?;
        let account = self.0.accounts.set_key(&server, &header, Secret::new(key)).await?;
        self.0.delegation.refresh_tools(&server, &account.id).await?;
        self.account_view(&account)
    }

    /// Signs out: revokes and forgets. Says of each account what became of its tokens.
    ///
    /// # Errors
    /// [`Failure`] when there is no such server or account.
    pub async fn sign_out(
        &self,
        server: String,
        account: Option<String>,
    ) -> Result<Vec<String>, Failure> {
        let server = self.server_named(&server)?;
        let accounts = match account {
            Some(name) => vec![self.account_named(&server, &name)?],
            None => self.store().accounts(&server.id)?,
        };
        let mut told = Vec::new();
        for account in accounts {
            let out = self.0.delegation.sign_out(&account).await?;
            told.push(format!("{}: {}", account.name, out.told));
        }
        Ok(told)
    }

    pub(crate) fn account_named(&self, server: &Server, name: &str) -> Result<Account, Failure> {
        self.store().find_account(&server.id, name)?.ok_or_else(|| {
            Failure::new(
                FailureCode::NotFound,
                format!("{} has no account \"{name}\".", server.name),
                "List the accounts with `prokura servers list --json`.",
            )
        })
    }

    /// A sign-in as it is wished for: of the server's only account, unless another one is meant.
    pub(super) fn wish(
        &self,
        server: &Server,
        account: Option<String>,
        choice: SignInChoice,
    ) -> Result<Wish, Failure> {
        let account = match account {
            Some(name) => Some(self.account_named(server, &name)?.id),
            None if choice.another => None,
            None => self.only_account(server)?,
        };
        let extra = match &account {
            Some(account) => self.0.delegation.wanted_scopes(account)?,
            None => Vec::new(),
        };
        let SignInChoice { scopes, issuer, device, another: _ } = choice;
        Ok(Wish { account, extra, scopes, issuer, device })
    }

    fn only_account(&self, server: &Server) -> Result<Option<AccountId>, Failure> {
        let accounts = self.store().accounts(&server.id)?;
        Ok(match accounts.as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        })
    }
}
