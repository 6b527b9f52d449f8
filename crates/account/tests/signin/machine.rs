//! Programs: tokens without a person and without a browser.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prokura_account::{AccountError, ClientProof, Machine, Secret};
use prokura_domain::{AccountKind, AccountState, Server};
use serde_json::json;

use crate::authority::{Authority, META, refused};
use crate::jwt::{is_signed_by, key, made, read};
use crate::site::{Reply, Site};
use crate::world::{World, bearer};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A server whose authority gives tokens to a client that was entered, without any sign-in of people.
async fn set(proof: ClientProof, methods: &[&str]) -> (World, Authority, Server) {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({
        "token_endpoint_auth_methods_supported": methods,
        "authorization_endpoint": null,
        "response_types_supported": null,
        "code_challenge_methods_supported": null,
        "registration_endpoint": null,
    }));
    authority.site.route("/token", |_| {
        Reply::json(200, &json!({"access_token": "t", "token_type": "Bearer", "expires_in": 600}))
    });
    let server = world.server(&authority.endpoint());
    world.book.set_client(&server, "robot", proof).await.unwrap();
    (world, authority, server)
}

fn file(world: &World, name: &str, text: &str) -> PathBuf {
    let path = world.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_signs_in_with_its_secret_and_asks_once_for_all_when_the_token_ends() {
    let secret = ClientProof::Secret(Secret::new("s".to_owned()));
    let (world, authority, server) = set(secret, &["client_secret_basic"]).await;
    let book = &world.book;
    let account = book.sign_in_machine(&server, None, Machine::Client, None).await.unwrap();
    assert_eq!((account.kind, account.name.as_str()), (AccountKind::Client, "program"));
    let seen = &authority.site.asked("/token")[0];
    let form = seen.form();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!((form["scope"].as_str(), form["resource"].clone()), ("read", authority.endpoint()));
    let basic = format!("Basic {}", STANDARD.encode("robot:s"));
    assert_eq!(seen.header("authorization"), Some(basic.as_str()));

    let world = world.restarted();
    world.pass(600);
    let all = (0..20).map(|_| {
        let (book, id) = (world.book.clone(), account.id.clone());
        tokio::spawn(async move { bearer(&book.proof(&id, None).await.unwrap()) })
    });
    for proof in futures::future::join_all(all).await {
        assert_eq!(proof.unwrap(), "Bearer t");
    }
    assert_eq!(authority.site.asked("/token").len(), 2);
    // Signing in once more is the same account.
    let again = world.book.sign_in_machine(&server, None, Machine::Client, None).await.unwrap();
    assert_eq!(again.id, account.id);
}

#[tokio::test]
async fn a_client_proves_itself_with_a_key_to_its_issuer_only_and_never_twice_the_same() {
    // RFC 7523 §3
    let (pem, public) = key();
    let proof = ClientProof::Key {
        pem: Secret::new(pem),
        algorithm: Some("ES256".to_owned()),
        kid: Some("k-1".to_owned()),
    };
    let (world, authority, server) = set(proof, &["private_key_jwt"]).await;
    let book = &world.book;
    let account = book.sign_in_machine(&server, None, Machine::Client, None).await.unwrap();
    let world = world.restarted();
    world.pass(600);
    world.book.proof(&account.id, None).await.unwrap();
    let mut seen = Vec::new();
    for request in authority.site.asked("/token") {
        let form = request.form();
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        let assertion = &form["client_assertion"];
        assert!(is_signed_by(assertion, &public));
        let (head, claims) = read(assertion);
        assert_eq!(head["kid"], json!("k-1"));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("robot"), &json!("robot")));
        assert_eq!(claims["aud"], json!(authority.site.base));
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=300).contains(&life), "{life}");
        seen.push(claims["jti"].clone());
    }
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_key_that_is_made_here_shows_its_public_part_only() {
    let (world, _, server) = set(ClientProof::None, &["private_key_jwt"]).await;
    let public = world.book.set_client(&server, "robot", ClientProof::NewKey).await.unwrap();
    let public = public.unwrap();
    assert_eq!((&public["kty"], &public["use"]), (&json!("EC"), &json!("sig")));
    assert_eq!(public.get("d"), None);
    assert!(public["kid"].is_string());
}

#[tokio::test]
async fn without_a_client_of_its_own_a_program_gets_nothing() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let told = world.book.sign_in_machine(&server, None, Machine::Client, None).await;
    assert!(matches!(told, Err(AccountError::NoOwnClient { .. })), "{told:?}");
    assert!(authority.site.asked("/register").is_empty());
    assert!(authority.site.asked("/token").is_empty());
}

