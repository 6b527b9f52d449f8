//! The story without a window: a scripted person uses the command line, a scripted agent calls.

use std::path::Path;

use anyhow::{Context as _, ensure};
use prokura_testkit::{Agent, AgentReply, TestHost};
use serde_json::{Value, json};

use crate::world::{AGENT, World, folder, payment};

/// What happened so far.
struct Telling {
    host: TestHost,
    json: bool,
    last: i64,
    steps: Vec<Value>,
}

impl Telling {
    /// Tells one step, with the records that it left in the audit log.
    async fn step(&mut self, name: &str, told: &str) -> anyhow::Result<()> {
        let mut fresh: Vec<(i64, String)> = Vec::new();
        for record in self.host.audit().await? {
            let seq = record.get("seq").and_then(Value::as_i64).context("a record without seq")?;
            let kind = record.get("kind").and_then(Value::as_str).unwrap_or_default();
            if seq > self.last {
                fresh.push((seq, kind.to_owned()));
            }
        }
        fresh.sort_unstable();
        self.last = fresh.last().map_or(self.last, |(seq, _)| *seq);
        if !self.json {
            println!("{:2}. {told}", self.steps.len() + 1);
            for (seq, kind) in &fresh {
                println!("      record {seq}: {kind}");
            }
        }
        let seqs: Vec<i64> = fresh.iter().map(|(seq, _)| *seq).collect();
        self.steps.push(json!({ "step": name, "told": told, "audit": seqs }));
        Ok(())
    }
}

/// Tells it.
pub async fn tell(given: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let world = World::start().await?;
    let host = TestHost::start_in(folder(given)?).await?;
    let mut telling = Telling { host, json, last: 0, steps: Vec::new() };
    let address = telling.host.http();
    telling.step("start", &format!("Prokura serves agents at {address}.")).await?;
    sign_in(&mut telling, &world).await?;
    let key = telling.host.agent(AGENT).await?;
    telling
        .step("agent", &format!("The person adds the agent \"{AGENT}\" and hands it a key."))
        .await?;
    let payments = grant(&mut telling).await?;
    let mailbox = Agent::modern(&telling.host.endpoint("mailbox"), &key)?;
    let ledger = Agent::legacy(&telling.host.endpoint("ledger"), &key).await?;
    reads(&mut telling, &mailbox, &ledger).await?;
    asks(&mut telling, &ledger).await?;
    takes_back(&mut telling, &ledger, &payments).await?;
    end(telling, &world, &key).await
}

async fn sign_in(telling: &mut Telling, world: &World) -> anyhow::Result<()> {
    for (name, fixture) in [("mailbox", &world.mailbox), ("ledger", &world.ledger)] {
        telling.host.ok(&["servers", "add", &fixture.url(), "--name", name]).await?;
        telling.host.sign_in(name).await?;
        let told = format!("The person adds the server \"{name}\" and signs in on its own page.");
        telling.step(&format!("sign_in_{name}"), &told).await?;
    }
    Ok(())
}

/// Says what the tools can do and what the agent may; answers with the grant for payments.
async fn grant(telling: &mut Telling) -> anyhow::Result<String> {
    let host = &telling.host;
    for (server, tool) in [
        ("mailbox", "list_messages"),
        ("mailbox", "read_message"),
        ("ledger", "list_accounts"),
        ("ledger", "get_statement"),
    ] {
        host.ok(&["tools", "classify", "--server", server, tool, "--class", "read"]).await?;
    }
    let destructive = ["--class", "destructive"];
    let classify =
        [&["tools", "classify", "--server", "ledger", "send_payment"][..], &destructive].concat();
    host.ok(&classify).await?;
    host.grant(AGENT, "mailbox", "class:read", "allow").await?;
    host.grant(AGENT, "ledger", "class:read", "allow").await?;
    let payments = host.grant(AGENT, "ledger", "send_payment", "ask").await?;
    let told = "The person lets the agent read in both, and wants to be asked before each payment.";
    telling.step("grants", told).await?;
    Ok(payments)
}

