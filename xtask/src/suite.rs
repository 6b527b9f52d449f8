//! `cargo xtask test`: check, build, run every test, and say at the end how it went.
//! It must never count a run as good in which a test was left out unseen.

use crate::place::Place;
use crate::step::{Step, seconds};
use crate::{agents, build, check, debian, given, node, package, python};
use anyhow::{Result, bail};
use std::time::Instant;

/// The sums over all test programs.
#[derive(Default)]
struct Sums {
    programs: u32,
    passed: u64,
    failed: u64,
    ignored: u64,
    names: Vec<String>,
}

impl Sums {
    /// Reads one line of a test program.
    fn read(&mut self, line: &str) {
        if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.names.push(name.to_owned());
        }
        let Some(result) = line.strip_prefix("test result: ") else { return };
        self.programs += 1;
        self.passed += number_before(result, " passed");
        self.failed += number_before(result, " failed");
        self.ignored += number_before(result, " ignored");
    }
}

/// The number that stands right before a word, as in `ok. 12 passed; 0 failed`.
fn number_before(text: &str, word: &str) -> u64 {
    text.split_once(word).and_then(|(head, _)| head.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Everything.
pub fn test(place: &Place, words: &[String]) -> Result<()> {
    let start = Instant::now();
    check::without_tests(place)?;
    node::install(place, &place.tests().join("node"))?;
    python::install(place)?;
    build::everything(place)?;
    let mut step = with_tools(place, Step::cargo(place, "every test", &TEST))
        .or("Run one again with `cargo test --workspace --test TOPIC NAME`");
    if given(words, "--slow") {
        step = step.env("PROKURA_TEST_SLOW", "1");
        if cfg!(target_os = "linux") {
            debian::install(debian::CLEAN_ROOT)?;
            step = step.env("PROKURA_TEST_PACKAGES", package::made(place)?);
        }
    }
    if given(words, "--agents") {
        agents::install(place)?;
        step = step.env("PROKURA_TEST_AGENTS", agents::programs(place));
    }
    let mut sums = Sums::default();
    let outcome = step.run_reading(&mut |line| sums.read(line));
    close(&sums, outcome.is_ok(), &seconds(start.elapsed()));
    outcome?;
    if sums.passed == 0 {
        bail!("no test ran: that is no success. Look at the lines above");
    }
    Ok(())
}

const TEST: [&str; 3] = ["test", "--workspace", "--no-fail-fast"];

/// Tells a step where the tests find built programs and Python.
pub fn with_tools(place: &Place, step: Step) -> Step {
    step.env("PROKURA_TEST_BIN", place.programs())
        .env("PROKURA_TEST_PYTHON", python::program(place))
}

/// The last lines, in the test runner's own form.
fn close(sums: &Sums, good: bool, time: &str) {
    for name in &sums.names {
        println!("failed: {name}");
    }
    let word = if good { "ok" } else { "FAILED" };
    println!(
        "test result: {word}. {} passed; {} failed; {} ignored; in {} test programs; check, build and tests took {time}",
        sums.passed, sums.failed, sums.ignored, sums.programs
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_all_programs_are_added_up() {
        let mut sums = Sums::default();
        for line in [
            "test grant::an_expired_grant_is_denied ... ok",
            "test a_lost_one ... FAILED",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 40 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            sums.read(line);
        }
        assert_eq!((sums.programs, sums.passed, sums.failed, sums.ignored), (2, 43, 1, 2));
        assert_eq!(sums.names, ["a_lost_one"]);
    }
}
