//! The flat schema of a form as fields: the shapes of 2025-06-18, 2025-11-25 and 2026-07-28. What is not one of them is
//! not shown in part: the whole form is refused.

use super::{Field, Form, Format, Input, Offer};
use crate::json::Json;

/// Fields that a person can be asked to fill in.
const MOST_FIELDS: usize = 100;
/// Values to choose from.
const MOST_OFFERS: usize = 500;

/// Why a form cannot be shown; a sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FormFault(String);

fn fault(text: impl Into<String>) -> FormFault {
    FormFault(text.into())
}

pub(super) fn form(params: &Json) -> Result<Form, FormFault> {
    let schema = params.member("requestedSchema");
    let schema = schema.ok_or_else(|| fault("the form has no requestedSchema"))?;
    if schema.member("type").and_then(Json::as_str) != Some("object") {
        return Err(fault("the schema of the form is not one of an object"));
    }
    let properties = schema.member("properties").and_then(Json::members);
    let properties = properties.ok_or_else(|| fault("the schema of the form has no properties"))?;
    if properties.len() > MOST_FIELDS {
        return Err(fault(format!("the form has more than {MOST_FIELDS} fields")));
    }
    let required = schema.member("required").and_then(Json::items).unwrap_or_default();
    let unknown = required
        .iter()
        .find(|name| !properties.iter().any(|(known, _)| name.as_str() == Some(known.as_str())));
    if let Some(unknown) = unknown {
        return Err(fault(format!(
            "the form requires {}, which it does not have",
            unknown.to_text()
        )));
    }
    let fields = properties.iter().map(|(name, schema)| {
        field(name, schema, required.iter().any(|one| one.as_str() == Some(name)))
    });
    Ok(Form { fields: fields.collect::<Result<_, _>>()? })
}

fn field(name: &str, schema: &Json, required: bool) -> Result<Field, FormFault> {
    let words = |member: &str| schema.member(member).and_then(Json::as_str).map(str::to_owned);
    let input = input(name, schema)?;
    let default = match schema.member("default") {
        None | Some(Json::Null) => Vec::new(),
        Some(default) => defaults(default).ok_or_else(|| {
            fault(format!("the default of \"{name}\" is nothing that can be shown"))
        })?,
    };
    Ok(Field {
        name: name.to_owned(),
        title: words("title").filter(|title| !title.is_empty()),
        description: words("description").filter(|text| !text.is_empty()),
        required,
        input,
        default,
    })
}

fn defaults(default: &Json) -> Option<Vec<String>> {
    Some(match default {
        Json::String(text) | Json::Number(text) => vec![text.clone()],
        Json::Bool(yes) => vec![yes.to_string()],
        Json::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        Json::Null | Json::Object(_) => return None,
    })
}

fn input(name: &str, schema: &Json) -> Result<Input, FormFault> {
    let odd = || fault(format!("the field \"{name}\" is of no kind that a form can have"));
    let count = |schema: &Json, member: &str| -> Result<Option<u64>, FormFault> {
        let Some(value) = schema.member(member) else { return Ok(None) };
        value.to_text().parse().map(Some).map_err(|_| odd())
    };
    Ok(match schema.member("type").and_then(Json::as_str) {
        Some("string") => match offers(schema, "oneOf").ok_or_else(odd)? {
            Some(offers) => Input::One(offers),
            None => Input::Text {
                format: format(schema),
                min: count(schema, "minLength")?,
                max: count(schema, "maxLength")?,
                pattern: schema.member("pattern").and_then(Json::as_str).map(str::to_owned),
            },
        },
        Some(kind @ ("number" | "integer")) => Input::Number {
            whole: kind == "integer",
            min: bound(schema, "minimum").map_err(|()| odd())?,
            max: bound(schema, "maximum").map_err(|()| odd())?,
        },
        Some("boolean") => Input::Switch,
        Some("array") => {
            let items = schema.member("items").ok_or_else(odd)?;
            let offers = offers(items, "anyOf").ok_or_else(odd)?.ok_or_else(odd)?;
            Input::Many { offers, min: count(schema, "minItems")?, max: count(schema, "maxItems")? }
        }
        _ => return Err(odd()),
    })
}

/// A format that is not known is none: the text is sent as it was typed, and the Server looks at it.
fn format(schema: &Json) -> Option<Format> {
    Some(match schema.member("format").and_then(Json::as_str)? {
        "email" => Format::Email,
        "uri" => Format::Uri,
        "date" => Format::Date,
        "date-time" => Format::DateTime,
        _ => return None,
    })
}

fn bound(schema: &Json, member: &str) -> Result<Option<String>, ()> {
    match schema.member(member) {
        None => Ok(None),
        Some(Json::Number(text)) => Ok(Some(text.clone())),
        Some(_) => Err(()),
    }
}

/// The values of an enumeration: `Some(None)` where it is none, `None` where it is one that cannot be shown.
fn offers(schema: &Json, titled: &str) -> Option<Option<Vec<Offer>>> {
    if let Some(all) = schema.member("enum") {
        let all = all.items()?;
        let names = schema.member("enumNames").and_then(Json::items).unwrap_or_default();
        let offers = all.iter().enumerate().map(|(at, value)| {
            let title = names.get(at).and_then(Json::as_str).map(str::to_owned);
            Some(Offer { value: value.as_str()?.to_owned(), title })
        });
        return bounded(offers.collect::<Option<_>>()?);
    }
    // Both words are in use for both shapes.
    let Some(all) = schema.member(titled).or_else(|| schema.member("oneOf")) else {
        return Some(None);
    };
    let offers = all.items()?.iter().map(|one| {
        let title = one.member("title").and_then(Json::as_str).map(str::to_owned);
        Some(Offer { value: one.member("const")?.as_str()?.to_owned(), title })
    });
    bounded(offers.collect::<Option<_>>()?)
}

fn bounded(offers: Vec<Offer>) -> Option<Option<Vec<Offer>>> {
    let twice = offers
        .iter()
        .enumerate()
        .any(|(at, one)| offers.iter().take(at).any(|other| other.value == one.value));
    (!offers.is_empty() && offers.len() <= MOST_OFFERS && !twice).then_some(Some(offers))
}
