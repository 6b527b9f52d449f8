//! The words of the command line.

mod approvals;
mod bundles;
mod clients;
mod grants;
mod limits;
mod local;
mod network;
mod tools;
mod wire;

use std::path::PathBuf;

use crate::access::Access;
use crate::audit::Audit;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub use approvals::{AnswerMore, AnswerWord, Approvals, LevelWord, Switch};
pub use bundles::{Bundles, Rules};
pub use clients::{Choice, Client, Machine};
pub use grants::{EffectWord, GrantAdd, Grants};
pub use limits::Limits;
pub use local::Launch;
pub use network::Network;
pub use tools::{Flow, Run, Tools};
pub use wire::{WayWord, Wire};

use crate::guardrails::{Guardrails, Simulate};

/// Let your AI agents use remote MCP servers under delegations that you can see, limit, approve, audit and take back.
#[derive(Debug, Parser)]
#[command(name = "prokura", version)]
pub struct Args {
    /// The data folder.
    #[arg(long, global = true, env = "PROKURA_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a Host without a window. Prints one JSON line when it is ready.
    Serve(Serve),
    /// Speak MCP on standard input and output, for agents that start a command. The first time you are asked.
    Stdio(Stdio),
    /// How things stand.
    State,
    /// Servers: add, list, sign in, sign out, remove.
    #[command(subcommand)]
    Servers(Servers),
    /// Agents: add, list, revoke.
    #[command(subcommand)]
    Agents(Agents),
    /// Agent programs on this machine: list, connect, take back.
    #[command(subcommand)]
    Wire(Wire),
    /// Grants: add, list, change, revoke; presets, and what another agent has.
    #[command(subcommand)]
    Grants(Grants),
    /// Grants and guardrails as a file: export, import.
    #[command(subcommand)]
    Rules(Rules),
    /// Bundles of guardrails that an organisation signed: require, list, release; and make one.
    #[command(subcommand)]
    Bundles(Bundles),
    /// What an agent can do now, or who can use a tool, and why.
    Access(Access),
    /// Tools: list, classify, accept.
    #[command(subcommand)]
    Tools(Tools),
    /// Call a tool yourself, as the agent "you": the same grants, approvals and records as for everybody.
    Run(Run),
    /// Guardrails: policies above all grants, in Cedar.
    #[command(subcommand)]
    Guardrails(Guardrails),
    /// Try changed rules on the past: what would have gone otherwise?
    Simulate(Simulate),
    /// Flows: what agents have read, and the rule that stops what they send out then.
    #[command(subcommand)]
    Flow(Flow),
    /// Approvals: list, answer.
    #[command(subcommand)]
    Approvals(Approvals),
    /// The audit log: find, show, verify, keep, export.
    #[command(subcommand)]
    Audit(Box<Audit>),
    /// Pause all agents.
    Pause,
    /// End the pause.
    Resume,
    /// Look for trouble, and say what to do; works without a running Host too.
    Doctor,
    /// How servers are reached: a proxy, certificate authorities of your own.
    #[command(subcommand)]
    Network(Network),
    /// Say that this data folder is the only one left of those that were copied: its sign-ins are renewed again.
    Adopt,
    /// Write a backup of everything: servers, accounts with their tokens, agents, grants, the log. Asks for a passphrase twice.
    Backup {
        /// A new file; omitted: one in the exports of the data folder.
        file: Option<PathBuf>,
    },
    /// Put a backup into an empty data folder, on this or another machine. Asks for its passphrase.
    Restore {
        file: PathBuf,
        /// Keep the master key in this new file instead of the keyring.
        #[arg(long, value_name = "FILE")]
        vault_key_file: Option<PathBuf>,
    },
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages of this program and its commands into a folder.
    Manual {
        /// The folder; made where it is missing.
        folder: PathBuf,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Serve {
    /// The port for agents; 0 takes the folder's own, or any free one for a new folder.
    #[arg(long)]
    pub port: Option<u16>,
    /// Take the master key from a file of exactly 32 random bytes, mode 600; the keyring is not touched.
    #[arg(long, value_name = "FILE", conflicts_with = "vault_passphrase_file")]
    pub vault_key_file: Option<PathBuf>,
    /// Derive the master key from the passphrase in a file, mode 600; the keyring is not touched.
    #[arg(long, value_name = "FILE")]
    pub vault_passphrase_file: Option<PathBuf>,
    /// The URL of your published client metadata document; kept in the data folder, and taken back with an empty one.
    #[arg(long, value_name = "URL")]
    pub client_document: Option<String>,
    /// Give the folder's port up and take another one: for when another program has listened there. Every sign-in of an
    /// agent ends.
    #[arg(long, conflicts_with = "port")]
    pub new_port: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Stdio {
    /// Your name for the agent: a-z, 0-9 and "-".
    #[arg(long, value_name = "NAME")]
    pub agent: String,
    /// Only this server, under its own tool names; omitted: all of them together.
    #[arg(long, value_name = "NAME[@ACCOUNT]")]
    pub server: Option<String>,
    /// What to start where no Prokura is running.
    #[arg(long, value_enum, default_value = "never", env = "PROKURA_START")]
    pub start: StartWord,
    /// With --start headless: the master key, as for `serve`.
    #[arg(long, value_name = "FILE", conflicts_with = "vault_passphrase_file")]
    pub vault_key_file: Option<PathBuf>,
    /// With --start headless: the passphrase of the master key, as for `serve`.
    #[arg(long, value_name = "FILE")]
    pub vault_passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StartWord {
    /// Nothing; the agent is told what to do.
    Never,
    /// `prokura serve`.
    Headless,
    /// The Prokura window.
    Window,
}

#[derive(Debug, Subcommand)]
pub enum Servers {
    /// Add a server by the URL of its MCP endpoint.
    Add {
        url: String,
        /// Your name for it: a-z, 0-9 and "-".
        #[arg(long)]
        name: String,
    },
    /// List well-known servers, which come with the program as a list.
    Known {
        /// Words that have to occur.
        words: Vec<String>,
    },
    /// Add a program of this machine that is an MCP server. Nothing is started before you allow it.
    AddLocal(Box<Launch>),
    /// Start such a server in another way; you are asked again. What is not given is not kept.
    ChangeLocal {
        #[command(flatten)]
        launch: Box<Launch>,
        /// A secret that keeps the value it has.
        #[arg(long, value_name = "NAME")]
        keep_secret: Vec<String>,
    },
    /// Be asked again whether such a server may start.
    Ask { name: String },
    /// Stop such a server, and forget that it crashed. It starts again when it is used.
    Stop { name: String },
    /// Show what such a server wrote to its standard error.
    Log { name: String },
    /// List the servers.
    List,
    /// Sign in; waits until the browser is done.
    SignIn {
        name: String,
        /// Only print the page to open.
        #[arg(long)]
        print_url: bool,
        /// Which account to sign in again.
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        choice: Box<Choice>,
        #[command(flatten)]
        machine: Box<Machine>,
    },
    /// Call an account by another name.
    Rename {
        name: String,
        #[arg(long)]
        account: String,
        /// The new name.
        #[arg(long)]
        to: String,
    },
    /// Choose the account that an agent uses at a server.
    Use {
        name: String,
        #[arg(long)]
        account: String,
        #[arg(long)]
        agent: String,
    },
    /// Be asked again for scopes that you declined to give an account.
    AskAgain {
        name: String,
        #[arg(long)]
        account: String,
    },
    /// Excuse something of a server's authorization server: no-pkce or other-issuer.
    Except {
        name: String,
        exception: String,
        /// Take the exception back.
        #[arg(long)]
        end: bool,
    },
    /// Print the redirect address to enter where you make a client by hand.
    Redirect {
        name: String,
        /// Have it on this port from now on.
        #[arg(long)]
        port: Option<u16>,
    },
    /// Whether Prokura shows what this server asks you, where the agent cannot show it: off at first. It counts from an
    /// agent's next session or message on.
    Questions { name: String, switch: Switch },
    /// Sign out: revoke and forget the tokens.
    SignOut {
        name: String,
        #[arg(long)]
        account: Option<String>,
    },
    /// Enter the client you registered by hand.
    Client(Client),
    /// Enter a static key for a server that takes one; it is read from standard input.
    Key {
        name: String,
        /// The header it goes into; in Authorization it is sent as a bearer token.
        #[arg(long, default_value = "Authorization")]
        header: String,
    },
    /// Remove a server. Its records stay.
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
pub enum Agents {
    /// Add an agent with a key of its own, shown only once.
    Add {
        name: String,
        /// Give it a key. Agents that sign in, or are started by `prokura stdio`, need none and are not added here.
        #[arg(long)]
        key: bool,
    },
    /// List the agents.
    List,
    /// Revoke an agent for good.
    Revoke { name: String },
    /// Pause one agent: its calls are refused until it is resumed.
    Pause { name: String },
    /// End the pause of one agent.
    Resume { name: String },
    /// End one sign-in; its tokens are dead at once. SIGN_IN is its id in `agents list --json`.
    SignOut { name: String, sign_in: String },
    /// Give an agent a new key, shown only once; the old one is dead at once.
    Key { name: String },
    /// How much an agent may take: shown, or changed.
    Limits(Limits),
    /// Give an agent two tools to find and call its tools, instead of all of them.
    Search {
        name: String,
        #[arg(value_parser = ["on", "off"])]
        mode: String,
    },
    /// Take back what one program was allowed; PAIRING is its id in `agents list --json`.
    Unpair { name: String, pairing: String },
}
