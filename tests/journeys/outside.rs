//! The outside world by itself, without the product: fixtures that do not work prove nothing.

use base64::Engine as _;
use prokura_testkit::{Agent, Browser, Fixture, Protection, ledger, mailbox};
use prokura_tests::{Issuers, Sdk, SdkAgent};
use serde_json::{Value, json};
use sha2::Digest as _;

#[tokio::test]
async fn official_clients_of_both_eras_talk_to_a_fixture() {
    let fixture = Fixture::start(ledger::offer(), Protection::Key("k".into())).await.unwrap();
    for sdk in [Sdk::TypeScript, Sdk::Python] {
        for era in ["2026-07-28", "legacy"] {
            let mut agent = SdkAgent::connect(sdk, &fixture.url(), "k", era).await.unwrap();
            assert_eq!(agent.version, if era == "legacy" { "2025-11-25" } else { era }, "{sdk:?}");
            assert_eq!(agent.tools().await.unwrap().len(), 5, "{sdk:?} {era}");
            let result = agent.call("get_statement", json!({ "account": "giro" })).await.unwrap();
            assert_eq!(result["structuredContent"]["account"], "giro", "{sdk:?} {era}");
        }
    }
    assert_eq!(fixture.recorder().calls("get_statement").len(), 4);
}

#[tokio::test]
async fn raw_agents_of_both_eras_talk_to_a_fixture() {
    let fixture = Fixture::start(mailbox::offer(), Protection::Key("k".into())).await.unwrap();
    for agent in [
        Agent::modern(&fixture.url(), "k").unwrap(),
        Agent::legacy(&fixture.url(), "k").await.unwrap(),
    ] {
        assert_eq!(agent.tools().await.unwrap().len(), 5);
        assert!(agent.call("list_messages", json!({})).await.unwrap().is_fine());
    }
    let stranger = Agent::modern(&fixture.url(), "other").unwrap();
    assert_eq!(stranger.call("list_messages", json!({})).await.unwrap().status, 401);
}

/// A sign-in by hand: discovery, registration, PKCE, the pages, the token.
async fn sign_in(fixture: &Fixture, metadata: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get =
        async |url: String| http.get(url).send().await.unwrap().json::<Value>().await.unwrap();
    let base = fixture.url().trim_end_matches("/mcp").to_owned();
    let resource = get(format!("{base}/.well-known/oauth-protected-resource/mcp")).await;
    assert_eq!(resource["resource"], fixture.url());
    let issuer = resource["authorization_servers"][0].as_str().unwrap().to_owned();
    let server = get(format!("{issuer}/.well-known/{metadata}")).await;
    let redirect = "http://127.0.0.1:9/callback";
    let wish = json!({
        "redirect_uris": [redirect], "application_type": "native", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    let registration = server["registration_endpoint"].as_str().unwrap();
    let client =
        http.post(registration).json(&wish).send().await.unwrap().json::<Value>().await.unwrap();
    let verifier = "v".repeat(64);
    let challenge =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&verifier));
    let url = url::Url::parse_with_params(
        server["authorization_endpoint"].as_str().unwrap(),
        [
            ("response_type", "code"),
            ("client_id", client["client_id"].as_str().unwrap()),
            ("redirect_uri", redirect),
            ("scope", "use"),
            ("state", "s"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("resource", fixture.url().as_str()),
        ],
    )
    .unwrap();
    let code = code_from(url.as_str(), &issuer).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", redirect),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("code_verifier", verifier.as_str()),
        ("resource", &fixture.url()),
    ];
    let token =
        http.post(server["token_endpoint"].as_str().unwrap()).form(&form).send().await.unwrap();
    token.json::<Value>().await.unwrap()
}

/// Port 9 answers nobody, so the browser ends with an error that names the address.
async fn code_from(url: &str, issuer: &str) -> String {
    let page = Browser::new("ada").unwrap().visit_until(url, "http://127.0.0.1:9/").await.unwrap();
    let pairs: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!((pairs["state"].as_str(), pairs["iss"].as_str()), ("s", issuer), "{page}");
    pairs["code"].clone()
}

#[tokio::test]
async fn a_token_of_the_embedded_issuer_is_good_for_its_own_server_only() {
    let (mailbox, _first) = Fixture::with_authority(mailbox::offer()).await.unwrap();
    let (ledger, _second) = Fixture::with_authority(ledger::offer()).await.unwrap();
    let token = sign_in(&mailbox, "oauth-authorization-server").await;
    let token = token["access_token"].as_str().unwrap();
    let own = Agent::modern(&mailbox.url(), token).unwrap();
    assert!(own.call("list_messages", json!({})).await.unwrap().is_fine());
    let other = Agent::modern(&ledger.url(), token).unwrap();
    let refused = other.call("list_accounts", json!({})).await.unwrap();
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"));
}

#[tokio::test]
async fn a_token_of_a_certified_issuer_is_good_for_its_own_server_only() {
    let issuers = Issuers::start().await.unwrap();
    let mailbox = Fixture::start(mailbox::offer(), issuers.protection(0).unwrap()).await.unwrap();
    let ledger = Fixture::start(ledger::offer(), issuers.protection(1).unwrap()).await.unwrap();
    issuers.serve_resource(0, &mailbox.url()).await.unwrap();
    issuers.serve_resource(1, &ledger.url()).await.unwrap();
    let token = sign_in(&mailbox, "openid-configuration").await;
    let token = token["access_token"].as_str().unwrap();
    assert!(issuers.issued(0).await.unwrap().iter().any(|issued| issued == token));
    let own = Agent::modern(&mailbox.url(), token).unwrap();
    assert!(own.call("list_messages", json!({})).await.unwrap().is_fine());
    let other = Agent::modern(&ledger.url(), token).unwrap();
    assert_eq!(other.call("list_accounts", json!({})).await.unwrap().status, 401);
}
