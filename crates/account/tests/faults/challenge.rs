//! Challenges that try to be read as something else, and doors that are not there.

use crate::authority::PRM;
use crate::row::{Row, play, sign_in};
use crate::site::Reply;
use crate::stage::told;

fn misleading(cause: &'static str, challenge: &'static str) -> Row {
    // What cannot be read says nothing, and the well-known place is asked: the right one.
    let right = "signed in as account-2 for read write";
    let act = sign_in(move |s| s.authority.challenge(&s.filled(challenge)));
    Row::new((cause, "challenge"), "CA-04, RFC 9110", right, act)
}

pub fn rows() -> Vec<Row> {
    [grammar(), doors(), circles()].into_iter().flatten().collect()
}

fn grammar() -> Vec<Row> {
    vec![
        misleading(
            "a parameter inside of a quoted one",
            r#"Bearer realm="x\", resource_metadata=\"{else}/prm", x="y, resource_metadata={else}/prm""#,
        ),
        misleading(
            "a parameter that stands there twice",
            r#"Bearer resource_metadata="{base}/x", resource_metadata="{else}/prm""#,
        ),
        misleading("a quote that never ends", r#"Bearer resource_metadata="{else}/prm"#),
        misleading(
            "the parameters of another scheme",
            r#"Bearer, Basic resource_metadata="{else}/prm", Negotiate abc==, Digest resource_metadata="{else}/prm""#,
        ),
        Row::new(
            ("scopes that are none", "challenge"),
            "CA-33",
            "signed in as account-2 for read write",
            sign_in(|s| {
                let prm = s.authority.site.url(PRM);
                s.authority.challenge(&format!(
                    "Bearer resource_metadata=\"{prm}\", scope=\"re\\\"ad ad\\\\min\""
                ));
            }),
        ),
    ]
}

fn doors() -> Vec<Row> {
    vec![
        Row::new(
            ("a named document that is not there", "challenge"),
            "CA-03",
            "{base}/gone is not usable (there is no such document); ask the server's operator",
            sign_in(|s| {
                let gone = s.authority.site.url("/gone");
                s.authority.challenge(&format!(r#"Bearer resource_metadata="{gone}""#));
            }),
        ),
        Row::new(
            ("a door without a sign", "server"),
            "CA-01",
            "server-0 does not say where to sign in; if it takes a key, enter the key, else ask its operator",
            sign_in(|s| {
                s.authority.challenge("Bearer");
                s.authority.site.gone(PRM);
            }),
        ),
        Row::new(
            ("an endpoint that leads to another place", "server"),
            "B-04",
            "refused for safety: {base}/mcp: it redirects to another place; enter that address instead",
            sign_in(|s| {
                let to = s.elsewhere.url("/mcp");
                s.authority.site.fixed("/mcp", Reply::status(308).with("location", to));
            }),
        ),
    ]
}

fn circles() -> Vec<Row> {
    vec![
        Row::new(
            ("a server that is never satisfied", "step-up"),
            "CA-44",
            "server-0 still refuses after signing in again with admin; ask its operator for these rights; asked 2 times",
            play(|s| {
                Box::pin(async move {
                    let scopes = ["admin".to_owned()];
                    for round in 0..5 {
                        let again = Some(s.account.id.clone());
                        let sign_in =
                            match s.world.book.start_sign_in(&s.server, again, &scopes).await {
                                Ok(sign_in) => sign_in,
                                Err(fault) => return format!("{fault}; asked {round} times"),
                            };
                        let heard = told(s.world.finish(&s.authority, &sign_in).await);
                        assert!(heard.starts_with("signed in"), "{heard}");
                    }
                    String::new()
                })
            }),
        ),
        Row::new(
            ("a server whose address was changed", "server"),
            "CA-41",
            "the server at {else}/mcp presents itself as {resource}; a token for that could be misused, so nothing was signed in",
            play(|s| {
                Box::pin(async move {
                    let moved = prokura_domain::Server {
                        endpoint: s.elsewhere.url("/mcp"),
                        ..s.server.clone()
                    };
                    s.world.store.put_server(&moved).unwrap();
                    let heard = s.used().await;
                    let back = prokura_domain::Server {
                        resource: moved.resource.clone(),
                        ..s.server.clone()
                    };
                    s.world.store.put_server(&back).unwrap();
                    heard
                })
            }),
        ),
    ]
}
