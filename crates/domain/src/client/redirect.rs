//! Redirect URIs of clients: which can be used at all, and which match. It must never send a browser where the client
//! did not say beforehand that it listens.

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest redirect URI.
const LIMIT: usize = 1024;

/// Schemes without a dot that programs of agents are known to own; RFC 8252 §7.1 wants a reversed domain name.
const OWN_SCHEMES: [&str; 14] = [
    "cursor",
    "vscode",
    "vscode-insiders",
    "vscodium",
    "code-oss",
    "windsurf",
    "zed",
    "kiro",
    "trae",
    "warp",
    "claude",
    "raycast",
    "goose",
    "jetbrains",
];

/// How a loopback host may be written.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A redirect URI that can be used: https, http on this machine, or a scheme that belongs to a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// Why a redirect URI is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a redirect URI cannot be used: {0}")]
pub struct BadRedirect(&'static str);

impl RedirectUri {
    /// Checks one.
    ///
    /// # Errors
    /// [`BadRedirect`] says what is not right.
    pub fn read(text: &str) -> Result<Self, BadRedirect> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if text.is_empty() || text.len() > LIMIT || !plain {
            return Err(BadRedirect("it is too long, or holds characters that no URL has"));
        }
        let url = Url::parse(text).map_err(|_| BadRedirect("it is no URL"))?;
        if url.fragment().is_some() {
            return Err(BadRedirect("it has a fragment"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadRedirect("it holds a user name"));
        }
        let scheme = url.scheme();
        let fits = match scheme {
            "https" => text.starts_with("https://") && url.host_str().is_some(),
            "http" => loopback(text).is_some(),
            _ => scheme.contains('.') || OWN_SCHEMES.contains(&scheme),
        };
        if fits {
            Ok(Self(text.to_owned()))
        } else if scheme == "http" {
            Err(BadRedirect("http is for this machine only; use https"))
        } else {
            Err(BadRedirect("its scheme belongs to no program that is known"))
        }
    }

    /// The URI as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `asked` is this one: exactly, but for the port on loopback (RFC 8252 §7.3).
    #[must_use]
    pub fn admits(&self, asked: &Self) -> bool {
        if self.0 == asked.0 {
            return true;
        }
        match (loopback(&self.0), loopback(&asked.0)) {
            (Some(known), Some(asked)) => known == asked,
            _ => false,
        }
    }

    /// Whether it leads to a program of this machine that listens.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        loopback(&self.0).is_some()
    }

    /// What a person is shown of it: the host, or the scheme of a program.
    #[must_use]
    pub fn host(&self) -> String {
        match Url::parse(&self.0) {
            Ok(url) if url.scheme() == "https" || url.scheme() == "http" => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}{port}", url.host_str().unwrap_or_default())
            }
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => String::new(),
        }
    }

    /// The URI with these parameters added to its query.
    #[must_use]
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        match Url::parse(&self.0) {
            Ok(mut url) => {
                url.query_pairs_mut().extend_pairs(parameters);
                url.into()
            }
            Err(_) => self.0.clone(),
        }
    }
}

/// Host and everything after the port of an http URI on loopback, from its text: nothing is normalised away.
fn loopback(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let host = LOOPBACK.into_iter().find(|host| {
        rest.strip_prefix(host)
            .is_some_and(|after| after.is_empty() || after.starts_with([':', '/', '?']))
    })?;
    let after = rest.strip_prefix(host)?;
    let Some(ported) = after.strip_prefix(':') else { return Some((host, after)) };
    let end = ported.find(['/', '?']).unwrap_or(ported.len());
    let (port, after) = ported.split_at(end);
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (digits && port.parse::<u16>().is_ok()).then_some((host, after))
}
