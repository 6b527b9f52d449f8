//! What a browser brings back, or somebody who pretends to be one.

use serde_json::json;

use crate::authority::{Authority, query};
use crate::row::{Row, browser, play};
use crate::stage::{Stage, told};
use crate::world::{browse, visit};

const FOREIGN: &str = "the answer does not come from {base}; nothing was signed in";
const STILL_OPEN: &str = "the page is no open sign-in; then: signed in as account-2 for read";

pub fn rows() -> Vec<Row> {
    [issuers(), states(), doors()].into_iter().flatten().collect()
}

fn issuers() -> Vec<Row> {
    [senders(), mixed_up()].into_iter().flatten().collect()
}

fn senders() -> Vec<Row> {
    vec![
        Row::new(
            ("an answer from another issuer", "callback"),
            "CA-28, CA-29",
            FOREIGN,
            browser(|s, _, answer| {
                answer.insert("iss".to_owned(), format!("{}/", s.authority.site.base));
            }),
        ),
        Row::new(
            ("an answer that should name its issuer and does not", "callback"),
            "CA-28",
            FOREIGN,
            play(|s| {
                Box::pin(async move {
                    let promised = json!({"authorization_response_iss_parameter_supported": true});
                    s.authority.metadata(promised);
                    told(s.world.sign_in(&s.authority, &s.server).await)
                })
            }),
        ),
        Row::new(
            ("a refusal from another issuer", "callback"),
            "CA-30",
            FOREIGN,
            browser(|s, _, answer| {
                answer.remove("code");
                answer.insert("iss".to_owned(), s.elsewhere.base.clone());
                answer.insert("error".to_owned(), "access_denied".to_owned());
                answer.insert("error_description".to_owned(), "call 555-1234".to_owned());
            }),
        ),
    ]
}

fn mixed_up() -> Vec<Row> {
    vec![
        Row::new(
            ("a mix-up of two authorization servers", "callback"),
            "CA-27, B-13",
            "the answer does not come from {else}; nothing was signed in; 0 codes arrived",
            play(|s| Box::pin(mix_up(s))),
        ),
        Row::new(
            ("two issuers in one answer", "callback"),
            "CA-28",
            STILL_OPEN,
            play(|s| {
                Box::pin(async move {
                    let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
                    let answer = s.authority.approve(&sign_in);
                    let (base, state) = (&s.authority.site.base, &answer["state"]);
                    let twice = format!(
                        "{}?code={}&state={state}&iss={base}&iss=https://evil.example",
                        sign_in.redirect, answer["code"]
                    );
                    let (status, _, page) = visit(&twice).await;
                    assert!(status == 400 && page.contains("not an open sign-in"), "{page}");
                    let good = s.authority.approve(&sign_in);
                    browse(&sign_in, &good).await;
                    let heard = told(s.world.book.wait_sign_in(&sign_in.id).await);
                    format!("the page is no open sign-in; then: {heard}")
                })
            }),
        ),
    ]
}

/// The attacker's authorization server sends the browser to the honest one, and waits for the code at its own endpoint.
async fn mix_up(s: &Stage) -> String {
    let (attacker, honest) = (Authority::at(s.elsewhere.clone()), &s.authority);
    attacker.metadata(json!({"authorization_endpoint": honest.site.url("/authorize")}));
    honest.resource(json!({"authorization_servers": [attacker.site.base]}));
    let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
    let mut answer = honest.approve(&sign_in);
    answer.insert("iss".to_owned(), honest.site.base.clone());
    browse(&sign_in, &answer).await;
    let heard = told(s.world.book.wait_sign_in(&sign_in.id).await);
    let codes = attacker.site.asked("/token").len();
    s.elsewhere.forget();
    format!("{heard}; {codes} codes arrived")
}

fn states() -> Vec<Row> {
    [wrong_states(), contradictions(), people()].into_iter().flatten().collect()
}

