//! Hosts of URLs. It must never accept a URL that two readers could read differently.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// One host, or every host below a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    host: Host<String>,
    below: bool,
}

/// The text is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a host; write it like example.com, or *.example.com for every host below it"
)]
pub struct NotAHost(String);

/// Lower case, IDNA, and without the dot of the root.
fn host(text: &str) -> Option<Host<String>> {
    match Host::parse(text).ok()? {
        // What IDNA leaves out may have stood behind the dot.
        Host::Domain(domain) => {
            let name = domain.strip_suffix('.').unwrap_or(&domain);
            let whole = !name.is_empty() && !name.ends_with('.');
            whole.then(|| Host::Domain(name.to_owned()))
        }
        address => Some(address),
    }
}

impl HostPattern {
    /// Whether the host of a URL is meant. `None` where the text is no URL with a host, or could be read in two ways.
    #[must_use]
    pub fn covers(&self, url: &str) -> Option<bool> {
        // Readers disagree about these, so whoever fetches it may go to another host than the one seen here.
        if url.chars().any(|sign| sign == '\\' || sign.is_whitespace() || sign.is_control()) {
            return None;
        }
        let found = host(Url::parse(url).ok()?.host_str()?)?;
        Some(match (&self.host, &found) {
            (Host::Domain(domain), Host::Domain(found)) if self.below => {
                found.strip_suffix(domain.as_str()).is_some_and(|rest| {
                    rest.strip_suffix('.').is_some_and(|labels| !labels.is_empty())
                })
            }
            (wanted, found) => !self.below && wanted == found,
        })
    }
}

impl FromStr for HostPattern {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAHost(text.to_owned());
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let host = host(name).ok_or_else(wrong)?;
        match &host {
            Host::Domain(domain) if domain.contains('*') => Err(wrong()),
            Host::Ipv4(_) | Host::Ipv6(_) if below => Err(wrong()),
            Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => Ok(Self { host, below }),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.below { "*." } else { "" };
        write!(f, "{below}{}", self.host)
    }
}
