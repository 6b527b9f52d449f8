//! Where a Server's tokens come from: its Protected Resource Metadata (RFC 9728), then the authorization server's own
//! metadata (RFC 8414, OpenID Connect Discovery). There is no other route (CA-01) and nothing is guessed.

mod issuer;
mod resource;

use serde::de::DeserializeOwned;
use url::Url;

use crate::challenge::{self, Bearer};
use crate::error::AccountError;
use crate::http::{Fault, Guard, host_of, shown};
use crate::text;

pub(crate) use issuer::{Issuer, Need};
pub(crate) use resource::covers;

/// At most this many authorization servers of one Server are looked at.
const MAX_ISSUERS: usize = 5;

/// What a Server says about its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The resource its tokens are bound to, exactly as it is written there.
    pub resource: String,
    /// Its authorization servers, in its order.
    pub issuers: Vec<String>,
    /// The scopes to ask for first: those of the challenge, else all that the Server lists (CA-33).
    pub scopes: Vec<String>,
    /// Whether it wants tokens that are bound to a key.
    pub(crate) binding: Binding,
}

/// What a resource says of tokens bound to a key (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Nothing.
    Unspoken,
    /// It takes them.
    Offered,
    /// It takes no others.
    Required,
}

#[derive(serde::Deserialize)]
struct Document {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    dpop_bound_access_tokens_required: bool,
}

/// Reads the Protected Resource Metadata of `endpoint`: from where `challenge` says, else from the well-known places.
/// `None` where there is none.
pub(crate) async fn discover(
    guard: &Guard,
    endpoint: &Url,
    challenge: Option<&Bearer>,
) -> Result<Option<Discovery>, AccountError> {
    let named = challenge.and_then(|bearer| bearer.metadata.as_deref());
    let places = match named {
        Some(named) => vec![link(guard, named)?],
        None => well_known(endpoint),
    };
    for place in places {
        let Some(document) = read::<Document>(guard, &place).await? else { continue };
        return judge(endpoint, &place, document, challenge).map(Some);
    }
    match named {
        // The Server points at a document that is not there: that is broken, not open (CA-03).
        Some(named) => Err(AccountError::BadMetadata {
            url: text::printable(named, 200),
            reason: "there is no such document".to_owned(),
        }),
        None => Ok(None),
    }
}

fn judge(
    endpoint: &Url,
    place: &Url,
    document: Document,
    challenge: Option<&Bearer>,
) -> Result<Discovery, AccountError> {
    if !covers(&document.resource, endpoint) {
        return Err(AccountError::ResourceMismatch {
            endpoint: shown(endpoint),
            resource: text::printable(&document.resource, 200),
        });
    }
    let binding = binding(&document, challenge);
    let mut issuers = document.authorization_servers;
    issuers.truncate(MAX_ISSUERS);
    if issuers.is_empty() {
        return Err(AccountError::BadMetadata {
            url: shown(place),
            reason: "it names no authorization server".to_owned(),
        });
    }
    let challenged = challenge.map(|bearer| bearer.scopes.clone()).unwrap_or_default();
    let scopes = if challenged.is_empty() {
        document.scopes_supported.into_iter().filter(|scope| challenge::is_scope(scope)).collect()
    } else {
        challenged
    };
    Ok(Discovery { resource: document.resource, issuers, scopes, binding })
}

fn binding(document: &Document, challenge: Option<&Bearer>) -> Binding {
    let dpop = challenge.is_some_and(|challenge| challenge.dpop);
    let plain = challenge.is_some_and(|challenge| challenge.plain);
    if document.dpop_bound_access_tokens_required || (dpop && !plain) {
        Binding::Required
    } else if dpop || !document.dpop_signing_alg_values_supported.is_empty() {
        Binding::Offered
    } else {
        Binding::Unspoken
    }
}

/// The well-known places for `endpoint`: below its path, then at the root (CA-03).
fn well_known(endpoint: &Url) -> Vec<Url> {
    const PLACE: &str = "/.well-known/oauth-protected-resource";
    let mut root = endpoint.clone();
    root.set_query(None);
    root.set_fragment(None);
    root.set_path(PLACE);
    let mut places = Vec::new();
    if endpoint.path() != "/" {
        let mut below = root.clone();
        below.set_path(&format!("{PLACE}{}", endpoint.path()));
        places.push(below);
    }
    places.push(root);
    places
}

/// Reads a URL that a server wrote and refuses it unless it may be used.
pub(crate) fn link(guard: &Guard, text: &str) -> Result<Url, AccountError> {
    let bad = |reason: &str| AccountError::BadMetadata {
        url: text::printable(text, 200),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text).map_err(|_| bad("it is not a URL"))?;
    if url.fragment().is_some() {
        return Err(bad("a URL with a fragment is not accepted"));
    }
    guard.check(&url)?;
    Ok(url)
}

/// Reads a JSON document; `None` where there is none (not found, or no JSON at all).
async fn read<T: DeserializeOwned>(guard: &Guard, url: &Url) -> Result<Option<T>, AccountError> {
    let answer = guard.read(url).await?;
    let status = answer.status();
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(Fault::Unreachable {
            host: host_of(url),
            reason: format!("it answered {}", status.as_u16()),
        }
        .into());
    }
    if !status.is_success() {
        return Ok(None);
    }
    let fault = match serde_json::from_slice(answer.body()) {
        Ok(document) => return Ok(Some(document)),
        Err(fault) => fault,
    };
    let is_broken = fault.is_syntax() || fault.is_eof();
    // A page instead of a document is the usual answer of web applications to unknown paths.
    if is_broken && !begins_object(answer.body()) {
        return Ok(None);
    }
    let said = fault.to_string();
    let said = said.split_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let reason = if is_broken { format!("its JSON is broken: {said}") } else { said.to_owned() };
    Err(AccountError::BadMetadata { url: shown(url), reason: text::printable(&reason, 160) })
}

/// Whether a body is meant to be a document: then broken JSON is broken, and not absent.
fn begins_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_below_the_path_comes_before_the_root() {
        // CA-03
        let places = |endpoint: &str| -> Vec<String> {
            well_known(&Url::parse(endpoint).expect("a URL"))
                .into_iter()
                .map(String::from)
                .collect()
        };
        assert_eq!(
            places("https://h.example:8443/a/mcp?x=1"),
            [
                "https://h.example:8443/.well-known/oauth-protected-resource/a/mcp",
                "https://h.example:8443/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(
            places("https://h.example"),
            ["https://h.example/.well-known/oauth-protected-resource"]
        );
    }
}
