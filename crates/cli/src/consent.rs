//! Saying yes in a terminal. A sign-in needs the number that the page or the agent shows; where it is not given, the
//! choices are shown and one is asked for.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use prokura_api::{AnswerWish, Failure, Request};
use serde_json::Value;

use crate::ask::{ask, bad, internal};
use crate::show;

/// What was given on the command line.
pub struct Given {
    pub number: Option<String>,
    pub agent: Option<String>,
    pub new_agent: Option<String>,
}

/// What allowing one question says.
pub async fn yes(data: &Path, id: &str, given: Given) -> Result<AnswerWish, Failure> {
    let consent = consent_of(data, id).await?;
    let nothing = given.number.is_none() && given.agent.is_none() && given.new_agent.is_none();
    match consent {
        None if nothing => Ok(AnswerWish::Once),
        None => Ok(AnswerWish::LetIn {
            number: given.number.unwrap_or_default(),
            agent: given.agent,
            new_agent: given.new_agent,
        }),
        Some(consent) => complete(&consent, given),
    }
}

/// What a waiting question says of a sign-in, where it is about one.
async fn consent_of(data: &Path, id: &str) -> Result<Option<Value>, Failure> {
    let waiting = ask(data, &Request::Approvals { all: false }).await?;
    let found = waiting
        .as_array()
        .and_then(|all| all.iter().find(|one| one.get("id").and_then(Value::as_str) == Some(id)));
    Ok(found.and_then(|one| one.get("consent")).filter(|consent| !consent.is_null()).cloned())
}

/// Asks for what is missing.
fn complete(consent: &Value, given: Given) -> Result<AnswerWish, Failure> {
    let text = |name: &str| consent.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = match given.number {
        Some(number) => number,
        None => {
            let choices = consent.get("choices").cloned().unwrap_or_default();
            if !std::io::stdin().is_terminal() {
                return Err(bad(
                    format!("One of these is shown there: {}.", show::cell(&choices)),
                    "Say which with --number.",
                ));
            }
            eprintln!(
                "{} wants to sign in.",
                show::cell(consent.get("name").unwrap_or(&Value::Null))
            );
            let place =
                if text("way") == "device" { "The agent" } else { "The page in the browser" };
            eprintln!("{place} shows one of these: {}", show::cell(&choices));
            read("Which one? ")?
        }
    };
    let before = consent
        .pointer("/agents/0")
        .filter(|agent| agent.get("before") == Some(&Value::Bool(true)))
        .and_then(|agent| agent.get("id"))
        .and_then(Value::as_str);
    let (agent, new_agent) = match (given.agent, given.new_agent, before) {
        (None, None, Some(before)) => (Some(before.to_owned()), None),
        (None, None, None) => (None, Some(text("suggested").to_owned())),
        (agent, new_agent, _) => (agent, new_agent),
    };
    Ok(AnswerWish::LetIn { number, agent, new_agent })
}

fn read(question: &str) -> Result<String, Failure> {
    eprint!("{question}");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(internal)?;
    Ok(line.trim().to_owned())
}
