//! A client: an agent's program as Prokura's own authorization server knows it (RFC 6749 §1.1). What it says of itself
//! is a claim. It must never be taken for an Agent: which Agent it is, only the person says.

pub mod redirect;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{AgentId, SignInId};
use crate::json::Json;

pub use redirect::{BadRedirect, RedirectUri};

/// The longest client id, name and other text that is kept of a client.
const TEXT_LIMIT: usize = 1024;
/// The longest name, in characters.
const NAME_LIMIT: usize = 120;
/// Redirect URIs of one client.
const REDIRECTS: usize = 20;

/// One endpoint of Prokura: what a token is bound to. Its text is the path of its URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// All Servers together, at `/mcp`.
    All,
    /// One Server, at `/s/NAME/mcp` or `/s/NAME@ACCOUNT/mcp`.
    One(String),
}

impl Endpoint {
    /// The endpoint whose path has these decoded segments.
    #[must_use]
    pub fn of_segments(segments: &[&str]) -> Option<Self> {
        match segments {
            ["mcp"] => Some(Self::All),
            ["s", place, "mcp"] if !place.is_empty() && place.len() <= 256 => {
                Some(Self::One((*place).to_owned()))
            }
            _ => None,
        }
    }

    /// The word in storage: the path, not percent-encoded.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::All => "/mcp".to_owned(),
            Self::One(place) => format!("/s/{place}/mcp"),
        }
    }

    /// Reads the word in storage.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        Self::of_segments(&segments)
    }
}

/// How Prokura came to know a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientSource {
    /// It registered itself (RFC 7591): nothing about it is verified.
    Registered,
    /// Its id is the URL of a document: whoever holds that domain vouches for it.
    Document,
}

/// What a client says of itself, in a registration or in its document, once it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMetadata {
    /// Its name: a claim, without characters that cannot be seen.
    pub name: String,
    /// Where a browser may be sent with a code; empty for a client that only shows codes.
    pub redirect_uris: Vec<RedirectUri>,
    /// Whether it proves itself with a key of its own. Prokura takes public clients only.
    pub confidential: bool,
}

/// Why metadata is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMetadata {
    /// A redirect URI cannot be used.
    #[error(transparent)]
    Redirect(#[from] BadRedirect),
    /// Something else is not right.
    #[error("{0}")]
    Other(&'static str),
}

impl ClientMetadata {
    /// Reads the members of RFC 7591 that matter here.
    ///
    /// # Errors
    /// [`BadMetadata`] says what is not right.
    pub fn read(document: &Json) -> Result<Self, BadMetadata> {
        if document.members().is_none() {
            return Err(BadMetadata::Other("the metadata is no JSON object"));
        }
        let grants = words(document, "grant_types")?;
        let codes = grants
            .as_ref()
            .is_none_or(|grants| grants.iter().any(|grant| grant == "authorization_code"));
        let device = grants.as_ref().is_some_and(|grants| {
            grants.iter().any(|grant| grant == "urn:ietf:params:oauth:grant-type:device_code")
        });
        if !codes && !device {
            return Err(BadMetadata::Other(
                "grant_types holds neither authorization_code nor the device grant",
            ));
        }
        words(document, "response_types")?;
        let redirects = words(document, "redirect_uris")?.unwrap_or_default();
        if redirects.len() > REDIRECTS {
            return Err(BadMetadata::Other("there are too many redirect_uris"));
        }
        if redirects.is_empty() && codes && !device {
            return Err(BadMetadata::Other("redirect_uris is missing"));
        }
        let redirect_uris: Result<Vec<_>, _> =
            redirects.iter().map(|uri| RedirectUri::read(uri)).collect();
        let method = text(document, "token_endpoint_auth_method")?;
        Ok(Self {
            name: name(text(document, "client_name")?.unwrap_or_default()),
            redirect_uris: redirect_uris?,
            confidential: method.is_some_and(|method| method != "none"),
        })
    }
}

fn text<'a>(document: &'a Json, member: &'static str) -> Result<Option<&'a str>, BadMetadata> {
    match document.member(member) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text.len() <= TEXT_LIMIT => Ok(Some(text)),
        Some(_) => Err(BadMetadata::Other("a member of the metadata is no text, or too long")),
    }
}

fn words(document: &Json, member: &'static str) -> Result<Option<Vec<String>>, BadMetadata> {
    let wrong = BadMetadata::Other("a member of the metadata is no list of texts");
    match document.member(member) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(items)) => {
            let words: Option<Vec<String>> =
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            words.map(Some).ok_or(wrong)
        }
        Some(_) => Err(wrong),
    }
}

/// A claimed name as it is kept: one line, bounded, and never empty. What cannot be seen is shown by the views.
fn name(claimed: &str) -> String {
    let line: String = claimed
        .chars()
        .map(|sign| if sign.is_control() || sign.is_whitespace() { ' ' } else { sign })
        .take(NAME_LIMIT)
        .collect();
    let line = line.trim();
    if line.is_empty() { "a program without a name".to_owned() } else { line.to_owned() }
}

/// A known client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id: given by Prokura, or the URL of its document.
    pub id: String,
    /// How Prokura came to know it.
    pub source: ClientSource,
    /// Its name: a claim.
    pub name: String,
    /// Where a browser may be sent with a code.
    pub redirect_uris: Vec<RedirectUri>,
    /// The Agent the person last let it in as.
    pub agent: Option<AgentId>,
    /// When it was first seen.
    pub added_at: Timestamp,
}

impl Client {
    /// The host that vouches for it, where there is one.
    #[must_use]
    pub fn vouched_by(&self) -> Option<String> {
        match self.source {
            ClientSource::Registered => None,
            ClientSource::Document => url::Url::parse(&self.id).ok()?.host_str().map(str::to_owned),
        }
    }

    /// The registered redirect URI that `asked` matches: exactly, but for the port of a loopback one (RFC 8252 §7.3).
    #[must_use]
    pub fn redirect(&self, asked: &str) -> Option<RedirectUri> {
        let asked = RedirectUri::read(asked).ok()?;
        self.redirect_uris.iter().any(|known| known.admits(&asked)).then_some(asked)
    }
}

/// A sign-in of an Agent: all tokens that came of one consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Its identity.
    pub id: SignInId,
    /// Who signed in.
    pub agent: AgentId,
    /// Through which client.
    pub client: String,
    /// What that client called itself then: a claim.
    pub name: String,
    /// The one endpoint its tokens open.
    pub endpoint: Endpoint,
    /// When the person consented.
    pub added_at: Timestamp,
    /// When a token of it was last used.
    pub used_at: Option<Timestamp>,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
