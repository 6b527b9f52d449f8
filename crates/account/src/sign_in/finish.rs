//! The end of a sign-in: the response is judged, the code becomes tokens, the tokens become an Account.

use prokura_domain::{Account, AccountKind, AccountState, Change, Json, RecordKind, Server};

use super::Errand;
use crate::book::Book;
use crate::callback::{Callback, Outcome};
use crate::discovery::covers;
use crate::error::AccountError;
use crate::name::{self, Identity};
use crate::stored::Tokens;
use crate::text;
use crate::token::{Granted, Talk};

impl Book {
    pub(super) async fn finish(
        &self,
        errand: Errand,
        callback: Callback,
    ) -> Result<Account, AccountError> {
        let issuer = &errand.issuer.issuer;
        let shown = || text::printable(issuer, 200);
        // Before anything of it is used or shown, errors too (CA-28, CA-30).
        if !callback.is_from(issuer, errand.issuer.says_iss) {
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
        let talk = Talk {
            guard: &errand.guard,
            issuer: &errand.issuer,
            client: &errand.client,
            resource: &errand.resource,
        };
        let verifier = oauth2::PkceCodeVerifier::new(errand.verifier.secret().clone());
        let granted = match talk.exchange(&code, verifier, &errand.redirect).await {
            Ok(granted) => granted,
            Err(fault) => {
                if fault.is_about_the_client() {
                    self.forget_registered(&errand.server, issuer, &errand.client.id)?;
                }
                return Err(fault.told(issuer));
            }
        };
        let settled = self.settle(&errand, &granted).await;
        if settled.is_err() {
            // Tokens that are not kept are taken back where that is possible.
            self.give_back(&talk, granted.refresh.as_ref(), &granted.access).await;
        }
        settled
    }

    async fn settle(&self, errand: &Errand, granted: &Granted) -> Result<Account, AccountError> {
        let server = self.store.server(&errand.server.id)?.ok_or(AccountError::NoServer)?;
        // The endpoint may have been edited while the browser was away.
        let endpoint = crate::book::endpoint(&server)?;
        if !covers(&errand.resource, &endpoint) {
            return Err(AccountError::ResourceMismatch {
                endpoint: crate::http::shown(&endpoint),
                resource: errand.resource.clone(),
            });
        }
        if let Some(other) = self.meant_for_another(&server, &granted.access)? {
            return Err(AccountError::ForAnother { issuer: errand.issuer.issuer.clone(), other });
        }
        let identity = Identity::of(granted);
        let _accounts = self.turn(server.id.as_str()).await;
        let known = self.store.accounts(&server.id)?;
        let id = match self.whose(errand, &identity, &known)? {
            Some(account) => account.id,
            None => self.new_account(&server, &identity, &known).id,
        };
        let _turn = self.turn(id.as_str()).await;
        // A refresh may have written it since.
        let mut account = match self.store.account(&id)? {
            Some(account) => account,
            None => Account { id, ..self.new_account(&server, &identity, &known) },
        };
        account.state = AccountState::SignedIn;
        account.issuer = Some(errand.issuer.issuer.clone());
        account.resource = Some(errand.resource.clone());
        account.subject = identity.subject.or(account.subject);
        account.tenant = identity.tenant.or(account.tenant);
        account.scopes.clone_from(&errand.scopes);
        let mut tokens = Tokens {
            access: granted.access.to_string(),
            refresh: granted.refresh.as_ref().map(|refresh| refresh.to_string()),
            requested: errand.scopes.clone(),
            renew_at: None,
            client_id: errand.client.id.clone(),
            client_secret: errand.client.secret.as_ref().map(|secret| secret.to_string()),
            client_method: errand.client.method,
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
        errand: &Errand,
        identity: &Identity,
        known: &[Account],
    ) -> Result<Option<Account>, AccountError> {
        let issuer = Some(&errand.issuer.issuer);
        let meant = errand.account.as_ref().and_then(|m| known.iter().find(|a| a.id == m.id));
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
        let mut here =
            known.iter().filter(|a| a.kind == AccountKind::Oauth && a.issuer.as_ref() == issuer);
        if identity.subject.is_some() {
            let same = here.find(|account| {
                account.subject == identity.subject && !differ(&account.tenant, &identity.tenant)
            });
            return Ok(same.cloned());
        }
        match (here.next(), here.next()) {
            (Some(only), None)
                if only.subject.is_none() && only.state != AccountState::SignedIn =>
            {
                Ok(Some(only.clone()))
            }
            _ => Ok(None),
        }
    }

    fn new_account(&self, server: &Server, identity: &Identity, known: &[Account]) -> Account {
        let taken: Vec<String> = known.iter().map(|account| account.name.clone()).collect();
        let name = identity.name.as_deref().unwrap_or("account");
        self.fresh(server, AccountKind::Oauth, name::unique(name, &taken))
    }
}

fn differ(one: &Option<String>, other: &Option<String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}
