//! Token answers that are not what was asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::authority::refused;
use crate::row::{Row, fresh, play, refresh, sign_in};
use crate::site::Reply;
use crate::stage::{Stage, told};
use crate::world::bearer;

fn answered(cause: &'static str, rule: &'static str, extra: Value, due: &str) -> Row {
    let act = sign_in(move |s| s.authority.also(extra.clone()));
    Row::new((cause, "code exchange"), rule, due, act)
}

fn no_token(cause: &'static str, rule: &'static str, extra: Value, said: &str) -> Row {
    answered(cause, rule, extra, &format!("{{base}} refused to issue a token ({said})"))
}

/// A lifetime that is none: the token is used, and the tokens are whole a year later.
fn lifetime(cause: &'static str, expires_in: Value, due: &'static str) -> Row {
    let act = play(move |s| {
        let expires_in = expires_in.clone();
        Box::pin(async move {
            s.authority.also(json!({"expires_in": expires_in}));
            let account = s.world.sign_in(&s.authority, &s.server).await;
            let heard = told(account.clone());
            let Ok(account) = account else { return heard };
            s.world.pass(1800);
            let used = s.world.book.proof(&account.id, None).await;
            let used = used.map_or_else(|fault| fault.to_string(), |proof| bearer(&proof));
            format!("{heard}, until {:?}; {used}", account.expires_at.map(|at| at.to_string()))
        })
    });
    Row::new((cause, "code exchange"), "CA-38", due, act)
}

/// A token that says for whom it is.
fn for_whom(audience: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({"aud": [audience]}).to_string());
    format!("e30.{claims}.x")
}

pub fn rows() -> Vec<Row> {
    [kinds(), scopes(), lifetimes(), audiences()].into_iter().flatten().collect()
}

fn kinds() -> Vec<Row> {
    vec![
        no_token(
            "a token of another type",
            "CA-39",
            json!({"token_type": "mac"}),
            "its token is not a bearer token",
        ),
        no_token(
            "an answer without a token",
            "RFC 6749 §5.1",
            json!({"access_token": null}),
            "its answer is not one of a token endpoint",
        ),
        no_token(
            "a token that breaks the header",
            "CA-39",
            json!({"access_token": "a\r\nX-Evil: 1"}),
            "its token is not one",
        ),
        no_token(
            "a token of a hundred thousand letters",
            "B-01",
            json!({"access_token": "x".repeat(100_000)}),
            "its token is not one",
        ),
        Row::new(
            ("an error under status 200", "code exchange"),
            "RFC 6749 §5.2",
            "{base} refused to issue a token (bad_verification_code)",
            sign_in(|s| {
                s.authority
                    .site
                    .fixed("/token", Reply::json(200, &json!({"error": "bad_verification_code"})))
            }),
        ),
        Row::new(
            ("a token request that leads to another place", "code exchange"),
            "B-04, CA-41",
            "{base} refused to issue a token (its answer is not one of a token endpoint)",
            sign_in(|s| {
                let to = s.elsewhere.url("/token");
                s.authority.site.fixed("/token", Reply::status(307).with("location", to));
            }),
        ),
        Row::new(
            ("an error in hostile letters", "refresh"),
            "B-12",
            "{base} refused to issue a token (<b>no: because[31m of it)",
            refresh(|s| s.authority.site.fixed("/token", refused("<b>no"))),
        ),
        answered(
            "members that make no sense",
            "CA-38",
            json!({"scope": 7, "id_token": {"sub": "x"}, "refresh_token": ["r"]}),
            "signed in as account-2 for read",
        ),
    ]
}

fn scopes() -> Vec<Row> {
    vec![
        Row::new(
            ("fewer scopes than were asked for", "code exchange"),
            "CA-35",
            "signed in as account for read",
            fresh(|s| {
                s.authority.challenge(r#"Bearer scope="read write admin""#);
                s.authority.also(json!({"scope": "read"}));
            }),
        ),
        answered(
            "more scopes than were asked for",
            "CA-35, U-12",
            json!({"scope": "read admin"}),
            "signed in as account-2 for read admin",
        ),
        answered(
            "granted scopes that are none",
            "CA-33",
            json!({"scope": "re\"ad\u{7} read"}),
            "signed in as account-2 for read",
        ),
    ]
}

fn lifetimes() -> Vec<Row> {
    let unknown = "signed in as account-2 for read, until None; Bearer access-2";
    vec![
        lifetime("a token that expired before it was issued", json!(-3600), unknown),
        lifetime("a token that lives no second", json!(0), unknown),
        lifetime("a token that lives longer than the sun", json!(u64::MAX), unknown),
        lifetime("a lifetime that is no number", json!("soon"), unknown),
        lifetime(
            "a lifetime in quotes",
            json!("3600"),
            "signed in as account-2 for read, until Some(\"2027-01-15T09:00:00Z\"); Bearer access-2",
        ),
    ]
}

fn audiences() -> Vec<Row> {
    vec![
        Row::new(
            ("a token for another of the person's servers", "code exchange"),
            "CA-41",
            "{base} issued a token for server-1 instead; it was not kept, tell its operator",
            sign_in(|s| {
                s.world.server("https://other.example/mcp");
                s.authority.also(json!({"access_token": for_whom("https://other.example/mcp")}));
            }),
        ),
        Row::new(
            ("a token for another of the person's servers", "refresh"),
            "CA-41",
            "{base} issued a token for server-1 instead; it was not kept, tell its operator",
            refresh(|s| {
                s.world.server("https://other.example/mcp");
                s.authority.also(json!({"access_token": for_whom("https://other.example/mcp")}));
            }),
        ),
        Row::new(
            ("a token that its server refuses", "server"),
            "CA-04",
            "3 tokens for 3 refused requests",
            play(|s| Box::pin(never_accepted(s))),
        ),
    ]
}

/// The server refuses whatever is issued: each request renews once, and none goes round in circles.
async fn never_accepted(s: &Stage) -> String {
    let before = s.authority.site.asked("/token").len();
    for _ in 0..3 {
        let first = s.world.book.proof(&s.account.id, None).await.unwrap();
        s.world.book.proof(&s.account.id, Some(&first)).await.unwrap();
    }
    let asked = s.authority.site.asked("/token").len() - before;
    format!("{asked} tokens for 3 refused requests")
}
