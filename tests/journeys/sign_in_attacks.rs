//! What somebody tries who should not come in: a page of the browser, another program, another user of the machine.
//! (SA-02, SA-07, P-02, P-05, U-16, U-21, B-09, B-17)

use prokura_testkit::{Agent, TestHost};
use serde_json::json;

use crate::scene::Scene;
use crate::signing::{self, LOOPBACK, Program, location};

#[tokio::test]
async fn nobody_is_redirected_to_a_place_that_was_not_registered() {
    let host = TestHost::start().await.unwrap();
    let program = Program::registered(&host, LOOPBACK).await;
    for (name, value) in [
        ("redirect_uri", Some("https://evil.example/cb")),
        ("redirect_uri", Some("http://127.0.0.1:4000/cb/../evil")),
        ("redirect_uri", None),
        ("client_id", Some("prc_nobody")),
        ("client_id", Some("https://127.0.0.1/client.json")),
        ("client_id", None),
    ] {
        let answer = program.visit("/mcp").with(name, value).open(&[]).await;
        assert_eq!(answer.status(), 400, "{name} {value:?}");
        assert!(answer.headers().get("location").is_none());
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", program.visit("/mcp").page());
    assert_eq!(program.get(&twice, &[]).await.status(), 400);
    // A stranger's https address gets no errors either: that would be an open redirector.
    let stranger = Program::registered(&host, "https://evil.example/cb").await;
    let answer = stranger.visit("/mcp").with("resource", None).open(&[]).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.headers().get("location").is_none());
    let bad = json!({ "redirect_uris": ["javascript:alert(1)"] });
    let url = format!("{}/oauth/register", host.http());
    let answer = program.http.post(url).json(&bad).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(host.ok(&["approvals", "list"]).await.unwrap().as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_wish_without_its_safeguards_is_refused_with_the_issuer() {
    let host = TestHost::start().await.unwrap();
    let program = Program::registered(&host, LOOPBACK).await;
    let other = format!("{}/other", host.http());
    let spelled = host.http().replace("127.0.0.1", "localhost") + "/mcp";
    for (name, value, error) in [
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("resource", None, "invalid_target"),
        ("resource", Some("http://127.0.0.1:9/mcp"), "invalid_target"),
        ("resource", Some("https://mcp.example/mcp"), "invalid_target"),
        ("resource", Some(&other), "invalid_target"),
        ("resource", Some(&spelled), "invalid_target"),
        ("response_mode", Some("fragment"), "invalid_request"),
        ("request_uri", Some("https://evil.example"), "request_not_supported"),
    ] {
        let answer = program.visit("/mcp").with(name, value).open(&[]).await;
        let back = location(&answer);
        let issuer = url::Url::parse(&back).unwrap();
        let issuer = issuer.query_pairs().find(|(key, _)| key == "iss").unwrap().1.into_owned();
        assert!(back.starts_with(LOOPBACK) && back.contains(&format!("error={error}")), "{back}");
        assert_eq!(issuer, host.http());
    }
    assert!(host.ok(&["approvals", "list"]).await.unwrap().as_array().unwrap().is_empty());
}

#[tokio::test]
async fn pages_of_the_browser_can_neither_ask_nor_answer() {
    let host = TestHost::start().await.unwrap();
    let program = Program::registered(&host, LOOPBACK).await;
    let visit = program.visit("/mcp");
    let none = || async { host.ok(&["approvals", "list"]).await.unwrap() == json!([]) };
    // In a frame, as a picture, by a script.
    for (dest, mode) in [("iframe", "navigate"), ("image", "no-cors"), ("empty", "cors")] {
        let headers =
            [("sec-fetch-dest", dest), ("sec-fetch-mode", mode), ("sec-fetch-site", "cross-site")];
        assert_eq!(visit.open(&headers).await.status(), 403, "{dest}");
    }
    // A page that sends the browser here: nothing is asked before the person goes on.
    let sent = [
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "cross-site"),
    ];
    let page = visit.open(&sent).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    let text = page.text().await.unwrap();
    assert!(text.contains("<form method=\"post\"") && !text.contains("<script"));
    assert!(none().await);
    // A foreign page posts the form itself, or has rebound its name to this machine.
    let form = format!("{}/oauth/authorize", host.http());
    for (header, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("host", "evil.example")]
    {
        let sent = program.http.post(&form).form(&visit.parameters).header(header, value);
        assert_eq!(sent.send().await.unwrap().status(), 403, "{header} {value}");
    }
    assert!(none().await);
    let sent = program.http.post(&form).form(&visit.parameters).header("origin", host.http());
    let sent = sent.header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(sent.status(), 303);
    let wait = format!("{}{}", host.http(), location(&sent));
    let page = program.get(&wait, &[]).await;
    assert!(
        page.headers()["content-security-policy"].to_str().unwrap().contains("form-action 'none'")
    );
    assert!(!page.text().await.unwrap().contains("<form"), "there is no yes on the page");
    let framed = program.get(&wait, &[("sec-fetch-dest", "iframe")]).await;
    assert_eq!(framed.status(), 403);
    let guessed = program.get(&format!("{}/oauth/wait/guessed", host.http()), &[]).await;
    assert_eq!(guessed.status(), 404);
}

#[tokio::test]
async fn a_wrong_number_lets_nobody_in() {
    let host = TestHost::start().await.unwrap();
    let program = Program::registered(&host, LOOPBACK).await;
    let opened = program.visit("/mcp").open(&[]).await;
    let wait = format!("{}{}", host.http(), location(&opened));
    let page = program.get(&wait, &[]).await.text().await.unwrap();
    let shown = page.split("<output>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let question = host.pending().await.unwrap();
    let choices = question["consent"]["choices"].as_array().unwrap();
    assert_eq!(question["consent"]["redirect_host"], "127.0.0.1:4000");
    assert_eq!(question["consent"]["vouched_by"], serde_json::Value::Null);
    let wrong = choices.iter().find(|choice| **choice != shown).unwrap().as_str().unwrap();
    let id = question["id"].as_str().unwrap();
    let plain = host.cli(&["approvals", "answer", id, "allow"]).await.unwrap();
    assert!(plain.code == 1 && plain.err.contains("--number"), "{}", plain.err);
    let words = ["approvals", "answer", id, "allow", "--number", wrong, "--new-agent", "evil"];
    assert_eq!(host.cli(&words).await.unwrap().code, 1);
    let back = program.get(&format!("{wait}?again"), &[]).await;
    assert!(location(&back).contains("error=access_denied"));
    assert_eq!(host.ok(&["agents", "list"]).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_token_opens_its_own_endpoint_only_and_the_others_say_where_to_sign_in() {
    let scene = Scene::ledger().await;
    let program = Program::registered(&scene.host, LOOPBACK).await;
    let visit = program.visit("/s/ledger/mcp");
    let code = visit.code(&scene.host, ["--new-agent", "scribe"]).await;
    let tokens = visit.redeem(&code).await;
    assert_eq!(tokens["scope"], "mcp");
    let asked = |path: &str, key: &str| {
        let agent = Agent::modern(&format!("{}{path}", scene.host.http()), key).unwrap();
        async move { agent.request("tools/list", json!({})).await.unwrap() }
    };
    let access = tokens["access_token"].as_str().unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(asked("/s/ledger/mcp", access).await.status, 200);
    for (path, key) in [("/mcp", access), ("/s/other/mcp", access), ("/s/ledger/mcp", refresh)] {
        let refused = asked(path, key).await;
        assert_eq!(refused.status, 401, "{path}");
        let challenge = refused.header("www-authenticate").unwrap().to_owned();
        let metadata = format!("{}/.well-known/oauth-protected-resource{path}", scene.host.http());
        assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        let document: serde_json::Value = program.get(&metadata, &[]).await.json().await.unwrap();
        assert_eq!(document["resource"], format!("{}{path}", scene.host.http()));
        assert_eq!(document["authorization_servers"], json!([scene.host.http()]));
    }
    // The code again: what it gave is taken back.
    assert_eq!(visit.try_redeem(&code).await.1["error"], "invalid_grant");
    assert_eq!(asked("/s/ledger/mcp", access).await.status, 401);
    let renew =
        [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", &program.id)];
    assert_eq!(program.post("/oauth/token", &renew).await.1["error"], "invalid_grant");
    let in_url = format!("{}?access_token={access}", scene.host.endpoint("ledger"));
    assert_eq!(program.http.post(in_url).body("{}").send().await.unwrap().status(), 401);
    assert!(signing::agent(&scene.host.endpoint("ledger"), &tokens).tools().await.is_err());
}
