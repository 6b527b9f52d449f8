//! Many rules at once from a terminal: first what would happen, then, with `--yes`, that and nothing else.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::{Failure, FailureCode, Request, RulesWish};
use serde_json::Value;

use crate::args::Rules;
use crate::ask::ask;
use crate::{guardrails, show};

pub async fn run(data: &Path, words: Rules, json: bool) -> Result<ExitCode, Failure> {
    match words {
        Rules::Export { file } => {
            let text = ask(data, &Request::Rules(RulesWish::Export)).await?;
            let text = text.as_str().unwrap_or_default();
            match file.filter(|file| file != Path::new("-")) {
                Some(file) => std::fs::write(&file, text).map_err(|error| {
                    let message = format!("{} cannot be written: {error}.", file.display());
                    Failure::new(FailureCode::BadRequest, message, "Name another file.")
                })?,
                None => print!("{text}"),
            }
            Ok(ExitCode::SUCCESS)
        }
        Rules::Import { file, partly, yes } => {
            let text = guardrails::text(file.as_deref())?;
            let wish = |digest| RulesWish::Import { text: text.clone(), partly, digest };
            let plan = ask(data, &Request::Rules(wish(None))).await?;
            planned(data, plan, |digest| wish(Some(digest)), yes, json).await
        }
    }
}

/// Shows a plan, or with `yes` does it.
pub async fn planned(
    data: &Path,
    mut plan: Value,
    wish: impl FnOnce(String) -> RulesWish,
    yes: bool,
    json: bool,
) -> Result<ExitCode, Failure> {
    if yes {
        let digest = plan.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
        plan = ask(data, &Request::Rules(wish(digest))).await?;
    }
    if json {
        println!("{plan}");
        return Ok(ExitCode::SUCCESS);
    }
    let rules = plan.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    rules.iter().for_each(|rule| print!("{}", line(rule)));
    let count = |name: &str| plan.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (added, changed) = (count("added"), count("changed"));
    let rest = format!("{} there already, {} left out", count("same"), count("left_out"));
    if plan.get("done") == Some(&Value::Bool(true)) {
        println!("{added} added, {changed} changed, {rest}.");
    } else {
        println!("{added} would come, {changed} would change, {rest}.");
        println!("Nothing was changed yet. The same command with --yes does it.");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(rule: &Value) -> String {
    let text = |name: &str| rule.get(name).and_then(Value::as_str).map(show::escaped);
    let mark = match rule.get("does").and_then(Value::as_str) {
        Some("add") => "+",
        Some("change") => "~",
        Some("left_out") => "!",
        _ => "=",
    };
    let mut out = format!("{mark} {}\n", text("text").unwrap_or_default());
    if let Some(why) = text("why") {
        out.push_str(&format!("    left out: {why}\n"));
    }
    for (sign, name) in [("-", "before"), ("+", "after")] {
        let lines = rule.get(name).and_then(Value::as_str).unwrap_or_default().lines();
        lines.for_each(|line| out.push_str(&format!("    {sign} {}\n", show::escaped(line))));
    }
    out
}
