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
        // The first access token expires at once, so that refreshed ones are on the way too.
        issuers.token_life(0, 20).await.unwrap();
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

#[tokio::test]
async fn no_token_is_seen_by_anything_but_its_own_server() {
    let mut world = World::start().await;
    let agent = Agent::modern(&world.host.endpoint("mailbox"), &world.key).unwrap();
    let ledger = Agent::legacy(&world.host.endpoint("ledger"), &world.key).await.unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    fine(&ledger.call("list_accounts", json!({})).await.unwrap());
    let (paid, asked) =
        tokio::join!(ledger.call("send_payment", payment("1.00")), world.host.answer(&["allow"]));
    asked.unwrap();
    fine(&paid.unwrap());
    let mut sdk = SdkAgent::connect(
        Sdk::TypeScript,
        &world.host.endpoint("mailbox"),
        &world.key,
        "2026-07-28",
    )
    .await
    .unwrap();
    let heard = sdk.call("list_messages", json!({})).await.unwrap().to_string();
    let export = world.host.cli(&["audit", "export"]).await.unwrap();
    assert!(export.out.lines().count() > 10, "{}", export.err);
    let states = [
        world.host.cli(&["servers", "list", "--json"]).await.unwrap().out,
        world.host.cli(&["audit", "list", "--json", "--limit", "1000"]).await.unwrap().out,
        world.host.cli(&["doctor", "--json"]).await.unwrap().out,
    ];
    let running = files(world.host.folder.root());
    world.host.stop().await.unwrap();
    let stopped = files(world.host.folder.root());
    let [first, second] = world.secrets().await;
    assert!(first.len() >= 4 && second.len() >= 3, "{} and {} secrets", first.len(), second.len());

    let (mailbox, ledger_seen) = (world.mailbox.recorder().text(), world.ledger.recorder().text());
    for secret in &first {
        assert!(
            !holds(ledger_seen.as_bytes(), secret),
            "the ledger saw a secret of the mailbox's issuer"
        );
    }
    for secret in &second {
        assert!(
            !holds(mailbox.as_bytes(), secret),
            "the mailbox saw a secret of the ledger's issuer"
        );
    }
    assert!(
        first.iter().any(|secret| mailbox.contains(secret)),
        "the mailbox never got its own token"
    );
    assert!(
        second.iter().any(|secret| ledger_seen.contains(secret)),
        "the ledger never got its own token"
    );
    for seen in [&mailbox, &ledger_seen] {
        assert!(!holds(seen.as_bytes(), &world.key), "a server saw the agent's key");
    }
    let mut places = vec![
        (
            "the agent".to_owned(),
            format!("{}{}{heard}", agent.heard(), ledger.heard()).into_bytes(),
        ),
        ("the export".to_owned(), export.out.into_bytes()),
        ("the log".to_owned(), world.host.logs().into_bytes()),
        ("the command line".to_owned(), states.concat().into_bytes()),
    ];
    places.extend(running);
    places.extend(stopped);
    for (place, bytes) in &places {
        for secret in first.iter().chain(&second).chain([&world.key]) {
            assert!(!holds(bytes, secret), "{place} holds a secret");
        }
    }
    let database =
        places.iter().any(|(place, bytes)| place.ends_with("prokura.db") && bytes.len() > 4096);
    assert!(database, "the database was not looked at");
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
