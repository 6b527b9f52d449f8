//! A Call: one governed message on its way from an Agent to a Server.

use bytes::Bytes;

use crate::digest::Digest;
use crate::id::{AccountId, AgentId, CallId, ServerId};
use crate::json::Json;

/// What a Call is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A tool by its name at the Server.
    Tool(String),
    /// A resource by its URI.
    Resource(String),
    /// A prompt by its name at the Server.
    Prompt(String),
    /// A message of another method.
    Method(String),
}

impl Target {
    /// The kind in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tool(_) => "tool",
            Self::Resource(_) => "resource",
            Self::Prompt(_) => "prompt",
            Self::Method(_) => "method",
        }
    }

    /// The name, URI or method.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Tool(name) | Self::Resource(name) | Self::Prompt(name) | Self::Method(name) => {
                name
            }
        }
    }

    /// Reads kind and name back.
    #[must_use]
    pub fn from_parts(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "tool" => Some(Self::Tool(name.to_owned())),
            "resource" => Some(Self::Resource(name.to_owned())),
            "prompt" => Some(Self::Prompt(name.to_owned())),
            "method" => Some(Self::Method(name.to_owned())),
            _ => None,
        }
    }
}

/// How a message is put on HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A message.
    Post,
    /// The legacy stream of a session.
    Get,
    /// The end of a legacy session.
    Delete,
}

/// The exact bytes that leave, and the MCP headers beside them. Never a credential: `upstream` adds that last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The HTTP method.
    pub verb: Verb,
    /// MCP headers (`MCP-Protocol-Version`, `Mcp-*`, `Last-Event-ID`), names in lower case.
    pub headers: Vec<(String, String)>,
    /// The JSON-RPC message; empty for GET and DELETE.
    pub body: Bytes,
}

/// A governed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its identity in the audit log.
    pub id: CallId,
    /// Who calls.
    pub agent: AgentId,
    /// Where.
    pub server: ServerId,
    /// As whom.
    pub account: AccountId,
    /// The JSON-RPC method.
    pub method: String,
    /// What it is about.
    pub target: Target,
    /// All parameters.
    pub params: Json,
    /// See [`digest`].
    pub digest: Digest,
    /// What is sent when it is permitted.
    pub outgoing: Outgoing,
}

/// `_meta` keys that may differ between two otherwise identical Calls: the progress token and W3C trace context.
pub const VOLATILE: [&str; 4] = ["progressToken", "traceparent", "tracestate", "baggage"];

/// What an Approval is bound to: SHA-256 over the method and all parameters in canonical form, without the progress
/// token and the trace keys of `_meta`.
#[must_use]
pub fn digest(method: &str, params: &Json) -> Digest {
    let mut params = params.clone();
    if let Some(meta) = params.member_mut("_meta") {
        for key in VOLATILE {
            meta.remove(key);
        }
        if meta.members().is_some_and(<[_]>::is_empty) {
            params.remove("_meta");
        }
    }
    let method = Json::text(method).to_canonical();
    let canonical = params.to_canonical();
    Digest::of(&[b"prokura-call-v1", method.as_bytes(), canonical.as_bytes()])
}

/// One rule that mattered for a Decision, as it is shown and recorded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Why {
    /// Which rule: a grant's id, or the name of a built-in rule such as `default` or `pin`.
    pub rule: String,
    /// The sentence that is shown.
    pub text: String,
}

impl Why {
    /// A rule and its sentence.
    pub fn new(rule: impl Into<String>, text: impl Into<String>) -> Self {
        Self { rule: rule.into(), text: text.into() }
    }

    /// Whether this rule stands above all Grants: the flow rule, or a Guardrail.
    #[must_use]
    pub fn stands_above(&self) -> bool {
        self.rule == crate::flow::FLOW || self.rule.starts_with(crate::id::GUARDRAIL_PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(params: &str) -> Option<Digest> {
        Json::read(params.as_bytes()).ok().map(|params| digest("tools/call", &params))
    }

    #[test]
    fn the_digest_ignores_order_progress_and_trace_and_nothing_else() {
        let base = digest_of(r#"{"name":"pay","arguments":{"to":"a","n":1}}"#);
        let same = digest_of(
            r#"{"_meta":{"progressToken":7,"traceparent":"00-x"},"arguments":{"n":1, "to":"\u0061"},"name":"pay"}"#,
        );
        assert_eq!(base, same);
        for other in [
            r#"{"name":"pay","arguments":{"to":"b","n":1}}"#,
            r#"{"name":"pay","arguments":{"to":"a","n":1.0}}"#,
            r#"{"name":"pay","arguments":{"to":"a","n":1},"extra":null}"#,
            r#"{"name":"pay","arguments":{"to":"a","n":1},"_meta":{"x":1}}"#,
        ] {
            assert_ne!(base, digest_of(other), "{other}");
        }
    }
}
