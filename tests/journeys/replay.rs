//! An approval nobody has used yet is worth nothing for any other call, and what was shown cannot be swapped for
//! something else on its way.

use prokura_testkit::browser::Browser;
use prokura_testkit::{Agent, Authority, Fixture, TestHost, ledger};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::scene::{fine, payment, refused};

type Calling = JoinHandle<anyhow::Result<prokura_testkit::AgentReply>>;

/// Two people at one of two ledgers, and two agents that have to ask for everything.
struct World {
    host: TestHost,
    ledgers: [Fixture; 2],
    _authorities: [Authority; 2],
    clerk: Agent,
    other: Agent,
    elsewhere: Agent,
}

impl World {
    async fn start() -> Self {
        let (ledger, first) = Fixture::with_authority(ledger::offer()).await.unwrap();
        let (second, authority) = Fixture::with_authority(ledger::offer()).await.unwrap();
        let host = TestHost::start().await.unwrap();
        for (server, name) in [(&ledger, "ledger"), (&second, "second")] {
            host.ok(&["servers", "add", &server.url(), "--name", name]).await.unwrap();
            host.sign_in(name).await.unwrap();
        }
        let another = ["--print-url", "--another"];
        let begun = host.begin_sign_in_by("ledger", &another).await.unwrap();
        Browser::new("bob").unwrap().visit(&begun.url).await.unwrap();
        let ended = begun.end().await.unwrap();
        assert_eq!(ended.code, 0, "{}", ended.err);
        let keys = [host.agent("clerk").await.unwrap(), host.agent("other").await.unwrap()];
        for agent in ["clerk", "other"] {
            for server in ["ledger", "second"] {
                host.grant(agent, server, "*", "ask").await.unwrap();
            }
        }
        let world = Self {
            clerk: Agent::modern(&host.endpoint("ledger"), &keys[0]).unwrap(),
            other: Agent::modern(&host.endpoint("ledger"), &keys[1]).unwrap(),
            elsewhere: Agent::modern(&host.endpoint("second"), &keys[0]).unwrap(),
            ledgers: [ledger, second],
            _authorities: [first, authority],
            host,
        };
        world.as_whom("clerk", 0).await;
        world.as_whom("other", 0).await;
        world
    }

    /// From now on the agent uses one of the two accounts.
    async fn as_whom(&self, agent: &str, which: usize) {
        let servers = self.host.ok(&["servers", "list"]).await.unwrap();
        let all = servers.as_array().unwrap();
        let ledger = all.iter().find(|server| server["name"] == "ledger").unwrap();
        let account = ledger["accounts"][which]["id"].as_str().unwrap();
        let words = ["servers", "use", "ledger", "--account", account, "--agent", agent];
        self.host.ok(&words).await.unwrap();
    }

    /// An approval whose call was given up.
    async fn unused(&self, arguments: &Value) {
        let call = calling(&self.clerk, "send_payment", arguments);
        self.host.pending().await.unwrap();
        call.abort();
        let _ = call.await;
        self.host.answer(&["allow"]).await.unwrap();
    }

    /// The call asks anew, and is denied.
    async fn asks(&self, what: &str, agent: &Agent, tool: &str, arguments: &Value) {
        let call = calling(agent, tool, arguments);
        let asked = self.host.answer(&["deny"]).await;
        asked.unwrap_or_else(|fault| panic!("{what}: nobody is asked: {fault}"));
        refused(&call.await.unwrap().unwrap(), "denied");
    }

    /// How often anything was called at either server.
    fn went(&self) -> usize {
        let calls = self.ledgers.iter().flat_map(|ledger| ledger.recorder().all());
        calls.filter(|seen| seen.tool().is_some()).count()
    }
}

fn calling(agent: &Agent, tool: &str, arguments: &Value) -> Calling {
    let (agent, tool, arguments) = (agent.clone(), tool.to_owned(), arguments.clone());
    tokio::spawn(async move { agent.call(&tool, arguments).await })
}

