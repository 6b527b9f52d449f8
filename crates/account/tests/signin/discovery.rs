//! Finding out where to sign in: every way that is allowed, and nothing else.

use prokura_account::{Access, AccountError};
use serde_json::json;

use crate::authority::{Authority, META, PRM, query};
use crate::site::{Reply, Site};
use crate::world::World;

const ROOT: &str = "/.well-known/oauth-protected-resource";

async fn discovered(world: &World, authority: &Authority) -> String {
    let server = world.server(&authority.endpoint());
    match world.book.probe(&server).await {
        Ok(Access::Oauth(found)) => format!("{} {}", found.resource, found.scopes.join(" ")),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn metadata_comes_from_the_challenge_else_below_the_path_else_from_the_root() {
    // CA-01, CA-02, CA-03
    let (world, authority) = (World::new(), Authority::open().await);
    let site = &authority.site;
    let say = |resource: &str| {
        let document = json!({"resource": resource, "authorization_servers": [site.base]});
        Reply::json(200, &document)
    };
    site.fixed("/elsewhere", say(&authority.endpoint()));
    site.fixed(PRM, say(&format!("{}/", authority.endpoint())));
    site.fixed(ROOT, say(&site.base));

    authority.challenge(&format!(r#"Bearer resource_metadata="{}""#, site.url("/elsewhere")));
    assert_eq!(discovered(&world, &authority).await, format!("{} ", authority.endpoint()));
    authority.challenge("Bearer");
    assert_eq!(discovered(&world, &authority).await, format!("{}/ ", authority.endpoint()));
    site.gone(PRM);
    assert_eq!(discovered(&world, &authority).await, format!("{} ", site.base));
    // A page of a web application is no document.
    site.fixed(PRM, Reply { body: b"<!doctype html>".to_vec(), ..Reply::status(200) });
    assert_eq!(discovered(&world, &authority).await, format!("{} ", site.base));
}

#[tokio::test]
async fn a_document_that_the_challenge_names_must_be_there() {
    // CA-03
    let (world, authority) = (World::new(), Authority::open().await);
    let missing = authority.site.url("/missing");
    authority.challenge(&format!(r#"Bearer resource_metadata="{missing}""#));
    let told = discovered(&world, &authority).await;
    assert!(told.starts_with("Err(BadMetadata"), "{told}");
}

#[tokio::test]
async fn an_endpoint_is_open_or_wants_a_key_when_it_names_no_authorization_server() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    authority.site.gone(PRM);
    authority.challenge("Bearer");
    assert_eq!(world.book.probe(&server).await.unwrap(), Access::Key);
    let sign_in = world.book.start_sign_in(&server, None, &[]).await;
    assert!(matches!(sign_in, Err(AccountError::NoAuthorization { .. })), "{sign_in:?}");
    // CA-01: metadata of an authorization server at the same origin is no way in.
    assert!(authority.site.asked(META).is_empty());
    authority.site.fixed("/mcp", Reply::json(200, &json!({})));
    assert_eq!(world.book.probe(&server).await.unwrap(), Access::Open);
    authority.site.fixed("/mcp", Reply::status(400));
    assert_eq!(world.book.probe(&server).await.unwrap(), Access::Open);
    authority.site.fixed("/mcp", Reply::status(503));
    let told = world.book.probe(&server).await;
    assert!(matches!(told, Err(AccountError::Unreachable { .. })), "{told:?}");
    authority.site.fixed("/mcp", Reply::status(308).with("location", "https://evil.example/"));
    let told = world.book.probe(&server).await;
    assert!(matches!(told, Err(AccountError::Forbidden(_))), "{told:?}");
}

#[tokio::test]
async fn a_resource_that_is_not_the_endpoint_is_refused_wherever_it_is_found() {
    // RFC 9728 §3.3, promise 1
    for resource in ["https://evil.example/mcp", "BASE/other", "BASE/mcp/deeper", "BASE/mc"] {
        for challenge in ["Bearer", "named"] {
            let (world, authority) = (World::new(), Authority::open().await);
            authority.resource(json!({"resource": resource.replace("BASE", &authority.site.base)}));
            if challenge == "Bearer" {
                authority.challenge(challenge);
            }
            let server = world.server(&authority.endpoint());
            let told = world.book.start_sign_in(&server, None, &[]).await;
            assert!(matches!(told, Err(AccountError::ResourceMismatch { .. })), "{told:?}");
            assert!(authority.site.asked(META).is_empty(), "{resource}");
        }
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_trusted_starts_no_sign_in() {
    let table = [
        // CA-25
        (json!({"code_challenge_methods_supported": null}), "NoPkce"),
        (json!({"code_challenge_methods_supported": ["plain"]}), "NoPkce"),
        // CA-07
        (json!({"issuer": "https://evil.example"}), "IssuerMismatch"),
        (json!({"issuer": "BASE/"}), "IssuerMismatch"),
        (json!({"issuer": null}), "BadMetadata"),
        // CA-09, B-02, B-09
        (json!({"authorization_endpoint": "http://as.example/authorize"}), "Forbidden"),
        (json!({"authorization_endpoint": "javascript:alert(1)"}), "Forbidden"),
        (json!({"authorization_endpoint": "file:///etc/passwd"}), "Forbidden"),
        (json!({"authorization_endpoint": "ms-settings:x"}), "Forbidden"),
        (json!({"authorization_endpoint": "https://bank.example@evil.example/"}), "Forbidden"),
        (json!({"token_endpoint": "http://as.example/token"}), "Forbidden"),
        (json!({"token_endpoint": "https://192.168.1.1/token"}), "Forbidden"),
        (json!({"token_endpoint": "https://169.254.169.254/token"}), "Forbidden"),
        (json!({"token_endpoint": "https://[::ffff:10.0.0.1]/token"}), "Forbidden"),
        (json!({"token_endpoint": "BASE/token#x"}), "BadMetadata"),
        (json!({"registration_endpoint": "http://as.example/register"}), "Forbidden"),
        (json!({"revocation_endpoint": "http://as.example/revoke"}), "Forbidden"),
        (json!({"token_endpoint": null}), "BadMetadata"),
        (json!({"response_types_supported": ["token"]}), "BadMetadata"),
        (json!({"authorization_response_iss_parameter_supported": "yes"}), "BadMetadata"),
    ];
    for (changes, expected) in table {
        let (world, authority) = (World::new(), Authority::open().await);
        let changes = changes.to_string().replace("BASE", &authority.site.base);
        authority.metadata(serde_json::from_str(&changes).unwrap());
        let server = world.server(&authority.endpoint());
        let told = format!("{:?}", world.book.start_sign_in(&server, None, &[]).await);
        assert!(told.starts_with(&format!("Err({expected}")), "{changes}: {told}");
        assert!(authority.site.asked("/register").is_empty(), "{changes}");
        assert_eq!(world.kinds(), ["account.sign_in_failed"], "{changes}");
    }
}

#[tokio::test]
async fn metadata_is_found_at_every_place_an_issuer_may_keep_it() {
    // CA-05, CA-06
    let places = [
        ("", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/openid-configuration"),
        ("/t/one", "/.well-known/oauth-authorization-server/t/one"),
        ("/t/one", "/.well-known/openid-configuration/t/one"),
        ("/t/one", "/t/one/.well-known/openid-configuration"),
    ];
    for (path, place) in places {
        let (world, authority) = (World::new(), Authority::open().await);
        let issuer = authority.site.url(path);
        let mut document = authority.usual_metadata();
        document["issuer"] = json!(issuer);
        authority.site.gone(META);
        authority.site.fixed(place, Reply::json(200, &document));
        authority.resource(json!({"authorization_servers": [issuer]}));
        let (_, account) = world.signed_in(&authority).await;
        assert_eq!(account.issuer, Some(issuer), "{place}");
    }
}

#[tokio::test]
async fn documents_follow_redirects_within_their_origin_only() {
    // B-04
    let (world, authority) = (World::new(), Authority::open().await);
    let other = Site::open().await;
    let document = json!({
        "resource": authority.endpoint(), "authorization_servers": [authority.site.base]
    });
    for site in [&authority.site, &other] {
        site.fixed("/moved", Reply::json(200, &document));
    }
    authority.site.fixed(PRM, Reply::status(302).with("location", "/moved"));
    assert_eq!(discovered(&world, &authority).await, format!("{} read", authority.endpoint()));
    authority.site.fixed(PRM, Reply::status(302).with("location", other.url("/moved")));
    let told = discovered(&world, &authority).await;
    assert!(told.starts_with("Err(Forbidden"), "{told}");
    assert!(other.asked("/moved").is_empty());
    authority.site.fixed(PRM, Reply::status(302).with("location", PRM));
    let told = discovered(&world, &authority).await;
    assert!(told.starts_with("Err(Forbidden"), "{told}");
}

#[tokio::test]
async fn an_oversized_document_is_refused() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.site.fixed(PRM, Reply { body: vec![b' '; 1024 * 1024 + 1], ..Reply::status(200) });
    let told = discovered(&world, &authority).await;
    assert!(told.starts_with("Err(Forbidden(TooLarge"), "{told}");
}

#[tokio::test]
async fn a_server_elsewhere_cannot_point_at_this_machine_or_the_network_around_it() {
    // B-01, B-03: nothing is sent, because the endpoint itself may not be used.
    let world = World::new();
    for endpoint in ["http://mcp.example/mcp", "http://10.0.0.1/mcp", "https://[fe80::1]/mcp"] {
        let told = world.book.probe(&world.server(endpoint)).await;
        assert!(matches!(told, Err(AccountError::Forbidden(_))), "{endpoint}: {told:?}");
    }
    let told = world.book.probe(&world.server("not a url")).await;
    assert!(matches!(told, Err(AccountError::BadEndpoint(_))), "{told:?}");
}

#[tokio::test]
async fn the_first_scopes_are_the_challenged_ones_else_all_listed_else_none() {
    // CA-33, CA-36
    let named =
        |site: &Site, more: &str| format!(r#"Bearer resource_metadata="{}"{more}"#, site.url(PRM));
    let table = [
        (r#", scope="a b""#, json!({}), json!({}), Some("a b")),
        ("", json!({}), json!({}), Some("read write")),
        ("", json!({"scopes_supported": null}), json!({"scopes_supported": ["x"]}), None),
        (
            "",
            json!({}),
            json!({"scopes_supported": ["offline_access"]}),
            Some("read write offline_access"),
        ),
        (
            "",
            json!({"scopes_supported": null}),
            json!({"scopes_supported": ["offline_access"]}),
            None,
        ),
    ];
    for (more, resource, metadata, expected) in table {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.challenge(&named(&authority.site, more));
        authority.resource(resource.clone());
        authority.metadata(metadata.clone());
        let server = world.server(&authority.endpoint());
        let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
        let asked = query(&sign_in.url);
        let case = format!("{more} {resource} {metadata}");
        assert_eq!(asked.get("scope").map(String::as_str), expected, "{case}");
        let offline = expected.is_some_and(|scope| scope.contains("offline_access"));
        assert_eq!(asked.contains_key("prompt"), offline, "{case}");
    }
}
