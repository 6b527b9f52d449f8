//! Ways to sign in, on a real and certified authorization server (oidc-provider). It takes requests that are left
//! beforehand, rotates refresh tokens and notices their reuse, and binds tokens to keys.

use std::ffi::OsStr;

use prokura_testkit::host::Folder;
use prokura_testkit::{Agent, Browser, Fixture, TestHost, ledger};
use prokura_tests::Issuers;
use serde_json::{Value, json};

use crate::scene::{fine, refused};

struct World {
    issuers: Issuers,
    ledger: Fixture,
    host: TestHost,
}

impl World {
    async fn start(strict: bool) -> Self {
        Self::start_on(strict, TestHost::start().await.unwrap()).await
    }

    async fn start_on(strict: bool, host: TestHost) -> Self {
        let issuers = Issuers::start().await.unwrap();
        let protection =
            if strict { issuers.strict_protection(0) } else { issuers.protection(0) }.unwrap();
        let ledger = Fixture::start(ledger::offer(), protection).await.unwrap();
        issuers.serve_resource(0, &ledger.url()).await.unwrap();
        host.ok(&["servers", "add", &ledger.url(), "--name", "ledger"]).await.unwrap();
        Self { issuers, ledger, host }
    }

    /// Signs in as `person` with these words.
    async fn sign_in(&self, person: &str, by: &[&str]) {
        let begun = self.host.begin_sign_in_by("ledger", by).await.unwrap();
        Browser::new(person).unwrap().visit(&begun.url).await.unwrap();
        let said = begun.end().await.unwrap();
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }

    async fn agent(&self) -> Agent {
        let key = self.host.agent("clerk").await.unwrap();
        self.host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
        Agent::modern(&self.host.endpoint("ledger"), &key).unwrap()
    }

    async fn server(&self) -> Value {
        self.host.ok(&["servers", "list"]).await.unwrap()[0].clone()
    }
}

#[tokio::test]
async fn a_request_is_left_beforehand_and_the_browser_sees_only_its_name() {
    // RFC 9126
    let world = World::start(false).await;
    let begun = world.host.begin_sign_in("ledger").await.unwrap();
    let page = Browser::new("ada").unwrap().visit(&begun.url).await.unwrap();
    assert_eq!(begun.end().await.unwrap().code, 0);
    let first = page.trail[0].as_str();
    assert!(first.contains("request_uri=") && !first.contains("code_challenge"), "{first}");
    fine(&world.agent().await.call("list_accounts", json!({})).await.unwrap());
}

#[tokio::test]
async fn a_code_that_is_entered_on_another_device_signs_in() {
    // RFC 8628
    let world = World::start(false).await;
    let plan = world.host.ok(&["servers", "sign-in", "ledger", "--plan"]).await.unwrap();
    assert_eq!((&plan["device"], &plan["browser"]), (&json!(true), &json!(true)));
    world.sign_in("ada", &["--device"]).await;
    assert_eq!(world.server().await["state"], "ready");
    fine(&world.agent().await.call("list_accounts", json!({})).await.unwrap());
}

#[tokio::test]
async fn tokens_are_bound_to_a_key_where_the_server_takes_no_others() {
    // RFC 9449
    let world = World::start(true).await;
    world.sign_in("ada", &["--print-url"]).await;
    let agent = world.agent().await;
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    world.issuers.end_access_tokens(0).await.unwrap();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let seen = world.ledger.recorder().text();
    assert!(
        seen.contains("DPoP ") && !seen.contains("Bearer "),
        "{}",
        &seen[..seen.len().min(2000)]
    );
}

#[tokio::test]
async fn rotated_refresh_tokens_are_never_used_twice_and_theft_ends_the_sign_in() {
    let world = World::start(false).await;
    world.sign_in("ada", &["--print-url"]).await;
    let agent = world.agent().await;
    for _ in 0..3 {
        world.issuers.end_access_tokens(0).await.unwrap();
        fine(&agent.call("list_accounts", json!({})).await.unwrap());
    }
    assert_eq!(world.issuers.reuse(0).await.unwrap(), 400);
    world.issuers.end_access_tokens(0).await.unwrap();
    let refused = agent.call("list_accounts", json!({})).await;
    assert!(format!("{refused:?}").contains("sign in"), "{refused:?}");
    assert_eq!(world.server().await["state"], "sign_in_needed");
}