#[tokio::test]
async fn a_workload_reads_its_token_anew_each_time() {
    let (world, authority, server) = set(ClientProof::None, &["none"]).await;
    let token = |number: i64| {
        let ends = world.clock_now().0 / 1000 + 3600;
        made(&json!({"aud": authority.site.base, "exp": ends, "jti": number}))
    };
    let path = file(&world, "token", &token(1));
    let workload = Machine::Workload { token_file: path };
    let book = &world.book;
    let account = book.sign_in_machine(&server, None, workload, None).await.unwrap();
    assert_eq!(account.kind, AccountKind::Workload);
    file(&world, "token", &format!("{}\n", token(2)));
    world.pass(600);
    world.book.proof(&account.id, None).await.unwrap();
    let asked = authority.site.asked("/token");
    for (number, seen) in asked.iter().enumerate() {
        let form = seen.form();
        assert_eq!(form["grant_type"], JWT_BEARER);
        let (_, claims) = read(&form["assertion"]);
        assert_eq!(claims["jti"], json!(number + 1));
    }
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn an_assertion_for_somebody_else_is_never_sent() {
    let (world, authority, server) = set(ClientProof::None, &["none"]).await;
    let now = world.clock_now().0 / 1000;
    let base = &authority.site.base;
    for (text, reason) in [
        (made(&json!({"aud": base, "exp": now})), "expired"),
        (made(&json!({ "aud": base })), "expired"),
        (made(&json!({"aud": "https://else.example", "exp": now + 60})), "somebody else"),
        (made(&json!({ "exp": now + 60 })), "somebody else"),
        (["-----BEGIN OPENSSH PRIVATE", "KEY-----\nx"].join(" "), "no signed token"),
        ("x".repeat(70_000), "too large"),
    ] {
        let path = file(&world, "token", &text);
        let workload = Machine::Workload { token_file: path };
        let told = world.book.sign_in_machine(&server, None, workload, None).await;
        assert!(
            matches!(&told, Err(AccountError::BadAssertion { reason: said, .. })
            if said.contains(reason)),
            "{reason}: {told:?}"
        );
    }
    let gone = Machine::Workload { token_file: world.dir.path().join("nowhere") };
    let told = world.book.sign_in_machine(&server, None, gone, None).await;
    assert!(matches!(told, Err(AccountError::BadAssertion { .. })), "{told:?}");
    assert!(authority.site.asked("/token").is_empty());
}

#[tokio::test]
async fn what_refused_a_program_is_not_asked_again_until_the_person_has_looked() {
    // SEP-1933: no retry, no other grant.
    let secret = ClientProof::Secret(Secret::new("s".to_owned()));
    let (world, authority, server) = set(secret, &["client_secret_post"]).await;
    let book = &world.book;
    let account = book.sign_in_machine(&server, None, Machine::Client, None).await.unwrap();
    authority.site.fixed("/token", refused("invalid_scope"));
    world.pass(600);
    for _ in 0..3 {
        assert!(world.book.proof(&account.id, None).await.is_err());
    }
    assert_eq!(authority.site.asked("/token").len(), 2);
    assert_eq!(world.state(&account), AccountState::NeedsSignIn);
}

/// An identity provider that vouches for whoever comes with an ID token.
async fn provider() -> Site {
    let site = Site::open().await;
    let metadata = json!({"issuer": site.base, "token_endpoint": site.url("/token")});
    site.fixed(META, Reply::json(200, &metadata));
    let vouched = json!({
        "access_token": "vouched",
        "token_type": "N_A",
        "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
    });
    site.fixed("/token", Reply::json(200, &vouched));
    site
}

#[tokio::test]
async fn an_enterprises_provider_vouches_for_the_person_at_the_servers_issuer() {
    // SEP-990
    let secret = ClientProof::Secret(Secret::new("s".to_owned()));
    let (world, authority, server) = set(secret, &["client_secret_basic"]).await;
    let provider = provider().await;
    let now = world.clock_now().0 / 1000;
    let token = |issuer: &str, audience: &str| {
        made(&json!({"iss": issuer, "aud": audience, "exp": now + 9000, "sub": "7",
            "email": "ada@example.org"}))
    };
    let wish = |path: PathBuf| Machine::Enterprise {
        issuer: provider.base.clone(),
        client_id: "at-idp".to_owned(),
        client_secret: None,
        id_token_file: path,
    };
    for wrong in [token("https://else.example", "at-idp"), token(&provider.base, "another")] {
        let path = file(&world, "id", &wrong);
        let told = world.book.sign_in_machine(&server, None, wish(path), None).await;
        assert!(matches!(told, Err(AccountError::BadAssertion { .. })), "{told:?}");
    }
    assert!(provider.asked("/token").is_empty());

    let id_token = token(&provider.base, "at-idp");
    let path = file(&world, "id", &id_token);
    let book = &world.book;
    let account = book.sign_in_machine(&server, None, wish(path), None).await.unwrap();
    assert_eq!((account.name.as_str(), account.kind), ("ada@example.org", AccountKind::Enterprise));
    let traded = provider.asked("/token")[0].form();
    assert_eq!(traded["subject_token"], id_token);
    assert_eq!(
        (&traded["audience"], &traded["resource"]),
        (&authority.site.base, &server.endpoint)
    );
    assert_eq!(traded["client_id"], "at-idp");
    let used = authority.site.asked("/token")[0].form();
    assert_eq!((used["grant_type"].as_str(), used["assertion"].as_str()), (JWT_BEARER, "vouched"));
    // The ID token stays with its provider.
    let body = String::from_utf8_lossy(&authority.site.asked("/token")[0].body).into_owned();
    assert!(!body.contains(&id_token[..30]), "{body}");
    world.pass(600);
    world.book.proof(&account.id, None).await.unwrap();
    assert_eq!((provider.asked("/token").len(), authority.site.asked("/token").len()), (2, 2));
}

#[tokio::test]
async fn another_kind_of_token_than_was_asked_for_is_no_vouching() {
    let secret = ClientProof::Secret(Secret::new("s".to_owned()));
    let (world, authority, server) = set(secret, &["client_secret_basic"]).await;
    let provider = provider().await;
    let other = json!({"access_token": "x", "token_type": "Bearer",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"});
    provider.fixed("/token", Reply::json(200, &other));
    let claims = json!({"iss": provider.base, "aud": "c", "exp": world.clock_now().0});
    let wish = Machine::Enterprise {
        issuer: provider.base.clone(),
        client_id: "c".to_owned(),
        client_secret: None,
        id_token_file: file(&world, "id", &made(&claims)),
    };
    let told = world.book.sign_in_machine(&server, None, wish, None).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");
    assert!(authority.site.asked("/token").is_empty());
}
