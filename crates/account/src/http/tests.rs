//! Which URLs and addresses the guard lets through, and which it does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::*;

/// Says the same of a name every time.
struct Phonebook(HashMap<&'static str, Vec<&'static str>>);

impl Resolve for Phonebook {
    fn resolve(&self, name: Name) -> Resolving {
        let found: Vec<SocketAddr> = self
            .0
            .get(name.as_str())
            .into_iter()
            .flatten()
            .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
            .collect();
        let addresses: Addrs = Box::new(found.into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn guard(endpoint: &str) -> Guard {
    let book = HashMap::from([
        ("inside.example", vec!["10.0.0.7"]),
        ("here.example", vec!["127.0.0.1", "::1"]),
        ("metadata.example", vec!["169.254.169.254", "::ffff:10.0.0.1"]),
        ("own.example", vec!["169.254.169.254"]),
    ]);
    Guard::new(&url(endpoint), &Network::new(Arc::new(Phonebook(book)), Vec::new())).unwrap()
}

#[test]
fn https_is_needed_except_on_this_machine_for_a_server_on_this_machine() {
    // B-02, B-09, CA-09
    let far = guard("https://mcp.example/mcp");
    let near = guard("http://localhost:8080/mcp");
    let table = [
        ("https://as.example/token", true, true),
        ("http://as.example/token", false, false),
        ("http://localhost:9/token", false, true),
        ("http://127.0.0.1:9/token", false, true),
        ("http://[::1]:9/token", false, true),
        ("https://localhost/token", false, true),
        ("https://127.1/token", false, true),
        ("https://2130706433/token", false, true),
        ("https://[::ffff:127.0.0.1]/token", false, true),
        ("http://0.0.0.0:9/token", false, false),
        ("https://10.0.0.7/token", false, false),
        ("https://192.168.0.1/token", false, false),
        ("https://169.254.169.254/latest", false, false),
        ("https://user:secret@as.example/token", false, false),
        ("ftp://as.example/token", false, false),
        ("javascript:alert(1)", false, false),
        ("data:text/html,x", false, false),
        ("file:///etc/passwd", false, false),
        ("vbscript:x", false, false),
        ("ms-settings:about", false, false),
    ];
    for (text, from_far, from_near) in table {
        assert_eq!(far.check(&url(text)).is_ok(), from_far, "{text} for a server elsewhere");
        assert_eq!(near.check(&url(text)).is_ok(), from_near, "{text} for a server here");
    }
}

#[test]
fn a_private_server_opens_its_own_host_and_no_other() {
    // B-03
    let guard = guard("https://10.0.0.7/mcp");
    assert!(guard.check(&url("https://10.0.0.7:8443/token")).is_ok());
    assert!(guard.check(&url("https://10.0.0.8/token")).is_err());
    assert!(guard.check(&url("https://127.0.0.1/token")).is_err());
    let reach = Reach::of(&url("https://own.example/mcp"));
    assert!(reach.admits("own.example", "10.1.1.1".parse().unwrap()));
    assert!(!reach.admits("own.example", "127.0.0.1".parse().unwrap()));
    assert!(!reach.admits("own.example", "169.254.169.254".parse().unwrap()));
    assert!(!reach.admits("other.example", "10.1.1.1".parse().unwrap()));
}

#[test]
fn an_endpoint_that_may_not_be_used_makes_no_client() {
    for endpoint in ["http://mcp.example/mcp", "http://192.168.1.5/mcp", "https://169.254.169.254/"]
    {
        assert!(Guard::new(&url(endpoint), &Network::system()).is_err(), "{endpoint}");
    }
}

#[tokio::test]
async fn names_are_judged_by_the_addresses_they_have_when_connecting() {
    // B-03, B-05: the name looks harmless, its address is not.
    let blocked = [
        ("https://mcp.example/mcp", "https://inside.example/token"),
        ("https://mcp.example/mcp", "https://here.example/token"),
        ("https://mcp.example/mcp", "https://metadata.example/token"),
        ("https://own.example/mcp", "https://own.example/token"),
        ("http://localhost:8080/mcp", "https://here.example/token"),
        ("https://mcp.example/mcp", "https://localhost./token"),
    ];
    for (endpoint, target) in blocked {
        let fault = guard(endpoint).read(&url(target)).await.unwrap_err();
        assert!(matches!(fault, Fault::Blocked { .. }), "{target} from {endpoint}: {fault:?}");
    }
}

#[test]
fn what_is_shown_of_a_url_has_no_query_and_no_password() {
    assert_eq!(shown(&url("https://u:p@as.example/x?code=1#y")), "https://as.example/x");
}
