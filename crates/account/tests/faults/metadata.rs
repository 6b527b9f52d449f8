//! What a server and an authorization server say about themselves, and lie about.

use serde_json::json;

use crate::authority::{META, PRM};
use crate::row::{Row, play, refresh, sign_in};
use crate::site::Reply;
use crate::stage::told;

pub fn rows() -> Vec<Row> {
    [issuers(), endpoints(), resources()].into_iter().flatten().collect()
}

fn issuers() -> Vec<Row> {
    [identities(), offers()].into_iter().flatten().collect()
}

const FOREIGN: &str = "the answer does not come from {base}; nothing was signed in";
const NO_PKCE: &str =
    "{base} does not offer PKCE with S256, without which a sign-in is not safe; ask its operator";
const METADATA: &str = "169.254.169.254 is at an address that this server gives no reason to reach";

fn with(cause: &'static str, rule: &'static str, url: &'static str, told: &str) -> Row {
    let act = sign_in(move |s| s.authority.metadata(json!({"token_endpoint": url})));
    Row::new((cause, "server metadata"), rule, told, act)
}

fn identities() -> Vec<Row> {
    vec![
        Row::new(
            ("metadata of another issuer", "server metadata"),
            "CA-07",
            FOREIGN,
            sign_in(|s| s.authority.metadata(json!({"issuer": s.elsewhere.base}))),
        ),
        Row::new(
            ("metadata of another issuer", "refresh"),
            "CA-07",
            FOREIGN,
            refresh(|s| {
                s.authority.metadata(json!({"issuer": format!("{}/", s.authority.site.base)}))
            }),
        ),
        Row::new(
            ("an issuer with a query", "resource metadata"),
            "CA-07, RFC 8414 §2",
            "{base}/?tenant=1 is not usable (an issuer with a query is not accepted); ask the server's operator",
            sign_in(|s| {
                let issuer = format!("{}/?tenant=1", s.authority.site.base);
                s.authority.resource(json!({"authorization_servers": [issuer]}));
            }),
        ),
        Row::new(
            ("no PKCE methods", "server metadata"),
            "CA-25",
            NO_PKCE,
            sign_in(|s| s.authority.metadata(json!({"code_challenge_methods_supported": null}))),
        ),
        Row::new(
            ("PKCE without a digest", "server metadata"),
            "CA-24",
            NO_PKCE,
            sign_in(|s| {
                s.authority.metadata(json!({"code_challenge_methods_supported": ["plain"]}))
            }),
        ),
    ]
}

fn offers() -> Vec<Row> {
    vec![
        Row::new(
            ("no authorization code", "server metadata"),
            "CA-09",
            "{base}/.well-known/oauth-authorization-server is not usable (it offers no authorization code); ask the server's operator",
            sign_in(|s| s.authority.metadata(json!({"response_types_supported": ["token"]}))),
        ),
        Row::new(
            ("no token endpoint", "server metadata"),
            "CA-05",
            "{base}/.well-known/oauth-authorization-server is not usable (a token endpoint is missing); ask the server's operator",
            sign_in(|s| s.authority.metadata(json!({"token_endpoint": null}))),
        ),
        Row::new(
            ("no metadata anywhere", "server metadata"),
            "CA-01, CA-05",
            "{base} is not usable (it publishes no metadata); ask the server's operator",
            sign_in(|s| s.authority.site.gone(META)),
        ),
    ]
}

fn endpoints() -> Vec<Row> {
    [schemes(), addresses(), redirects()].into_iter().flatten().collect()
}

fn schemes() -> Vec<Row> {
    vec![
        Row::new(
            ("an endpoint that is a script", "server metadata"),
            "B-09",
            "refused for safety: javascript:fetch('//evil.example'): only https is accepted",
            sign_in(|s| {
                let script = "javascript:fetch('//evil.example')";
                s.authority.metadata(json!({"authorization_endpoint": script}));
            }),
        ),
        with(
            "an endpoint that is a file",
            "B-09, B-12",
            "file://host.example/etc/passwd",
            "refused for safety: file://host.example/etc/passwd: only https is accepted",
        ),
        with(
            "an endpoint without encryption",
            "B-02, CA-09",
            "http://as.example/token",
            "refused for safety: http://as.example/token: http is not safe here; https is needed",
        ),
        with(
            "an endpoint with a password",
            "B-12",
            "https://user:hush@as.example/token",
            "refused for safety: https://as.example/token: a user name or password in a URL is not accepted",
        ),
        with(
            "an endpoint with a fragment",
            "B-12, RFC 6749 §3.2",
            "https://as.example/token#part",
            "https://as.example/token#part is not usable (a URL with a fragment is not accepted); ask the server's operator",
        ),
        with(
            "an endpoint that is no URL",
            "B-12",
            "not a url",
            "not a url is not usable (it is not a URL); ask the server's operator",
        ),
    ]
}

