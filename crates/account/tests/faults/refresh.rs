//! Refreshes that are lost, refused or answered oddly; clocks that jump; files that were put back.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::authority::refused;
use crate::row::{Gone, Row, play, refresh, sign_out};
use crate::site::Reply;
use crate::stage::Stage;
use crate::world::bearer;

const AGAIN: &str = "sign in to server-0 again: it no longer accepts what is stored";

pub fn rows() -> Vec<Row> {
    [rotations(), answers(), times(), files()].into_iter().flatten().collect()
}

fn rotations() -> Vec<Row> {
    [losses(), families()].into_iter().flatten().collect()
}

fn losses() -> Vec<Row> {
    vec![
        Row::new(
            ("a rotated token whose answer was lost, and is given again", "refresh"),
            "CA-38, CA-42",
            "127.0.0.1 cannot be reached now (it answered 502); try again later, nothing was lost; then: goes on with Bearer access-2",
            play(|s| Box::pin(lost(s, true))),
        ),
        Row::new(
            ("a rotated token whose answer was lost for good", "refresh"),
            "CA-38, CA-42",
            "127.0.0.1 cannot be reached now (it answered 502); try again later, nothing was lost; then: sign in to server-0 again: it no longer accepts what is stored",
            play(|s| Box::pin(lost(s, false))),
        )
        .losing(Gone::SignIn),
    ]
}

fn families() -> Vec<Row> {
    vec![
        Row::new(
            ("a refresh without rotation", "refresh"),
            "CA-38",
            "goes on with Bearer again; the second time with refresh-1",
            play(|s| {
                Box::pin(async move {
                    let same = json!({"access_token": "again", "token_type": "Bearer", "expires_in": 3600});
                    s.authority.site.fixed("/token", Reply::json(200, &same));
                    s.world.pass(3600);
                    let heard = s.used().await;
                    s.world.pass(3600);
                    s.used().await;
                    let asked = s.authority.site.asked("/token");
                    let second = asked.get(2).map(|seen| seen.form()["refresh_token"].clone());
                    format!("{heard}; the second time with {}", second.unwrap_or_default())
                })
            }),
        ),
        Row::new(
            ("reuse detection that ended the family", "refresh"),
            "CA-42",
            "sign in to server-0 again: it no longer accepts what is stored; asked once",
            play(|s| {
                Box::pin(async move {
                    s.authority.withdraw();
                    s.world.pass(3600);
                    let before = s.authority.site.asked("/token").len();
                    let heard = s.used().await;
                    s.used().await;
                    let asked = s.authority.site.asked("/token").len() - before;
                    format!(
                        "{heard}; asked {}",
                        if asked == 1 { "once" } else { "again and again" }
                    )
                })
            }),
        )
        .losing(Gone::SignIn),
        Row::new(
            ("no refresh token at all", "refresh"),
            "CA-38",
            AGAIN,
            play(|s| {
                Box::pin(async move {
                    s.authority.also(json!({"refresh_token": null, "expires_in": 100}));
                    let again = Some(s.account.id.clone());
                    let sign_in = s.world.book.start_sign_in(&s.server, again, &[]).await.unwrap();
                    s.world.finish(&s.authority, &sign_in).await.unwrap();
                    // The earlier refresh token is of another sign-in: it does not stay.
                    s.world.pass(3600);
                    s.used().await
                })
            }),
        )
        .losing(Gone::SignIn),
    ]
}

/// The authorization server rotates, and its answer never arrives; `lenient` ones take the old token once more.
async fn lost(s: &Stage, lenient: bool) -> String {
    let good = s.authority.clone();
    let first = AtomicBool::new(true);
    s.authority.site.route("/token", move |seen| {
        if first.swap(false, Ordering::SeqCst) {
            if !lenient {
                good.token(seen);
            }
            return Reply::status(502);
        }
        good.token(seen)
    });
    s.world.pass(3600);
    let heard = s.used().await;
    format!("{heard}; then: {}", s.used().await)
}