fn wrong_states() -> Vec<Row> {
    vec![
        Row::new(
            ("a wrong state", "callback"),
            "CA-26",
            STILL_OPEN,
            browser(|_, _, answer| {
                answer.insert("state".to_owned(), "guess".to_owned());
            }),
        ),
        Row::new(
            ("no state", "callback"),
            "CA-26",
            STILL_OPEN,
            browser(|_, _, answer| {
                answer.remove("state");
            }),
        ),
        Row::new(
            ("the state of an earlier sign-in", "callback"),
            "CA-26, P-06",
            STILL_OPEN,
            play(|s| {
                Box::pin(async move {
                    let early = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
                    s.world.book.cancel_sign_in(&early.id);
                    let _ = s.world.book.wait_sign_in(&early.id).await;
                    let now = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
                    let answer = s.authority.approve(&early);
                    s.come_back(&now, &answer).await
                })
            }),
        ),
    ]
}

fn contradictions() -> Vec<Row> {
    vec![
        Row::new(
            ("neither a code nor an error", "callback"),
            "RFC 6749 §4.1.2",
            STILL_OPEN,
            browser(|_, _, answer| {
                answer.remove("code");
            }),
        ),
        Row::new(
            ("a code and an error at once", "callback"),
            "RFC 6749 §4.1.2",
            STILL_OPEN,
            browser(|_, _, answer| {
                answer.insert("error".to_owned(), "access_denied".to_owned());
            }),
        ),
        Row::new(
            ("a code that was spent already", "code exchange"),
            "RFC 6749 §4.1.2",
            "{base} refused to issue a token (invalid_grant: because[31m of it)",
            browser(|_, _, answer| {
                answer.insert("code".to_owned(), "code-0".to_owned());
            }),
        ),
        Row::new(
            ("the browser comes back twice", "callback"),
            "B-17",
            "signed in as account-2 for read; the second page: not an open sign-in or closed; 1 exchange",
            play(|s| Box::pin(twice(s))),
        ),
        Row::new(
            ("a refusal in hostile letters", "callback"),
            "B-12",
            "{base} did not sign you in (access_denied: <script>pay[31m</script>)",
            play(|s| {
                Box::pin(async move {
                    let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
                    let mut answer = s.authority.approve(&sign_in);
                    answer.remove("code");
                    answer.insert("error".to_owned(), "access_denied".to_owned());
                    let said = "<script>pay\u{1b}[31m\u{202e}</script>\r\n";
                    answer.insert("error_description".to_owned(), said.to_owned());
                    let heard = s.come_back(&sign_in, &answer).await;
                    assert!(!s.page.lock().unwrap().contains("<script"), "the page runs it");
                    heard
                })
            }),
        ),
    ]
}

fn people() -> Vec<Row> {
    vec![
        Row::new(
            ("somebody else signs in", "code exchange"),
            "CA-41",
            "you signed in as bob@example.org, but this account is ada@example.org; sign in as ada@example.org, or add bob@example.org as a new account; 2 tokens given back",
            play(|s| Box::pin(somebody_else(s))),
        ),
        Row::new(
            ("a machine that slept over a sign-in", "callback"),
            "P-06",
            "nobody finished the sign-in within 10 minutes; start it again",
            browser(|s, _, _| s.world.pass(600)),
        ),
        Row::new(
            ("a server that was removed meanwhile", "callback"),
            "CA-41",
            "there is no such server; it may have been removed; 2 tokens given back",
            play(|s| {
                Box::pin(async move {
                    let server = s.world.server(&s.authority.endpoint());
                    let sign_in = s.world.book.start_sign_in(&server, None, &[]).await.unwrap();
                    s.world.store.remove_server(&server.id).unwrap();
                    let heard = told(s.world.finish(&s.authority, &sign_in).await);
                    format!(
                        "{heard}; {} tokens given back",
                        s.authority.site.asked("/revoke").len()
                    )
                })
            }),
        ),
    ]
}

