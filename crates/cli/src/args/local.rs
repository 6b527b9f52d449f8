//! The words for servers that are programs of this machine.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// How a program is started.
#[derive(Debug, ClapArgs)]
pub struct Launch {
    /// Your name for the server: a-z, 0-9 and "-".
    pub name: String,
    /// The program and its arguments, behind "--". They are started as they are: no shell reads them.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub words: Vec<String>,
    /// A variable of its environment, shown wherever the command is shown; can be given several times.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub environment: Vec<String>,
    /// A variable whose value is kept in the vault; it is asked for, or read from the next line of standard input.
    #[arg(long = "secret", value_name = "NAME")]
    pub secrets: Vec<String>,
    /// The folder it works in; your home folder without it.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Confine it with bubblewrap: it sees the system's folders and what is named below, and no network.
    #[arg(long)]
    pub confine: bool,
    /// A folder or file that it can read, confined.
    #[arg(long, value_name = "PATH", requires = "confine")]
    pub read: Vec<PathBuf>,
    /// A folder or file that it can read and change, confined.
    #[arg(long, value_name = "PATH", requires = "confine")]
    pub write: Vec<PathBuf>,
    /// Let it use the network, confined.
    #[arg(long, requires = "confine")]
    pub network: bool,
}
