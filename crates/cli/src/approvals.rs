//! The `approvals` commands: list, show, watch, answer.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::view::{ApprovalView, ApprovalsToldView, AskingView};
use prokura_api::{AnswerWish, AskingWish, Failure, FailureCode, Request};
use serde_json::Value;

use crate::args::{AnswerMore, AnswerWord, Approvals, Switch};
use crate::ask::{ask, bad, internal, seconds};
use crate::{consent, form, hidden, question, show, sign_in, watch};

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
            let page = form::page(data, &id, &answer).await?;
            let passphrase = passphrase(data, &id, &answer).await?;
            let request = Request::ApprovalAnswer { approval: id, answer, passphrase };
            let answered = ask(data, &request).await?;
            if let Some(page) = page.filter(|_| !json) {
                form::to_open(&page);
            }
            show::print(&answered, json);
        }
        Approvals::Notices { switch } => {
            let wish = AskingWish::Notices { on: switch == Switch::On };
            told_asking(ask(data, &Request::Asking(wish)).await?, json)?;
        }
        Approvals::PauseKeys { keys } => {
            let wish = AskingWish::PauseKeys { keys: (keys != "off").then_some(keys) };
            told_asking(ask(data, &Request::Asking(wish)).await?, json)?;
        }
        Approvals::Levels => {
            told_asking(ask(data, &Request::Asking(AskingWish::Show)).await?, json)?
        }
        Approvals::Level { scope, level } => {
            told_asking(set_level(data, scope, level.as_str()).await?, json)?
        }
        Approvals::Passphrase => told_asking(set_passphrase(data).await?, json)?,
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

/// The passphrase, where a yes to this question needs one.
async fn passphrase(data: &Path, id: &str, answer: &AnswerWish) -> Result<Option<String>, Failure> {
    use AnswerWish::{Cancel, Deny, DenyAndPause};
    if matches!(answer, Deny(_) | DenyAndPause(_) | Cancel) {
        return Ok(None);
    }
    let view = read(ask(data, &Request::ApprovalShow { approval: id.to_owned() }).await?)?;
    needed(&view)
}

/// The same of a question that is there.
fn needed(view: &ApprovalView) -> Result<Option<String>, Failure> {
    if view.level != "passphrase" || view.in_the_way.is_some() {
        return Ok(None);
    }
    hidden::passphrase("Approval passphrase").map(Some)
}

/// Sets a level; asks for the passphrase once it is known to be needed.
pub async fn set_level(data: &Path, scope: String, level: &str) -> Result<Value, Failure> {
    let wish = |passphrase| {
        let (scope, level) = (scope.clone(), level.to_owned());
        Request::Asking(AskingWish::Level { scope, level, passphrase })
    };
    match ask(data, &wish(None)).await {
        Err(failure) if failure.code == FailureCode::PassphraseNeeded => {
            let passphrase = hidden::passphrase("Approval passphrase")?;
            ask(data, &wish(Some(passphrase))).await
        }
        told => told,
    }
}

async fn set_passphrase(data: &Path) -> Result<Value, Failure> {
    let asking = ask(data, &Request::Asking(AskingWish::Show)).await?;
    let old = match asking.get("passphrase_set") == Some(&Value::Bool(true)) {
        true => Some(hidden::passphrase("Approval passphrase as it is now")?),
        false => None,
    };
    let new = hidden::new_passphrase()?;
    ask(data, &Request::Asking(AskingWish::Passphrase { new, old })).await
}

fn told_asking(value: Value, json: bool) -> Result<(), Failure> {
    if json {
        show::print(&value, true);
        return Ok(());
    }
    let view: AskingView = serde_json::from_value(value).map_err(internal)?;
    for one in &view.levels {
        println!("{:<11} {}  ({})", one.level, one.scope, question::visible(&one.words));
        if let Some(why) = &one.in_the_way {
            println!("{:<11} ! nobody can say yes to this here: {why}", "");
        }
    }
    println!("{:<11} everything else", "click");
    let set = if view.passphrase_set { "set" } else { "not set" };
    println!("\nApproval passphrase: {set}");
    if view.wait_seconds > 0 {
        println!("Wrong passphrases were tried; the next counts in {} seconds.", view.wait_seconds);
    }
    match &view.unable {
        Some(why) => println!("Presence: not on this machine: {why}"),
        None => println!("Presence: the system can ask"),
    }
    println!("Notifications: {}", if view.notices { "on" } else { "off" });
    println!("Keys that pause all agents: {}", view.pause_keys.as_deref().unwrap_or("none"));
    Ok(())
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
    let AnswerMore { time, mut hold, hold_targets, hold_nothing, note, pause, field, .. } = more;
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
        (AnswerWord::Fill, None) => form::filled(data, id, &field).await,
        (AnswerWord::Cancel, None) => Ok(AnswerWish::Cancel),
        (AnswerWord::Fill | AnswerWord::Cancel, Some(_)) => {
            Err(bad("What a server asks is answered once.".to_owned(), "Leave --for out."))
        }
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
