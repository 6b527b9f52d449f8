//! The end of a sign-in: the response is judged, the code becomes tokens, the tokens become an Account.

use prokura_domain::{Account, AccountKind, AccountState, Change, Json, RecordKind, Server};

use super::{Errand, Terms};
use crate::book::Book;
use crate::callback::{Callback, Outcome};
use crate::discovery::covers;
use crate::error::AccountError;
use crate::name::{self, Identity};
use crate::stored::Tokens;
use crate::text;
use crate::token::{Granted, Talk, TokenFault};

impl Book {
    pub(super) async fn finish(
        &self,
        errand: Errand,
        callback: Callback,
    ) -> Result<Account, AccountError> {
        let terms = &errand.terms;
        let issuer = &terms.issuer.issuer;
        let shown = || text::printable(issuer, 200);
        // Before anything of it is used or shown, errors too (CA-28, CA-30).
        if !callback.is_from(issuer, terms.issuer.alias.as_deref(), terms.issuer.says_iss) {
            return Err(AccountError::IssuerMismatch { issuer: shown() });
        }
        // The machine may have slept over it.
        if self.now() >= errand.expires_at {
            return Err(AccountError::Expired);
        }
        let code = match callback.outcome {
            Outcome::Code(code) => code,
            Outcome::Refused(said) => return Err(AccountError::Denied { issuer: shown(), said }),
        };
        let key = terms.signing_key()?;
        let talk = Talk {
            key: key.as_ref(),
            ..self.talk(&errand.guard, &terms.issuer, &terms.client, &terms.resource)
        };
        let granted = match talk.exchange(&code, &errand.verifier, &errand.redirect).await {
            Ok(granted) => granted,
            Err(fault) => return Err(self.not_issued(terms, fault)?),
        };
        self.settle_or_give_back(terms, &talk, &granted).await
    }

    /// What a refused token request means for the client, and how it is told.
    pub(super) fn not_issued(
        &self,
        terms: &Terms,
        fault: TokenFault,
    ) -> Result<AccountError, AccountError> {
        let issuer = &terms.issuer.issuer;
        if fault.is_about_the_client() {
            self.forget_registered(&terms.server, issuer, &terms.client.id)?;
        }
        Ok(fault.told(issuer))
    }

    /// Keeps what was issued; tokens that are not kept are taken back where that is possible.
    pub(crate) async fn settle_or_give_back(
        &self,
        terms: &Terms,
        talk: &Talk<'_>,
        granted: &Granted,
    ) -> Result<Account, AccountError> {
        let settled = self.settle(terms, granted).await;
        if settled.is_err() {
            self.give_back(talk, granted.refresh.as_ref(), &granted.access).await;
        }
        settled
    }

    async fn settle(&self, terms: &Terms, granted: &Granted) -> Result<Account, AccountError> {
        let server = self.store.server(&terms.server.id)?.ok_or(AccountError::NoServer)?;
        // The endpoint may have been edited while the browser was away.
        let endpoint = crate::book::endpoint(&server)?;
        if !covers(&terms.resource, &endpoint) {
            return Err(AccountError::ResourceMismatch {
                endpoint: crate::http::shown(&endpoint),
                resource: terms.resource.clone(),
            });
        }
        if let Some(other) = self.meant_for_another(&server, &granted.access)? {
            return Err(AccountError::ForAnother { issuer: terms.issuer.issuer.clone(), other });
        }
        let identity = Identity::of(granted);
        let _accounts = self.turn(server.id.as_str()).await;
        let known = self.store.accounts(&server.id)?;
        let kind = terms.standing.kind();
        let id = match self.whose(terms, &identity, &known)? {
            Some(account) => account.id,
            None => self.new_account(&server, kind, &identity, &known).id,
        };
        let _turn = self.turn(id.as_str()).await;
        // A refresh may have written it since.
        let mut account = match self.store.account(&id)? {
            Some(account) => account,
            None => Account { id, ..self.new_account(&server, kind, &identity, &known) },
        };
        account.state = AccountState::SignedIn;
        account.issuer = Some(terms.issuer.issuer.clone());
        account.resource = Some(terms.resource.clone());
        account.subject = identity.subject.or(account.subject);
        account.tenant = identity.tenant.or(account.tenant);
        account.scopes.clone_from(&terms.scopes);
        let mut tokens = Tokens {
            access: granted.access.to_string(),
            refresh: granted.refresh.as_ref().map(|refresh| refresh.to_string()),
            requested: terms.scopes.clone(),
            renew_at: None,
            client_id: terms.client.id.clone(),
            client_secret: terms.client.secret.as_ref().map(|secret| secret.to_string()),
            client_method: terms.client.method,
            key: terms.key.clone(),
            standing: terms.standing.clone(),
        };
        self.stamp(&mut account, &mut tokens, granted);
        self.keep_tokens(&mut account, &tokens)?;
        self.signed_in(server, &account, granted.refresh.is_some()).await?;
        Ok(account)
    }

