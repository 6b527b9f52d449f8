//! The wishes: one closed list for the window and the command line.

mod accounts;
mod asking;
mod audit;
mod guardrails;
mod local;
mod network;
mod reach;
mod rules;
mod run;
mod wishes;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use accounts::{AccountWish, ClientWish, MachineWish, SignInChoice};
pub use asking::{AskingWish, FilledWish};
pub use audit::AuditWish;
pub use guardrails::{GuardrailWish, SimulationWish};
pub use local::{ConfineWish, LaunchWish, LocalWish};
pub use network::NetworkWish;
pub use reach::Reach;
pub use rules::{BundleWish, RulesWish};
pub use run::RunWish;
pub use wishes::{AccessWish, LimitsWish, WireWish, seconds_in};

/// A grant as it is wished for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "Request.ts")]
pub struct GrantWish {
    /// An agent's name or id.
    pub agent: String,
    /// A server's name or id.
    pub server: String,
    /// An account's name or id; omitted means every account.
    pub account: Option<String>,
    /// `NAME`, `GLOB` or `class:read`.
    pub tools: Option<String>,
    /// A glob over resource URIs.
    pub resources: Option<String>,
    /// A glob over prompt names.
    pub prompts: Option<String>,
    /// A glob over other methods.
    pub methods: Option<String>,
    /// `allow`, `ask` or `deny`.
    pub effect: String,
    /// Conditions on the arguments, all of which have to be true: `POINTER OP VALUE`, such as `/amount <= 500`.
    #[serde(rename = "where", default)]
    pub conditions: Vec<String>,
    /// How much may go through it: `20/1h` calls, or amounts such as `sum(/amount)<=500/1d`; omitted means no limit.
    #[serde(default)]
    pub budget: Option<String>,
    /// Until when: RFC 3339, or a time from now such as `8h`.
    pub until: Option<String>,
    /// A note.
    pub note: Option<String>,
    /// What a yes to what it asks has to be given with: `click`, `passphrase` or `presence`.
    #[serde(default)]
    #[ts(optional)]
    pub level: Option<String>,
}