async fn twice(s: &Stage) -> String {
    let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
    let answer = s.authority.approve(&sign_in);
    let before = s.authority.site.asked("/token").len();
    let url = url::Url::parse_with_params(&sign_in.redirect, &answer).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (one, two) = tokio::join!(client.get(url.clone()).send(), client.get(url).send());
    let good = [one, two].into_iter().flatten().filter(|page| page.status() == 200).count();
    assert_eq!(good, 1, "one page is good");
    let heard = told(s.world.book.wait_sign_in(&sign_in.id).await);
    let exchanges = s.authority.site.asked("/token").len() - before;
    format!("{heard}; the second page: not an open sign-in or closed; {exchanges} exchange")
}

async fn somebody_else(s: &Stage) -> String {
    // {"sub":"7","email":"ada@example.org"}, then {"sub":"8","email":"bob@example.org"}
    let ada = "e30.eyJzdWIiOiI3IiwiZW1haWwiOiJhZGFAZXhhbXBsZS5vcmcifQ.x";
    let bob = "e30.eyJzdWIiOiI4IiwiZW1haWwiOiJib2JAZXhhbXBsZS5vcmcifQ.x";
    s.authority.also(json!({"id_token": ada}));
    let account = s.world.sign_in(&s.authority, &s.server).await.unwrap();
    s.authority.also(json!({"id_token": bob}));
    let again = s.world.book.start_sign_in(&s.server, Some(account.id), &[]).await.unwrap();
    let heard = told(s.world.finish(&s.authority, &again).await);
    format!("{heard}; {} tokens given back", s.authority.site.asked("/revoke").len())
}

/// One request to the door of an open sign-in that is not the browser's; it changes nothing.
fn door(
    cause: &'static str,
    rule: &'static str,
    due: &str,
    change: fn(reqwest::Client, &str) -> reqwest::RequestBuilder,
) -> Row {
    let told_due = format!("status {due}; then: signed in as account-2 for read");
    let act = play(move |s| {
        Box::pin(async move {
            let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
            let state = query(&sign_in.url)["state"].clone();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("{}?code=stolen&state={state}", sign_in.redirect);
            let status = change(client, &url).send().await.map_or(0, |page| page.status().as_u16());
            // Turned away while the request is still being sent: the answer may not arrive.
            let status = if status == 431 { 0 } else { status };
            let heard = told(s.world.finish(&s.authority, &sign_in).await);
            format!("status {status}; then: {heard}")
        })
    });
    Row::new((cause, "callback"), rule, &told_due, act)
}

fn doors() -> Vec<Row> {
    vec![
        door("a name that was bound anew to this machine", "B-17", "404", |client, url| {
            client.get(url).header("host", "evil.example")
        }),
        door("a page elsewhere that fetches the callback", "B-17", "404", |client, url| {
            client.get(url).header("origin", "https://evil.example")
        }),
        door("a form that is sent to the callback", "B-17", "405", |client, url| client.post(url)),
        door("another path of the callback", "B-17", "404", |client, url| {
            client.get(url.replace("/callback", "/callback/../callback/x"))
        }),
        door("a callback of fifty thousand letters", "B-17", "0", |client, url| {
            client.get(format!("{url}&more={}", "x".repeat(50_000)))
        }),
        Row::new(
            ("idle connections that block the callback", "callback"),
            "B-17",
            "signed in as account-2 for read",
            play(|s| Box::pin(idle(s))),
        ),
    ]
}

/// More connections than the door admits, on which nothing is ever said: they are ended, and the browser gets in.
async fn idle(s: &Stage) -> String {
    let sign_in = s.world.book.start_sign_in(&s.server, None, &[]).await.unwrap();
    let address = sign_in.redirect.trim_start_matches("http://").trim_end_matches("/callback");
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let answer = s.authority.approve(&sign_in);
    let mut url = url::Url::parse(&sign_in.redirect).unwrap();
    url.query_pairs_mut().extend_pairs(&answer);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    tokio::time::pause();
    let mut seconds = 0;
    while client.get(url.clone()).send().await.is_err() {
        seconds += 1;
        assert!(seconds < 60, "nobody gets in");
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
    }
    tokio::time::resume();
    told(s.world.book.wait_sign_in(&sign_in.id).await)
}
