//! How servers are reached, as the person sets it: through a proxy, and with a certificate authority of their own.

use std::sync::{Arc, Mutex};

use prokura_account::http::Network;
use prokura_account::{Access, AccountError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::world::World;

/// Knows no name: with a proxy nobody asks it about servers.
struct Ignorant(Mutex<Vec<String>>);

impl Resolve for Ignorant {
    fn resolve(&self, name: Name) -> Resolving {
        self.0.lock().unwrap().push(name.as_str().to_owned());
        let none: Addrs = Box::new(std::iter::empty());
        Box::pin(std::future::ready(Ok(none)))
    }
}

/// A proxy that refuses everything; what it was asked for.
async fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0u8; 4096];
            let count = stream.read(&mut head).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&head[..count]).into_owned();
            seen.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn everything_but_this_machine_goes_through_the_proxy_at_once_and_over_a_restart() {
    let names = Arc::new(Ignorant(Mutex::default()));
    let world = World::over(Network::new(names.clone(), Vec::new()));
    let (far, near) =
        (world.server("https://mcp.example/mcp"), world.server("http://127.0.0.1:9/mcp"));
    assert!(world.book.probe(&far).await.is_err());
    assert_eq!(*names.0.lock().unwrap(), ["mcp.example"]);

    let (url, asked) = proxy().await;
    let set = world.book.set_proxy(Some(&format!(" {url} "))).await.unwrap();
    assert_eq!(set.proxy.as_deref(), Some(format!("{url}/").as_str()));
    for server in [&far, &near] {
        let told = world.book.probe(server).await;
        assert!(matches!(told, Err(AccountError::Unreachable { .. })), "{told:?}");
    }
    assert_eq!(*asked.lock().unwrap(), ["CONNECT mcp.example:443 HTTP/1.1"]);
    assert_eq!(names.0.lock().unwrap().len(), 1, "the proxy looks names up");

    // What is written out as an address is judged here all the same.
    let inside = world.server("https://10.0.0.7/mcp");
    let inner =
        prokura_domain::Server { endpoint: "https://169.254.169.254/mcp".to_owned(), ..inside };
    let told = world.book.probe(&inner).await;
    assert!(matches!(told, Err(AccountError::Forbidden(_))), "{told:?}");

    let world = world.restarted();
    assert_eq!(world.book.network().unwrap(), set);
    assert!(world.book.probe(&far).await.is_err());
    assert_eq!(asked.lock().unwrap().len(), 2, "it holds over a restart");
    world.book.set_proxy(None).await.unwrap();
    assert!(world.book.probe(&far).await.is_err());
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_proxy_that_is_none_is_refused_and_changes_nothing() {
    let world = World::new();
    world.book.set_proxy(Some("http://proxy.example:3128")).await.unwrap();
    for (url, reason) in [
        ("proxy.example:3128", "such as"),
        ("socks5://proxy.example", "such as"),
        ("http://user:hush@proxy.example", "password is not kept"),
        ("http://proxy.example/path", "no path"),
    ] {
        let told = world.book.set_proxy(Some(url)).await.unwrap_err().to_string();
        assert!(told.contains(reason) && !told.contains("hush"), "{told}");
    }
    let set = world.book.network().unwrap();
    assert_eq!(set.proxy.as_deref(), Some("http://proxy.example:3128/"));
}

/// A server on this machine with a certificate of an authority that nobody knows; its endpoint and the authority.
async fn private_server() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::from_params(&params, &key);
    let own = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let leaf = CertificateParams::new(names).unwrap().signed_by(&own, &issuer).unwrap();
    let secret = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], secret)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = vec![0u8; 8192];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (format!("https://localhost:{port}/mcp"), authority.pem())
}

#[tokio::test]
async fn a_private_certificate_authority_is_trusted_when_the_person_says_so_and_no_longer() {
    let (world, (endpoint, authority)) = (World::new(), private_server().await);
    let server = world.server(&endpoint);
    let told = world.book.probe(&server).await.unwrap_err().to_string();
    assert!(told.contains("localhost cannot be reached now"), "{told}");
    assert!(told.to_lowercase().contains("certificate"), "{told}");

    let set = world.book.trust("Northwind", &authority).await.unwrap();
    assert_eq!((set.authorities.len(), set.authorities[0].name.as_str()), (1, "Northwind"));
    assert_eq!(set.authorities[0].fingerprints[0].len(), 64);
    assert_eq!(world.book.probe(&server).await.unwrap(), Access::Open);

    let world = world.restarted();
    assert_eq!(world.book.probe(&server).await.unwrap(), Access::Open);
    world.book.distrust("Northwind").await.unwrap();
    assert!(world.book.probe(&server).await.is_err());
    assert!(world.book.distrust("Northwind").await.is_err());
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_and_changes_nothing() {
    let world = World::new();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (name, pem, reason) in [
        ("x", "", "no certificate"),
        ("x", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "no certificate"),
        ("x", broken, "no certificate"),
        ("x", key.as_str(), "private key"),
        ("", broken, "name"),
    ] {
        let told = world.book.trust(name, pem).await.unwrap_err().to_string();
        assert!(told.contains(reason), "{told}");
    }
    assert!(world.book.network().unwrap().authorities.is_empty());
}
