//! The isolation promise: a token is issued for one server, stored for it, sent to it, and seen by nothing else.

use std::path::Path;

use prokura_testkit::{Agent, Fixture, TestHost, ledger, mailbox};
use prokura_tests::{Issuers, Sdk, SdkAgent};
use serde_json::json;

use crate::scene::{fine, payment};

/// The part of a token that is enough to know it again.
const PART: usize = 16;

/// Whether `text` holds `secret` or 16 characters of it in a row.
fn holds(text: &[u8], secret: &str) -> bool {
    let secret = secret.as_bytes();
    let length = PART.min(secret.len());
    let mut parts = secret.windows(length);
    parts.any(|part| text.windows(length).any(|window| window == part))
}

/// Every file below a folder, as it lies on the disk.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

struct World {
    issuers: Issuers,
    mailbox: Fixture,
    ledger: Fixture,
    host: TestHost,
    key: String,
}

impl World {
    async fn start() -> Self {
        let issuers = Issuers::start().await.unwrap();
        let mailbox =
            Fixture::start(mailbox::offer(), issuers.protection(0).unwrap()).await.unwrap();
        let ledger = Fixture::start(ledger::offer(), issuers.protection(1).unwrap()).await.unwrap();
        issuers.serve_resource(0, &mailbox.url()).await.unwrap();
        issuers.serve_resource(1, &ledger.url()).await.unwrap();
        let host = TestHost::start().await.unwrap();
        for (name, fixture) in [("mailbox", &mailbox), ("ledger", &ledger)] {
            host.ok(&["servers", "add", &fixture.url(), "--name", name]).await.unwrap();
            host.sign_in(name).await.unwrap();
        }
        let key = host.agent("clerk").await.unwrap();
        host.grant("clerk", "mailbox", "*", "allow").await.unwrap();
        host.grant("clerk", "ledger", "*", "ask").await.unwrap();
        host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
        Self { issuers, mailbox, ledger, host, key }
    }

    async fn secrets(&self) -> [Vec<String>; 2] {
        [self.issuers.issued(0).await.unwrap(), self.issuers.issued(1).await.unwrap()]
    }
}

/// Everything outside of the two servers that could have seen something: its name and what it holds.
async fn places(world: &mut World) -> Vec<(String, Vec<u8>)> {
    let agent = Agent::modern(&world.host.endpoint("mailbox"), &world.key).unwrap();
    let ledger = Agent::legacy(&world.host.endpoint("ledger"), &world.key).await.unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    fine(&ledger.call("list_accounts", json!({})).await.unwrap());
    // Refreshed tokens are looked for too.
    world.issuers.end_access_tokens(0).await.unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    let (paid, asked) =
        tokio::join!(ledger.call("send_payment", payment("1.00")), world.host.answer(&["allow"]));
    asked.unwrap();
    fine(&paid.unwrap());
    let url = world.host.endpoint("mailbox");
    let mut sdk = SdkAgent::connect(Sdk::TypeScript, &url, &world.key, "2026-07-28").await.unwrap();
    let heard = sdk.call("list_messages", json!({})).await.unwrap().to_string();
    let mut places = vec![("the agents", format!("{}{}{heard}", agent.heard(), ledger.heard()))];
    let said = [
        &["audit", "export"][..],
        &["servers", "list", "--json"],
        &["audit", "list", "--json", "--limit", "1000"],
        &["doctor", "--json"],
    ];
    for words in said {
        let said = world.host.cli(words).await.unwrap();
        assert!(!said.out.is_empty(), "{words:?}: {}", said.err);
        places.push(("the command line", format!("{}{}", said.out, said.err)));
    }
    let running = files(world.host.folder.root());
    world.host.stop().await.unwrap();
    places.push(("the log", world.host.logs()));
    let named = places.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes()));
    named.chain(running).chain(files(world.host.folder.root())).collect()
}

#[tokio::test]
async fn no_token_is_seen_by_anything_but_its_own_server() {
    let mut world = World::start().await;
    let places = places(&mut world).await;
    let log = places.iter().find(|(name, _)| name == "the command line").unwrap();
    assert!(String::from_utf8_lossy(&log.1).contains("token.refreshed"), "nothing was refreshed");
    let [first, second] = world.secrets().await;
    assert!(first.len() >= 5 && second.len() >= 3, "{} and {} secrets", first.len(), second.len());
    let (mailbox, ledger) = (world.mailbox.recorder().text(), world.ledger.recorder().text());
    for (own, other, secrets) in [(&mailbox, &ledger, &first), (&ledger, &mailbox, &second)] {
        assert!(
            secrets.iter().any(|secret| own.contains(secret)),
            "a server never got its own token"
        );
        for secret in secrets {
            assert!(
                !holds(other.as_bytes(), secret),
                "a server saw a secret of the other's issuer"
            );
        }
        assert!(!holds(own.as_bytes(), &world.key), "a server saw the agent's key");
    }
    for (place, bytes) in &places {
        for secret in first.iter().chain(&second).chain([&world.key]) {
            assert!(!holds(bytes, secret), "{place} holds a secret");
        }
    }
    let looked_at = |name: &str| {
        places.iter().any(|(place, bytes)| place.ends_with(name) && bytes.len() > 4096)
    };
    assert!(
        looked_at("prokura.db") && looked_at("prokura.db-wal"),
        "the database was not looked at"
    );
}

#[tokio::test]
async fn a_token_row_copied_to_the_other_server_does_not_open() {
    let mut world = World::start().await;
    let agent = Agent::modern(&world.host.endpoint("ledger"), &world.key).unwrap();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    world.host.stop().await.unwrap();
    let script = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
accounts = dict(db.execute(\"select s.name, a.id from account a join server s on s.id = a.server\").fetchall())
taken = db.execute('select field, generation, bytes from secret where row = ?', (accounts['mailbox'],)).fetchall()
assert taken, 'no sealed row of the mailbox'
for field, generation, sealed in taken:
    db.execute('update secret set bytes = ?, generation = ? where row = ? and field = ?', (sealed, generation, accounts['ledger'], field))
db.execute('update account set generation = (select generation from account where id = ?) where id = ?', (accounts['mailbox'], accounts['ledger']))
db.commit()
";
    run_python(script, &world.host.folder.data().join("prokura.db")).await;
    world.ledger.recorder().clear();
    world.host.restart().await.unwrap();
    let reply = agent.call("list_accounts", json!({})).await.unwrap();
    crate::scene::refused(&reply, "sign in");
    assert!(world.ledger.recorder().calls("list_accounts").is_empty());
    let [first, _] = world.secrets().await;
    let seen = world.ledger.recorder().text();
    assert!(!first.iter().any(|secret| holds(seen.as_bytes(), secret)));
}

async fn run_python(script: &str, argument: &Path) {
    let python = prokura_tests::tools::python().unwrap();
    let output = tokio::process::Command::new(python)
        .arg("-c")
        .arg(script)
        .arg(argument)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn sixteen_characters_of_a_secret_are_enough_to_find_it() {
    let secret = "abcdefghijklmnopqrstuvwxyz0123456789";
    assert!(holds(b"..klmnopqrstuvwxyz..", secret));
    assert!(!holds(b"..klmnopqrstuvwxy0..", secret));
}
