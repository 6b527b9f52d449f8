//! What an authorization server remembers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Authority, Inner};

/// How an authorization server misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Not at all.
    #[default]
    None,
    /// The token endpoint answers 500.
    TokenEndpointDown,
    /// The redirect names another issuer.
    ForeignIss,
    /// The redirect names no issuer, although the metadata promise one.
    MissingIss,
    /// The redirect carries another `state`.
    TamperedState,
    /// The metadata do not offer PKCE.
    NoPkce,
    /// The person says no.
    PersonDenies,
}

/// What an access token stands for.
#[derive(Debug, Clone)]
pub struct Held {
    /// The only resource it is good for.
    pub resource: String,
    /// Its scopes.
    pub scope: String,
    /// The client that asked.
    pub client: String,
    /// Until when.
    pub expires: Instant,
    /// Whether it was taken back.
    pub revoked: bool,
    /// The sign-in it comes from.
    pub grant: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    pub redirects: Vec<String>,
    pub secret: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Code {
    pub client: String,
    pub redirect: String,
    pub challenge: String,
    pub resource: String,
    pub scope: String,
    pub person: String,
}

#[derive(Debug, Clone)]
pub(super) struct Refresh {
    pub person: String,
    pub client: String,
    pub resource: String,
    pub scope: String,
    pub grant: u64,
}

#[derive(Debug)]
pub(super) struct Books {
    pub life: u64,
    pub trouble: Trouble,
    pub resources: Vec<String>,
    pub clients: HashMap<String, Client>,
    pub codes: HashMap<String, Code>,
    pub access: HashMap<String, Held>,
    pub refresh: HashMap<String, Refresh>,
    /// Refresh tokens that were rotated away: seen again, they end their grant.
    pub spent: HashMap<String, u64>,
    pub grants: u64,
    pub issued: Vec<String>,
    /// What answers about tokens hold beside what they have to.
    pub added: serde_json::Map<String, serde_json::Value>,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            life: 3600,
            trouble: Trouble::None,
            resources: Vec::new(),
            clients: HashMap::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            spent: HashMap::new(),
            grants: 0,
            issued: Vec::new(),
            added: serde_json::Map::new(),
        }
    }
}

impl Books {
    /// A new secret text that is remembered as issued.
    pub fn issue(&mut self, prefix: &str) -> String {
        let text = crate::random_text(prefix);
        self.issued.push(text.clone());
        text
    }

    /// Ends all tokens of one sign-in.
    pub fn end_grant(&mut self, grant: u64) {
        self.refresh.retain(|_, held| held.grant != grant);
        for held in self.access.values_mut().filter(|held| held.grant == grant) {
            held.revoked = true;
        }
    }
}

/// What the routes hold.
#[derive(Debug, Clone)]
pub(super) struct Weak(pub std::sync::Weak<Inner>);

impl Weak {
    /// The server, as long as somebody holds it.
    pub fn authority(&self) -> Option<Authority> {
        let inner: Arc<Inner> = self.0.upgrade()?;
        Some(Authority(inner))
    }
}
