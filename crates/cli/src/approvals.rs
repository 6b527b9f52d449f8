//! The `approvals` commands: list, show, watch, answer.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::view::{ApprovalView, ApprovalsToldView};
use prokura_api::{AnswerWish, Failure, Request};
use serde_json::Value;

use crate::args::{AnswerMore, AnswerWord, Approvals};
use crate::ask::{ask, bad, internal, seconds};
use crate::{consent, question, show, sign_in, watch};

pub async fn run(data: &Path, words: Approvals, json: bool) -> Result<ExitCode, Failure> {
    match words {
        Approvals::Watch => return watch::watch(data).await,
        Approvals::List { all } => {
            show::print(&ask(data, &Request::Approvals { all }).await?, json)
        }
        Approvals::Show { id } => {
            let value = ask(data, &Request::ApprovalShow { approval: id }).await?;
            match json {
                true => show::print(&value, true),
                false => print!("{}", question::text(&read(value)?)),
            }
        }
        Approvals::Told => {
            let value = ask(data, &Request::ApprovalsTold).await?;
            match json {
                true => show::print(&value, true),
                false => told(&serde_json::from_value(value).map_err(internal)?),
            }
        }
        Approvals::DoNotDisturb { mode } => {
            show::print(&ask(data, &Request::DoNotDisturb { mode }).await?, json);
        }
        Approvals::Answer { id, answer, more } => {
            let answer = wish(data, &id, answer, *more).await?;
            if answer == AnswerWish::Once && asks_for_scopes(data, &id).await? {
                return sign_in::give(data, id, json).await;
            }
            let request = Request::ApprovalAnswer { approval: id, answer };
            show::print(&ask(data, &request).await?, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether only a sign-in answers it.
async fn asks_for_scopes(data: &Path, id: &str) -> Result<bool, Failure> {
    let request = Request::ApprovalShow { approval: id.to_owned() };
    let view = read(ask(data, &request).await?)?;
    Ok(view.scopes.is_some() && view.state == "pending")
}

pub fn read(value: Value) -> Result<ApprovalView, Failure> {
    serde_json::from_value(value).map_err(internal)
}

/// The arguments that are held unless the person says otherwise.
pub fn targets(view: &ApprovalView) -> Vec<String> {
    let held = view.holds.iter().filter(|hold| hold.target.is_some() && hold.holdable);
    held.map(|hold| hold.pointer.clone()).collect()
}

async fn wish(
    data: &Path,
    id: &str,
    answer: AnswerWord,
    more: AnswerMore,
) -> Result<AnswerWish, Failure> {
    let AnswerMore { time, mut hold, hold_targets, hold_nothing, note, pause, .. } = more;
    let given =
        consent::Given { number: more.number, agent: more.agent, new_agent: more.new_agent };
    match (answer, time) {
        (AnswerWord::Allow, _) if pause => {
            Err(bad("An agent is paused with a denial.".to_owned(), "Leave --pause out."))
        }
        (AnswerWord::Allow, Some(text)) => {
            let seconds = seconds(&text)?;
            if hold.is_empty() && !hold_targets && !hold_nothing {
                return Ok(AnswerWish::SameArgumentsFor(seconds));
            }
            if hold_targets {
                let request = Request::ApprovalShow { approval: id.to_owned() };
                let view = read(ask(data, &request).await?)?;
                hold.extend(
                    targets(&view)
                        .into_iter()
                        .filter(|one| !hold.contains(one))
                        .collect::<Vec<_>>(),
                );
            }
            Ok(AnswerWish::TargetFor { seconds, fixed: hold })
        }
        (AnswerWord::Allow, None) => consent::yes(data, id, given).await,
        (AnswerWord::Deny, None) if pause => Ok(AnswerWish::DenyAndPause(note)),
        (AnswerWord::Deny, None) => Ok(AnswerWish::Deny(note)),
        (AnswerWord::Deny, Some(_)) => Err(bad(
            "A denial has no time.".to_owned(),
            "Leave --for out; to keep denying, make a grant with --effect deny.",
        )),
    }
}

fn told(view: &ApprovalsToldView) {
    println!("DAY         AGENT             ASKED  ALLOWED  DENIED  IN UNDER 2 S");
    for day in &view.days {
        println!(
            "{:<10}  {:<16}  {:>5}  {:>7}  {:>6}  {:>12}",
            day.day, day.agent.name, day.asked, day.allowed, day.denied, day.quick
        );
    }
    if let Some(advice) = &view.advice {
        println!("\n{advice}");
    }
    println!("\nDo not disturb: {}", view.do_not_disturb);
}