    async fn signed_in(
        &self,
        server: Server,
        account: &Account,
        has_refresh: bool,
    ) -> Result<(), AccountError> {
        if server.resource != account.resource {
            self.store
                .put_server(&Server { resource: account.resource.clone(), ..server.clone() })?;
            self.changed(Change::Servers);
        }
        self.changed(Change::Accounts);
        let issued = vec![
            ("issuer", account.issuer.clone().into()),
            ("resource", account.resource.clone().into()),
            ("scopes", Json::text(account.scopes.join(" "))),
            ("expires_at", account.expires_at.map(|at| at.to_string()).into()),
            ("refresh", has_refresh.into()),
        ];
        self.record(RecordKind::TokenIssued, &server, Some(account), issued).await?;
        let who = vec![("subject", account.subject.clone().into())];
        self.record(RecordKind::AccountSignedIn, &server, Some(account), who).await
    }

    /// The known Account that signed in: the one that was meant, that of the same subject, or the only one that could be
    /// meant when the issuer does not say who it was. Never another person's.
    fn whose(
        &self,
        terms: &Terms,
        identity: &Identity,
        known: &[Account],
    ) -> Result<Option<Account>, AccountError> {
        let (issuer, kind) = (Some(&terms.issuer.issuer), terms.standing.kind());
        let meant = terms.account.as_ref().and_then(|m| known.iter().find(|a| a.id == m.id));
        if let Some(meant) = meant {
            let is_other = meant.issuer.as_ref() == issuer
                && meant.subject.is_some()
                && identity.subject.is_some()
                && (meant.subject != identity.subject || differ(&meant.tenant, &identity.tenant));
            if is_other {
                return Err(AccountError::AnotherIdentity {
                    expected: meant.name.clone(),
                    got: identity.name.clone().unwrap_or_else(|| "somebody else".to_owned()),
                });
            }
            return Ok(Some(meant.clone()));
        }
        let mut here = known.iter().filter(|a| a.kind == kind && a.issuer.as_ref() == issuer);
        if identity.subject.is_some() {
            let same = here.find(|account| {
                account.subject == identity.subject && !differ(&account.tenant, &identity.tenant)
            });
            return Ok(same.cloned());
        }
        match (here.next(), here.next()) {
            (Some(only), None)
                if only.subject.is_none()
                    && (only.state != AccountState::SignedIn || kind != AccountKind::Oauth) =>
            {
                Ok(Some(only.clone()))
            }
            _ => Ok(None),
        }
    }

    fn new_account(
        &self,
        server: &Server,
        kind: AccountKind,
        identity: &Identity,
        known: &[Account],
    ) -> Account {
        let taken: Vec<String> = known.iter().map(|account| account.name.clone()).collect();
        let name = identity.name.as_deref().unwrap_or(match kind {
            AccountKind::Client => "program",
            AccountKind::Workload => "workload",
            AccountKind::Enterprise => "enterprise",
            AccountKind::Oauth | AccountKind::Anonymous | AccountKind::Key => "account",
        });
        self.fresh(server, kind, name::unique(name, &taken))
    }
}

fn differ(one: &Option<String>, other: &Option<String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}
