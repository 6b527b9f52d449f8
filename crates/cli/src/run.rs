//! `prokura run`: a tool that the person calls. What the server answers is shown, never carried out by the terminal.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use prokura_api::view::RunView;
use prokura_api::{Failure, Request, RunWish};

use crate::args::Run;
use crate::ask::{ask, from_stdin, internal};
use crate::question::{lines, pieces, visible};
use crate::show;

/// Exit code 1 where no result came, or the tool says that it failed.
pub async fn run(data: &Path, words: Run, json: bool) -> Result<ExitCode, Failure> {
    let (server, account) = match words.server.split_once('@') {
        Some((server, account)) => (server.to_owned(), Some(account.to_owned())),
        None => (words.server, None),
    };
    let arguments = if words.arguments == "-" { from_stdin()? } else { words.arguments };
    let wish = RunWish::Call { server, account, tool: words.tool, arguments, name: None };
    if !json {
        eprintln!(
            "Where it needs approval, Prokura asks: answer in its window or with `prokura approvals`."
        );
    }
    let value = ask(data, &Request::Run(wish)).await?;
    let view: RunView = serde_json::from_value(value.clone()).map_err(internal)?;
    if json {
        show::print(&value, true);
    } else {
        print!("{}", told(&view));
    }
    Ok(if view.outcome == "done" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The result as it is read in a terminal.
fn told(view: &RunView) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: &str| writeln!(out, "{text}").unwrap_or_default();
    let code = view.code.map(|code| format!(" ({code})")).unwrap_or_default();
    line(&match view.outcome.as_str() {
        "done" => "Result:".to_owned(),
        "failed" => "It failed:".to_owned(),
        "stopped" => "Stopped.".to_owned(),
        _ => format!("No result{code}: {}", pieces(&view.message)),
    });
    for part in &view.parts {
        if !part.about.is_empty() || part.kind != "text" {
            line(&format!("[{}] {}", visible(&part.kind), visible(&part.about)));
        }
        if !part.text.is_empty() {
            line(&lines(&part.text));
        }
    }
    if !view.structured.is_empty() {
        line("As data:");
        line(&lines(&view.structured));
    }
    if view.cut {
        line("It is longer than what is shown here.");
    }
    line(&format!("{} ms. Its records: prokura audit list --trace {}", view.took_ms, view.trace));
    out
}
