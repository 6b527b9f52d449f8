//! A Question only the person can answer, and the answer. All kinds share one queue, one window and one expiry.

use serde::{Deserialize, Serialize};

use crate::call::Why;
use crate::client::{ClientSource, Endpoint, RedirectUri};
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::form::Filled;
use crate::id::{AccountId, AgentId, CallId, QuestionId, ServerId};
use crate::launch::{Plan, StartReason};
use crate::level::{Level, Passphrase};
use crate::process::{Caller, PairingReason};
use crate::tool::ToolClass;

/// How long a Question can be answered, in seconds.
pub const EXPIRY_SECONDS: i64 = 600;

/// What is asked. Stored as kind, version and body, so that kinds can be added and changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum QuestionKind {
    /// May this Call go?
    Call {
        /// The Call that waits.
        call: CallId,
        /// Its JSON-RPC method.
        method: String,
        /// `tool`, `resource`, `prompt` or `method`.
        target_kind: String,
        /// Its name, URI or method.
        target: String,
        /// The class of the tool, where it has one.
        class: Option<ToolClass>,
        /// The digest of the tool definition that was current.
        pin: Option<Digest>,
        /// What a yes has to be given with at least; what the rules say later can only add to it.
        #[serde(default)]
        level: Level,
    },
    /// May this process come in as an Agent?
    Pairing {
        /// The process.
        caller: Caller,
        /// Why it is asked about.
        reason: PairingReason,
    },
    /// May this client sign in as an Agent?
    Consent {
        /// Its id.
        client: String,
        /// What it calls itself.
        name: String,
        /// How Prokura came to know it.
        source: ClientSource,
        /// How it reaches its agent again.
        way: ConsentWay,
        /// Where the browser is sent with a code, where there is a browser.
        redirect: Option<RedirectUri>,
        /// The one endpoint its tokens will open.
        endpoint: Endpoint,
        /// What the person picks from: one of these is what the page or the agent shows.
        choices: Vec<String>,
    },
    /// May this Account be given more? A Server refused a Call for lack of scopes (CA-43). It is answered by signing in.
    Scopes {
        /// The Call that waits.
        call: CallId,
        /// Its JSON-RPC method.
        method: String,
        /// `tool`, `resource`, `prompt` or `method`.
        target_kind: String,
        /// Its name, URI or method.
        target: String,
        /// What the Account has.
        had: Vec<String>,
        /// What the Server wants besides.
        wanted: Vec<String>,
    },
    /// May this program of the machine be started as a Server?
    LocalStart {
        /// Exactly what would be started.
        plan: Box<Plan>,
        /// Why it is asked about.
        reason: StartReason,
    },
    /// What does a Server want of the person? It asked its Agent, which cannot show it. The Server's words are the
    /// parameters.
    Elicitation {
        /// How it is asked.
        mode: AskMode,
        /// The JSON-RPC method of the Call it asks within.
        method: String,
        /// `tool`, `resource`, `prompt` or `method`.
        target_kind: String,
        /// Its name, URI or method.
        target: String,
    },
}

/// How a Server asks the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskMode {
    /// By a form.
    Form,
    /// By a page to be visited.
    Url,
    /// Whether that visit is over; this is Prokura's own question.
    Done,
}

impl AskMode {
    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Url => "url",
            Self::Done => "done",
        }
    }
}

/// How a client that signs in reaches its agent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentWay {
    /// A browser shows a number and goes back to it.
    Browser,
    /// The agent itself shows a code (RFC 8628).
    Device,
}

impl QuestionKind {
    /// The word used in storage and in views.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Call { .. } => "call",
            Self::Pairing { .. } => "pairing",
            Self::Consent { .. } => "consent",
            Self::Scopes { .. } => "scopes",
            Self::LocalStart { .. } => "local_start",
            Self::Elicitation { .. } => "elicitation",
        }
    }

    /// The version of this kind's body.
    #[must_use]
    pub fn version(&self) -> u32 {
        match self {
            Self::Call { .. }
            | Self::Pairing { .. }
            | Self::Consent { .. }
            | Self::Scopes { .. }
            | Self::LocalStart { .. }
            | Self::Elicitation { .. } => 1,
        }
    }

    /// What a yes had to be given with when it was raised.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Call { level, .. } => *level,
            Self::Pairing { .. }
            | Self::Consent { .. }
            | Self::Scopes { .. }
            | Self::LocalStart { .. }
            | Self::Elicitation { .. } => Level::Click,
        }
    }

    /// Whether a yes can hold for the same arguments for a time.
    #[must_use]
    pub fn can_last(&self) -> bool {
        match self {
            Self::Call { .. } => true,
            Self::Pairing { .. }
            | Self::Consent { .. }
            | Self::Scopes { .. }
            | Self::LocalStart { .. }
            | Self::Elicitation { .. } => false,
        }
    }
}

/// Where a Question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    /// Waits for the person.
    Pending,
    /// Allowed by the person, not used yet.
    Allowed,
    /// Allowed, and the Call went, or what was asked for was done.
    Used,
    /// Denied by the person.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// Dropped, because what it was about was revoked or paused.
    Dropped,
}

impl QuestionState {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Allowed, Self::Used, Self::Denied, Self::Expired, Self::Dropped];

    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Used => "used",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Dropped => "dropped",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What only the person can decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its identity.
    pub id: QuestionId,
    /// What is asked.
    pub kind: QuestionKind,
    /// Who asks; `None` while it is no Agent yet.
    pub agent: Option<AgentId>,
    /// About which Server, where it is about one.
    pub server: Option<ServerId>,
    /// As whom, where it is about a Server.
    pub account: Option<AccountId>,
    /// What the answer is bound to.
    pub digest: Digest,
    /// The parameters as JSON text: the bytes that are shown and, when allowed, sent.
    pub params: String,
    /// The rules that asked.
    pub why: Vec<Why>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: QuestionState,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// The person's note to the Agent.
    pub note: Option<String>,
}

impl Question {
    /// Whether a yes holds for this Call alone: a rule that stands above the Grants asks, and a Grant would not answer it.
    #[must_use]
    pub fn only_once(&self) -> bool {
        self.why.iter().any(Why::stands_above)
    }
}

/// What the person chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "choice")]
pub enum Choice {
    /// This Call, once.
    Once,
    /// This Call, and the same arguments again for so many seconds: makes a Grant.
    SameArgumentsFor {
        /// How long.
        seconds: i64,
    },
    /// This Call, and for so many seconds the same target with these arguments held fixed: makes a Grant.
    TargetFor {
        /// How long.
        seconds: i64,
        /// Pointers into the arguments; what is not there is held absent.
        fixed: Vec<String>,
    },
    /// Let this client in; only for a consent.
    LetIn {
        /// The number or code that the page or the agent shows.
        number: String,
        /// As whom.
        agent: AgentChoice,
    },
    /// What a Server asked for; only for its forms. It is never kept.
    #[serde(skip)]
    Fill(Filled),
    /// Neither: what a Server asked is left without an answer.
    Cancel,
    /// Not.
    Deny {
        /// What the Agent is told.
        note: Option<String>,
    },
    /// Not, and this Agent is paused.
    DenyAndPause {
        /// What the Agent is told.
        note: Option<String>,
    },
}

/// As which Agent a client comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentChoice {
    /// As one that is there, with its Grants.
    Existing(AgentId),
    /// As a new one of this name, without Grants.
    New(String),
}

/// An answer to a Question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// To which Question.
    pub question: QuestionId,
    /// What was chosen.
    pub choice: Choice,
    /// The approval passphrase, where it was given.
    pub passphrase: Option<Passphrase>,
}
