//! Words about rules as a file, and about bundles that an organisation signed.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Rules {
    /// All grants in force and your guardrails, as a file that another Prokura can read.
    Export {
        /// The file; omitted or "-": standard output.
        file: Option<PathBuf>,
    },
    /// Take the rules of such a file. Shows what it would change, and changes it only with --yes.
    Import {
        /// The file; omitted or "-": standard input.
        file: Option<PathBuf>,
        /// Take the others where something in it cannot be taken here.
        #[arg(long)]
        partly: bool,
        /// Change it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Bundles {
    /// List the bundles that are required.
    List,
    /// What a bundle says, without taking it.
    Look {
        /// The file; omitted or "-": standard input.
        file: Option<PathBuf>,
        /// The public key of who signs it; omitted: that of a bundle that is required.
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// Require a bundle, or take a newer form of one that is required: its guardrails hold from now on.
    Take {
        /// The file; omitted or "-": standard input.
        file: Option<PathBuf>,
        /// The public key of who signs it; omitted: that of a bundle that is required.
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// Require a bundle no longer.
    Release { name: String },
    /// For who publishes: make a key. The secret goes into a new file, mode 600; the public key is printed.
    NewKey { file: PathBuf },
    /// For who publishes: sign a bundle, and print it. Needs no running host.
    Sign {
        /// What it says; omitted or "-": standard input.
        file: Option<PathBuf>,
        /// The file with the secret.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
}
