//! The same trouble at every kind of request: an authorization server that breaks, hangs, babbles or never ends.

use serde_json::json;

use crate::rough::Manner;
use crate::row::{Act, Gone, Row, fresh, refresh, sign_in, sign_out};
use crate::site::Reply;
use crate::stage::Stage;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    Resource,
    Metadata,
    Registration,
    Token,
    Refresh,
    Revocation,
}

const LEGS: [Leg; 6] =
    [Leg::Resource, Leg::Metadata, Leg::Registration, Leg::Token, Leg::Refresh, Leg::Revocation];

impl Leg {
    fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource metadata",
            Self::Metadata => "server metadata",
            Self::Registration => "registration",
            Self::Token => "code exchange",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
        }
    }

    /// Sends this leg to `base`.
    fn lead(self, stage: &Stage, base: &str) {
        let authority = &stage.authority;
        match self {
            Self::Resource => {
                authority.challenge(&format!(r#"Bearer resource_metadata="{base}/x""#));
            }
            Self::Metadata => authority.resource(json!({"authorization_servers": [base]})),
            Self::Registration => authority.metadata(json!({"registration_endpoint": base})),
            Self::Token | Self::Refresh => authority.metadata(json!({"token_endpoint": base})),
            Self::Revocation => authority.metadata(json!({"revocation_endpoint": base})),
        }
    }

    fn act(self, prepare: impl Fn(&Stage) + Send + Sync + 'static) -> Act {
        match self {
            Self::Registration => fresh(prepare),
            Self::Refresh => refresh(prepare),
            Self::Revocation => sign_out(prepare),
            Self::Resource | Self::Metadata | Self::Token => sign_in(prepare),
        }
    }

    /// What the person is told of a trouble that was told as `told`.
    fn told(self, told: &str) -> String {
        match self {
            Self::Revocation => format!(
                "The tokens were forgotten here, but the server did not revoke them ({told}): the access token expires at \
                 2027-01-15T09:00:00Z."
            ),
            _ => told.to_owned(),
        }
    }

    fn row(self, cause: &'static str, told: &str, act: Act) -> Row {
        let row = Row::new((cause, self.name()), "B-01, CA-38", &self.told(told), act);
        if self == Self::Revocation { row.losing(Gone::SignIn) } else { row }
    }
}

/// Below HTTP, or without end: the same everywhere.
fn rough(cause: &'static str, manner: &Manner, told: &str) -> Vec<Row> {
    let rows = LEGS.into_iter().map(|leg| {
        let manner = manner.clone();
        leg.row(cause, told, leg.act(move |stage| leg.lead(stage, &stage.rough(manner.clone()))))
    });
    rows.collect()
}

fn passing(reason: &str) -> String {
    format!("127.0.0.1 cannot be reached now ({reason}); try again later, nothing was lost")
}

/// An answer of HTTP; told by leg, in the order of [`LEGS`].
fn replies(cause: &'static str, reply: &Reply, told: [&str; 6]) -> Vec<Row> {
    let rows = LEGS.into_iter().zip(told).map(|(leg, told)| {
        let reply = reply.clone();
        let act = leg.act(move |stage| {
            let site = &stage.authority.site;
            let paths = ["/x", "/x/", "/strange/.well-known/openid-configuration"];
            for path in paths.into_iter().chain([
                "/strange",
                "/.well-known/oauth-authorization-server/strange",
                "/.well-known/openid-configuration/strange",
                "/strange/x",
            ]) {
                site.fixed(path, reply.clone());
            }
            leg.lead(stage, &site.url("/strange"));
        });
        leg.row(cause, told, act)
    });
    rows.collect()
}

pub fn rows() -> Vec<Row> {
    [below_http(), statuses(), contents()].into_iter().flatten().collect()
}

fn below_http() -> Vec<Row> {
    let too_large =
        "refused for safety: the answer of 127.0.0.1 is larger than anything expected there";
    let cut = passing("end of file before message length reached");
    let gone = passing("connection closed before message completed");
    let mail = Manner::Say(b"220 mail.example ESMTP\r\n".to_vec());
    let table = [
        ("no answer", Manner::Hang, passing("no answer in time")),
        ("one byte a second", Manner::Drip, passing("no answer in time")),
        ("an answer that ends in the middle", Manner::Cut, cut),
        ("hangs up without a word", Manner::HangUp, gone),
        ("speaks something else than HTTP", mail, passing("invalid HTTP version parsed")),
        ("a head without end", Manner::HeadWithoutEnd, passing("message head is too large")),
        ("a body without end", Manner::BodyWithoutEnd, too_large.to_owned()),
    ];
    table.iter().flat_map(|(cause, manner, told)| rough(cause, manner, told)).collect()
}

fn statuses() -> Vec<Row> {
    let (broken, busy) = (passing("it answered 500"), passing("it answered 429"));
    let mut rows = replies("status 500", &Reply::status(500), [&broken; 6]);
    rows.extend(replies("too many requests", &Reply::status(429), [&busy; 6]));
    rows
}

/// A revocation is done when the status says so, whatever the body is (RFC 7009 §2.2): its row falls away.
fn contents() -> Vec<Row> {
    const ABSENT: &str =
        "{base}/strange/x is not usable (there is no such document); ask the server's operator";
    const NOTHING: &str =
        "{base}/strange is not usable (it publishes no metadata); ask the server's operator";
    const TOKENS: &str =
        "{base} refused to issue a token (its answer is not one of a token endpoint)";
    const CLIENT: &str = "{base} refused to register Prokura (its answer is not a registration); enter a client of your own for it";
    const CUT: &str =
        "is not usable (its JSON is broken: EOF while parsing a string); ask the server's operator";
    let page = Reply { body: b"<!doctype html><p>Welcome to the airport".to_vec(), ..html(200) };
    let garbage = Reply { body: b"\x00\xff\xfe{]".to_vec(), ..json_reply(200) };
    let cut = Reply { body: b"{\"issuer\": \"htt".to_vec(), ..json_reply(200) };
    let usual = [ABSENT, NOTHING, CLIENT, TOKENS, TOKENS, ""];
    let mut rows = replies("a page instead of an answer", &page, usual);
    rows.extend(replies("bytes that are no text", &garbage, usual));
    let (resource, server) = (
        format!("{{base}}/strange/x {CUT}"),
        format!("{{base}}/.well-known/oauth-authorization-server/strange {CUT}"),
    );
    let told = [&resource, &server, CLIENT, TOKENS, TOKENS, ""];
    rows.extend(replies("JSON that was cut off", &cut, told));
    rows.retain(|row| row.leg != Leg::Revocation.name());
    rows
}

fn html(status: u16) -> Reply {
    Reply::status(status).with("content-type", "text/html")
}

fn json_reply(status: u16) -> Reply {
    Reply::status(status).with("content-type", "application/json")
}