fn with(mut arguments: Value, name: &str, value: Value) -> Value {
    arguments[name] = value;
    arguments
}

#[tokio::test]
async fn an_approval_is_refused_for_anything_else_one_thing_at_a_time() {
    // CA-28
    let world = World::start().await;
    let mut less = payment("1.00");
    less.as_object_mut().unwrap().remove("currency");
    let pay = "send_payment";
    let (own, clerk) = (payment("1.00"), &world.clerk);
    let rows: [(&str, &Agent, &str, Value); 10] = [
        ("another agent", &world.other, pay, own.clone()),
        ("another server", &world.elsewhere, pay, own.clone()),
        ("another tool", clerk, "close_account", own.clone()),
        ("another argument", clerk, pay, with(own.clone(), "to", json!("Mallory"))),
        ("one argument more", clerk, pay, with(own.clone(), "cc", Value::Null)),
        ("one argument less", clerk, pay, less),
        ("a number for a text", clerk, pay, with(own.clone(), "amount", json!(1.00))),
        ("another case", clerk, pay, with(own.clone(), "to", json!("grace"))),
        ("a hidden character", clerk, pay, with(own.clone(), "to", json!("Grace\u{200b}"))),
        ("a list of one", clerk, pay, with(own.clone(), "to", json!(["Grace"]))),
    ];
    world.unused(&own).await;
    for (what, agent, tool, arguments) in &rows {
        world.asks(what, agent, tool, arguments).await;
    }
    world.as_whom("clerk", 1).await;
    world.asks("another account", clerk, pay, &own).await;
    world.as_whom("clerk", 0).await;
    assert_eq!(world.went(), 0);
    // All along it was good for its own call, once.
    fine(&clerk.call(pay, own.clone()).await.unwrap());
    world.asks("once more", clerk, pay, &own).await;
    assert_eq!(world.went(), 1);

    world.unused(&own).await;
    let change = |text: &'static str| {
        world.ledgers[0].change_tools(move |tools| {
            let tool = tools.iter_mut().find(|tool| tool.name() == "send_payment").unwrap();
            tool.definition["description"] = json!(text);
        })
    };
    change("Sends money to Mallory.").await;
    world.host.ok(&["tools", "list", "--server", "ledger", "--refresh"]).await.unwrap();
    world.host.ok(&["tools", "accept", "--server", "ledger", pay]).await.unwrap();
    world.asks("another pin", clerk, pay, &own).await;
    assert_eq!(world.went(), 1);
}

#[tokio::test]
async fn a_second_message_under_the_same_id_is_a_call_of_its_own() {
    let world = World::start().await;
    let post = |amount: &str| {
        let agent = world.clerk.clone();
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "raw-agent", "version": "1.0.0" },
        });
        let params = json!({ "name": "send_payment", "arguments": payment(amount), "_meta": meta });
        let body =
            json!({ "jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": params });
        let headers = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "send_payment"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        tokio::spawn(async move { agent.post(body.to_string(), &headers).await })
    };
    let small = post("1.00");
    let first = world.host.pending().await.unwrap();
    let large = post("9000.00");
    let id = first["id"].as_str().unwrap();
    let both = prokura_testkit::eventually("both", std::time::Duration::from_secs(30), || async {
        let list = world.host.ok(&["approvals", "list"]).await.ok()?;
        (list.as_array()?.len() == 2).then_some(())
    });
    both.await.unwrap();
    world.host.ok(&["approvals", "answer", id, "allow"]).await.unwrap();
    let paid = small.await.unwrap().unwrap();
    fine(&paid);
    assert!(paid.raw.contains("1.00") && !paid.raw.contains("9000.00"), "{}", paid.raw);
    world.host.answer(&["deny"]).await.unwrap();
    refused(&large.await.unwrap().unwrap(), "denied");
    let sent = world.ledgers[0].recorder().calls("send_payment");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].json()["params"]["arguments"], payment("1.00"));
}
