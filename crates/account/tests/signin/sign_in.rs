//! The way of one sign-in, and what is turned away on it.

use std::collections::HashMap;

use http::Method;
use prokura_account::AccountError;
use prokura_domain::{AccountKind, AccountState, Change};
use serde_json::json;

use crate::authority::{Authority, query, refused};
use crate::site::Reply;
use crate::world::{World, bearer, browse, visit};

#[tokio::test]
async fn a_person_signs_in_and_the_token_is_bound_to_the_resource() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.also(json!({"expires_in": "3600", "id_token": ID_TOKEN}));
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();

    let asked = query(&sign_in.url);
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "registered");
    assert_eq!(asked["code_challenge_method"], "S256"); // CA-24
    assert_eq!(asked["resource"], authority.endpoint()); // CA-31, CA-32
    assert_eq!(asked["scope"], "read"); // CA-33
    assert_eq!(asked["redirect_uri"], sign_in.redirect);
    assert_eq!(asked["state"].len(), 43); // CA-26

    let (status, headers, page) = browse(&sign_in, &authority.approve(&sign_in)).await;
    assert_eq!(status, 200);
    assert!(page.contains("You are signed in") && page.contains("ada@example.org"), "{page}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !page.contains("<script"), "{policy}");
    assert_eq!(headers["cache-control"], "no-store");

    let account = world.book.wait_sign_in(&sign_in.id).await.unwrap();
    assert_eq!((account.name.as_str(), account.kind), ("ada@example.org", AccountKind::Oauth));
    assert_eq!(account.subject.as_deref(), Some("7"));
    assert_eq!(account.issuer.as_deref(), Some(authority.site.base.as_str()));
    assert_eq!(account.resource, Some(authority.endpoint()));
    assert_eq!(account.scopes, ["read"]);
    assert_eq!(account.expires_at, Some(world.clock_now().plus_seconds(3600)));
    assert_eq!(world.store.server(&server.id).unwrap().unwrap().resource, account.resource);

    let form = authority.site.asked("/token")[0].form();
    assert_eq!(form["resource"], authority.endpoint()); // CA-31
    assert_eq!(form["redirect_uri"], sign_in.redirect);
    let proof = world.book.proof(&account.id, None).await.unwrap();
    assert_eq!(proof.header().unwrap().0, "authorization"); // CA-39
    assert_eq!(bearer(&proof), "Bearer access-1");
    assert_eq!(format!("{proof:?}").matches("access-1").count(), 0);

    assert_eq!(world.kinds(), ["token.issued", "account.signed_in"]);
    assert!(world.changes.lock().unwrap().contains(&Change::Accounts));
}

/// `{"sub":"7","email":"ada@example.org"}`
const ID_TOKEN: &str = "e30.eyJzdWIiOiI3IiwiZW1haWwiOiJhZGFAZXhhbXBsZS5vcmcifQ.x";
/// `{"sub":"8","email":"bob@example.org"}`
const OTHER_ID_TOKEN: &str = "e30.eyJzdWIiOiI4IiwiZW1haWwiOiJib2JAZXhhbXBsZS5vcmcifQ.x";

#[tokio::test]
async fn registration_says_what_a_native_program_is() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let wish = authority.site.asked("/register")[0].json();
    assert_eq!(
        wish,
        json!({
            "client_name": "Prokura",
            "redirect_uris": [sign_in.redirect], // CA-23
            "grant_types": ["authorization_code", "refresh_token"], // CA-37
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native", // CA-17
        })
    );
    assert!(sign_in.redirect.starts_with("http://127.0.0.1:"), "{}", sign_in.redirect);
    assert!(sign_in.redirect.ends_with("/callback"), "{}", sign_in.redirect);
}

#[tokio::test]
async fn everybody_who_waits_shares_one_sign_in() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let (one, two) = tokio::join!(
        world.book.start_sign_in(&server, None, &[]),
        world.book.start_sign_in(&server, None, &[])
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two);
    assert_eq!(authority.site.asked("/register").len(), 1);
    let (first, second, _) =
        tokio::join!(world.book.wait_sign_in(&one.id), world.book.wait_sign_in(&two.id), async {
            browse(&one, &authority.approve(&one)).await
        });
    assert_eq!(first.unwrap().id, second.unwrap().id);
    // Waiting again afterwards gives the same answer; unknown ones give none.
    assert!(world.book.wait_sign_in(&one.id).await.is_ok());
    assert!(matches!(world.book.wait_sign_in("sgn_x").await, Err(AccountError::NoSignIn)));
}

