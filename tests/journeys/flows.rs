//! The flow rule ("lethal trifecta"): private and untrusted reads and a way out, over two servers.

use prokura_testkit::{Agent, Fixture, Protection, TestHost, ledger, mailbox};
use serde_json::{Value, json};

use crate::scene::{fine, payment, refused};

/// A mailbox whose letters strangers write, a ledger whose statements are private and whose payments leave; everything
/// is allowed to the agent `clerk`.
struct Flows {
    host: TestHost,
    mailbox: Fixture,
    ledger: Fixture,
    key: String,
}

impl Flows {
    async fn start() -> Self {
        let mailbox = Fixture::start(mailbox::offer(), Protection::Open).await.unwrap();
        let ledger = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
        let host = TestHost::as_installed().await.unwrap();
        for (name, fixture) in [("mailbox", &mailbox), ("ledger", &ledger)] {
            host.ok(&["servers", "add", &fixture.url(), "--name", name]).await.unwrap();
        }
        for (server, tool, labels) in [
            ("mailbox", "read_message", "reads_untrusted"),
            ("ledger", "list_accounts", "reads_private"),
            ("ledger", "send_payment", "sends_out"),
        ] {
            host.ok(&["tools", "label", "--server", server, tool, "--labels", labels])
                .await
                .unwrap();
        }
        let key = everything(&host, "clerk").await;
        Self { host, mailbox, ledger, key }
    }

    async fn act(&self, key: &str, step: &str) -> prokura_testkit::AgentReply {
        let at = |server: &str| Agent::modern(&self.host.endpoint(server), key).unwrap();
        match step {
            "untrusted" => at("mailbox").call("read_message", json!({ "id": "m3" })).await,
            "private" => at("ledger").call("list_accounts", json!({})).await,
            _ => at("ledger").call("send_payment", payment("1.00")).await,
        }
        .unwrap()
    }

    async fn pays(&self, key: &str) -> tokio::task::JoinHandle<prokura_testkit::AgentReply> {
        let agent = Agent::modern(&self.host.endpoint("ledger"), key).unwrap();
        tokio::spawn(async move { agent.call("send_payment", payment("1.00")).await.unwrap() })
    }

    fn paid(&self) -> usize {
        self.ledger.recorder().calls("send_payment").len()
    }
}

/// An agent with a grant for everything at both servers.
async fn everything(host: &TestHost, name: &str) -> String {
    let key = host.agent(name).await.unwrap();
    for server in ["mailbox", "ledger"] {
        host.grant(name, server, "*", "allow").await.unwrap();
    }
    key
}

#[tokio::test]
async fn private_and_untrusted_and_out_is_stopped_in_every_order_and_not_for_another_agent() {
    let flows = Flows::start().await;
    let orders = [
        ["private", "untrusted", "out"],
        ["untrusted", "private", "out"],
        ["private", "out", "untrusted"],
        ["untrusted", "out", "private"],
        ["out", "private", "untrusted"],
        ["out", "untrusted", "private"],
    ];
    let mut paid = 0;
    for (number, order) in orders.iter().enumerate() {
        let key = everything(&flows.host, &format!("agent-{number}")).await;
        let reads_first = order[2] == "out";
        for step in &order[..if reads_first { 2 } else { 3 }] {
            fine(&flows.act(&key, step).await);
            paid += usize::from(*step == "out");
        }
        let call = flows.pays(&key).await;
        let question = flows.host.answer(&["deny", "--note", "no"]).await.unwrap();
        assert_eq!(question["only_once"], true);
        assert_eq!(question["why"][0]["rule"], "flow");
        let text = question["why"][0]["text"].as_str().unwrap();
        assert!(text.contains("list_accounts of ledger"), "{text}");
        assert!(text.contains("read_message of mailbox"), "{text}");
        refused(&call.await.unwrap(), "denied this call: no");
        assert_eq!(flows.paid(), paid, "{order:?}");
    }
    fine(&flows.act(&flows.key, "out").await);
    assert_eq!(flows.mailbox.recorder().calls("read_message").len(), orders.len());
}

#[tokio::test]
async fn it_holds_across_sessions_and_a_restart_and_a_person_lets_one_call_pass() {
    let mut flows = Flows::start().await;
    let legacy = Agent::legacy(&flows.host.endpoint("ledger"), &flows.key).await.unwrap();
    fine(&legacy.call("list_accounts", json!({})).await.unwrap());
    let other = Agent::legacy(&flows.host.endpoint("mailbox"), &flows.key).await.unwrap();
    fine(&other.call("read_message", json!({ "id": "m1" })).await.unwrap());
    flows.host.restart().await.unwrap();
    let call = flows.pays(&flows.key).await;
    let question = flows.host.pending().await.unwrap();
    let id = question["id"].as_str().unwrap();
    let for_a_time =
        flows.host.cli(&["approvals", "answer", id, "allow", "--for", "15m"]).await.unwrap();
    assert_eq!(for_a_time.code, 1, "{}", for_a_time.out);
    assert!(for_a_time.err.contains("once"), "{}", for_a_time.err);
    flows.host.answer(&["allow"]).await.unwrap();
    fine(&call.await.unwrap());
    let again = flows.pays(&flows.key).await;
    flows.host.answer(&["deny"]).await.unwrap();
    refused(&again.await.unwrap(), "denied");
    assert_eq!(flows.paid(), 1);
    let shown = flows.host.ok(&["flow", "show"]).await.unwrap();
    assert_eq!(shown["on"], true);
    assert_eq!(shown["agents"][0]["asks"], true, "{shown}");
    flows.host.ok(&["flow", "set", "--off"]).await.unwrap();
    fine(&flows.act(&flows.key, "out").await);
}

#[tokio::test]
async fn what_nobody_has_looked_at_counts_as_all_three_until_the_proposals_are_taken() {
    let mailbox = Fixture::start(mailbox::offer(), Protection::Open).await.unwrap();
    let host = TestHost::as_installed().await.unwrap();
    host.ok(&["servers", "add", &mailbox.url(), "--name", "mailbox"]).await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "mailbox", "*", "allow").await.unwrap();
    let agent = Agent::modern(&host.endpoint("mailbox"), &key).unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    let second = Agent::modern(&host.endpoint("mailbox"), &key).unwrap();
    let waiting =
        tokio::spawn(async move { second.call("list_messages", json!({})).await.unwrap() });
    host.answer(&["deny"]).await.unwrap();
    refused(&waiting.await.unwrap(), "denied");
    let tools = host.ok(&["tools", "label", "--server", "mailbox"]).await.unwrap();
    let labels = |name: &str| -> Value {
        let tools = tools.as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap()["labels"].clone()
    };
    assert_eq!(labels("read_message"), json!(["reads_private", "reads_untrusted"]));
    assert_eq!(labels("send_message"), json!(["sends_out"]));
    assert_eq!(labels("delete_message"), json!([]), "none is a label too");
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    fine(&agent.call("read_message", json!({ "id": "m1" })).await.unwrap());
    fine(&agent.call("delete_message", json!({ "id": "m3" })).await.unwrap());
}
