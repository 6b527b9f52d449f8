//! Registrations that are not what was asked for, or end.

use serde_json::{Value, json};

use crate::authority::query;
use crate::row::{Gone, Row, fresh, play, refresh};
use crate::site::Reply;
use crate::stage::{Stage, told};

fn refused(cause: &'static str, reply: Value, said: &str) -> Row {
    let told =
        format!("{{base}} refused to register Prokura ({said}); enter a client of your own for it");
    let act = fresh(move |s| s.authority.site.fixed("/register", Reply::json(201, &reply)));
    Row::new((cause, "registration"), "CA-18, CA-23", &told, act)
}

pub fn rows() -> Vec<Row> {
    [refusals(), letters(), ends()].into_iter().flatten().collect()
}

fn refusals() -> Vec<Row> {
    vec![
        refused(
            "a registration for another redirect address",
            json!({"client_id": "x", "redirect_uris": ["https://evil.example/callback"]}),
            "it did not accept the redirect address of this machine",
        ),
        refused(
            "a registration with a proof that nobody has",
            json!({"client_id": "x", "token_endpoint_auth_method": "tls_client_auth"}),
            "it wants clients to prove themselves in a way Prokura cannot",
        ),
        refused(
            "a client secret that is wanted and not issued",
            json!({"client_id": "x", "token_endpoint_auth_method": "client_secret_basic"}),
            "it issued no client secret, but wants one",
        ),
        refused(
            "a client id that is none",
            json!({"client_id": "x\r\nX-Evil: 1"}),
            "a client id is 1 to 2048 printable characters",
        ),
    ]
}

fn letters() -> Vec<Row> {
    vec![
        Row::new(
            ("a refusal in hostile letters", "registration"),
            "CA-18, B-12",
            "{base} refused to register Prokura (invalid_client_metadata: pay[31m evil.example); enter a client of your own for it",
            fresh(|s| {
                let said = json!({"error": "invalid_client_metadata",
                    "error_description": "pay\u{1b}[31m \u{202e}evil\u{200b}.example\r\n"});
                s.authority.site.fixed("/register", Reply::json(400, &said));
            }),
        ),
        Row::new(
            ("a registration that leads to another place", "registration"),
            "B-04",
            "{base} refused to register Prokura (it gave no reason); enter a client of your own for it",
            fresh(|s| {
                let to = s.elsewhere.url("/register");
                s.authority.site.fixed("/register", Reply::status(307).with("location", to));
            }),
        ),
        Row::new(
            ("nobody registers programs here", "server metadata"),
            "CA-10, CA-11",
            "{base} registers no programs by itself: create a client there with the redirect address of this machine and enter its id",
            play(|s| {
                Box::pin(async move {
                    s.authority.metadata(json!({"registration_endpoint": null}));
                    let server = s.world.server(&s.authority.endpoint());
                    let heard = told(s.world.sign_in(&s.authority, &server).await);
                    let redirect = s.world.book.redirect_address(&server).await.unwrap();
                    heard.replace(&redirect, "of this machine")
                })
            }),
        ),
    ]
}

fn ends() -> Vec<Row> {
    vec![
        Row::new(
            ("a client that is no longer known", "refresh"),
            "CA-19",
            "sign in to server-0 again: it no longer accepts what is stored",
            refresh(|s| {
                let dead = Reply::json(401, &json!({"error": "invalid_client"}));
                s.authority.site.fixed("/token", dead);
            }),
        )
        .losing(Gone::Registration),
        Row::new(
            ("a client secret that has expired", "registration"),
            "CA-18",
            "signed in as account for read; registered 2 times",
            play(|s| Box::pin(expired_secret(s))),
        ),
        Row::new(
            ("a redirect port that another program took", "redirect"),
            "B-17",
            "registered 2 times; another port: true; signed in as account-2 for read",
            play(|s| Box::pin(taken_port(s))),
        )
        .losing(Gone::Registration),
    ]
}

async fn expired_secret(s: &Stage) -> String {
    let methods = json!({"token_endpoint_auth_methods_supported": ["client_secret_basic"]});
    s.authority.metadata(methods);
    let ends = s.world.clock_now().0 / 1000 + 60;
    let registered =
        json!({"client_id": "c", "client_secret": "hush-hush", "client_secret_expires_at": ends});
    s.authority.site.fixed("/register", Reply::json(201, &registered));
    let server = s.world.server(&s.authority.endpoint());
    let before = s.authority.site.asked("/register").len();
    let first = s.world.book.start_sign_in(&server, None, &[]).await.unwrap();
    s.world.book.cancel_sign_in(&first.id);
    let _ = s.world.book.wait_sign_in(&first.id).await;
    s.world.pass(61);
    let heard = told(s.world.sign_in(&s.authority, &server).await);
    let registered = s.authority.site.asked("/register").len() - before;
    format!("{heard}; registered {registered} times")
}

async fn taken_port(s: &Stage) -> String {
    let before = s.world.book.redirect_address(&s.server).await.unwrap();
    let address = before.trim_start_matches("http://").trim_end_matches("/callback").to_owned();
    let taken = loop {
        match tokio::net::TcpListener::bind(&address).await {
            Ok(taken) => break taken,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
    let asked = query(&sign_in.url)["redirect_uri"].clone();
    let heard = told(s.world.finish(&s.authority, &sign_in).await);
    drop(taken);
    let registered = s.authority.site.asked("/register").len();
    format!("registered {registered} times; another port: {}; {heard}", asked != before)
}
