//! `approvals watch`: every question as it comes, answered where it is read. What was typed before a question could be
//! read answers nothing, and what cannot be taken back needs the whole word.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use prokura_api::view::ApprovalView;
use prokura_api::{AccountWish, AnswerWish, Failure, Request};
use prokura_host::control::Client;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::approvals::targets;
use crate::ask::{internal, seconds};
use crate::hidden::Dark;
use crate::{form, question, show};

/// How often questions are asked for.
const LOOK: Duration = Duration::from_millis(500);
/// An answer arms after this time.
const MOMENT: Duration = Duration::from_millis(400);

const WORDS: &str = "  allow            this call, once
  same TIME        allow, and the same arguments for TIME (15m, 8h)
  hold TIME        allow, and this tool with its targets held fixed for TIME
  suggested TIME   allow, and the rule suggested above for TIME
  deny [NOTE]      deny; the agent is told the note
  pause [NOTE]     deny, and pause this agent
  later            leave it, and go on to the next";

/// What answers a server's question.
const ASKED: &str = "  fill             type what its form asks for, field by field
  allow            visit its page, or go on after the visit
  deny             decline: the server is told so
  cancel           neither: the server is told that you cancelled
  later            leave it, and go on to the next";

pub async fn watch(data: &Path) -> Result<ExitCode, Failure> {
    let mut client = Client::connect(data).await?;
    let (tell, mut typed) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    println!("Waiting for questions. Ctrl-C ends it.");
    let mut left = HashSet::new();
    loop {
        let waiting = client.ask(&Request::Approvals { all: false }).await?;
        let waiting: Vec<ApprovalView> = serde_json::from_value(waiting).map_err(internal)?;
        left.retain(|id| waiting.iter().any(|view| view.id == *id));
        let Some(view) = waiting.into_iter().find(|view| !left.contains(&view.id)) else {
            tokio::time::sleep(LOOK).await;
            if typed.is_closed() && typed.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            continue;
        };
        let words = if view.elicitation.is_some() { ASKED } else { WORDS };
        println!("\n{}\n{words}", question::text(&view));
        // What was typed before the question could be read was not meant for it.
        tokio::time::sleep(MOMENT).await;
        while typed.try_recv().is_ok() {}
        match answer(&view, &mut typed).await {
            None => return Ok(ExitCode::SUCCESS),
            Some(None) => drop(left.insert(view.id)),
            Some(Some(AnswerWish::Once)) if view.scopes.is_some() => {
                give(&mut client, &view).await;
                left.insert(view.id);
            }
            Some(Some(answer)) => {
                let passphrase = match passphrase(&view, &answer, &mut typed).await {
                    Some(given) => given,
                    None => return Ok(ExitCode::SUCCESS),
                };
                let page = form::page_in(&view, &answer);
                let approval = view.id.clone();
                let request = Request::ApprovalAnswer { approval, answer, passphrase };
                match client.ask(&request).await {
                    Ok(_) => form::answered(page),
                    Err(failure) => {
                        println!("error: {}\n  next: {}", failure.message, failure.hint);
                    }
                }
            }
        }
    }
}

/// Opens the sign-in that answers a question about scopes.
async fn give(client: &mut Client, view: &ApprovalView) {
    let wish = Request::Account(AccountWish::Give { approval: view.id.clone() });
    match client.ask(&wish).await {
        Ok(started) => {
            let url = started.get("url").and_then(Value::as_str).unwrap_or_default();
            println!(
                "Open this page in your browser; the call goes on once you are signed in:\n\n  {}\n",
                show::escaped(url)
            );
        }
        Err(failure) => {
            println!("error: {}\n  next: {}", failure.message, failure.hint);
        }
    }
}

/// The passphrase, where a yes needs it; `None` at the end of the input.
async fn passphrase(
    view: &ApprovalView,
    answer: &AnswerWish,
    typed: &mut mpsc::UnboundedReceiver<String>,
) -> Option<Option<String>> {
    use AnswerWish::{Cancel, Deny, DenyAndPause};
    let no = matches!(answer, Deny(_) | DenyAndPause(_) | Cancel);
    if no || view.level != "passphrase" || view.in_the_way.is_some() {
        return Some(None);
    }
    println!("Approval passphrase (it is not shown):");
    let _dark = Dark::new();
    typed.recv().await.map(Some)
}

/// What the person types, once it is an answer; `None` at the end of the input.
async fn answer(
    view: &ApprovalView,
    typed: &mut mpsc::UnboundedReceiver<String>,
) -> Option<Option<AnswerWish>> {
    loop {
        let line = typed.recv().await?;
        if let (true, Some(asked)) = (line.trim() == "fill", &view.elicitation) {
            return form::typed(asked, typed).await.map(Some);
        }
        match parse(view, line.trim()) {
            Ok(answer) => return Some(answer),
            Err(text) => println!("{text}"),
        }
    }
}

/// One line as an answer; `Ok(None)` leaves the question.
fn parse(view: &ApprovalView, line: &str) -> Result<Option<AnswerWish>, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let note = (!rest.is_empty()).then(|| rest.to_owned());
    let time = || seconds(rest).map_err(|failure| format!("{} {}", failure.message, failure.hint));
    Ok(Some(match word {
        "" => return Err("Type allow or deny.".to_owned()),
        "allow" if rest.is_empty() => AnswerWish::Once,
        "same" => AnswerWish::SameArgumentsFor(time()?),
        "hold" => AnswerWish::TargetFor { seconds: time()?, fixed: targets(view) },
        "suggested" => match &view.suggestion {
            Some(rule) => AnswerWish::TargetFor { seconds: time()?, fixed: rule.fixed.clone() },
            None => return Err("Nothing is suggested here.".to_owned()),
        },
        "cancel" if view.elicitation.is_some() => AnswerWish::Cancel,
        "deny" => AnswerWish::Deny(note),
        "pause" => AnswerWish::DenyAndPause(note),
        "later" => return Ok(None),
        _ if view.elicitation.is_some() => {
            return Err(format!("That is no answer. Use one of:\n{ASKED}"));
        }
        _ => return Err(format!("That is no answer. Use one of:\n{WORDS}")),
    }))
}