#[tokio::test]
async fn a_wrong_state_changes_nothing_and_the_right_one_works_once() {
    // CA-26, B-17, P-06
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let right = authority.approve(&sign_in);
    let with = |name: &str, value: Option<&str>| {
        let mut changed = right.clone();
        match value {
            Some(value) => changed.insert(name.to_owned(), value.to_owned()),
            None => changed.remove(name),
        };
        changed
    };
    for wrong in [with("state", Some("guess")), with("state", None), with("code", None)] {
        let (status, _, page) = browse(&sign_in, &wrong).await;
        assert_eq!(status, 400, "{wrong:?}");
        assert!(page.contains("not an open sign-in"), "{page}");
    }
    let lie = HashMap::from([("error".to_owned(), "access_denied".to_owned())]);
    assert_eq!(browse(&sign_in, &lie).await.0, 400);
    assert!(authority.site.asked("/token").is_empty());
    assert_eq!(browse(&sign_in, &right).await.0, 200);
    assert!(world.book.wait_sign_in(&sign_in.id).await.is_ok());
    assert_eq!(authority.site.asked("/token").len(), 1);
}

#[tokio::test]
async fn the_door_answers_one_path_one_host_and_get_only() {
    // B-17
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let state = query(&sign_in.url)["state"].clone();
    let here = sign_in.redirect.clone();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = format!("?code=c&state={state}");
    for path in ["/callback/", "/callback/x", "/Callback", "/", "/favicon.ico"] {
        let url = here.replace("/callback", path) + &answer;
        assert_eq!(visit(&url).await.0, 404, "{path}");
    }
    let rebound = client.get(format!("{here}{answer}")).header("host", "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), 404);
    for method in [Method::POST, Method::HEAD, Method::OPTIONS] {
        let request = client.request(method, format!("{here}{answer}"));
        assert_eq!(request.send().await.unwrap().status(), 405);
    }
    assert!(authority.site.asked("/token").is_empty());
    assert!(world.finish(&authority, &sign_in).await.is_ok());
}

#[tokio::test]
async fn the_issuer_of_an_answer_is_checked_before_anything_of_it_is_used() {
    // CA-28, CA-29, CA-30
    let foreign = Some("https://evil.example");
    let table: [(bool, Option<&str>, bool); 6] = [
        (true, Some("own"), true),
        (false, Some("own"), true),
        (false, None, true),
        (true, None, false),
        (true, foreign, false),
        (false, foreign, false),
    ];
    for (promised, iss, accepted) in table {
        for is_error in [false, true] {
            let (world, authority) = (World::new(), Authority::open().await);
            authority.metadata(json!({"authorization_response_iss_parameter_supported": promised}));
            let server = world.server(&authority.endpoint());
            let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
            let mut answer = authority.approve(&sign_in);
            if is_error {
                answer.remove("code");
                answer.insert("error".to_owned(), "access_denied".to_owned());
                answer.insert("error_description".to_owned(), "call 555-1234".to_owned());
            }
            if let Some(iss) = iss {
                let iss = if iss == "own" { authority.site.base.as_str() } else { iss };
                answer.insert("iss".to_owned(), iss.to_owned());
            }
            let (_, _, page) = browse(&sign_in, &answer).await;
            let outcome = world.book.wait_sign_in(&sign_in.id).await;
            let case = format!("promised {promised}, iss {iss:?}, error {is_error}: {outcome:?}");
            let asked = authority.site.asked("/token").len();
            match (accepted, is_error) {
                (true, false) => assert!(outcome.is_ok() && asked == 1, "{case}"),
                (true, true) => {
                    assert!(matches!(outcome, Err(AccountError::Denied { .. })), "{case}");
                    assert!(page.contains("555-1234"), "{case}");
                }
                (false, _) => {
                    assert!(matches!(outcome, Err(AccountError::IssuerMismatch { .. })), "{case}");
                    assert!(!page.contains("555-1234") && !page.contains("evil"), "{case}");
                    assert_eq!(asked, 0, "{case}");
                    assert_eq!(world.kinds(), ["account.sign_in_failed"], "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_misbehaves_signs_nobody_in() {
    let thief = crate::site::Site::open().await;
    thief.fixed("/token", Reply::json(200, &json!({"access_token": "x", "token_type": "Bearer"})));
    let good = json!({"access_token": "a", "token_type": "Bearer"});
    let table = [
        // B-04: a redirect of a token request is never followed.
        (Reply::status(307).with("location", thief.url("/token")), "Refused"),
        (Reply::json(200, &json!({"access_token": "a", "token_type": "mac"})), "Refused"),
        (Reply::json(200, &json!({"token_type": "Bearer"})), "Refused"),
        (Reply::json(200, &json!({"access_token": "a b\n", "token_type": "Bearer"})), "Refused"),
        (Reply::json(200, &json!({"error": "bad_verification_code"})), "Refused"),
        (Reply::json(400, &json!({"error": "invalid_request"})), "Refused"),
        (Reply { body: vec![b' '; 1024 * 1024 + 1], ..Reply::json(200, &good) }, "Forbidden"),
        (Reply::status(503), "Unreachable"),
    ];
    for (reply, expected) in table {
        let (world, authority) = (World::new(), Authority::open().await);
        authority.site.fixed("/token", reply.clone());
        let server = world.server(&authority.endpoint());
        let outcome = world.sign_in(&authority, &server).await;
        let told = format!("{outcome:?}");
        assert!(told.starts_with(&format!("Err({expected}")), "{}: {told}", reply.status);
        assert!(world.store.accounts(&server.id).unwrap().is_empty(), "{told}");
    }
    assert!(thief.asked("/token").is_empty());
}

#[tokio::test]
async fn what_a_server_says_is_shown_without_control_characters() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.site.fixed("/token", refused("<b>no"));
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let (_, _, page) = browse(&sign_in, &authority.approve(&sign_in)).await;
    assert!(page.contains("&lt;b&gt;no: because[31m of it") && !page.contains('\u{1b}'), "{page}");
}

#[tokio::test]
async fn a_cancelled_sign_in_is_told_and_its_port_is_closed() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    world.book.cancel_sign_in(&sign_in.id);
    let outcome = world.book.wait_sign_in(&sign_in.id).await;
    assert!(matches!(outcome, Err(AccountError::Cancelled)), "{outcome:?}");
    let again = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    assert_ne!(again.id, sign_in.id);
    let late = authority.approve(&sign_in);
    assert_eq!(browse(&again, &late).await.0, 400, "an old state at the new door");
    assert!(world.finish(&authority, &again).await.is_ok());
}

#[tokio::test]
async fn nobody_can_finish_a_sign_in_after_ten_minutes() {
    // P-06
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(599)).await;
    assert_eq!(world.book.start_sign_in(&server, None, &[]).await.unwrap(), sign_in);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    let outcome = world.book.wait_sign_in(&sign_in.id).await;
    assert!(matches!(outcome, Err(AccountError::Expired)), "{outcome:?}");
    tokio::time::resume();
    let url = url::Url::parse(&sign_in.redirect).unwrap();
    let port = url.port().unwrap();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_machine_that_slept_over_a_sign_in_does_not_finish_it() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    world.pass(600);
    let outcome = world.finish(&authority, &sign_in).await;
    assert!(matches!(outcome, Err(AccountError::Expired)), "{outcome:?}");
    assert!(authority.site.asked("/token").is_empty());
}

#[tokio::test]
async fn an_account_of_another_server_cannot_be_signed_in_here() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (_, account) = world.signed_in(&authority).await;
    let other = world.server(&authority.endpoint());
    let told = world.book.start_sign_in(&other, Some(account.id), &[]).await;
    assert!(matches!(told, Err(AccountError::NoAccount)), "{told:?}");
}

#[tokio::test]
async fn signing_in_again_as_the_same_person_updates_the_account() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.also(json!({"id_token": ID_TOKEN}));
    let (server, first) = world.signed_in(&authority).await;
    let second = world.sign_in(&authority, &server).await.unwrap();
    assert_eq!(first.id, second.id);
    authority.also(json!({"id_token": OTHER_ID_TOKEN}));
    let other = world.sign_in(&authority, &server).await.unwrap();
    assert_ne!(other.id, first.id);
    assert_eq!(other.name, "bob@example.org");
}

#[tokio::test]
async fn another_person_never_takes_over_an_account() {
    let (world, authority) = (World::new(), Authority::open().await);
    authority.also(json!({"id_token": ID_TOKEN}));
    let (server, ada) = world.signed_in(&authority).await;
    authority.also(json!({"id_token": OTHER_ID_TOKEN}));
    let again = world.book.start_sign_in(&server, Some(ada.id.clone()), &[]).await.unwrap();
    let outcome = world.finish(&authority, &again).await;
    assert!(
        matches!(&outcome, Err(AccountError::AnotherIdentity { expected, got })
        if expected == "ada@example.org" && got == "bob@example.org"),
        "{outcome:?}"
    );
    let proof = world.book.proof(&ada.id, None).await.unwrap();
    assert_eq!(bearer(&proof), "Bearer access-1");
    let revoked: Vec<String> =
        authority.site.asked("/revoke").iter().map(|seen| seen.form()["token"].clone()).collect();
    assert_eq!(revoked, ["refresh-2", "access-2"], "what is not kept is given back");
}

#[tokio::test]
async fn without_a_subject_a_new_sign_in_is_a_new_account_unless_one_waits_for_it() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, first) = world.signed_in(&authority).await;
    let second = world.sign_in(&authority, &server).await.unwrap();
    assert_eq!((first.name.as_str(), second.name.as_str()), ("account", "account-2"));
    world.store.remove_account(&second.id).unwrap();
    world.book.sign_out(&first.id).await.unwrap();
    let third = world.sign_in(&authority, &server).await.unwrap();
    assert_eq!(third.id, first.id);
    assert_eq!(world.state(&third), AccountState::SignedIn);
}

