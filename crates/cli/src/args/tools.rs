//! Words about tools, and about what flows through them.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Tools {
    /// List the tools of a server.
    List {
        #[arg(long)]
        server: String,
        /// Ask the server again first.
        #[arg(long)]
        refresh: bool,
    },
    /// Say what a tool can do.
    Classify {
        #[arg(long)]
        server: String,
        tool: String,
        /// read, write, destructive or admin.
        #[arg(long)]
        class: String,
        /// none, or reads_private, reads_untrusted, sends_out joined by commas.
        #[arg(long)]
        labels: Option<String>,
    },
    /// Say what flows through a tool, or through all resources or prompts; with --server alone, take what is proposed for
    /// everything nobody has looked at.
    Label {
        #[arg(long)]
        server: String,
        tool: Option<String>,
        /// none, or reads_private, reads_untrusted, sends_out joined by commas; omitted: what is proposed for the tool.
        #[arg(long, requires = "tool")]
        labels: Option<String>,
        /// The same for all resources of the server.
        #[arg(long, value_name = "LABELS")]
        resources: Option<String>,
        /// The same for all prompts of the server.
        #[arg(long, value_name = "LABELS")]
        prompts: Option<String>,
    },
    /// Accept a new or changed tool as it is offered now.
    Accept {
        #[arg(long)]
        server: String,
        tool: String,
    },
}

#[derive(Debug, Args)]
pub struct Run {
    #[arg(long, value_name = "NAME[@ACCOUNT]")]
    pub server: String,
    /// The tool's name at the server.
    pub tool: String,
    /// Its arguments, a JSON object; "-" reads them from standard input.
    #[arg(default_value = "{}")]
    pub arguments: String,
}

#[derive(Debug, Subcommand)]
pub enum Flow {
    /// The rule, and what each agent has read.
    Show,
    /// Set the rule.
    Set {
        /// Ask about what is sent out after something private and something of strangers were read.
        #[arg(long, conflicts_with = "off")]
        on: bool,
        /// Do not ask.
        #[arg(long)]
        off: bool,
        /// How long something that was read counts, such as 8h.
        #[arg(long, value_name = "TIME")]
        window: Option<String>,
    },
    /// Forget what an agent has read.
    Forget { agent: String },
}
