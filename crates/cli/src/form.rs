//! Filling in a server's form in a terminal, and the page it wants you to visit. What is typed goes to that server alone.

use std::collections::BTreeMap;
use std::path::Path;

use prokura_api::view::{ApprovalView, ElicitationView, FieldView};
use prokura_api::{AnswerWish, Failure, FilledWish, Request};
use tokio::sync::mpsc;

use crate::approvals::read;
use crate::ask::{ask, bad};
use crate::{question, show};

type Values = BTreeMap<String, Vec<String>>;

async fn asked(data: &Path, id: &str) -> Result<ApprovalView, Failure> {
    read(ask(data, &Request::ApprovalShow { approval: id.to_owned() }).await?)
}

/// The page that a yes to this question is about.
pub async fn page(data: &Path, id: &str, answer: &AnswerWish) -> Result<Option<String>, Failure> {
    if *answer != AnswerWish::Once {
        return Ok(None);
    }
    Ok(page_in(&asked(data, id).await?, answer))
}

/// The same of a question that is there.
pub fn page_in(view: &ApprovalView, answer: &AnswerWish) -> Option<String> {
    let asked = view.elicitation.as_ref().filter(|asked| asked.mode == "url")?;
    let page = asked.page.as_ref().filter(|_| *answer == AnswerWish::Once)?;
    page.opens.clone()
}

/// Says so, and which page the person agreed to visit.
pub fn answered(page: Option<String>) {
    println!("Answered.");
    page.iter().for_each(|page| to_open(page));
}

/// The page that is for the person to open.
pub fn to_open(page: &str) {
    println!("Open this page in your browser:\n\n  {}\n", show::escaped(page));
}

/// What the form has at first.
fn defaults(asked: &ElicitationView) -> Values {
    let given = asked.fields.iter().filter(|field| !field.default.is_empty());
    given.map(|field| (field.name.clone(), field.default.clone())).collect()
}

/// The form with its defaults, and with what was said of its fields.
pub async fn filled(data: &Path, id: &str, fields: &[String]) -> Result<AnswerWish, Failure> {
    let view = asked(data, id).await?;
    let form = view.elicitation.filter(|asked| asked.mode == "form").ok_or_else(|| {
        bad(
            "This question has no form to fill in.".to_owned(),
            "See it with `prokura approvals show ID`.",
        )
    })?;
    let mut said = Values::new();
    for text in fields {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            bad(format!("\"{text}\" names no field."), "Write it like --field NAME=VALUE.")
        })?;
        said.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    let mut values = defaults(&form);
    values.extend(said);
    values.retain(|_, all| !all.iter().all(String::is_empty));
    Ok(AnswerWish::Fill(FilledWish(values)))
}

/// The form, field by field, as the person types it; `None` at the end of the input.
pub async fn typed(
    asked: &ElicitationView,
    typed: &mut mpsc::UnboundedReceiver<String>,
) -> Option<AnswerWish> {
    let mut values = Values::new();
    println!("An empty line takes what stands there at first; a single - leaves a field out.");
    for field in &asked.fields {
        println!("{}", prompt(field));
        let line = typed.recv().await?;
        let given = match line.trim() {
            "" => field.default.clone(),
            "-" => Vec::new(),
            text => said(field, text),
        };
        if !given.is_empty() {
            values.insert(field.name.clone(), given);
        }
    }
    Some(AnswerWish::Fill(FilledWish(values)))
}

fn prompt(field: &FieldView) -> String {
    let how = match field.input.as_str() {
        "switch" => " (yes or no)",
        "one" => " (its number)",
        "many" => " (their numbers)",
        _ => "",
    };
    let first = match field.default.is_empty() {
        true => String::new(),
        false => format!(" [{}]", question::visible(&field.default.join(", "))),
    };
    format!("{}{how}{first}:", question::visible(&field.name))
}

/// A line as values. What is none of what there is to choose from goes as it is, and is refused with a sentence.
fn said(field: &FieldView, text: &str) -> Vec<String> {
    let offered = |word: &str| {
        let at = word.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
        let offer = at.and_then(|at| field.offers.get(at));
        offer.map_or_else(|| word.to_owned(), |offer| offer.value.clone())
    };
    match field.input.as_str() {
        "switch" => vec![
            match text {
                "yes" | "y" => "true",
                "no" | "n" => "false",
                other => other,
            }
            .to_owned(),
        ],
        "one" => vec![offered(text)],
        "many" => text.split([',', ' ']).filter(|word| !word.is_empty()).map(offered).collect(),
        _ => vec![text.to_owned()],
    }
}
