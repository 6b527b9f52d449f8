//! What the gateway hands in, and what it gets back. Never a credential in either direction.

use std::fmt;

use bytes::Bytes;
use futures::stream::BoxStream;
use prokura_domain::{AccountId, AgentId, Era, Json, Outgoing, QuestionId, ServerId};

/// What kind of message an Agent sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A JSON-RPC request or notification: its method and all parameters (`{}` where omitted).
    Message {
        /// The JSON-RPC method.
        method: String,
        /// The parameters, with the Server's own names in them.
        params: Json,
        /// The JSON-RPC id; `None` for a notification.
        id: Option<Json>,
    },
    /// A JSON-RPC response to a request of the Server (legacy sessions only).
    Answer {
        /// The id it answers.
        id: Json,
        /// Its `result`, or `Json::Null` for an error.
        result: Json,
    },
    /// GET: the standing stream of a legacy session.
    Stream,
    /// DELETE: the end of a legacy session.
    End,
}

/// One message of a proved Agent to one Server.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Who, proved.
    pub agent: AgentId,
    /// Where.
    pub server: ServerId,
    /// As whom.
    pub account: AccountId,
    /// In which era.
    pub era: Era,
    /// The gateway's id of the legacy session, where there is one.
    pub session: Option<String>,
    /// What kind of message.
    pub kind: Kind,
    /// What is sent when it is permitted: exact bytes and MCP headers.
    pub outgoing: Outgoing,
}

/// Why the body of a reply broke off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The connection to the Server broke.
    #[error("the server broke off its answer")]
    Upstream,
    /// The Grant, Agent, Server or Account was revoked, or everything paused.
    #[error("taken back while the answer was on its way")]
    Revoked,
    /// The outcome could not be recorded.
    #[error("the audit log could not be written")]
    AuditBroken,
    /// The answer is larger than what is carried.
    #[error(
        "the answer is larger than this agent may be given; ask for less at a time, or the person raises the limit with `prokura agents limits`"
    )]
    TooLarge,
}

/// The answer of a Server as it came: status, MCP headers and body. Headers have lower-case names and are only those
/// an Agent may see: `content-type`, `mcp-session-id`, `mcp-protocol-version`, `retry-after`, `allow`.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// See above.
    pub headers: Vec<(String, String)>,
    /// The body as it streams in.
    pub body: BoxStream<'static, Result<Bytes, Broken>>,
}

impl Reply {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body is a stream of server-sent events.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.header("content-type").is_some_and(|value| {
            value.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
        })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why a message was not carried. A refusal is an answer, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// No Grant covers it: for this Agent it does not exist.
    Unknown,
    /// A rule denies it.
    Denied,
    /// The person said no, or closed the window.
    DeniedByPerson,
    /// Nobody answered in time.
    Unanswered,
    /// The person still has to answer: the same message again finds the answer.
    Waiting,
    /// All Agents are paused.
    Paused,
    /// The Agent was revoked.
    Revoked,
    /// Something it was about changed meanwhile.
    Changed,
    /// The Account has to be signed in again.
    SignInNeeded,
    /// The Server cannot be reached.
    Unreachable,
    /// The audit log cannot be written.
    AuditBroken,
    /// The Vault has no key.
    VaultLocked,
    /// The message is not right.
    Malformed,
    /// The Agent did not say that it knows tasks (2026-07-28).
    TasksUndeclared,
    /// A fault of Prokura.
    Internal,
}

/// A message that was not carried, with what the Agent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// One or two sentences: what, and what to do next.
    pub message: String,
    /// The Question that is not answered yet, of [`RefusalCode::Waiting`].
    pub question: Option<QuestionId>,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), question: None }
    }
}
