//! Signing in where the browser is elsewhere: on another device, or at the other end of a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prokura_account::{AccountError, Wish};
use serde_json::json;

use crate::authority::{Authority, query, refused};
use crate::site::Reply;
use crate::world::{World, bearer};

async fn offering() -> Authority {
    let authority = Authority::open().await;
    authority.metadata(json!({
        "device_authorization_endpoint": authority.site.url("/device"),
    }));
    let begun = json!({
        "device_code": "secret-of-this-side",
        "user_code": "WDJB-MJHT",
        "verification_uri": authority.site.url("/enter"),
        "verification_uri_complete": authority.site.url("/enter?code=WDJB-MJHT"),
        "expires_in": 600,
        "interval": 0,
    });
    authority.site.fixed("/device", Reply::json(200, &begun));
    authority
}

fn by_device() -> Wish {
    Wish { device: true, ..Wish::default() }
}

#[tokio::test]
async fn a_code_that_is_entered_elsewhere_signs_in_here() {
    // RFC 8628
    let (world, authority) = (World::new(), offering().await);
    let server = world.server(&authority.endpoint());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = count.clone();
    authority.site.route("/token", move |seen| {
        let form = seen.form();
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
        assert_eq!(form["device_code"], "secret-of-this-side");
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => refused("authorization_pending"),
            _ => Reply::json(200, &json!({"access_token": "t", "token_type": "Bearer"})),
        }
    });
    let sign_in = world.book.begin_sign_in(&server, by_device()).await.unwrap();
    let code = sign_in.device.clone().unwrap();
    assert_eq!((code.code.as_str(), code.page), ("WDJB-MJHT", authority.site.url("/enter")));
    assert_eq!(sign_in.url, authority.site.url("/enter?code=WDJB-MJHT"));
    let form = authority.site.asked("/device")[0].form();
    assert_eq!((form["scope"].as_str(), form["resource"].clone()), ("read", authority.endpoint()));
    let wish = authority.site.asked("/register")[0].json();
    assert!(wish["grant_types"].as_array().unwrap().len() == 3, "{wish}");
    let account = world.book.wait_sign_in(&sign_in.id).await.unwrap();
    assert_eq!(bearer(&world.book.proof(&account.id, None).await.unwrap()), "Bearer t");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_code_is_waited_for_ten_minutes_at_most_whatever_the_issuer_says() {
    for (said, most) in [(4_000_000_000u64, 600), (0, 1)] {
        let (world, authority) = (World::new(), offering().await);
        let begun = json!({
            "device_code": "secret-of-this-side",
            "user_code": "WDJB-MJHT",
            "verification_uri": authority.site.url("/enter"),
            "expires_in": said,
        });
        authority.site.fixed("/device", Reply::json(200, &begun));
        let server = world.server(&authority.endpoint());
        let sign_in = world.book.begin_sign_in(&server, by_device()).await.unwrap();
        assert_eq!(sign_in.expires_at.millis_since(world.clock_now()), most * 1000);
    }
}

#[tokio::test]
async fn a_code_that_is_refused_or_runs_out_is_told_so() {
    for (error, is_denied) in [("access_denied", true), ("expired_token", false)] {
        let (world, authority) = (World::new(), offering().await);
        let server = world.server(&authority.endpoint());
        authority.site.fixed("/token", refused(error));
        let sign_in = world.book.begin_sign_in(&server, by_device()).await.unwrap();
        let told = world.book.wait_sign_in(&sign_in.id).await;
        match told {
            Err(AccountError::Denied { .. }) => assert!(is_denied),
            Err(AccountError::Expired) => assert!(!is_denied),
            other => panic!("{error}: {other:?}"),
        }
        assert_eq!(authority.site.asked("/token").len(), 1);
    }
}

#[tokio::test]
async fn a_page_that_no_browser_should_open_is_not_shown() {
    let (world, authority) = (World::new(), offering().await);
    let server = world.server(&authority.endpoint());
    for page in ["javascript:alert(1)", "file:///etc/passwd", "http://192.0.2.1/enter"] {
        let begun = json!({"device_code": "d", "user_code": "u", "verification_uri": page,
            "expires_in": 600});
        authority.site.fixed("/device", Reply::json(200, &begun));
        assert!(world.book.begin_sign_in(&server, by_device()).await.is_err(), "{page}");
    }
}

#[tokio::test]
async fn without_an_offer_there_is_no_sign_in_on_another_device() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let told = world.book.begin_sign_in(&server, by_device()).await;
    assert!(matches!(told, Err(AccountError::BadMetadata { .. })), "{told:?}");
}

#[tokio::test]
async fn the_address_that_a_browser_elsewhere_ended_at_can_be_pasted_once() {
    let (world, authority) = (World::new(), Authority::open().await);
    let server = world.server(&authority.endpoint());
    let sign_in = world.book.start_sign_in(&server, None, &[]).await.unwrap();
    let good = authority.approve(&sign_in);
    let mut address = url::Url::parse(&sign_in.redirect).unwrap();
    address.query_pairs_mut().extend_pairs(&good);
    let state = &query(&sign_in.url)["state"];
    for bad in [
        String::new(),
        "what?".to_owned(),
        sign_in.redirect.clone(),
        address.as_str().replace(state.as_str(), "another"),
        address.as_str().replace("/callback", "/callback/more"),
        address.as_str().replace("127.0.0.1", "localhost"),
        format!("{address}&code=again"),
    ] {
        let told = world.book.paste_sign_in(&sign_in.id, &bad);
        assert!(matches!(told, Err(AccountError::BadPaste(_))), "{bad}: {told:?}");
    }
    world.book.paste_sign_in(&sign_in.id, &format!(" {address}\n")).unwrap();
    let account = world.book.wait_sign_in(&sign_in.id).await.unwrap();
    assert!(world.book.proof(&account.id, None).await.is_ok());
    assert!(world.book.paste_sign_in(&sign_in.id, address.as_str()).is_err());
}
