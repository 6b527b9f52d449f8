//! The `prokura` program: runs a Host without a window, and administers the one that runs.
//! It must never decide, or keep anything of its own.

#![allow(clippy::print_stdout, clippy::print_stderr)] // A command line prints.

mod access;
mod approvals;
mod args;
mod ask;
mod audit;
mod backup;
mod bundles;
mod consent;
mod form;
mod grants;
mod guardrails;
mod hidden;
mod local;
mod question;
mod reference;
mod rules;
mod run;
mod serve;
mod show;
mod sign_in;
mod stdio;
mod verify;
mod watch;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use prokura_api::{Failure, FailureCode};

use args::{Args, Command};

fn main() -> ExitCode {
    // Not a command for people: it is what a Host starts local servers by.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "keep") {
        return prokura_host::keeper::keep(&words.collect::<Vec<_>>());
    }
    let args = Args::parse();
    let json = args.json;
    if let Command::Stdio(words) = &args.command {
        let data = args.data.clone().unwrap_or_else(prokura_host::default_data_dir);
        return stdio::run(&data, words);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the program cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(ask::run(args)) {
        Ok(code) => code,
        Err(failure) => fail(&failure, json),
    }
}

/// Exit codes: 1 a failure or a "no", 2 wrong words (clap), 3 no Prokura is running or it cannot be reached.
fn fail(failure: &Failure, json: bool) -> ExitCode {
    if json {
        eprintln!("{}", serde_json::json!({ "failure": failure }));
    } else {
        eprintln!("error: {}\n  next: {}", failure.message, failure.hint);
    }
    match failure.code {
        FailureCode::Unreachable => ExitCode::from(3),
        FailureCode::BadRequest
        | FailureCode::NotFound
        | FailureCode::Conflict
        | FailureCode::Refused
        | FailureCode::PassphraseNeeded
        | FailureCode::SignInNeeded
        | FailureCode::VaultLocked
        | FailureCode::AuditBroken
        | FailureCode::Internal => ExitCode::FAILURE,
    }
}
