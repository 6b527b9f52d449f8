//! The words about agent programs on this machine.

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Wire {
    /// List the programs, whether they are here, and the servers they have.
    List,
    /// Connect a program; shows the difference of its settings, and writes it only with --yes.
    Connect {
        /// The program's id, such as `claude-code`.
        program: String,
        /// The name it gets as an agent; omitted means its id.
        #[arg(long = "as", value_name = "AGENT")]
        agent: Option<String>,
        /// How: by starting `prokura stdio`, or by URL and sign-in.
        #[arg(long, value_enum, default_value = "command")]
        way: WayWord,
        /// A server of the program that Prokura takes over (repeatable).
        #[arg(long, value_name = "SERVER")]
        take: Vec<String>,
        /// Write it.
        #[arg(long)]
        yes: bool,
    },
    /// Take back what was changed; shows the difference, and writes it only with --yes.
    Undo {
        program: String,
        /// Write it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum WayWord {
    Command,
    SignIn,
}