fn fine(reply: &AgentReply, what: &str) -> anyhow::Result<()> {
    ensure!(reply.is_fine(), "{what}: status {}: {}", reply.status, reply.raw);
    Ok(())
}

async fn reads(telling: &mut Telling, mailbox: &Agent, ledger: &Agent) -> anyhow::Result<()> {
    let tools = mailbox.tools().await?;
    ensure!(
        !tools.iter().any(|tool| tool == "send_message"),
        "the agent sees tools that it may not use: {tools:?}"
    );
    fine(&mailbox.call("list_messages", json!({})).await?, "list_messages")?;
    fine(&mailbox.call("read_message", json!({ "id": "m1" })).await?, "read_message")?;
    telling.step("read_mail", "The agent reads an invoice in the mailbox: allowed.").await?;
    fine(&ledger.call("list_accounts", json!({})).await?, "list_accounts")?;
    telling.step("read_ledger", "The agent looks at the accounts in the ledger: allowed.").await
}

async fn asks(telling: &mut Telling, ledger: &Agent) -> anyhow::Result<()> {
    let host = &telling.host;
    let call = ledger.call("send_payment", payment());
    let (reply, question) = tokio::join!(call, host.answer(&["allow"]));
    question?;
    let reply = reply?;
    fine(&reply, "send_payment")?;
    let told = format!(
        "The agent wants to pay: the call stops until the person allows it. \"{}\"",
        reply.text()
    );
    telling.step("payment_approved", &told).await?;
    let host = &telling.host;
    let note = "Once is enough.";
    let denial = ["deny", "--note", note];
    let call = ledger.call("send_payment", payment());
    let (reply, question) = tokio::join!(call, host.answer(&denial));
    question?;
    let reply = reply?;
    ensure!(!reply.is_fine(), "a denied payment went through: {}", reply.raw);
    ensure!(reply.text().contains(note), "the agent did not get the note: {}", reply.raw);
    let told = format!(
        "The agent wants to pay again: the person says no. The agent hears: \"{}\"",
        reply.text()
    );
    telling.step("payment_denied", &told).await
}

async fn takes_back(telling: &mut Telling, ledger: &Agent, grant: &str) -> anyhow::Result<()> {
    telling.host.ok(&["grants", "revoke", grant]).await?;
    telling.step("revoked", "The person takes the grant for payments back.").await?;
    let reply = ledger.call("send_payment", payment()).await?;
    ensure!(!reply.is_fine(), "a payment without a grant went through: {}", reply.raw);
    let told = format!("The agent tries once more and is refused: \"{}\"", reply.text());
    telling.step("payment_refused", &told).await
}

async fn end(mut telling: Telling, world: &World, key: &str) -> anyhow::Result<()> {
    let verdict = telling.host.ok(&["audit", "verify"]).await?;
    ensure!(
        verdict.get("ok").and_then(Value::as_bool) == Some(true),
        "the audit log is not whole: {verdict}"
    );
    let records = verdict.get("records").and_then(Value::as_i64).unwrap_or_default();
    telling
        .step("verified", &format!("The audit log holds {records} records and is whole."))
        .await?;
    telling.host.stop().await?;
    ensure!(!world.saw(key), "a server saw the agent's key or the other's token");
    let received = world.received();
    let paid = received.get("ledger").and_then(Value::as_array).map_or(0, |calls| {
        let tool = |call: &&Value| call.get("tool").and_then(Value::as_str) == Some("send_payment");
        calls.iter().filter(tool).count()
    });
    ensure!(paid == 1, "the ledger received {paid} payments instead of one");
    if telling.json {
        let steps = telling.steps;
        println!(
            "{}",
            json!({ "ok": true, "steps": steps, "received": received, "audit": verdict })
        );
    } else {
        println!(
            "\nThe ledger received one payment, and no server ever saw the agent's key or the other's token."
        );
    }
    Ok(())
}
