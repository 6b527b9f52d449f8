//! Connecting agent programs from a terminal: first the difference, then, with `--yes`, the change.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::{Failure, Request, WireWish};
use serde_json::Value;

use crate::args::{WayWord, Wire};
use crate::ask::ask;
use crate::show;

pub async fn run(data: &Path, words: Wire, json: bool) -> Result<ExitCode, Failure> {
    match words {
        Wire::List => show::print(&ask(data, &Request::Programs).await?, json),
        Wire::Connect { program, agent, way, take, yes } => {
            let way = match way {
                WayWord::Command => "command",
                WayWord::SignIn => "sign_in",
            };
            let agent = agent.unwrap_or_else(|| program.clone());
            let of = WireWish { program, agent, way: way.to_owned(), take };
            let preview = ask(data, &Request::WirePreview(of.clone())).await?;
            let make = |digest| Request::Wire { of, digest };
            made(data, &preview, make, yes, json).await?;
        }
        Wire::Undo { program, yes } => {
            let preview = ask(data, &Request::UnwirePreview { program: program.clone() }).await?;
            let make = |digest| Request::Unwire { program, digest };
            made(data, &preview, make, yes, json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn made(
    data: &Path,
    preview: &Value,
    make: impl FnOnce(String) -> Request,
    yes: bool,
    json: bool,
) -> Result<(), Failure> {
    let text = |name: &str| preview.get(name).and_then(Value::as_str).unwrap_or_default();
    if yes {
        show::print(&ask(data, &make(text("digest").to_owned())).await?, json);
    } else if json {
        println!("{preview}");
    } else {
        println!("{}", show::escaped(text("file")));
        for line in preview.get("lines").and_then(Value::as_array).into_iter().flatten() {
            println!("{}", difference(line));
        }
        println!("Nothing was written yet. The same command with --yes writes it.");
    }
    Ok(())
}

fn difference(line: &Value) -> String {
    let text = line.get("text").and_then(Value::as_str).map(show::escaped).unwrap_or_default();
    match line.get("mark").and_then(Value::as_str) {
        Some("added") => format!("+ {text}"),
        Some("removed") => format!("- {text}"),
        Some("skipped") => format!("  … {text}"),
        _ => format!("  {text}"),
    }
}