#[tokio::test]
async fn a_grant_for_one_account_says_nothing_of_the_other_and_beats_one_for_all() {
    let world = World::start(false).await;
    world.sign_in("ada", &["--print-url"]).await;
    world.sign_in("bob", &["--print-url", "--another"]).await;
    let accounts = world.server().await["accounts"].as_array().unwrap().clone();
    for (account, name) in accounts.iter().zip(["private", "work"]) {
        let id = account["id"].as_str().unwrap();
        let words = ["servers", "rename", "ledger", "--account", id, "--to", name];
        world.host.ok(&words).await.unwrap();
    }
    let grant = async |account: &str, tools: &str, effect: &str| {
        let words = [
            "grants",
            "add",
            "--agent",
            "clerk",
            "--server",
            "ledger",
            "--account",
            account,
            "--tools",
            tools,
            "--effect",
            effect,
        ];
        world.host.ok(&words).await.unwrap();
    };
    let key = world.host.agent("clerk").await.unwrap();
    grant("work", "list_accounts", "allow").await;
    let at = |account: &str| {
        Agent::modern(&world.host.endpoint(&format!("ledger@{account}")), &key).unwrap()
    };
    fine(&at("work").call("list_accounts", json!({})).await.unwrap());
    refused(&at("private").call("list_accounts", json!({})).await.unwrap(), "unknown tool");
    assert_eq!(at("private").tools().await.unwrap(), Vec::<String>::new());
    // Whatever is said of every account, what is said of one is narrower, also where its pattern is broader.
    world.host.grant("clerk", "ledger", "get_statement", "allow").await.unwrap();
    grant("private", "*", "deny").await;
    let look = json!({ "account": "giro" });
    fine(&at("work").call("get_statement", look.clone()).await.unwrap());
    refused(&at("private").call("get_statement", look).await.unwrap(), "denies");
    assert_eq!(world.ledger.recorder().calls("get_statement").len(), 1);
    assert_eq!(world.ledger.recorder().calls("list_accounts").len(), 1);
}

#[tokio::test]
async fn of_two_accounts_an_agent_uses_the_one_that_was_chosen_for_it() {
    let world = World::start(false).await;
    world.sign_in("ada", &["--print-url"]).await;
    world.sign_in("bob", &["--print-url", "--another"]).await;
    let accounts = world.server().await["accounts"].as_array().unwrap().clone();
    let ids: Vec<&str> = accounts.iter().map(|account| account["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{accounts:?}");
    for (id, name) in ids.iter().zip(["private", "work"]) {
        let words = ["servers", "rename", "ledger", "--account", id, "--to", name];
        world.host.ok(&words).await.unwrap();
    }
    let agent = world.agent().await;
    let refused = agent.call("list_accounts", json!({})).await;
    assert!(format!("{refused:?}").contains("several accounts"), "{refused:?}");
    for name in ["work", "private"] {
        let words = ["servers", "use", "ledger", "--account", name, "--agent", "clerk"];
        world.host.ok(&words).await.unwrap();
        fine(&agent.call("list_accounts", json!({})).await.unwrap());
        let record = world
            .host
            .audit()
            .await
            .unwrap()
            .into_iter()
            .find(|record| record["kind"] == "call.intent")
            .unwrap();
        assert_eq!(record["account"]["name"], name, "{record}");
    }
}

#[tokio::test]
async fn where_client_documents_are_read_nothing_is_registered() {
    // CA-10, CA-11
    const PUBLISHED: &str = include_str!("../../docs/client-metadata.json");
    let published: Value = serde_json::from_str(PUBLISHED).unwrap();
    let folder = Folder::new(None).unwrap();
    let key = folder.key_file();
    let document = published["client_id"].as_str().unwrap();
    let words = ["--port", "0", "--client-document", document, "--vault-key-file"].map(OsStr::new);
    let serving = folder.serve_with(&[&words[..], &[key.as_os_str()]].concat()).await.unwrap();
    let host = TestHost::on(folder, serving).without_flow_rule().await.unwrap();
    let world = World::start_on(false, host).await;
    world.sign_in("ada", &["--print-url"]).await;
    let agent = world.agent().await;
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    world.issuers.end_access_tokens(0).await.unwrap();
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    let clients = world.issuers.clients(0).await.unwrap();
    assert_eq!(clients, json!({ "documents": 1, "registered": 0, "left": 0 }));
}

#[tokio::test]
async fn signing_out_revokes_every_token_where_it_was_issued() {
    // RFC 7009, RFC 7662
    let world = World::start(false).await;
    world.sign_in("ada", &["--print-url"]).await;
    let agent = world.agent().await;
    fine(&agent.call("list_accounts", json!({})).await.unwrap());
    assert_eq!(world.issuers.active(0).await.unwrap(), ["access_token", "refresh_token"]);
    world.host.ok(&["servers", "sign-out", "ledger"]).await.unwrap();
    assert_eq!(world.issuers.active(0).await.unwrap(), [""; 0]);
    let refused = agent.call("list_accounts", json!({})).await;
    assert!(format!("{refused:?}").contains("sign in"), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_removed_takes_its_registration_along() {
    // RFC 7592
    let world = World::start(false).await;
    world.sign_in("ada", &["--print-url"]).await;
    let there = json!({ "documents": 0, "registered": 1, "left": 1 });
    assert_eq!(world.issuers.clients(0).await.unwrap(), there);
    world.host.ok(&["servers", "remove", "ledger"]).await.unwrap();
    let gone = json!({ "documents": 0, "registered": 1, "left": 0 });
    assert_eq!(world.issuers.clients(0).await.unwrap(), gone);
    assert_eq!(world.issuers.active(0).await.unwrap(), [""; 0]);
}