fn addresses() -> Vec<Row> {
    vec![
        with(
            "an endpoint at a cloud's metadata service",
            "B-01, B-03",
            "https://169.254.169.254/latest",
            &format!("refused for safety: {METADATA}"),
        ),
        with(
            "an address in another writing",
            "B-03",
            "https://0xA9.0376.43518/latest",
            &format!("refused for safety: {METADATA}"),
        ),
        with(
            "an IPv4 address mapped into IPv6",
            "B-03",
            "https://[::ffff:10.0.0.1]/token",
            "refused for safety: ::ffff:a00:1 is at an address that this server gives no reason to reach",
        ),
        with(
            "an IPv4 address behind a translator's prefix",
            "B-03",
            "https://[64:ff9b::a00:1]/token",
            "refused for safety: 64:ff9b::a00:1 is at an address that this server gives no reason to reach",
        ),
        with(
            "an endpoint in the person's own network",
            "B-03",
            "https://192.168.1.1/token",
            "refused for safety: 192.168.1.1 is at an address that this server gives no reason to reach",
        ),
    ]
}

fn redirects() -> Vec<Row> {
    vec![
        Row::new(
            ("metadata that leads to another place", "server metadata"),
            "B-04",
            "refused for safety: {base}/.well-known/oauth-authorization-server: it redirects to another place",
            sign_in(|s| {
                let to = s.elsewhere.url(META);
                s.authority.site.fixed(META, Reply::status(302).with("location", to));
            }),
        ),
        Row::new(
            ("metadata that leads to a metadata service", "resource metadata"),
            "B-01, B-04",
            "refused for safety: {base}/.well-known/oauth-protected-resource/mcp: it redirects to another place",
            sign_in(|s| {
                let to = "http://169.254.169.254/latest/meta-data";
                s.authority.site.fixed(PRM, Reply::status(307).with("location", to));
            }),
        ),
        Row::new(
            ("metadata that leads round in circles", "server metadata"),
            "B-04",
            "refused for safety: {base}/.well-known/oauth-authorization-server: it redirects too often",
            sign_in(|s| s.authority.site.fixed(META, Reply::status(302).with("location", META))),
        ),
    ]
}

fn resources() -> Vec<Row> {
    vec![
        Row::new(
            ("the metadata of another resource", "resource metadata"),
            "CA-32, RFC 9728 §3.3",
            "the server at {resource} presents itself as {else}/mcp; a token for that could be misused, so nothing was signed in",
            sign_in(|s| s.authority.resource(json!({"resource": s.elsewhere.url("/mcp")}))),
        ),
        Row::new(
            ("a resource that names no authorization server", "resource metadata"),
            "CA-01",
            "{base}/.well-known/oauth-protected-resource/mcp is not usable (it names no authorization server); ask the server's operator",
            sign_in(|s| s.authority.resource(json!({"authorization_servers": []}))),
        ),
        Row::new(
            ("the first of several authorization servers is broken", "resource metadata"),
            "CA-08",
            "signed in as account-2 for read",
            sign_in(|s| {
                let issuers =
                    [format!("{}/broken", s.authority.site.base), s.authority.site.base.clone()];
                s.authority.resource(json!({"authorization_servers": issuers}));
            }),
        ),
        Row::new(
            ("a thousand authorization servers", "resource metadata"),
            "B-01",
            "{base}/0 is not usable (it publishes no metadata); ask the server's operator; 5 were asked",
            play(|s| {
                Box::pin(async move {
                    let base = s.authority.site.base.clone();
                    let many: Vec<String> = (0..1000).map(|n| format!("{base}/{n}")).collect();
                    s.authority.resource(json!({"authorization_servers": many}));
                    let heard = told(s.world.sign_in(&s.authority, &s.server).await);
                    let first = "/.well-known/oauth-authorization-server/";
                    let asked = s.authority.site.all();
                    let asked = asked.iter().filter(|seen| seen.path.starts_with(first)).count();
                    format!("{heard}; {asked} were asked")
                })
            }),
        ),
        Row::new(
            ("the resource names another authorization server than before", "server"),
            "CA-20",
            "SignInNeeded",
            play(|s| {
                Box::pin(async move {
                    s.authority.resource(json!({"authorization_servers": ["https://as.example"]}));
                    let meant = s.world.book.on_challenge(&s.account.id, 401, &[]).await;
                    format!("{:?}", meant.unwrap())
                })
            }),
        )
        .losing(crate::row::Gone::SignIn),
    ]
}
