//! The guided tour: the person works in the real window, and is told here what to do next; the scripted agent calls.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use prokura_testkit::host::find_program;
use prokura_testkit::{Agent, TestHost, eventually};
use serde_json::{Value, json};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

use crate::world::{AGENT, World, folder, payment};

/// How long the person may take for one step.
const PATIENCE: Duration = Duration::from_secs(3600);

struct Tour {
    host: TestHost,
    window: Child,
    number: u32,
}

/// Guides the person.
pub async fn guide(given: Option<&Path>) -> anyhow::Result<()> {
    let world = World::start().await?;
    let desktop = find_program("prokura-desktop")?;
    let mut host = TestHost::start_in(folder(given)?).await?;
    for (name, fixture) in [("mailbox", &world.mailbox), ("ledger", &world.ledger)] {
        host.ok(&["servers", "add", &fixture.url(), "--name", name]).await?;
    }
    let key = host.agent(AGENT).await?;
    let (mailbox, ledger) = (host.endpoint("mailbox"), host.endpoint("ledger"));
    host.stop().await?;
    let window = tokio::process::Command::new(desktop)
        .arg("--data")
        .arg(host.folder.data())
        .arg("--vault-key-file")
        .arg(host.folder.key_file())
        .kill_on_drop(true)
        .spawn()
        .context("the window does not start")?;
    println!(
        "Two servers are known to Prokura, a mailbox and a ledger, and an agent called \"{AGENT}\"."
    );
    println!(
        "Everything below happens in the window; this terminal only says what comes next. Ctrl-C ends it."
    );
    let mut tour = Tour { host, window, number: 0 };
    let done = async {
        tour.sign_in().await?;
        tour.calls(&Agent::modern(&mailbox, &key)?, &Agent::modern(&ledger, &key)?).await?;
        tour.look_back().await
    };
    let mut terminated = signal(SignalKind::terminate())?;
    // However it ends, the window ends with it: it is killed when it is dropped.
    tokio::select! {
        ended = done => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = terminated.recv() => Ok(()),
    }
}

impl Tour {
    fn say(&mut self, text: &str) {
        self.number += 1;
        println!("\n{}. {text}", self.number);
    }

    /// Waits until what `command` lists is as `wanted`, or the window is gone.
    async fn until(
        &mut self,
        command: &[&str],
        wanted: impl Fn(&[Value]) -> bool,
    ) -> anyhow::Result<()> {
        let host = &self.host;
        let seen = eventually("the next step of the tour", PATIENCE, || async {
            let list = host.ok(command).await.ok()?;
            wanted(list.as_array()?).then_some(())
        });
        tokio::select! {
            seen = seen => seen,
            _ = self.window.wait() => bail!("the window was closed for good; the tour ends here"),
        }
    }

    async fn sign_in(&mut self) -> anyhow::Result<()> {
        self.say("Open Servers, choose \"mailbox\" and then \"ledger\", and sign in to both. The pages that open are theirs.");
        let ready = |server: &Value| server.get("state").and_then(Value::as_str) == Some("ready");
        self.until(&["servers", "list"], |servers| servers.iter().all(ready)).await?;
        self.say("Open Grants and make two: \"clerk\" may use list_messages of the mailbox (allow), and send_payment of the ledger (ask).");
        let covers = |grants: &[Value], tool: &str, effect: &str| {
            grants.iter().any(|grant| {
                let word = |key: &str| grant.get(key).and_then(Value::as_str).unwrap_or_default();
                word("target").ends_with(tool)
                    && word("effect") == effect
                    && word("state") == "active"
            })
        };
        let made = |grants: &[Value]| {
            covers(grants, "list_messages", "allow") && covers(grants, "send_payment", "ask")
        };
        self.until(&["grants", "list"], made).await
    }

    async fn calls(&mut self, mailbox: &Agent, ledger: &Agent) -> anyhow::Result<()> {
        let reply = mailbox.call("list_messages", json!({})).await?;
        println!("\n   The agent lists the messages, because you allowed it:\n   {}", reply.text());
        self.say("The agent now wants to send a payment. Look at every argument in the approval window, then allow it.");
        let reply = ledger.call("send_payment", payment()).await?;
        println!("   The agent hears: {}", reply.text());
        self.say("The agent tries the same once more. This time deny it, with a note.");
        let reply = ledger.call("send_payment", payment()).await?;
        println!("   The agent hears: {}", reply.text());
        self.say("Open Grants and revoke the grant for send_payment.");
        let active = |grant: &Value| {
            let word = |key: &str| grant.get(key).and_then(Value::as_str).unwrap_or_default();
            word("target").ends_with("send_payment") && word("state") == "active"
        };
        self.until(&["grants", "list"], |grants| !grants.iter().any(active)).await?;
        let reply = ledger.call("send_payment", payment()).await?;
        println!("   The agent tries again and hears: {}", reply.text());
        Ok(())
    }

    async fn look_back(&mut self) -> anyhow::Result<()> {
        self.say("Open Audit: every step is there. Verify the log. Quit Prokura from its tray, or press Ctrl-C here, to end the tour.");
        let status = self.window.wait().await?;
        println!("The window ended: {status}. Nothing of the tour is left behind.");
        Ok(())
    }
}
