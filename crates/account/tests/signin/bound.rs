//! Tokens that are bound to a key (RFC 9449).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prokura_account::{AccountError, Proof};
use prokura_domain::Account;
use serde_json::{Value, json};
use url::Url;

use crate::authority::{Authority, PRM, query};
use crate::jwt::{hash, is_signed_by, read, thumbprint};
use crate::site::{Reply, Seen};
use crate::world::World;

/// An authority whose resource takes bound tokens only.
async fn strict() -> Authority {
    let authority = Authority::open().await;
    let place = authority.site.url(PRM);
    authority.challenge(&format!(r#"DPoP algs="ES256", resource_metadata="{place}""#));
    authority.metadata(json!({"dpop_signing_alg_values_supported": ["ES256"]}));
    authority.also(json!({"token_type": "DPoP", "expires_in": 3600}));
    authority
}

fn headers(world: &World, proof: &Proof, url: &str) -> (String, String) {
    let all = world.book.headers(proof, "POST", &Url::parse(url).unwrap()).unwrap();
    let of = |name: &str| {
        let found = all.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.expose().to_owned()).unwrap_or_default()
    };
    (of("authorization"), of("dpop"))
}

/// The key and claims of a proof that is well-formed and signed by the key it shows.
fn checked(proof: &str) -> (Value, Value) {
    let (head, claims) = read(proof);
    assert_eq!((&head["typ"], &head["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert!(is_signed_by(proof, &head["jwk"]));
    assert_eq!(head["jwk"].as_object().unwrap().len(), 4, "nothing private: {head}");
    (head["jwk"].clone(), claims)
}

fn proof_of(seen: &Seen) -> (Value, Value) {
    checked(seen.header("dpop").unwrap())
}

#[tokio::test]
async fn a_server_that_takes_bound_tokens_only_gets_a_fresh_proof_with_every_request() {
    let (world, authority) = (World::new(), strict().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let asked = query(&sign_in.url);
    let account: Account = world.finish(&authority, &sign_in).await.unwrap();
    let (key, claims) = proof_of(&authority.site.asked("/token")[0]);
    assert_eq!(asked["dpop_jkt"], thumbprint(&key));
    assert_eq!(
        (&claims["htm"], &claims["htu"]),
        (&json!("POST"), &json!(authority.site.url("/token")))
    );
    assert_eq!(claims["iat"], json!(world.clock_now().0 / 1000));

    let world = world.restarted();
    let proof = world.book.proof(&account.id, None).await.unwrap();
    let endpoint = authority.endpoint();
    let (first, second) =
        (headers(&world, &proof, &endpoint), headers(&world, &proof, &format!("{endpoint}?a=1")));
    assert_eq!((first.0.as_str(), second.0.as_str()), ("DPoP access-1", "DPoP access-1"));
    let (shown, of_first) = checked(&first.1);
    let (_, of_second) = checked(&second.1);
    assert_eq!(shown, key, "the key the token is bound to");
    assert_ne!(of_first["jti"], of_second["jti"]);
    assert_eq!((&of_first["htu"], &of_second["htu"]), (&json!(endpoint), &json!(endpoint)));
    assert_eq!(of_first["ath"], json!(hash("access-1")));

    world.pass(3600);
    let proof = world.book.proof(&account.id, None).await.unwrap();
    assert_eq!(headers(&world, &proof, &endpoint).0, "DPoP access-2");
    assert_eq!(proof_of(&authority.site.asked("/token")[1]).0, key);
}

#[tokio::test]
async fn a_proof_is_made_for_the_servers_own_address_only() {
    let (world, authority) = (World::new(), strict().await);
    let (_, account) = world.signed_in(&authority).await;
    let proof = world.book.proof(&account.id, None).await.unwrap();
    let elsewhere = Url::parse("https://evil.example/mcp").unwrap();
    let told = world.book.headers(&proof, "POST", &elsewhere);
    assert!(matches!(told, Err(AccountError::ResourceMismatch { .. })), "{told:?}");
}

#[tokio::test]
async fn a_nonce_that_is_asked_for_is_given_once_and_kept_for_the_next_time() {
    let (world, authority) = (World::new(), strict().await);
    let own = authority.clone();
    authority.site.route("/token", move |seen| {
        let (_, claims) = proof_of(seen);
        if claims["nonce"] == json!("n-1") {
            return own.token(seen);
        }
        Reply::json(400, &json!({"error": "use_dpop_nonce"})).with("dpop-nonce", "n-1")
    });
    let (_, account) = world.signed_in(&authority).await;
    assert_eq!(authority.site.asked("/token").len(), 2);
    world.pass(3600);
    world.book.proof(&account.id, None).await.unwrap();
    assert_eq!(authority.site.asked("/token").len(), 3);
}

#[tokio::test]
async fn a_server_that_is_never_content_with_a_nonce_is_asked_twice_at_most() {
    let (world, authority) = (World::new(), strict().await);
    let (server, count) = (world.server(&authority.endpoint()), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    authority.site.route("/token", move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        Reply::json(400, &json!({"error": "use_dpop_nonce"}))
            .with("dpop-nonce", format!("n{number}"))
    });
    let told = world.sign_in(&authority, &server).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_servers_own_nonce_is_heard_and_the_request_sent_again_once() {
    let (world, authority) = (World::new(), strict().await);
    let (_, account) = world.signed_in(&authority).await;
    let proof = world.book.proof(&account.id, None).await.unwrap();
    let url = Url::parse(&authority.endpoint()).unwrap();
    let mut said = http::HeaderMap::new();
    let refusal = r#"DPoP error="use_dpop_nonce""#;
    said.insert("www-authenticate", refusal.parse().unwrap());
    assert!(!world.book.heard(&proof, &url, 401, &said), "without a nonce nothing would change");
    said.insert("dpop-nonce", "of-the-resource".parse().unwrap());
    assert!(!world.book.heard(&proof, &url, 403, &said));
    assert!(world.book.heard(&proof, &url, 401, &said));
    let (_, claims) = checked(&headers(&world, &proof, url.as_str()).1);
    assert_eq!(claims["nonce"], json!("of-the-resource"));
    world.pass(3600);
    world.book.proof(&account.id, None).await.unwrap();
    let (_, claims) = proof_of(authority.site.asked("/token").last().unwrap());
    assert_eq!(claims.get("nonce"), None, "the issuer has nonces of its own");
}

#[tokio::test]
async fn a_plain_token_instead_of_a_bound_one_is_refused_and_given_back() {
    let (world, authority) = (World::new(), strict().await);
    authority.also(json!({"token_type": "Bearer", "expires_in": 3600}));
    let server = world.server(&authority.endpoint());
    let told = world.sign_in(&authority, &server).await;
    assert!(
        matches!(&told, Err(AccountError::Refused { said, .. }) if said.contains("not bound")),
        "{told:?}"
    );
    assert!(world.store.accounts(&server.id).unwrap().is_empty());
}

#[tokio::test]
async fn an_account_whose_tokens_were_bound_is_not_talked_out_of_it() {
    let (world, authority) = (World::new(), strict().await);
    let (server, account) = world.signed_in(&authority).await;
    // Nobody speaks of keys any more.
    authority.challenge(&format!(r#"Bearer resource_metadata="{}""#, authority.site.url(PRM)));
    authority.metadata(json!({}));
    authority.also(json!({"token_type": "Bearer", "expires_in": 3600}));
    let id = Some(account.id.clone());
    let sign_in = world.book.start_sign_in(&server, id, &[]).await.unwrap();
    let told = world.finish(&authority, &sign_in).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");
    assert!(world.book.proof(&account.id, None).await.is_ok(), "what was there stays");
}

#[tokio::test]
async fn tokens_are_bound_where_both_sides_take_it_and_nowhere_else() {
    let table = [
        // resource, issuer, bound
        (json!({"dpop_signing_alg_values_supported": ["ES256"]}), true, true),
        (json!({"dpop_signing_alg_values_supported": ["ES256"]}), false, false),
        (json!({"dpop_bound_access_tokens_required": true}), false, true),
        (json!({}), true, false),
    ];
    for (resource, issuer, bound) in table {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.resource(resource.clone());
        if issuer {
            authority.metadata(json!({"dpop_signing_alg_values_supported": ["RS256", "ES256"]}));
        }
        let kind = if bound { "DPoP" } else { "Bearer" };
        authority.also(json!({ "token_type": kind }));
        world.signed_in(&authority).await;
        let seen = &authority.site.asked("/token")[0];
        assert_eq!(seen.header("dpop").is_some(), bound, "{resource} {issuer}");
    }
}

#[tokio::test]
async fn a_token_of_a_third_kind_is_refused_where_a_bound_one_was_asked_for() {
    let (world, authority) = (World::new(), strict().await);
    authority.also(json!({"token_type": "mac", "expires_in": 3600}));
    let server = world.server(&authority.endpoint());
    let told = world.sign_in(&authority, &server).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");
}
