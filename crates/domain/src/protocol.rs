//! The words of MCP that decide how a message is governed: eras, methods, reserved keys. No types of messages:
//! those are carried as they are.

use crate::call::Target;
use crate::json::Json;

/// The stateless revision.
pub const MODERN: &str = "2026-07-28";
/// The newest revision with sessions.
pub const LEGACY: &str = "2025-11-25";
/// Every revision with sessions that is spoken, newest first.
pub const LEGACY_VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// `_meta` key of the revision of a request.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of the client's capabilities.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the client's name; a claim.
pub const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// `_meta` key of the least severe log message a request wants to hear of.
pub const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// `_meta` key of the server's name in a result; a claim.
pub const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";
/// `_meta` key of the subscription a message belongs to.
pub const META_SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The two families of revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize` and sessions, up to 2025-11-25.
    Legacy,
    /// Stateless requests with `_meta`, from 2026-07-28 on.
    Modern,
}

impl Era {
    /// The word in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// How a message of an Agent is governed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Keeps the conversation going and carries no content of its own.
    Protocol,
    /// Asks what there is; the answer is cut down to what the Agent may use.
    List(Listing),
    /// Carries content out: a governed Call.
    Content,
    /// Not known: a governed Call that needs a Grant naming the method.
    Unknown,
}

/// What a list lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
    /// `prompts/list`
    Prompts,
}

impl Listing {
    /// The member of the result that holds the items.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }
}

impl Method {
    /// How `method` is governed.
    #[must_use]
    pub fn of(method: &str) -> Self {
        match method {
            "initialize"
            | "server/discover"
            | "ping"
            | "logging/setLevel"
            | "subscriptions/listen"
            | "tasks/get"
            | "tasks/result"
            | "tasks/list"
            | "tasks/cancel"
            | "notifications/initialized"
            | "notifications/cancelled"
            | "notifications/progress"
            | "notifications/roots/list_changed" => Self::Protocol,
            "tools/list" => Self::List(Listing::Tools),
            "resources/list" => Self::List(Listing::Resources),
            "resources/templates/list" => Self::List(Listing::Templates),
            "prompts/list" => Self::List(Listing::Prompts),
            "tools/call"
            | "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "prompts/get"
            | "completion/complete" => Self::Content,
            _ => Self::Unknown,
        }
    }
}

/// Why a message names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} needs the string parameter \"{parameter}\"")]
pub struct NoTarget {
    method: String,
    parameter: &'static str,
}

/// What a message of a governed method is about.
///
/// # Errors
/// [`NoTarget`] names the parameter that is missing.
pub fn target(method: &str, params: &Json) -> Result<Target, NoTarget> {
    let text = |parameter: &'static str, pointer: &str| {
        params
            .at(pointer)
            .and_then(Json::as_str)
            .map(str::to_owned)
            .ok_or_else(|| NoTarget { method: method.to_owned(), parameter })
    };
    match method {
        "tools/call" => text("name", "/name").map(Target::Tool),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            text("uri", "/uri").map(Target::Resource)
        }
        "prompts/get" => text("name", "/name").map(Target::Prompt),
        "completion/complete" => match params.at("/ref/type").and_then(Json::as_str) {
            Some("ref/prompt") => text("ref.name", "/ref/name").map(Target::Prompt),
            Some("ref/resource") => text("ref.uri", "/ref/uri").map(Target::Resource),
            _ => Err(NoTarget { method: method.to_owned(), parameter: "ref.type" }),
        },
        _ => Ok(Target::Method(method.to_owned())),
    }
}
