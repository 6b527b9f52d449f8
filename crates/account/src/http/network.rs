//! What every guarded client is built from: who resolves names, whom certificates are trusted from, and a proxy where the
//! person set one. It never takes a proxy from the environment.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::dns::Resolve;
use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy};
use url::Url;

use super::resolve::SystemResolver;

/// Hosts that are never reached through a proxy: this machine.
const HERE: &str = "localhost,127.0.0.0/8,::1";

/// Names, trusted roots and the proxy. Copies share what is set.
#[derive(Clone)]
pub struct Network {
    pub(super) resolver: Arc<dyn Resolve>,
    roots: Vec<Certificate>,
    set: Arc<RwLock<Set>>,
}

#[derive(Default)]
struct Set {
    proxy: Option<Url>,
    authorities: Vec<Certificate>,
    version: u64,
}

impl Network {
    /// Names from `resolver`; `roots` are trusted beside those of the system.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>, roots: Vec<Certificate>) -> Self {
        Self { resolver, roots, set: Arc::default() }
    }

    /// The system's resolver and its trusted roots.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemResolver), Vec::new())
    }

    /// Counts the changes: a client of an older version is to be built anew.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.set.read().unwrap_or_else(PoisonError::into_inner).version
    }

    /// From now on through `proxy`, and trusting `authorities` too.
    pub(crate) fn change(&self, proxy: Option<Url>, authorities: Vec<Certificate>) {
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        *set = Set { proxy, authorities, version: set.version + 1 };
    }

    /// The host of the proxy.
    pub(super) fn proxy(&self) -> Option<String> {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        set.proxy.as_ref().map(super::host_of)
    }

    /// Puts roots and proxy on a client.
    pub(super) fn on(&self, client: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        let client =
            client.no_proxy().tls_certs_merge(self.roots.iter().chain(&set.authorities).cloned());
        let Some(url) = &set.proxy else { return Ok(client) };
        let proxy = Proxy::all(url.clone())?.no_proxy(NoProxy::from_string(HERE));
        Ok(client.proxy(proxy))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("roots", &self.roots.len()).finish_non_exhaustive()
    }
}
