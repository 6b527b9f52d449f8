//! What was typed as content, or sentences that say what is wrong with it.

use regex::RegexBuilder;
use time::Date;
use time::format_description::well_known::Iso8601;
use url::Url;

use super::{Field, Filled, Form, Format, Input, Offer};
use crate::clock::Timestamp;
use crate::decimal::Decimal;
use crate::json::Json;

/// The longest text that is typed into a field, in characters.
const LONGEST: usize = 100_000;
/// How large a Server's regular expression may become.
const LARGEST_PATTERN: usize = 1 << 20;

pub(super) fn content(form: &Form, filled: &Filled) -> Result<Json, Vec<String>> {
    let (mut members, mut wrong) = (Vec::new(), Vec::new());
    let stray = filled.0.keys().filter(|name| !form.fields.iter().any(|one| one.name == **name));
    wrong.extend(stray.map(|name| format!("The form has no field \"{name}\".")));
    for field in &form.fields {
        let given = filled.0.get(&field.name).map(Vec::as_slice).unwrap_or_default();
        match value(field, given) {
            Ok(Some(value)) => members.push((field.name.clone(), value)),
            Ok(None) if field.required => wrong.push(format!("{} is needed.", field.called())),
            Ok(None) => {}
            Err(why) => wrong.push(format!("{}: {why}.", field.called())),
        }
    }
    if wrong.is_empty() { Ok(Json::Object(members)) } else { Err(wrong) }
}

/// The value of one field; `None`: it has none. The error is a sentence without its full stop.
fn value(field: &Field, given: &[String]) -> Result<Option<Json>, String> {
    if let Input::Many { offers, min, max } = &field.input {
        return some_of(offers, (*min, *max), given, field.required);
    }
    let text = match given {
        [] => return Ok(None),
        [text] if text.is_empty() => return Ok(None),
        [text] => text,
        _ => return Err("takes one value".to_owned()),
    };
    Ok(Some(match &field.input {
        Input::Text { format, min, max, pattern } => {
            long_enough(text, *min, *max)?;
            format.map_or(Ok(()), |format| fits(format, text))?;
            pattern.as_deref().map_or(Ok(()), |pattern| matches(pattern, text))?;
            Json::text(text)
        }
        Input::Number { whole, min, max } => {
            number(text, *whole, (min.as_deref(), max.as_deref()))?
        }
        Input::Switch => match text.as_str() {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => return Err("is yes or no, written true or false".to_owned()),
        },
        Input::One(offers) => Json::text(offered(offers, text)?),
        Input::Many { .. } => return Ok(None),
    }))
}

fn offered<'a>(offers: &[Offer], text: &'a str) -> Result<&'a str, String> {
    let known = offers.iter().any(|offer| offer.value == text);
    known.then_some(text).ok_or_else(|| "is none of the values to choose from".to_owned())
}

fn some_of(
    offers: &[Offer],
    (min, max): (Option<u64>, Option<u64>),
    given: &[String],
    required: bool,
) -> Result<Option<Json>, String> {
    if given.is_empty() && !required {
        return Ok(None);
    }
    let mut chosen: Vec<Json> = Vec::new();
    for text in given {
        let value = Json::text(offered(offers, text)?);
        if chosen.contains(&value) {
            return Err("each value is chosen once".to_owned());
        }
        chosen.push(value);
    }
    let count = chosen.len() as u64;
    match (min, max) {
        (Some(min), _) if count < min => Err(format!("choose at least {min}")),
        (_, Some(max)) if count > max => Err(format!("choose at most {max}")),
        // Nothing chosen where something is needed, and the Server allows none: the empty list is the answer.
        _ => Ok(Some(Json::Array(chosen))),
    }
}

fn long_enough(text: &str, min: Option<u64>, max: Option<u64>) -> Result<(), String> {
    let count = text.chars().count();
    let long = count as u64;
    match (min, max) {
        _ if count > LONGEST => Err(format!("has more than {LONGEST} characters")),
        (Some(min), _) if long < min => {
            Err(format!("has {long} characters, and at least {min} are needed"))
        }
        (_, Some(max)) if long > max => {
            Err(format!("has {long} characters, and at most {max} are taken"))
        }
        _ => Ok(()),
    }
}

fn fits(format: Format, text: &str) -> Result<(), String> {
    let (fits, example) = match format {
        Format::Email => (email(text), "is no e-mail address such as ada@example.com"),
        Format::Uri => (Url::parse(text).is_ok(), "is no address such as https://example.com/page"),
        Format::Date => (
            text.len() == 10 && Date::parse(text, &Iso8601::DATE).is_ok(),
            "is no day such as 2026-11-30",
        ),
        Format::DateTime => {
            (text.parse::<Timestamp>().is_ok(), "is no moment such as 2026-11-30T18:00:00Z")
        }
    };
    if fits { Ok(()) } else { Err(example.to_owned()) }
}

/// Only what can be told without asking anybody.
fn email(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|sign: char| sign.is_whitespace() || sign.is_control())
    };
    plain(user)
        && plain(host)
        && !user.contains('@')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..")
}

fn matches(pattern: &str, text: &str) -> Result<(), String> {
    let built = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
    match built {
        Ok(pattern) if !pattern.is_match(text) => {
            Err("does not have the form that the server wants".to_owned())
        }
        // What cannot be checked here is checked by the Server.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn number(
    text: &str,
    whole: bool,
    (min, max): (Option<&str>, Option<&str>),
) -> Result<Json, String> {
    let odd = || "is no number such as 12 or -3.5".to_owned();
    let plain = text.trim();
    let value = Decimal::read(plain).ok_or_else(odd)?;
    if whole && !value.is_whole() {
        return Err("is no whole number".to_owned());
    }
    let bound = |bound: Option<&str>| bound.and_then(Decimal::read);
    if let Some(least) = bound(min).filter(|least| value < *least) {
        return Err(format!("is less than {least}"));
    }
    if let Some(most) = bound(max).filter(|most| value > *most) {
        return Err(format!("is more than {most}"));
    }
    Ok(Json::Number(plain.to_owned()))
}
