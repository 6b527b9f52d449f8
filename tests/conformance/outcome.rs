//! What a run of the suite came to, read from its own summary.

use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use prokura_tests::tools;
use serde_json::{Value, json};
use tokio::process::Command;

/// Passed and total.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    passed: u32,
    total: u32,
}

impl Count {
    fn add(&mut self, good: bool) {
        self.passed += u32::from(good);
        self.total += 1;
    }

    fn json(self) -> Value {
        json!([self.passed, self.total])
    }
}

/// The sums of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    scenarios: Count,
    checks: Count,
    extras: Count,
}

impl Outcome {
    fn line(&self, leg: &str, requirements: &str) -> Value {
        json!({
            "leg": leg,
            "requirements": requirements,
            "scenarios": self.scenarios.json(),
            "checks": self.checks.json(),
            "extras": self.extras.json(),
        })
    }

    /// The required scenarios that passed, of all.
    pub fn scenarios(&self) -> String {
        format!("{}/{}", self.scenarios.passed, self.scenarios.total)
    }
}

/// Runs the suite with `arguments` and the expected failures of this repository, prints what it says and, as the last
/// line, what it came to.
pub async fn run(leg: &str, requirements: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let (said, outcome) = judge(leg, requirements, arguments, "expected-failures.yaml").await?;
    println!("{said}");
    let outcome = outcome.map_err(|(outcome, error)| {
        println!("{}", outcome.line(leg, requirements));
        error
    })?;
    println!("{}", outcome.line(leg, requirements));
    Ok(())
}

/// Runs the suite with `arguments` and a file of expected failures: what it said, and what it came to.
pub async fn judge(
    leg: &str,
    requirements: &str,
    arguments: &[&str],
    expected: &str,
) -> anyhow::Result<(String, Result<Outcome, (Outcome, anyhow::Error)>)> {
    let results = tempfile::Builder::new().prefix("conformance-").tempdir()?;
    let expected = tools::package().join("conformance").join(expected);
    let mut command = Command::new(tools::node()?);
    command.arg(tools::suite()).arg(leg).args(arguments).args(["--requirements", requirements]);
    command.arg("-o").arg(results.path());
    command.arg("--expected-failures").arg(&expected);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await.context("the suite does not start")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let kept = std::env::var_os("PROKURA_CONFORMANCE_RESULTS");
    if let Some(kept) = kept {
        // Where somebody wants to look at every check.
        let copied = Command::new("cp").arg("-r").arg(results.path()).arg(&kept).status().await?;
        eprintln!("the results are in {} ({copied})", kept.to_string_lossy());
    }
    let outcome =
        read(&said, &required(leg, requirements)?).context("the suite printed no summary")?;
    if output.status.success() {
        return Ok((said, Ok(outcome)));
    }
    let error = anyhow!(
        "the suite found failures that {} does not list, or listed ones that pass now",
        expected.display()
    );
    Ok((said, Err((outcome, error))))
}

/// Prints, as the last line, what a run came to.
pub fn tell(leg: &str, requirements: &str, said: &str, required: &[String]) -> anyhow::Result<()> {
    let outcome = read(said, required).context("the suite printed no summary")?;
    println!("{}", outcome.line(leg, requirements));
    Ok(())
}

/// The scenarios that `requirements` wants of `leg`, from the suite's own file.
fn required(leg: &str, requirements: &str) -> anyhow::Result<Vec<String>> {
    let package = tools::node_folder().join("node_modules/@modelcontextprotocol/conformance");
    let path = package.join(format!("requirements/{requirements}.yaml"));
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("the suite knows no requirements {requirements}"))?;
    let after = text.lines().skip_while(|line| *line != format!("{leg}:")).skip(1);
    let list = after.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    Ok(list.filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect())
}

/// Reads the lines `✓ name: N passed, M failed`.
fn read(said: &str, required: &[String]) -> Option<Outcome> {
    let (_, summary) = said.split_once("SUMMARY ===")?;
    let (scored, _) = summary.split_once("\nTotal: ").unwrap_or((summary, ""));
    let mut outcome = Outcome::default();
    for line in scored.lines() {
        let Some((good, rest)) = mark(line) else { continue };
        let Some((name, counts)) = rest.split_once(": ") else { continue };
        let counted = required.iter().any(|wanted| wanted == name);
        if counted { &mut outcome.scenarios } else { &mut outcome.extras }.add(good);
        let number = |word: &str| {
            let found = counts.split(", ").find_map(|part| part.strip_suffix(word))?;
            found.trim().parse::<u32>().ok()
        };
        let (passed, failed) = (number("passed").unwrap_or(0), number("failed").unwrap_or(0));
        outcome.checks.passed += passed;
        outcome.checks.total += passed + failed;
    }
    (outcome.scenarios.total > 0).then_some(outcome)
}

fn mark(line: &str) -> Option<(bool, &str)> {
    let line = line.trim();
    let good = line.strip_prefix("✓ ").map(|rest| (true, rest));
    good.or_else(|| line.strip_prefix("✗ ").map(|rest| (false, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_scenarios_checks_and_extras_are_counted_apart() {
        let said = "x\n=== SUMMARY ===\n✓ ping: 2 passed, 0 failed\n✗ tools-list: 1 passed, 2 failed\n\
                    ✓ tasks-lifecycle: 9 passed, 0 failed\n\nTotal: 12 passed, 2 failed\n";
        let outcome = read(said, &["ping".to_owned(), "tools-list".to_owned()]).unwrap();
        assert_eq!(outcome.scenarios, Count { passed: 1, total: 2 });
        assert_eq!(outcome.checks, Count { passed: 12, total: 14 });
        assert_eq!(outcome.extras, Count { passed: 1, total: 1 });
    }
}
