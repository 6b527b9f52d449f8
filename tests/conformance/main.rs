//! Runs the official conformance suite against Prokura: `server` puts it in front of the reference server, `client`
//! lets the suite start Prokura as a client. It must never open a door in the product: the key that the suite cannot
//! send is added by a proxy of the tests.
#![allow(clippy::print_stdout, clippy::print_stderr)] // What it tells is its purpose.

mod authorization;
mod client;
mod cross;
mod drive;
mod outcome;
mod server;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use prokura_domain::protocol::LEGACY_VERSIONS;
use prokura_testkit::reference::Speaks;

/// The official conformance suite, through Prokura.
#[derive(Debug, Parser)]
#[command(name = "prokura-conformance")]
struct Options {
    #[command(subcommand)]
    leg: Leg,
}

#[derive(Debug, Subcommand)]
enum Leg {
    /// The suite acts as agent in front of Prokura.
    Server {
        /// The revision whose requirements are tested.
        #[arg(long, default_value = "2026-07-28")]
        requirements: String,
        /// Test the reference server itself, without Prokura: nothing may fail.
        #[arg(long)]
        direct: bool,
        /// The reference server knows only `modern`, or only sessions up to a revision such as 2025-06-18.
        #[arg(long)]
        speaks: Option<String>,
    },
    /// Agents of every revision at servers of every revision, through Prokura: a table.
    Cross {
        /// Every cell; else those of the oldest and the newest revision on either side of the era change.
        #[arg(long)]
        all: bool,
    },
    /// The suite acts as server and authorization server behind Prokura.
    Client {
        /// The revision whose requirements are tested.
        #[arg(long, default_value = "2026-07-28")]
        requirements: String,
    },
    /// The suite tests Prokura's own authorization server.
    Authorization {
        /// The revision whose requirements are tested.
        #[arg(long, default_value = "2026-07-28")]
        requirements: String,
    },
    /// What the suite starts in the client leg: Prokura, a person and an agent in one.
    Drive {
        /// The server of the scenario.
        url: String,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Options::parse().leg {
        Leg::Server { requirements, direct, speaks } => {
            let speaks = match speaks.as_deref() {
                None => Speaks::Everything,
                Some("modern") => Speaks::Modern,
                Some(newest) => {
                    let known = LEGACY_VERSIONS.into_iter().find(|known| *known == newest);
                    Speaks::Sessions(known.context("no revision with sessions")?)
                }
            };
            server::run(&requirements, direct, speaks).await
        }
        Leg::Cross { all } => cross::run(all).await,
        Leg::Client { requirements } => client::run(&requirements).await,
        Leg::Authorization { requirements } => authorization::run(&requirements).await,
        Leg::Drive { url } => drive::run(&url).await,
    }
}