/// An answer as it is wished for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "Request.ts")]
pub enum AnswerWish {
    /// This call, once.
    Once,
    /// This call, and the same arguments for so many seconds.
    SameArgumentsFor(#[ts(type = "number")] i64),
    /// This call, and the same target for a time, with some arguments held fixed.
    TargetFor {
        /// For how many seconds.
        #[ts(type = "number")]
        seconds: i64,
        /// RFC 6901 pointers into the arguments; what is not there is held absent.
        fixed: Vec<String>,
    },
    /// Let a program sign in; only for a consent.
    LetIn {
        /// The number or code that the page or the agent shows.
        number: String,
        /// The name or id of the agent it comes in as.
        agent: Option<String>,
        /// The name of a new agent it comes in as, without grants.
        new_agent: Option<String>,
    },
    /// What was typed into a server's form, by field; a field that is left out has no answer.
    Fill(FilledWish),
    /// Neither yes nor no: a server's question is left without an answer.
    Cancel,
    /// Not; with what the agent is told.
    Deny(Option<String>),
    /// Not, and the agent is paused; with what it is told.
    DenyAndPause(Option<String>),
}

/// What can be asked of the Host.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "wish")]
#[ts(export_to = "Request.ts")]
pub enum Request {
    /// How things stand.
    State,
    /// All servers.
    Servers,
    /// Add a server; looks at it and pins its tools where it needs no sign-in.
    ServerAdd {
        /// The URL of its MCP endpoint.
        url: String,
        /// Its name.
        name: String,
    },
    /// Well-known servers, from the list that comes with the program.
    ServersKnown {
        /// Words that have to occur; omitted means all.
        #[serde(default)]
        search: Option<String>,
    },
    /// Something about a server that is a program of this machine.
    Local(LocalWish),
    /// Remove a server: signs out, closes its grants, keeps the records.
    ServerRemove {
        /// Its name or id.
        server: String,
    },
    /// Start a sign-in; answers with the page to open.
    SignIn {
        /// The server's name or id.
        server: String,
        /// The account to sign in again; omitted means the server's only one, or a new one.
        account: Option<String>,
        /// What the person chose.
        #[serde(default)]
        choice: SignInChoice,
    },
    /// Something about accounts and signing in.
    Account(AccountWish),
    /// Wait until a sign-in ends.
    SignInWait {
        /// Names the sign-in.
        sign_in: String,
    },
    /// Give up a sign-in.
    SignInCancel {
        /// Names the sign-in.
        sign_in: String,
    },
    /// Enter the client that was registered by hand at the server's authorization server.
    ClientSet {
        /// The server's name or id.
        server: String,
        /// The client id.
        client_id: String,
        /// What it proves itself with; omitted means nothing.
        #[serde(default)]
        proof: ClientWish,
    },
    /// Sign a program in, without a person and without a browser.
    SignInMachine {
        /// The server's name or id.
        server: String,
        /// The account to sign in again; omitted means the fitting one, or a new one.
        account: Option<String>,
        /// What stands in for a person.
        machine: MachineWish,
        /// The scopes; omitted means those that the server asks for.
        scopes: Option<Vec<String>>,
    },
    /// Enter a static key for a server that takes one.
    KeySet {
        /// The server's name or id.
        server: String,
        /// The header it goes into; `Authorization` is sent as a bearer token.
        header: String,
        /// The key.
        key: String,
    },
    /// Sign out: revoke and forget the tokens.
    SignOut {
        /// The server's name or id.
        server: String,
        /// The account; omitted means all.
        account: Option<String>,
    },
    /// The tools of a server.
    Tools {
        /// The server's name or id.
        server: String,
    },
    /// Ask the server again for its tools.
    ToolsRefresh {
        /// The server's name or id.
        server: String,
    },
    /// Say what a tool can do.
    ToolClassify {
        /// The server's name or id.
        server: String,
        /// The tool.
        tool: String,
        /// `read`, `write`, `destructive` or `admin`.
        class: String,
        /// `none` or labels joined by commas; omitted leaves them.
        labels: Option<String>,
    },
    /// Say what flows through a tool, or through all resources or prompts of a server; with the server alone, take what
    /// is proposed for everything nobody has looked at.
    ToolsLabel {
        /// The server's name or id.
        server: String,
        /// The tool; omitted with the members below means all.
        tool: Option<String>,
        /// `none` or labels joined by commas; omitted takes what is proposed for the tool.
        labels: Option<String>,
        /// The same for all resources of the server.
        resources: Option<String>,
        /// The same for all prompts of the server.
        prompts: Option<String>,
    },
    /// The flow rule, and what each agent has read.
    Flow,
    /// Set the flow rule.
    FlowSet {
        /// Whether it holds; omitted leaves it.
        on: Option<bool>,
        /// How long something that was read counts, such as `8h`; omitted leaves it.
        window: Option<String>,
    },
    /// Forget what an agent has read.
    FlowForget {
        /// Its name or id.
        agent: String,
    },
    /// Accept a new or changed tool as it is offered now.
    ToolAccept {
        /// The server's name or id.
        server: String,
        /// The tool.
        tool: String,
    },
    /// A tool that the person calls themselves.
    Run(RunWish),
    /// The agent programs on this machine whose settings Prokura can change, and what they have.
    Programs,
    /// How a program's settings would read with Prokura in them.
    WirePreview(WireWish),
    /// Change a program's settings as they were previewed.
    Wire {
        /// What was previewed.
        of: WireWish,
        /// The digest that the preview had.
        digest: String,
    },
    /// How a program's settings would read without what Prokura changed.
    UnwirePreview {
        /// The program's id.
        program: String,
    },
    /// Take back what was changed, as it was previewed.
    Unwire {
        /// The program's id.
        program: String,
        /// The digest that the preview had.
        digest: String,
    },
    /// All agents.
    Agents,
    /// Add an agent with a key.
    AgentAdd {
        /// Its name.
        name: String,
    },
    /// Revoke an agent for good.
    AgentRevoke {
        /// Its name or id.
        agent: String,
    },
    /// Take back what one program was allowed; it is asked about anew when it comes again.
    AgentUnpair {
        /// Its name or id.
        agent: String,
        /// The id of the pairing.
        pairing: String,
    },
    /// End one sign-in of an agent; its tokens are dead at once.
    AgentSignOut {
        /// Its name or id.
        agent: String,
        /// The id of the sign-in.
        sign_in: String,
    },
    /// Give an agent a new key; the old one is dead at once.
    AgentKey {
        /// Its name or id.
        agent: String,
    },
    /// All grants.
    Grants {
        /// Whether expired and revoked ones are listed too.
        all: bool,
    },
    /// What an agent can do now, or who can use a tool.
    Access(AccessWish),
    /// Make a grant.
    GrantAdd(GrantWish),
    /// Take a grant back.
    GrantRevoke {
        /// Its id.
        grant: String,
    },
    /// Something about many rules at once, or about rules as a file.
    Rules(RulesWish),
    /// Something about bundles of guardrails that an organisation signed.
    Bundle(BundleWish),
    /// Say how much an agent may take.
    AgentLimits(LimitsWish),
    /// Say whether an agent finds its tools by searching instead of being given all of them.
    AgentSearch {
        /// Its name or id.
        agent: String,
        /// Whether it does.
        on: bool,
    },
    /// Pause one agent.
    AgentPause {
        /// Its name or id.
        agent: String,
    },
    /// End the pause of one agent.
    AgentResume {
        /// Its name or id.
        agent: String,
    },
    /// How questions were answered in the last days.
    ApprovalsTold,
    /// Say what happens to new questions.
    DoNotDisturb {
        /// `off`, `wait` or `deny`.
        mode: String,
    },
    /// Guardrails: list, show, add, change, remove, check.
    Guardrail(GuardrailWish),
    /// Run a changed set of grants and guardrails over the past.
    Simulate(SimulationWish),
    /// The questions that wait.
    Approvals {
        /// Whether settled ones are listed too.
        all: bool,
    },
    /// One question.
    ApprovalShow {
        /// Its id.
        approval: String,
    },
    /// Answer a question.
    ApprovalAnswer {
        /// Its id.
        approval: String,
        /// The answer.
        answer: AnswerWish,
        /// The approval passphrase, where the question wants it.
        #[serde(default)]
        passphrase: Option<String>,
    },
    /// How answers have to be given, and how questions come.
    Asking(AskingWish),
    /// Something about the audit log.
    Audit(AuditWish),
    /// Pause all agents.
    Pause,
    /// End the pause.
    Resume,
    /// Look for trouble.
    Doctor,
    /// Something about how servers are reached.
    Network(NetworkWish),
    /// Write a backup of everything with its key, which the passphrase opens.
    BackUp {
        /// The passphrase.
        passphrase: String,
        /// A new file, as a full path; omitted means one in the exports of the data folder.
        #[serde(default)]
        to: Option<String>,
    },
    /// Say that this data folder is the only one left of those that were copied.
    Adopt,
}

impl std::fmt::Debug for Request {
    /// Only the wish: its members can be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}
