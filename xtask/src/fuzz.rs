//! `cargo xtask fuzz`: runs the fuzz targets, each for a bounded time. It says what is missing, and installs the runner; a
//! nightly compiler it only names, because that is a choice about the whole machine.

use crate::place::{Place, cargo};
use crate::step::Step;
use anyhow::{Context as _, Result, bail};
use std::process::{Command, Stdio};

/// The targets, as in `fuzz/Cargo.toml`.
const TARGETS: [&str; 6] = ["json", "sse", "challenge", "callback", "token", "metadata"];

/// Seconds for each target when nobody says otherwise.
const SECONDS: u64 = 30;

/// `cargo xtask fuzz [TARGET]… [--seconds N]`.
pub fn run(place: &Place, words: &[String]) -> Result<()> {
    let (targets, seconds) = read(words)?;
    if !answers("rustup", &["run", "nightly", "rustc", "--version"]) {
        bail!(
            "fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal"
        );
    }
    if !answers(cargo(), &["fuzz", "--version"]) {
        Step::cargo(place, "cargo-fuzz", &["install", "cargo-fuzz", "--locked"]).run()?;
    }
    for target in targets {
        // The fuzzer's programs are instrumented: they do not share the folder of ordinary builds.
        Step::new(format!("fuzz {target}, {seconds} s"), "cargo")
            .args(&["+nightly", "fuzz", "run", target, "--"])
            .args(&[format!("-max_total_time={seconds}"), "-max_len=65536".to_owned()])
            .dir(&place.root)
            .env("CARGO_TARGET_DIR", place.root.join("fuzz/target"))
            .or("The input lies in fuzz/artifacts; the lines above say how to run it again")
            .run()?;
    }
    Ok(())
}

/// The targets and seconds that the words name.
fn read(words: &[String]) -> Result<(Vec<&'static str>, u64)> {
    let mut targets = Vec::new();
    let mut seconds = SECONDS;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let given = words.next().context("--seconds needs a number")?;
            seconds = given.parse().context("--seconds needs a number")?;
            continue;
        }
        match TARGETS.into_iter().find(|target| target == word) {
            Some(target) => targets.push(target),
            None => bail!("{word:?} is no target; there are {}", TARGETS.join(", ")),
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    Ok((targets, seconds))
}

/// Whether a program is there and does as asked.
fn answers(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn targets_and_seconds_are_read_and_nothing_else() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(read(&[]).unwrap(), (TARGETS.to_vec(), SECONDS));
        assert_eq!(read(&words("json --seconds 5 sse")).unwrap(), (vec!["json", "sse"], 5));
        assert!(read(&words("jason")).is_err());
        assert!(read(&words("--seconds")).is_err());
    }
}
