//! Agents sign in by themselves: the official clients, over a restart, on a device, and until it is taken back.
//! (SA-01, SA-02, SA-08, RFC 8414, 8628, 9728)

use prokura_testkit::TestHost;
use prokura_tests::{Sdk, SigningAgent};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::signing::{self, Program};

/// Connects an agent as a new agent `name`, without grants.
async fn signed_in(host: &TestHost, sdk: Sdk, options: Value, name: &str) -> SigningAgent {
    let mut agent = SigningAgent::begin(sdk, options).await.unwrap();
    host.let_in(&agent.page, ["--new-agent", name]).await.unwrap();
    agent.finish().await.unwrap();
    agent
}

#[tokio::test]
async fn official_clients_of_every_major_sign_in_and_see_exactly_what_was_granted() {
    let scene = Scene::ledger().await;
    let url = scene.host.endpoint("ledger");
    for (name, sdk, era) in [
        ("typescript-2-modern", Sdk::TypeScript, "2026-07-28"),
        ("typescript-2-legacy", Sdk::TypeScript, "legacy"),
        ("typescript-1", Sdk::First, "legacy"),
        ("python-2", Sdk::Python, "legacy"),
    ] {
        let options = json!({ "url": url, "era": era, "name": name });
        let mut agent = signed_in(&scene.host, sdk, options, name).await;
        assert!(agent.tools().await.unwrap().is_empty(), "{name} has no grants yet");
        scene.host.grant(name, "ledger", "list_accounts", "allow").await.unwrap();
        assert_eq!(agent.tools().await.unwrap(), ["list_accounts"], "{name}");
    }
    let agents = scene.host.ok(&["agents", "list"]).await.unwrap();
    let signed = agents.as_array().unwrap().iter().filter(|one| one["credential"] == "sign_in");
    assert_eq!(signed.count(), 4, "{agents}");
}

#[tokio::test]
async fn tokens_are_renewed_survive_a_restart_and_die_when_they_are_taken_back() {
    let mut scene = Scene::ledger().await;
    let options = json!({ "url": scene.host.endpoint("ledger"), "era": "2026-07-28" });
    let mut agent = signed_in(&scene.host, Sdk::TypeScript, options, "scribe").await;
    scene.host.grant("scribe", "ledger", "list_accounts", "allow").await.unwrap();
    let before = agent.kept().await.unwrap();
    agent.forget().await.unwrap();
    assert_eq!(agent.tools().await.unwrap(), ["list_accounts"], "it renewed its tokens");
    let after = agent.kept().await.unwrap();
    assert_ne!(before["refresh_token"], after["refresh_token"], "a refresh token is traded");
    scene.host.restart().await.unwrap();
    assert_eq!(agent.tools().await.unwrap(), ["list_accounts"], "the address and the tokens stay");
    let agents = scene.host.ok(&["agents", "list"]).await.unwrap();
    let of = agents.as_array().unwrap().iter().find(|one| one["name"] == "scribe").unwrap();
    let sign_in = of["sign_ins"][0]["id"].as_str().unwrap().to_owned();
    assert!(of["sign_ins"][0]["used_at"].is_string());
    scene.host.ok(&["agents", "sign-out", "scribe", &sign_in]).await.unwrap();
    assert!(agent.tools().await.is_err(), "it is over at once");
    let kinds = scene.kinds().await;
    for kind in
        ["agent.client_registered", "agent.signed_in", "agent.renewed", "agent.sign_in_ended"]
    {
        assert!(kinds.contains(&kind.to_owned()), "{kind} is not in {kinds:?}");
    }
    let logs = scene.host.logs();
    for secret in [&before, &after] {
        for name in ["access_token", "refresh_token"] {
            assert!(!logs.contains(secret[name].as_str().unwrap()), "{name} in the log");
        }
    }
}

#[tokio::test]
async fn a_program_is_let_in_as_an_agent_that_is_there_only_when_the_person_says_so() {
    let scene = Scene::ledger().await;
    scene.grant("list_accounts", "allow").await;
    let program = Program::registered(&scene.host, signing::LOOPBACK).await;
    let visit = program.visit("/s/ledger/mcp");
    let code = visit.code(&scene.host, ["--agent", "clerk"]).await;
    let tokens = visit.redeem(&code).await;
    let agent = signing::agent(&scene.host.endpoint("ledger"), &tokens);
    assert_eq!(agent.tools().await.unwrap(), ["list_accounts"]);
    scene.host.ok(&["agents", "revoke", "clerk"]).await.unwrap();
    let refused = agent.request("tools/list", json!({})).await.unwrap();
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn an_agent_without_a_browser_shows_a_code() {
    let scene = Scene::ledger().await;
    let program = Program::registered(&scene.host, signing::LOOPBACK).await;
    let resource = scene.host.endpoint("ledger");
    let asked = [("client_id", program.id.as_str()), ("resource", resource.as_str())];
    let started = program.post("/oauth/device_authorization", &asked).await;
    assert_eq!(started.0, 200, "{}", started.1);
    let (device, user) = (started.1["device_code"].as_str(), started.1["user_code"].as_str());
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", device.unwrap()),
        ("client_id", program.id.as_str()),
    ];
    assert_eq!(program.post("/oauth/token", &poll).await.1["error"], "authorization_pending");
    scene.host.pick(user.unwrap(), ["--new-agent", "boxed"]).await.unwrap();
    let mut tokens = program.post("/oauth/token", &poll).await;
    for _ in 0..40 {
        if tokens.0 == 200 {
            break;
        }
        assert_eq!(tokens.1["error"], "slow_down", "it asks faster than it should");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        tokens = program.post("/oauth/token", &poll).await;
    }
    assert!(tokens.1["error"] == "slow_down" || tokens.0 == 200, "{}", tokens.1);
}

#[tokio::test]
async fn an_address_that_somebody_else_holds_is_refused_and_can_be_given_up() {
    let mut scene = Scene::ledger().await;
    let program = Program::registered(&scene.host, signing::LOOPBACK).await;
    let visit = program.visit("/s/ledger/mcp");
    let code = visit.code(&scene.host, ["--new-agent", "scribe"]).await;
    let tokens = visit.redeem(&code).await;
    let port: u16 = scene.host.http().rsplit(':').next().unwrap().parse().unwrap();
    scene.host.stop().await.unwrap();
    let squatter = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let refused = scene.host.folder.serve().await.unwrap_err().to_string();
    assert!(refused.contains("--new-port") && refused.contains("agents key"), "{refused}");
    let key = scene.host.folder.key_file();
    let words = ["--new-port", "--vault-key-file"].map(std::ffi::OsStr::new);
    let serving = scene.host.folder.serve_with(&[&words[..], &[key.as_os_str()]].concat()).await;
    scene.host.serving = Some(serving.unwrap());
    drop(squatter);
    assert_ne!(scene.host.http().rsplit(':').next().unwrap(), port.to_string());
    let agent = signing::agent(&scene.host.endpoint("ledger"), &tokens);
    assert_eq!(agent.request("tools/list", json!({})).await.unwrap().status, 401);
    let renewed = scene.host.ok(&["agents", "key", "clerk"]).await.unwrap();
    assert_eq!(scene.agent().request("tools/list", json!({})).await.unwrap().status, 401);
    let mut agent = scene.agent();
    agent.key = renewed["key"].as_str().map(str::to_owned);
    assert_eq!(agent.request("tools/list", json!({})).await.unwrap().status, 200);
}
