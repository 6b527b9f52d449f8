//! Whether a condition holds for the arguments of a Call. It must never guess: what it cannot tell is an error of its
//! own, and no value of the arguments is ever part of it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use prokura_domain::condition::{Order, Test};
use prokura_domain::pointer::Found;
use prokura_domain::{Call, Condition, Decimal, Json};
use regex::{Regex, RegexBuilder};
use wildmatch::WildMatch;

/// The largest compiled expression; matching takes time linear in the text whatever the expression.
const LARGEST_REGEX: usize = 1 << 20;
/// How many compiled expressions are kept.
const KEPT: usize = 512;

static NOTHING: Json = Json::Object(Vec::new());

/// What conditions look at: the arguments of a tool or prompt, the parameters of any other message.
#[must_use]
pub fn arguments(call: &Call) -> &Json {
    match call.method.as_str() {
        "tools/call" | "prompts/get" => call.params.member("arguments").unwrap_or(&NOTHING),
        _ => &call.params,
    }
}

/// Whether a condition can be used at all.
///
/// # Errors
/// What is wrong with its regular expression.
pub fn check(condition: &Condition) -> Result<(), String> {
    match &condition.test {
        Test::Matches(pattern) => compile(pattern).map(drop),
        Test::Equals(_)
        | Test::Differs(_)
        | Test::Number(..)
        | Test::OneOf(_)
        | Test::Glob(_)
        | Test::Under(_)
        | Test::Host(_)
        | Test::LengthAtMost(_)
        | Test::Absent => Ok(()),
    }
}

/// Whether `condition` holds. An error says in half a sentence why that cannot be told.
pub(crate) fn holds(condition: &Condition, arguments: &Json) -> Result<bool, &'static str> {
    let found = condition.pointer.find(arguments);
    if condition.test == Test::Absent {
        return match found {
            Found::Nothing => Ok(true),
            Found::Value(_) => Ok(false),
            Found::Astray => Err("the call has no object or array on the way there"),
        };
    }
    match found {
        Found::Value(value) => test(&condition.test, value),
        Found::Nothing | Found::Astray => Err("the call has nothing there"),
    }
}

fn test(test: &Test, value: &Json) -> Result<bool, &'static str> {
    match test {
        Test::Equals(wanted) => equals(wanted, value),
        Test::Differs(other) => equals(other, value).map(|same| !same),
        Test::Number(order, bound) => {
            let number = number(value)?;
            Ok(match order {
                Order::Less => number < *bound,
                Order::AtMost => number <= *bound,
                Order::Greater => number > *bound,
                Order::AtLeast => number >= *bound,
            })
        }
        Test::OneOf(values) => one_of(values, value),
        Test::Glob(glob) => Ok(WildMatch::new(glob).matches(string(value)?)),
        Test::Under(base) => {
            let path = string(value)?.parse().map_err(|_| {
                "what is there is not an absolute path, or has \"..\" or another ambiguous step in it"
            })?;
            Ok(base.holds(&path))
        }
        Test::Host(host) => host
            .covers(string(value)?)
            .ok_or("what is there is not a URL with a host, or one that can be read in two ways"),
        Test::LengthAtMost(most) => {
            let length = match value {
                Json::String(text) => text.chars().count(),
                Json::Array(items) => items.len(),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => {
                    return Err("what is there is neither a string nor an array");
                }
            };
            Ok(u64::try_from(length).is_ok_and(|length| length <= *most))
        }
        Test::Matches(pattern) => {
            let text = string(value)?;
            let regex = kept(pattern).ok_or("its regular expression cannot be used")?;
            Ok(regex.is_match(text))
        }
        Test::Absent => Ok(false),
    }
}

fn string(value: &Json) -> Result<&str, &'static str> {
    value.as_str().ok_or("what is there is not a string")
}

/// The number that `value` is.
pub(crate) fn number(value: &Json) -> Result<Decimal, &'static str> {
    match value {
        Json::Number(text) => Decimal::read(text).ok_or("the number there is out of all measure"),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            Err("what is there is not a number")
        }
    }
}

fn one_of(values: &[Json], value: &Json) -> Result<bool, &'static str> {
    let mut told = Err("what is there is of another type");
    for wanted in values.iter().filter(|wanted| alike(wanted, value)) {
        if equals(wanted, value)? {
            return Ok(true);
        }
        told = Ok(false);
    }
    told
}

fn alike(one: &Json, other: &Json) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Whether two values of one type are equal. Numbers are equal by value, members in any order, strings character by
/// character: letters that only look the same are not.
fn equals(wanted: &Json, value: &Json) -> Result<bool, &'static str> {
    if alike(wanted, value) { same(wanted, value) } else { Err("what is there is of another type") }
}

fn same(one: &Json, other: &Json) -> Result<bool, &'static str> {
    match (one, other) {
        (Json::Number(_), Json::Number(_)) => Ok(number(one)? == number(other)?),
        (Json::Array(ones), Json::Array(others)) => {
            if ones.len() != others.len() {
                return Ok(false);
            }
            all(ones.iter().zip(others).map(|(one, other)| same(one, other)))
        }
        (Json::Object(ones), Json::Object(others)) => {
            if ones.len() != others.len() {
                return Ok(false);
            }
            all(ones.iter().map(|(name, one)| match other.member(name) {
                Some(other) => same(one, other),
                None => Ok(false),
            }))
        }
        (one, other) => Ok(one == other),
    }
}

/// One difference settles it, whatever cannot be told of the rest.
fn all(parts: impl Iterator<Item = Result<bool, &'static str>>) -> Result<bool, &'static str> {
    let mut told = Ok(true);
    for part in parts {
        match part {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(why) => told = Err(why),
        }
    }
    told
}

/// Compiles an expression that has to match from the first to the last character.
fn compile(pattern: &str) -> Result<Regex, String> {
    let build = |pattern: &str| {
        RegexBuilder::new(pattern).size_limit(LARGEST_REGEX).dfa_size_limit(LARGEST_REGEX).build()
    };
    // Alone first: what only makes sense inside our parentheses could step out of them.
    build(pattern)
        .and_then(|_| build(&format!(r"\A(?:{pattern})\z")))
        .map_err(|fault| format!("the regular expression \"{pattern}\" cannot be used: {fault}"))
}

/// Compiling takes longer than a whole decision; the outcome for a pattern never changes.
fn kept(pattern: &str) -> Option<Regex> {
    static COMPILED: LazyLock<Mutex<HashMap<Arc<str>, Option<Regex>>>> =
        LazyLock::new(Mutex::default);
    let mut table = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = table.get(pattern) {
        return regex.clone();
    }
    if table.len() >= KEPT {
        table.clear();
    }
    let regex = compile(pattern).ok();
    table.insert(pattern.into(), regex.clone());
    regex
}
