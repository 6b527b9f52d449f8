//! The demo: two servers with an authorization server each, a scripted agent, and a real `prokura`. It plays the
//! outside world; nothing of it is ever part of a normal run.
#![allow(clippy::print_stdout, clippy::print_stderr)] // What it tells is its purpose.

mod story;
mod tour;
mod world;

use std::path::PathBuf;

use clap::Parser;

/// Shows Prokura at work between an agent and two servers.
#[derive(Debug, Parser)]
#[command(name = "prokura-demo")]
struct Options {
    /// Tell the whole story here, without a window.
    #[arg(long)]
    headless: bool,
    /// Print the steps as JSON (with --headless).
    #[arg(long, requires = "headless")]
    json: bool,
    /// Keep everything in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if options.headless {
        story::tell(options.folder.as_deref(), options.json).await
    } else {
        tour::guide(options.folder.as_deref()).await
    }
}
