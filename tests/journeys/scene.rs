//! What many journeys start with: a Host, servers behind it, an agent with a key.

use prokura_testkit::{
    Agent, AgentReply, Authority, Fixture, Offer, Protection, TestHost, ledger, mailbox,
};
use serde_json::{Value, json};

/// A Host with one server that asks for nothing, and one agent with its key.
pub struct Scene {
    pub host: TestHost,
    pub fixture: Fixture,
    pub key: String,
}

impl Scene {
    /// The ledger, under the name `ledger`, and the agent `clerk` without any grant.
    pub async fn ledger() -> Self {
        Self::of(ledger::offer(), "ledger").await
    }

    /// Any server under a given name.
    pub async fn of(offer: Offer, name: &str) -> Self {
        let fixture = Fixture::start(offer, Protection::Open).await.unwrap();
        let host = TestHost::start().await.unwrap();
        host.ok(&["servers", "add", &fixture.url(), "--name", name]).await.unwrap();
        let key = host.agent("clerk").await.unwrap();
        Self { host, fixture, key }
    }

    /// A grant for the agent `clerk` at `ledger`.
    pub async fn grant(&self, tools: &str, effect: &str) -> String {
        self.host.grant("clerk", "ledger", tools, effect).await.unwrap()
    }

    /// A raw agent of 2026-07-28 at `ledger`.
    pub fn agent(&self) -> Agent {
        Agent::modern(&self.host.endpoint("ledger"), &self.key).unwrap()
    }

    /// A raw agent of 2025-11-25 at `ledger`.
    pub async fn legacy(&self) -> Agent {
        Agent::legacy(&self.host.endpoint("ledger"), &self.key).await.unwrap()
    }

    /// The kinds of the records so far, oldest first.
    pub async fn kinds(&self) -> Vec<String> {
        kinds(&self.host).await
    }
}

/// A mailbox and a ledger with an authorization server each, both signed in.
pub struct Two {
    pub host: TestHost,
    pub mailbox: Fixture,
    pub ledger: Fixture,
    pub authorities: [Authority; 2],
}

impl Two {
    pub async fn signed_in() -> Self {
        let two = Self::added().await;
        two.host.sign_in("mailbox").await.unwrap();
        two.host.sign_in("ledger").await.unwrap();
        two
    }

    pub async fn added() -> Self {
        let (mailbox, first) = Fixture::with_authority(mailbox::offer()).await.unwrap();
        let (ledger, second) = Fixture::with_authority(ledger::offer()).await.unwrap();
        let host = TestHost::start().await.unwrap();
        host.ok(&["servers", "add", &mailbox.url(), "--name", "mailbox"]).await.unwrap();
        host.ok(&["servers", "add", &ledger.url(), "--name", "ledger"]).await.unwrap();
        Self { host, mailbox, ledger, authorities: [first, second] }
    }
}

/// The kinds of the records so far, oldest first.
pub async fn kinds(host: &TestHost) -> Vec<String> {
    let mut records = host.audit().await.unwrap();
    records.reverse();
    records.iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
}

/// A payment.
pub fn payment(amount: &str) -> Value {
    json!({ "from": "giro", "to": "Grace", "amount": amount, "currency": "EUR" })
}

/// The call was carried and the tool did not fail.
#[track_caller]
pub fn fine(reply: &AgentReply) {
    assert!(reply.is_fine(), "{} {}", reply.status, reply.raw);
}

/// The call was not carried, and the agent was told something like `words`.
#[track_caller]
pub fn refused(reply: &AgentReply, words: &str) {
    assert!(!reply.is_fine(), "it was carried: {}", reply.raw);
    let text = reply.text();
    assert!(
        text.to_lowercase().contains(&words.to_lowercase()),
        "\"{text}\" does not say \"{words}\""
    );
}
