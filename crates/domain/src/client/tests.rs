//! What a client may say of itself, and where a browser may be sent.

#![allow(clippy::unwrap_used)]

use super::*;

fn client(uris: &[&str]) -> Client {
    Client {
        id: "prc_1".to_owned(),
        source: ClientSource::Registered,
        name: "x".to_owned(),
        redirect_uris: uris.iter().map(|uri| RedirectUri::read(uri).unwrap()).collect(),
        agent: None,
        added_at: Timestamp(0),
    }
}

#[test]
fn a_redirect_uri_matches_exactly_but_for_the_port_of_loopback() {
    // SA-07, P-05, RFC 8252 §7.3
    let known = client(&[
        "http://127.0.0.1:1234/callback",
        "http://localhost/cb?x=1",
        "https://agent.example/cb",
        "cursor://anysphere.cursor/cb",
    ]);
    for fits in [
        "http://127.0.0.1:1234/callback",
        "http://127.0.0.1:9/callback",
        "http://127.0.0.1/callback",
        "http://localhost:5555/cb?x=1",
        "https://agent.example/cb",
        "cursor://anysphere.cursor/cb",
    ] {
        assert_eq!(known.redirect(fits).unwrap().as_str(), fits);
    }
    for other in [
        "http://localhost:1234/callback",
        "http://[::1]:1234/callback",
        "http://127.0.0.1:1234/callback/",
        "http://127.0.0.1:1234/callback?x=1",
        "http://127.0.0.1:1234/callback#x",
        "http://127.0.0.1:1234/Callback",
        "http://127.0.0.1:1234/x/../callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:12x/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost:5555/cb",
        "https://agent.example:444/cb",
        "https://agent.example/cb2",
        "https://AGENT.example/cb",
        "http://agent.example/cb",
        "cursor://evil/cb",
    ] {
        assert_eq!(known.redirect(other), None, "{other}");
    }
}

#[test]
fn only_places_of_programs_can_be_redirected_to() {
    // B-09
    for bad in [
        "",
        "/cb",
        "http://evil.example/cb",
        "http://10.0.0.1/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "about:blank",
        "ms-msdt:/id",
        "search-ms:q",
        "intent://x",
        "blob:x",
        "https://user@agent.example/cb",
        "https://agent.example/cb#x",
        "https:agent.example",
        "https://a b/cb",
        "https://agent.example\\@evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.2/cb",
    ] {
        assert!(RedirectUri::read(bad).is_err(), "{bad}");
    }
    for good in [
        "com.example.agent:/cb",
        "vscode://vendor.agent/cb",
        "http://[::1]:8/cb",
        "http://localhost",
    ] {
        assert!(RedirectUri::read(good).is_ok(), "{good}");
    }
    assert_eq!(RedirectUri::read("https://agent.example/cb?a=b").unwrap().host(), "agent.example");
    assert_eq!(RedirectUri::read("cursor://x/cb").unwrap().host(), "cursor:");
    let with = RedirectUri::read("http://127.0.0.1:7/cb?a=b").unwrap().with(&[("code", "x&y")]);
    assert_eq!(with, "http://127.0.0.1:7/cb?a=b&code=x%26y");
}

fn read(text: &str) -> Result<ClientMetadata, BadMetadata> {
    ClientMetadata::read(&Json::read(text.as_bytes()).unwrap())
}

#[test]
fn metadata_is_read_strictly_where_it_matters() {
    let good = read(
        r#"{"client_name":" My\nagent ","redirect_uris":["http://127.0.0.1/cb"],"unknown":[1],
            "token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}"#,
    );
    let good = good.unwrap();
    assert_eq!((good.name.as_str(), good.confidential), ("My agent", false));
    assert!(read(r#"{"redirect_uris":["http://127.0.0.1/cb"],"token_endpoint_auth_method":"private_key_jwt"}"#)
        .unwrap()
        .confidential);
    let device = r#"{"grant_types":["urn:ietf:params:oauth:grant-type:device_code"]}"#;
    assert!(read(device).unwrap().redirect_uris.is_empty());
    for bad in [
        "[]",
        "{}",
        r#"{"redirect_uris":[]}"#,
        r#"{"redirect_uris":"http://127.0.0.1/cb"}"#,
        r#"{"redirect_uris":[1]}"#,
        r#"{"redirect_uris":["http://127.0.0.1/cb","http://evil.example"]}"#,
        r#"{"redirect_uris":["http://127.0.0.1/cb"],"client_name":5}"#,
        r#"{"redirect_uris":["http://127.0.0.1/cb"],"grant_types":["client_credentials"]}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_endpoint_reads_back() {
    for endpoint in [Endpoint::All, Endpoint::One("ledger".into()), Endpoint::One("a@b".into())] {
        assert_eq!(Endpoint::from_text(&endpoint.to_text()), Some(endpoint));
    }
    for text in ["", "mcp", "/", "/mcp/", "/s//mcp", "/s/a/b/mcp", "/s/a"] {
        assert_eq!(Endpoint::from_text(text), None, "{text}");
    }
}
