//! Names become addresses here, at the moment of connecting, and what a Server may not reach is left out: between check
//! and use nothing can change (B-05).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Class, class};
use super::{Reach, is_loopback, same_form};

/// All addresses of a name were left out.
#[derive(Debug, thiserror::Error)]
#[error("no allowed address")]
pub(crate) struct Blocked;

/// The operating system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// A resolver that gives only what `reach` admits.
pub(crate) struct Filter {
    inner: Arc<dyn Resolve>,
    reach: Arc<Reach>,
    /// The host of the person's proxy, which may be in their own network.
    proxy: Option<String>,
}

impl Filter {
    pub(crate) fn new(inner: Arc<dyn Resolve>, reach: Arc<Reach>, proxy: Option<String>) -> Self {
        Self { inner, reach, proxy }
    }
}

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let host = same_form(name.as_str());
        let reach = self.reach.clone();
        let is_proxy = self.proxy.as_ref() == Some(&host);
        // `localhost` is this machine by definition; nobody is asked (RFC 6761 §6.3).
        let asked = if is_loopback(&host) {
            let own: [SocketAddr; 2] = [
                (IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(),
                (IpAddr::V6(Ipv6Addr::LOCALHOST), 0).into(),
            ];
            let addresses: Addrs = Box::new(own.into_iter());
            Box::pin(std::future::ready(Ok(addresses)))
        } else {
            self.inner.resolve(name)
        };
        Box::pin(async move {
            let found: Vec<SocketAddr> = asked.await?.collect();
            let known = !found.is_empty();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|at| match class(at.ip()) {
                    Class::Public | Class::Loopback | Class::Private if is_proxy => true,
                    _ => reach.admits(&host, at.ip()),
                })
                .collect();
            if known && allowed.is_empty() {
                tracing::warn!(%host, "all addresses of a name were refused");
                return Err(Blocked.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