fn answers() -> Vec<Row> {
    let busy = |code: &str| {
        let code = code.to_owned();
        refresh(move |s| {
            s.authority.site.fixed("/token", Reply::json(400, &json!({"error": code})));
        })
    };
    vec![
        Row::new(
            ("an authorization server that asks to come again", "refresh"),
            "RFC 6749 §4.1.2.1",
            "the authorization server cannot be reached now (temporarily_unavailable); try again later, nothing was lost",
            busy("temporarily_unavailable"),
        ),
        Row::new(
            ("a refusal that is not about the token", "refresh"),
            "RFC 6749 §5.2",
            "{base} refused to issue a token (invalid_scope)",
            busy("invalid_scope"),
        ),
        Row::new(
            ("a refresh ahead of time that fails", "refresh"),
            "CA-38",
            "goes on with Bearer access-1",
            play(|s| {
                Box::pin(async move {
                    s.authority.site.fixed("/token", refused("server_is_on_fire"));
                    s.world.pass(3600 - 30);
                    s.used().await
                })
            }),
        ),
        Row::new(
            ("no revocation is offered", "revocation"),
            "RFC 7009",
            "The server offers no revocation: the access token expires at 2027-01-15T09:00:00Z.",
            sign_out(|s| s.authority.metadata(json!({"revocation_endpoint": null}))),
        )
        .losing(Gone::SignIn),
        Row::new(
            ("only the refresh token can be revoked", "revocation"),
            "RFC 7009 §2.2.1",
            "The sign-in was revoked at the server; the access token expires at 2027-01-15T09:00:00Z.",
            sign_out(|s| {
                s.authority.site.route("/revoke", |seen| match seen.form()["token_type_hint"].as_str() {
                    "refresh_token" => Reply::status(200),
                    _ => Reply::json(400, &json!({"error": "unsupported_token_type"})),
                });
            }),
        )
        .losing(Gone::SignIn),
    ]
}

fn times() -> Vec<Row> {
    vec![
        Row::new(
            ("a clock that was set back by a year", "clock"),
            "CA-38",
            "goes on with Bearer access-1; refused by the server, it goes on with Bearer access-2",
            play(|s| {
                Box::pin(async move {
                    s.world.pass(-365 * 86_400);
                    let heard = s.used().await;
                    // The server's clock is right: the token is over there.
                    let old = s.world.book.proof(&s.account.id, None).await.unwrap();
                    let new = s.world.book.proof(&s.account.id, Some(&old)).await.unwrap();
                    let heard =
                        format!("{heard}; refused by the server, it goes on with {}", bearer(&new));
                    s.world.pass(365 * 86_400);
                    heard
                })
            }),
        ),
        Row::new(
            ("a machine that slept for a month", "clock"),
            "CA-38",
            "goes on with Bearer access-2",
            refresh(|s| s.world.pass(30 * 86_400)),
        ),
        Row::new(
            ("a clock that runs ten years ahead", "clock"),
            "CA-38",
            "goes on with Bearer access-2; back again: goes on with Bearer access-2",
            play(|s| {
                Box::pin(async move {
                    s.world.pass(3650 * 86_400);
                    let heard = s.used().await;
                    s.world.pass(-3650 * 86_400);
                    format!("{heard}; back again: {}", s.used().await)
                })
            }),
        ),
    ]
}

fn files() -> Vec<Row> {
    vec![
        Row::new(
            ("sealed tokens that were put back", "data folder"),
            "CA-42",
            "what is stored for this account does not open: it was changed or put back; sign in again",
            play(|s| {
                Box::pin(async move {
                    let old =
                        s.world.store.secret(s.account.id.as_str(), "tokens").unwrap().unwrap();
                    s.world.pass(3600);
                    s.used().await;
                    let new =
                        s.world.store.secret(s.account.id.as_str(), "tokens").unwrap().unwrap();
                    s.world.store.put_secret(s.account.id.as_str(), "tokens", &old).unwrap();
                    let heard = s.used().await;
                    s.world.store.put_secret(s.account.id.as_str(), "tokens", &new).unwrap();
                    heard
                })
            }),
        ),
        Row::new(
            ("sealed tokens that were moved to another account", "data folder"),
            "CA-41, CA-42",
            "what is stored for this account does not open: it was changed or put back; sign in again",
            play(|s| {
                Box::pin(async move {
                    let other = s.world.sign_in(&s.authority, &s.server).await.unwrap();
                    let own =
                        s.world.store.secret(s.account.id.as_str(), "tokens").unwrap().unwrap();
                    let theirs =
                        s.world.store.secret(other.id.as_str(), "tokens").unwrap().unwrap();
                    s.world.store.put_secret(s.account.id.as_str(), "tokens", &theirs).unwrap();
                    let heard = s.used().await;
                    s.world.store.put_secret(s.account.id.as_str(), "tokens", &own).unwrap();
                    heard
                })
            }),
        ),
    ]
}
