//! Tokens without a browser: for a program of its own (RFC 6749 §4.4), for a workload whose platform vouches for it
//! (RFC 7523), and for a person whom an enterprise's identity provider vouches for (ID-JAG). It must never send an
//! assertion to anybody it was not made for.

use std::path::{Path, PathBuf};

use prokura_domain::{Account, AccountId, AccountKind, Server};
use prokura_store::RegistrationSource;
use prokura_vault::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use zeroize::{Zeroize, Zeroizing};

use crate::book::{AccountBook, Book};
use crate::challenge::is_scope;
use crate::client::{AuthMethod, Client};
use crate::discovery::{Issuer, Need};
use crate::error::AccountError;
use crate::exception::Exceptions;
use crate::name::claims;
use crate::sign_in::Terms;
use crate::text;
use crate::token::{Granted, Talk, TokenFault};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
/// No assertion is longer than this.
const MAX_ASSERTION: u64 = 64 * 1024;

/// What tokens are asked for with, when nobody signs in.
pub enum Machine {
    /// The client that was entered for the Server, itself.
    Client,
    /// A JWT that the platform keeps fresh in a file, as Kubernetes and cloud runtimes do.
    Workload {
        /// The file.
        token_file: PathBuf,
    },
    /// An ID token of the enterprise's identity provider, kept fresh in a file.
    Enterprise {
        /// The identity provider.
        issuer: String,
        /// Prokura's client there.
        client_id: String,
        /// The client's secret there, if it has one.
        client_secret: Option<Secret>,
        /// The file.
        id_token_file: PathBuf,
    },
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "Client",
            Self::Workload { .. } => "Workload",
            Self::Enterprise { .. } => "Enterprise",
        })
    }
}

/// What new tokens are asked for with, as it is sealed.
#[derive(Default, Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub(crate) enum Standing {
    /// A refresh token, or the person.
    #[default]
    Person,
    /// The client itself.
    Client,
    /// What the platform writes into a file.
    Workload { token_file: String },
    /// What the identity provider makes of the ID token in a file.
    Enterprise {
        issuer: String,
        client_id: String,
        client_secret: Option<String>,
        id_token_file: String,
    },
}

impl From<Machine> for Standing {
    fn from(machine: Machine) -> Self {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        match machine {
            Machine::Client => Self::Client,
            Machine::Workload { token_file } => Self::Workload { token_file: text(token_file) },
            Machine::Enterprise { issuer, client_id, client_secret, id_token_file } => {
                Self::Enterprise {
                    issuer,
                    client_id,
                    client_secret: client_secret.map(|secret| secret.expose().to_owned()),
                    id_token_file: text(id_token_file),
                }
            }
        }
    }
}

impl Standing {
    pub(crate) fn kind(&self) -> AccountKind {
        match self {
            Self::Person => AccountKind::Oauth,
            Self::Client => AccountKind::Client,
            Self::Workload { .. } => AccountKind::Workload,
            Self::Enterprise { .. } => AccountKind::Enterprise,
        }
    }
}

impl AccountBook {
    /// Signs a program in, with the client that was entered for the Server. Nobody has to be there, now or later.
    ///
    /// # Errors
    /// [`AccountError::NoOwnClient`] when no client was entered; else what stands in the way.
    pub async fn sign_in_machine(
        &self,
        server: &Server,
        account: Option<AccountId>,
        machine: Machine,
        scopes: Option<Vec<String>>,
    ) -> Result<Account, AccountError> {
        let book = &self.0;
        let _turn = book.turn(&format!("sign-in/{}", server.id)).await;
        let standing = Standing::from(machine);
        let account = match account {
            Some(id) => {
                let (account, of) = book.account(&id)?;
                Some(account)
                    .filter(|account| of.id == server.id && account.kind == standing.kind())
            }
            None => None,
        };
        let signed_in = book.sign_in_machine(server, account.clone(), standing, scopes).await;
        if let Err(fault) = &signed_in {
            book.note_failure(server, account.as_ref(), fault).await;
        }
        signed_in
    }
}

impl Book {
    async fn sign_in_machine(
        &self,
        server: &Server,
        account: Option<Account>,
        standing: Standing,
        scopes: Option<Vec<String>>,
    ) -> Result<Account, AccountError> {
        self.needs_vault()?;
        let (guard, endpoint) = self.way_to(server)?;
        let discovery = self.discovery(server, &guard, &endpoint).await?;
        let preferred = account.as_ref().and_then(|account| account.issuer.as_deref());
        let issuer =
            self.choose_issuer(server, &guard, &discovery, preferred, Need::Tokens).await?;
        let client = self.own_client(server, &issuer)?;
        let mut scopes = scopes.unwrap_or_else(|| discovery.scopes.clone());
        scopes.retain(|scope| is_scope(scope));
        let key = self.binding_key(account.as_ref(), &discovery, &issuer)?;
        let terms = Terms {
            server: server.clone(),
            account,
            issuer,
            client,
            resource: discovery.resource,
            scopes,
            key,
            standing,
        };
        let key = terms.signing_key()?;
        let talk = Talk {
            key: key.as_ref(),
            ..self.talk(&guard, &terms.issuer, &terms.client, &terms.resource)
        };
        let granted = self
            .obtain(&talk, &terms.standing, &terms.scopes)
            .await
            .map_err(|fault| fault.told(&terms.issuer.issuer))?;
        self.settle_or_give_back(&terms, &talk, &granted).await
    }

