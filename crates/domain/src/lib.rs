//! Plain values that every other crate speaks in, and the ports that `host` hands from one crate to another.
//! It must never do input or output, read a clock, or know a token.

pub mod account;
pub mod agent;
pub mod budget;
pub mod call;
pub mod change;
pub mod client;
pub mod clock;
pub mod condition;
pub mod decimal;
pub mod digest;
pub mod flow;
pub mod form;
pub mod grant;
pub mod guardrail;
pub mod id;
pub mod json;
pub mod keys;
pub mod launch;
pub mod level;
pub mod limits;
pub mod page;
pub mod pointer;
pub mod port;
pub mod preset;
pub mod process;
pub mod protocol;
pub mod question;
pub mod record;
pub mod registry;
pub mod server;
pub mod sse;
pub mod tool;

pub use account::{Account, AccountKind, AccountState};
pub use agent::{Agent, AgentState};
pub use budget::{Budget, Charge};
pub use call::{Call, Outgoing, Target, Verb};
pub use change::Change;
pub use client::{Client, ClientMetadata, ClientSource, Endpoint, RedirectUri, SignIn};
pub use clock::{Clock, Entropy, Timestamp};
pub use condition::{Condition, ConditionFault};
pub use decimal::Decimal;
pub use digest::Digest;
pub use flow::{FlowRead, FlowReads, FlowRule, FlowStep, Reservation};
pub use form::{Field, Filled, Form, FormFault};
pub use grant::{Effect, Grant, Origin, TargetPattern};
pub use guardrail::{GuardedArgument, GuardedTool, Guardrail, GuardrailFault, GuardrailOrigin};
pub use id::{
    AccountId, AgentId, CallId, GrantId, GuardrailId, PairingId, QuestionId, ServerId, SignInId,
};
pub use json::Json;
pub use keys::{Keys, KeysFault};
pub use launch::{Confinement, Incident, Launch, Plan, Running, StartReason};
pub use level::{Level, LevelScope, Levels, Passphrase};
pub use limits::AgentLimits;
pub use page::Page;
pub use pointer::Pointer;
pub use preset::Preset;
pub use process::{Caller, Pairing, PairingReason, Process, Program, SeenFile};
pub use protocol::{Era, Method};
pub use question::{Answer, AskMode, Choice, Question, QuestionKind, QuestionState};
pub use record::{AuditRecord, Durability, Event, RecordKind, Subject};
pub use server::{AuditLevel, Server};
pub use tool::{Labels, Pin, Tool, ToolClass};
