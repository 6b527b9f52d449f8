//! The words about the network.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Network {
    /// What is set.
    Show,
    /// Go through a proxy, except to this machine.
    #[command(group = clap::ArgGroup::new("way").required(true))]
    Proxy {
        /// Such as http://proxy.example:3128.
        #[arg(group = "way")]
        url: Option<String>,
        /// Go out directly.
        #[arg(long, group = "way")]
        none: bool,
    },
    /// Trust the certificates in a PEM file beside those of the system.
    Trust {
        /// Your name for them.
        name: String,
        file: PathBuf,
    },
    /// Say whether programs of agents may name themselves by a document on the internet: on or off. Where it is off they
    /// register themselves.
    Documents {
        #[arg(value_parser = ["on", "off"])]
        mode: String,
    },
    /// Trust them no more.
    Distrust { name: String },
}
