//! The words of the command line in other shapes: completions of shells, manual pages, and `docs/commands.md`. All come from the
//! definitions in `args`, so none can say something else than `--help`. It must never touch the data folder or a Host.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;
use prokura_api::{Failure, FailureCode};

use crate::args::Args;

/// Prints what a shell has to know to complete words.
pub fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "prokura", &mut text);
    // Whoever reads may have had enough; that is no failure of ours.
    let _enough = std::io::stdout().write_all(&text);
    Ok(ExitCode::SUCCESS)
}

/// Writes `prokura.1` and a page for each command.
pub fn manual(folder: &Path) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(folder)
        .and_then(|()| {
            clap_mangen::generate_to(Args::command().disable_help_subcommand(true), folder)
        })
        .map_err(|error| {
            Failure::new(
                FailureCode::BadRequest,
                format!("The manual cannot be written to {}: {error}.", folder.display()),
                "Name a folder that you may write to.",
            )
        })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
