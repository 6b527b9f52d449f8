//! A Grant: Agent × Server × Account × targets, with an effect and a validity.

use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::clock::Timestamp;
use crate::condition::Condition;
use crate::id::{AccountId, AgentId, GrantId, QuestionId, ServerId};
use crate::tool::ToolClass;

/// What a Grant says about a Call it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The Call may go.
    Allow,
    /// The person decides.
    Ask,
    /// The Call may not go.
    Deny,
}

impl Effect {
    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny].into_iter().find(|effect| effect.as_str() == text)
    }
}

/// Which targets a Grant covers. Text forms: `tool:NAME`, `tools:GLOB`, `class:read`, `resource:GLOB`, `prompt:GLOB`, `method:GLOB`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetPattern {
    /// One tool by its exact name.
    Tool(String),
    /// Tools whose name matches a glob.
    Tools(String),
    /// Every accepted tool of a class.
    Class(ToolClass),
    /// Resources whose URI matches a glob.
    Resources(String),
    /// Prompts whose name matches a glob.
    Prompts(String),
    /// Messages of other methods that carry content.
    Methods(String),
}

impl TargetPattern {
    /// A pattern over tool names: `class:read`, a glob, or an exact name where it holds no glob character.
    #[must_use]
    pub fn over_tools(text: &str) -> Option<Self> {
        if let Some(word) = text.strip_prefix("class:") {
            return ToolClass::from_text(word).map(Self::Class);
        }
        if text.is_empty() {
            return None;
        }
        let globbed = text.contains(['*', '?']);
        Some(if globbed { Self::Tools(text.to_owned()) } else { Self::Tool(text.to_owned()) })
    }

    /// The stored text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Tool(name) => format!("tool:{name}"),
            Self::Tools(glob) => format!("tools:{glob}"),
            Self::Class(class) => format!("class:{}", class.as_str()),
            Self::Resources(glob) => format!("resource:{glob}"),
            Self::Prompts(glob) => format!("prompt:{glob}"),
            Self::Methods(glob) => format!("method:{glob}"),
        }
    }

    /// What it covers, for people: `send_payment`, `tools that match get_*`, `every read tool`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Tool(name) => name.clone(),
            Self::Tools(glob) if glob == "*" => "every tool".to_owned(),
            Self::Tools(glob) => format!("tools that match {glob}"),
            Self::Class(class) => format!("every {} tool", class.as_str()),
            Self::Resources(glob) => format!("resources that match {glob}"),
            Self::Prompts(glob) => format!("prompts that match {glob}"),
            Self::Methods(glob) => format!("messages of {glob}"),
        }
    }

    /// Reads the stored text form.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let rest_owned = rest.to_owned();
        match kind {
            "tool" => Some(Self::Tool(rest_owned)),
            "tools" => Some(Self::Tools(rest_owned)),
            "class" => ToolClass::from_text(rest).map(Self::Class),
            "resource" => Some(Self::Resources(rest_owned)),
            "prompt" => Some(Self::Prompts(rest_owned)),
            "method" => Some(Self::Methods(rest_owned)),
            _ => None,
        }
    }
}

/// Where a Grant came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Origin {
    /// The window.
    Window,
    /// The command line.
    Cli,
    /// An answer to a Question.
    Approval {
        /// That Question.
        question: QuestionId,
    },
}

impl Origin {
    /// The word used everywhere.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Cli => "cli",
            Self::Approval { .. } => "approval",
        }
    }
}

/// A delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its identity.
    pub id: GrantId,
    /// Who may.
    pub agent: AgentId,
    /// Where.
    pub server: ServerId,
    /// As whom; `None` means every Account of that Server.
    pub account: Option<AccountId>,
    /// What.
    pub target: TargetPattern,
    /// Whether it may, must ask, or may not.
    pub effect: Effect,
    /// Holds only for Calls whose parameters have this digest: "the same arguments".
    pub arguments: Option<crate::digest::Digest>,
    /// Holds only for Calls of which all of these are true.
    pub conditions: Vec<Condition>,
    /// How much may go through it.
    pub budget: Option<Budget>,
    /// Until when; `None` means until revoked.
    pub until: Option<Timestamp>,
    /// A note by the person.
    pub note: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// When it was made.
    pub added_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When a Call last went through it.
    pub used_at: Option<Timestamp>,
}
