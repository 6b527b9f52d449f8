//! The outside world of the demo: a mailbox and a ledger, each with an authorization server of its own.

use std::path::Path;

use prokura_testkit::host::Folder;
use prokura_testkit::{Authority, Fixture, ledger, mailbox};
use serde_json::{Value, json};

/// The agent's name in Prokura.
pub const AGENT: &str = "clerk";

/// The running servers.
pub struct World {
    pub mailbox: Fixture,
    pub ledger: Fixture,
    authorities: [Authority; 2],
}

impl World {
    pub async fn start() -> anyhow::Result<Self> {
        let (mailbox, first) = Fixture::with_authority(mailbox::offer()).await?;
        let (ledger, second) = Fixture::with_authority(ledger::offer()).await?;
        Ok(Self { mailbox, ledger, authorities: [first, second] })
    }

    /// Whether a server saw what is none of its business: the agent's key, or what the other's issuer gave out.
    pub fn saw(&self, key: &str) -> bool {
        let [mail, money] = &self.authorities;
        let (mailbox, ledger) = (self.mailbox.recorder().text(), self.ledger.recorder().text());
        let seen =
            |text: &str, secrets: Vec<String>| secrets.iter().any(|secret| text.contains(secret));
        [&mailbox, &ledger].iter().any(|text| text.contains(key))
            || seen(&mailbox, money.issued())
            || seen(&ledger, mail.issued())
    }

    /// What the servers really received: every tool call, in order.
    pub fn received(&self) -> Value {
        let calls = |fixture: &Fixture| -> Vec<Value> {
            let seen = fixture.recorder().all().into_iter().filter(|seen| seen.tool().is_some());
            seen.map(|seen| {
                let body = seen.json();
                json!({ "tool": body.pointer("/params/name"), "arguments": body.pointer("/params/arguments") })
            })
            .collect()
        };
        json!({ "mailbox": calls(&self.mailbox), "ledger": calls(&self.ledger) })
    }
}

/// A folder for the program: the given one, or one that goes at the end.
pub fn folder(given: Option<&Path>) -> anyhow::Result<Folder> {
    match given {
        Some(root) => Folder::at(root, None),
        None => Folder::new(None),
    }
}

/// The payment that everything turns on.
pub fn payment() -> Value {
    json!({
        "from": "giro",
        "to": "Grace's Harbour Works",
        "amount": "120.00",
        "currency": "EUR",
        "reference": "Invoice 2207",
    })
}
