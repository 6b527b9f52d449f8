//! A call that needs more than its account was given: it waits, the person is asked once, and a sign-in answers.

use prokura_testkit::{Agent, Authority, Browser, Fixture, TestHost, ledger};

use crate::scene::{fine, payment, refused};

struct World {
    authority: Authority,
    host: TestHost,
    agents: [Agent; 2],
    _ledger: Fixture,
}

/// Two agents that may pay, by an account that was not given that.
async fn start() -> World {
    let mut offer = ledger::offer();
    for tool in &mut offer.tools {
        if tool.name() == "send_payment" {
            tool.scope = Some("pay".to_owned());
        }
    }
    let (ledger, authority) = Fixture::with_authority(offer).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &ledger.url(), "--name", "ledger"]).await.unwrap();
    host.sign_in("ledger").await.unwrap();
    let mut agents = Vec::new();
    for name in ["clerk", "auditor"] {
        let key = host.agent(name).await.unwrap();
        host.grant(name, "ledger", "*", "allow").await.unwrap();
        agents.push(Agent::modern(&host.endpoint("ledger"), &key).unwrap());
    }
    World { authority, host, agents: agents.try_into().ok().unwrap(), _ledger: ledger }
}

impl World {
    /// What the browser was sent to ask for, newest first.
    fn asked(&self) -> Vec<String> {
        let all = self.authority.recorder().all().into_iter().rev();
        all.filter(|seen| seen.verb == "GET" && seen.uri.starts_with("/authorize"))
            .map(|seen| seen.uri)
            .collect()
    }

    async fn account(&self) -> serde_json::Value {
        self.host.ok(&["servers", "list"]).await.unwrap()[0]["accounts"][0].clone()
    }
}

#[tokio::test]
async fn calls_wait_for_one_sign_in_that_asks_for_the_difference() {
    // CA-43, CA-44
    let world = start().await;
    let [clerk, auditor] = &world.agents;
    fine(&clerk.call("list_accounts", serde_json::json!({})).await.unwrap());
    let answering = async {
        let asked = world.host.pending().await.unwrap();
        assert_eq!(asked["kind"], "scopes");
        let more: Vec<_> = asked["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|scope| scope["had"] == false)
            .collect();
        assert_eq!((more.len(), &more[0]["name"]), (1, &serde_json::json!("pay")));
        let shown =
            world.host.cli(&["approvals", "show", asked["id"].as_str().unwrap()]).await.unwrap();
        assert!(shown.out.contains("+ pay"), "{}", shown.out);
        let begun = world.host.begin_giving(asked["id"].as_str().unwrap()).await.unwrap();
        Browser::new("ada").unwrap().visit(&begun.url).await.unwrap();
        let said = begun.end().await.unwrap();
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    };
    let (first, second, third, ()) = tokio::join!(
        clerk.call("send_payment", payment("1.00")),
        auditor.call("send_payment", payment("2.00")),
        clerk.call("send_payment", payment("3.00")),
        answering,
    );
    for reply in [first, second, third] {
        fine(&reply.unwrap());
    }
    let asked = world.asked();
    assert_eq!(asked.len(), 2, "one sign-in at first, and one for more");
    assert!(asked[0].contains("use") && asked[0].contains("pay"), "{}", asked[0]);
    assert_eq!(world.account().await["scopes_wanted"], serde_json::json!([]));
}

#[tokio::test]
async fn a_denial_is_remembered_and_can_be_taken_back() {
    let world = start().await;
    let [clerk, _] = &world.agents;
    let (reply, _) = tokio::join!(
        clerk.call("send_payment", payment("1.00")),
        world.host.answer(&["deny", "--note", "not from here"]),
    );
    refused(&reply.unwrap(), "not from here");
    assert_eq!(world.account().await["scopes_declined"], serde_json::json!(["pay"]));
    refused(&clerk.call("send_payment", payment("1.00")).await.unwrap(), "declined");
    assert!(world.host.ok(&["approvals", "list"]).await.unwrap().as_array().unwrap().is_empty());

    world.host.ok(&["servers", "ask-again", "ledger", "--account", "ada"]).await.unwrap();
    let (reply, ()) = tokio::join!(clerk.call("send_payment", payment("1.00")), async {
        world.host.pending().await.unwrap();
        // Any sign-in that gives it will do.
        world.host.sign_in("ledger").await.unwrap();
    });
    fine(&reply.unwrap());
}
