//! Prokura's own authorization server, behind the port that the gateway speaks to: clients, consents, tokens. What waits
//! for the person and what a browser carries lives in memory only; tokens are kept as digests. It must never issue
//! anything that the person did not consent to in Prokura itself.

mod clients;
mod consents;
mod tokens;

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prokura_domain::registry::{
    AgentRegistry, DeviceStart, Redemption, RegistryFault, Standing, Tokens, Visit, Waiting,
};
use prokura_domain::{
    Agent, AgentId, Client, ClientMetadata, Digest, Endpoint, Entropy, QuestionId, RedirectUri,
    SignInId, Timestamp,
};
use prokura_store::StoreError;

use crate::{Delegation, DelegationError};

/// Within this time at most so many registrations, consents and documents.
const RATE_MS: i64 = 10 * 60_000;
const RATE: usize = 40;

/// A secret that is handed out once: 256 unpredictable bits after a prefix that says what it is.
fn secret(entropy: &dyn Entropy, prefix: &str) -> String {
    let mut bytes = [0u8; 32];
    entropy.fill(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret. Looking one up takes the same time for every wrong one.
fn kept(secret: &str) -> Digest {
    Digest::of(&[b"prokura-agent-token-v1", secret.as_bytes()])
}

fn broken(error: impl Into<DelegationError>) -> RegistryFault {
    let error = error.into();
    tracing::error!(%error, "the authorization server for agents could not do it");
    RegistryFault::Broken("look at its window".to_owned())
}

/// How a client reaches its agent again.
#[derive(Debug, Clone)]
enum Way {
    Browser { redirect_uri: RedirectUri, state: Option<String>, challenge: String },
    Device { asked_at: Option<Timestamp>, interval: i64 },
}

/// A consent that was asked for and not picked up yet.
#[derive(Debug)]
struct Consent {
    question: QuestionId,
    client: Client,
    endpoint: Endpoint,
    way: Way,
    /// What the person has to pick; in no view and on no disk.
    number: String,
    expires_at: Timestamp,
    /// As whom it was let in.
    agent: Option<AgentId>,
}

/// A code on its way through a browser.
#[derive(Debug)]
struct Code {
    client: Client,
    endpoint: Endpoint,
    redirect_uri: RedirectUri,
    challenge: String,
    agent: AgentId,
    question: QuestionId,
    expires_at: Timestamp,
    /// What it was traded for; shown again, it ends that.
    spent: Option<SignInId>,
    reused: bool,
}

/// When things of one kind happened last.
#[derive(Debug, Default)]
struct Rate(VecDeque<Timestamp>);

impl Rate {
    fn admits(&mut self, now: Timestamp) -> bool {
        while self.0.front().is_some_and(|at| now.millis_since(*at) >= RATE_MS) {
            self.0.pop_front();
        }
        let room = self.0.len() < RATE;
        if room {
            self.0.push_back(now);
        }
        room
    }
}

/// What is under way.
#[derive(Debug, Default)]
struct Table {
    /// By the digest of the visit's handle or of the device code.
    consents: HashMap<Digest, Consent>,
    /// By the digest of the code.
    codes: HashMap<Digest, Code>,
    /// Documents that may be used again, and until when.
    documents: HashMap<String, (Timestamp, Client)>,
    registered: Rate,
    asked: Rate,
    fetched: Rate,
}

/// The memory of the authorization server.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Table>);

impl Registry {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Delegation {
    fn entropy(&self) -> &dyn Entropy {
        &*self.0.parts.entropy
    }

    /// The active Agent with this id.
    fn active(&self, id: &AgentId) -> Result<Option<Agent>, StoreError> {
        let agent = self.store().agent(id)?;
        Ok(agent.filter(|agent| agent.state == prokura_domain::AgentState::Active))
    }
}

#[async_trait]
impl AgentRegistry for Delegation {
    async fn register(&self, metadata: ClientMetadata) -> Result<Client, RegistryFault> {
        self.register_client(metadata).await
    }

    fn reads_documents(&self) -> bool {
        self.documents_are_read()
    }

    async fn client(&self, id: &str) -> Result<Client, RegistryFault> {
        self.find_client(id).await
    }

    async fn visit(&self, visit: Visit) -> Result<Waiting, RegistryFault> {
        self.ask_for_visit(visit).await
    }

    async fn standing(&self, handle: &str, wait: Duration) -> Standing {
        self.visit_standing(handle, wait).await
    }

    async fn redeem(&self, redemption: Redemption) -> Result<Tokens, RegistryFault> {
        self.redeem_code(redemption).await
    }

    async fn renew(
        &self,
        refresh: &str,
        client: &str,
        endpoint: Option<&Endpoint>,
    ) -> Result<Tokens, RegistryFault> {
        self.renew_tokens(refresh, client, endpoint).await
    }

    async fn revoke(&self, token: &str, client: &str) -> Result<(), RegistryFault> {
        self.revoke_token(token, client).await
    }

    async fn device(
        &self,
        client: Client,
        endpoint: Endpoint,
    ) -> Result<DeviceStart, RegistryFault> {
        self.ask_for_device(client, endpoint).await
    }

    async fn device_tokens(
        &self,
        device_code: &str,
        client: &str,
    ) -> Result<Tokens, RegistryFault> {
        self.device_standing(device_code, client).await
    }

    fn open(&self, token: &str, endpoint: &Endpoint) -> Option<Agent> {
        self.open_with(token, endpoint)
    }
}