    /// The client that the person entered for this issuer: a program is never registered on the way to be given rights of
    /// its own.
    fn own_client(&self, server: &Server, issuer: &Issuer) -> Result<Client, AccountError> {
        let known = self.store.registration(&issuer.issuer, &server.id)?;
        match known.filter(|known| known.source == RegistrationSource::Manual) {
            Some(known) => self.registered_client(server, &known),
            None => Err(AccountError::NoOwnClient { issuer: text::printable(&issuer.issuer, 200) }),
        }
    }

    /// Asks for tokens with what stands in for a person.
    pub(crate) async fn obtain(
        &self,
        talk: &Talk<'_>,
        standing: &Standing,
        scopes: &[String],
    ) -> Result<Granted, TokenFault> {
        let (grant, assertion, identity) = match standing {
            Standing::Person => {
                return Err(TokenFault::Passing(AccountError::NoSignIn));
            }
            Standing::Client => ("client_credentials", None, None),
            Standing::Workload { token_file } => {
                let path = Path::new(token_file);
                let assertion = self.assertion(path, None, &audiences(talk.issuer)).await?;
                (JWT_BEARER, Some(assertion), None)
            }
            Standing::Enterprise { issuer, client_id, client_secret, id_token_file } => {
                let path = Path::new(id_token_file);
                let for_us = [client_id.clone()];
                let id_token = self.assertion(path, Some(issuer), &for_us).await?;
                let secret = client_secret.clone().map(Zeroizing::new);
                let idp = (issuer.as_str(), client_id.as_str(), secret);
                let assertion = self.vouched(talk, idp, &id_token).await?;
                (JWT_BEARER, Some(assertion), Some(id_token))
            }
        };
        let scope = scopes.join(" ");
        let mut pairs = vec![("grant_type", grant)];
        pairs.extend(assertion.as_ref().map(|assertion| ("assertion", assertion.as_str())));
        if !scope.is_empty() {
            pairs.push(("scope", &scope));
        }
        pairs.push(("resource", talk.resource));
        let mut granted = talk.issue(&pairs).await?;
        granted.id_token = granted.id_token.or(identity);
        Ok(granted)
    }

    /// What the identity provider makes of an ID token for the Server's authorization server: an ID-JAG (RFC 8693).
    async fn vouched(
        &self,
        talk: &Talk<'_>,
        (issuer, client_id, secret): (&str, &str, Option<Zeroizing<String>>),
        id_token: &str,
    ) -> Result<Zeroizing<String>, TokenFault> {
        let passing = |fault: AccountError| TokenFault::Passing(fault);
        let url = Url::parse(issuer)
            .map_err(|_| passing(AccountError::BadKey("the identity provider is no URL")))?;
        // The person entered it, so it may be on a host that the Server itself gives no reason to reach.
        let guard = self.way_by_itself(&url).map_err(passing)?;
        let provider =
            Issuer::read(&guard, issuer, Exceptions::default()).await.map_err(passing)?;
        let method = match &secret {
            None => AuthMethod::None,
            Some(_) => AuthMethod::with_secret(provider.methods.as_deref()),
        };
        let client = Client { id: client_id.to_owned(), secret, method };
        let there = self.talk(&guard, &provider, &client, talk.resource);
        let pairs = [
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("audience", talk.issuer.issuer.as_str()),
            ("resource", talk.resource),
            ("subject_token", id_token),
            ("subject_token_type", ID_TOKEN),
        ];
        there.trade(&pairs, ID_JAG).await
    }

    /// Reads an assertion from its file, and refuses one that is over, or was made by or for somebody else.
    async fn assertion(
        &self,
        path: &Path,
        issuer: Option<&str>,
        audiences: &[String],
    ) -> Result<Zeroizing<String>, TokenFault> {
        let bad = |reason: String| {
            let path = text::printable(&path.to_string_lossy(), 200);
            TokenFault::Passing(AccountError::BadAssertion { path, reason })
        };
        let size = tokio::fs::metadata(path).await.map_err(|fault| bad(fault.to_string()))?.len();
        if size > MAX_ASSERTION {
            return Err(bad("it is too large for a token".to_owned()));
        }
        let read = tokio::fs::read_to_string(path).await.map(Zeroizing::new);
        let read = read.map_err(|fault| bad(fault.to_string()))?;
        let assertion = Zeroizing::new(read.trim().to_owned());
        let Some(claims) = claims(&assertion) else {
            return Err(bad("it holds no signed token".to_owned()));
        };
        let ends = claims.get("exp").and_then(Value::as_i64);
        if ends.is_none_or(|ends| ends.saturating_mul(1000) <= self.now().0) {
            return Err(bad("the token in it has expired".to_owned()));
        }
        let said = claims.get("iss").and_then(Value::as_str);
        if issuer.is_some_and(|issuer| said != Some(issuer)) {
            return Err(bad("the token in it comes from somebody else".to_owned()));
        }
        if !is_for(claims.get("aud"), audiences) {
            return Err(bad("the token in it is for somebody else".to_owned()));
        }
        Ok(assertion)
    }
}

/// What an assertion for an authorization server may name as its audience (RFC 7523 §3).
fn audiences(issuer: &Issuer) -> [String; 3] {
    let plain = issuer.issuer.trim_end_matches('/').to_owned();
    [format!("{plain}/"), plain, issuer.token.to_string()]
}

fn is_for(said: Option<&Value>, audiences: &[String]) -> bool {
    let is = |value: &Value| value.as_str().is_some_and(|one| audiences.iter().any(|a| a == one));
    match said {
        Some(Value::Array(all)) => all.iter().any(is),
        Some(one) => is(one),
        None => false,
    }
}
