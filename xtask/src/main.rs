//! `cargo xtask …`: the one door for people and CI. It prepares, builds, checks and starts things.
//! It must never be part of the product, and never hide what it runs: each step says its command's purpose and its time.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod agents;
mod bench;
mod build;
mod check;
mod debian;
mod fuzz;
mod node;
mod package;
mod place;
mod python;
mod start;
mod step;
mod suite;

use anyhow::{Result, bail};
use place::Place;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  setup [--headless]           install what is missing: Debian packages, npm and Python packages
  run [-- ARGS]                build and start the desktop program
  demo [--headless [--json]]   the demo world: in the window, or printed
  test [--slow] [--agents]     check, build everything, run every test
  check                        format, lints, tidiness, generated types, licences, interface
  package [--debug]            the .deb and the .rpm, into target/package/; with --debug from the programs of the tests
  icons                        icons/ in all sizes, from icons/prokura.svg
  reference                    docs/commands.md, from the command line's definitions
  types [--check]              write ui/src/generated from crates/api, or compare only
  shots [--tutorial]           a picture of every screen, light and dark, into shots/, and of questions into docs/; those of the book too
  fuzz [TARGET]… [--seconds N] run the fuzz targets (all), 30 seconds each unless told otherwise
  soak [--seconds N]           50 agents, 10 servers, random kills, for 30 minutes unless told otherwise
  bench [NAME [ARGS]…]         measure one thing with the release build; without a name, the list
  conformance LEG [--requirements REV]
                               LEG is server, client or authorization; the last line is JSON
  conformance cross            every agent revision at every server revision, as a table";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match act(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(words: &[String]) -> Result<()> {
    let Some((command, rest)) = words.split_first() else {
        println!("{USAGE}");
        return Ok(());
    };
    if matches!(command.as_str(), "help" | "--help" | "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let place = Place::find()?;
    match command.as_str() {
        "setup" => setup(&place, known(rest, &["--headless"])?),
        "run" => start::desktop(&place, rest),
        "demo" => start::demo(&place, known(rest, &["--headless", "--json"])?),
        "test" => suite::test(&place, known(rest, &["--slow", "--agents"])?),
        "check" => known(rest, &[]).and_then(|_| check::all(&place)),
        "types" => check::types(&place, known(rest, &["--check"])?),
        "package" => package::run(&place, known(rest, &["--debug"])?),
        "icons" => known(rest, &[]).and_then(|_| package::icons(&place)),
        "reference" => known(rest, &[]).and_then(|_| check::reference(&place)),
        "shots" => start::shots(&place, known(rest, &["--tutorial"])?),
        "conformance" => start::conformance(&place, rest),
        "fuzz" => fuzz::run(&place, rest),
        "bench" => bench::run(&place, rest),
        "soak" => start::soak(&place, rest),
        other => bail!("there is no command {other:?}\n\n{USAGE}"),
    }
}

/// The words themselves, once each of them is among `allowed`.
fn known<'a>(words: &'a [String], allowed: &[&str]) -> Result<&'a [String]> {
    match words.iter().find(|word| !allowed.contains(&word.as_str())) {
        Some(word) => bail!("{word:?} is not understood here\n\n{USAGE}"),
        None => Ok(words),
    }
}

/// Whether a flag was given.
fn given(words: &[String], flag: &str) -> bool {
    words.iter().any(|word| word == flag)
}

/// Everything that other commands would otherwise bring on first use.
fn setup(place: &Place, words: &[String]) -> Result<()> {
    node::present()?;
    debian::install(debian::HEADLESS)?;
    if !given(words, "--headless") {
        debian::install(debian::DESKTOP)?;
        node::install(place, &place.ui())?;
    }
    node::install(place, &place.tests().join("node"))?;
    python::install(place)
}