#[tokio::test]
async fn a_second_sign_in_for_another_account_has_to_wait() {
    let (world, authority) = (World::new(), Authority::open().await);
    let (server, account) = world.signed_in(&authority).await;
    let open = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let other = world.book.start_sign_in(&server, Some(account.id), &[]).await;
    assert!(matches!(other, Err(AccountError::Busy { .. })), "{other:?}");
    world.book.cancel_sign_in(&open.id);
}

#[tokio::test]
async fn a_server_removed_meanwhile_gets_no_account() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    world.store.remove_server(&server.id).unwrap();
    let outcome = world.finish(&authority, &sign_in).await;
    assert!(matches!(outcome, Err(AccountError::NoServer)), "{outcome:?}");
    assert_eq!(authority.site.asked("/revoke").len(), 2);
}

#[tokio::test]
async fn a_request_is_left_beforehand_where_that_is_offered() {
    // RFC 9126
    let (world, authority) = (World::new(), Authority::open().await);
    authority.metadata(json!({
        "pushed_authorization_request_endpoint": authority.site.url("/par"),
        "require_pushed_authorization_requests": true,
    }));
    let server = world.server(&authority.endpoint());
    authority.site.fixed("/par", refused("invalid_scope"));
    let told = world.book.start_sign_in(&server, None, &[]).await;
    assert!(matches!(told, Err(AccountError::Refused { .. })), "{told:?}");

    let pushed = json!({"request_uri": "urn:ietf:params:oauth:request_uri:1", "expires_in": 60});
    authority.site.fixed("/par", Reply::json(201, &pushed));
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let shown = query(&sign_in.url);
    assert_eq!(shown["request_uri"], "urn:ietf:params:oauth:request_uri:1");
    assert_eq!((shown["client_id"].as_str(), shown.len()), ("registered", 2));
    let left = authority.site.asked("/par")[1].form();
    for name in ["state", "code_challenge", "redirect_uri", "resource", "scope", "client_id"] {
        assert!(left.contains_key(name), "{name}");
    }
}
