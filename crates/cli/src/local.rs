//! Servers that are programs of this machine: adding, changing, looking at what they wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use prokura_api::view::{LogView, ServerView};
use prokura_api::{ConfineWish, Failure, LaunchWish, LocalWish, Request};
use serde_json::Value;

use crate::args::{Launch, Servers};
use crate::ask::{ask, bad, internal};
use crate::{hidden, question, show};

/// Whether it is one of these commands.
pub fn is_one(words: &Servers) -> bool {
    matches!(
        words,
        Servers::AddLocal(_)
            | Servers::ChangeLocal { .. }
            | Servers::Ask { .. }
            | Servers::Stop { .. }
            | Servers::Log { .. }
    )
}

/// Runs one of these commands.
pub async fn run(data: &Path, words: Servers, json: bool) -> Result<ExitCode, Failure> {
    let wish = match words {
        Servers::AddLocal(words) => {
            let (name, launch) = launch(*words, &[])?;
            LocalWish::Add { name, launch }
        }
        Servers::ChangeLocal { launch: words, keep_secret } => {
            let (server, launch) = launch(*words, &keep_secret)?;
            LocalWish::Change { server, launch }
        }
        Servers::Ask { name } => LocalWish::Ask { server: name },
        Servers::Stop { name } => LocalWish::Stop { server: name },
        Servers::Log { name } => LocalWish::Log { server: name },
        _ => return Err(internal("this command is answered elsewhere")),
    };
    let reads = matches!(wish, LocalWish::Log { .. });
    let value = ask(data, &Request::Local(wish)).await?;
    if json {
        show::print(&value, true);
    } else if reads {
        let view: LogView = serde_json::from_value(value).map_err(internal)?;
        let text = question::lines(&view.text);
        println!("{}", if text.is_empty() { "It wrote nothing." } else { text.trim_end() });
    } else {
        told(value)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(value: Value) -> Result<(), Failure> {
    let view: ServerView = serde_json::from_value(value).map_err(internal)?;
    let Some(local) = &view.local else { return Ok(()) };
    println!("{} is {}.", view.name, local.state.replace('_', " "));
    if let Some(why) = &local.why {
        println!("{}", question::visible(why));
    }
    if let Some(launch) = &local.launch {
        print!("{}", question::launch(launch));
    }
    if let Some(asked) = &local.question {
        println!(
            "\nNothing runs before you allow it: `prokura approvals answer {asked} allow`, or in the window."
        );
    }
    Ok(())
}

fn launch(words: Launch, keep: &[String]) -> Result<(String, LaunchWish), Failure> {
    let mut command = words.words.into_iter();
    let mut environment = BTreeMap::new();
    for pair in words.environment {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(bad(
                format!("\"{pair}\" is no variable."),
                "Write --env NAME=VALUE; a value nobody should see is given with --secret NAME.",
            ));
        };
        environment.insert(name.to_owned(), value.to_owned());
    }
    let mut secrets: BTreeMap<String, Option<String>> =
        keep.iter().map(|name| (name.clone(), None)).collect();
    for name in words.secrets {
        let value = hidden::passphrase(&format!("The value of {name}"))?;
        secrets.insert(name, Some(value));
    }
    let confine = words.confine.then_some(());
    let confine = match confine {
        None => None,
        Some(()) => Some(ConfineWish {
            read: full(words.read)?,
            write: full(words.write)?,
            network: words.network,
        }),
    };
    let folder = full(words.folder.into_iter().collect())?.into_iter().next();
    let launch = LaunchWish {
        command: command.next().unwrap_or_default(),
        arguments: command.collect(),
        folder,
        environment,
        secrets,
        confine,
    };
    Ok((words.name, launch))
}

/// Paths as they are from everywhere.
fn full(paths: Vec<PathBuf>) -> Result<Vec<String>, Failure> {
    let one = |path: PathBuf| {
        let full = std::path::absolute(&path).map_err(internal)?;
        full.to_str().map(str::to_owned).ok_or_else(|| {
            bad(format!("{} cannot be shown.", path.display()), "Name a path in UTF-8.")
        })
    };
    paths.into_iter().map(one).collect()
}
