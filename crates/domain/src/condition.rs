//! A condition on the arguments of a Call: a pointer and a test of what is there. It must never guess: what it cannot
//! read it does not accept, and whether a condition holds is for `policy` to say.

use std::fmt;
use std::str::FromStr;

use crate::decimal::Decimal;
use crate::json::Json;
use crate::pointer::{NotAPointer, Pointer};

mod host;
mod path;

pub use host::{HostPattern, NotAHost};
pub use path::{AbsolutePath, NotAPath};

/// How long the text of one condition may be.
pub const LONGEST: usize = 8_192;

/// A condition: what a test says of the value a pointer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Into the arguments of a tool or prompt; into the parameters of any other message.
    pub pointer: Pointer,
    /// What has to be true of the value there.
    pub test: Test,
}

/// How a number may compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// What has to be true of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is this value; numbers are equal by their value, members in any order.
    Equals(Json),
    /// It is of the same type and another value.
    Differs(Json),
    /// It is a number that compares so.
    Number(Order, Decimal),
    /// It is one of these values.
    OneOf(Vec<Json>),
    /// It is a string that matches this glob (`*`, `?`).
    Glob(String),
    /// It is an absolute path at or below this one.
    Under(AbsolutePath),
    /// It is a URL whose host is this one.
    Host(HostPattern),
    /// It is a string of at most so many characters, or an array of at most so many items.
    LengthAtMost(u64),
    /// It is a string that matches this regular expression from its first to its last character.
    Matches(String),
    /// It is not there.
    Absent,
}

/// Why a text is not a condition. Each says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionFault {
    /// Not three parts.
    #[error(
        "\"{0}\" is not a condition; write POINTER OP VALUE with spaces between, such as /amount <= 500"
    )]
    Shape(String),
    /// The pointer is none.
    #[error(transparent)]
    Pointer(#[from] NotAPointer),
    /// The operator is unknown.
    #[error(
        "\"{0}\" is not an operator; use one of = != < <= > >= in glob under host len<= matches absent"
    )]
    Operator(String),
    /// The value does not go with the operator.
    #[error("{op} needs {needed}; \"{value}\" is none")]
    Value {
        /// The operator.
        op: &'static str,
        /// What to write.
        needed: &'static str,
        /// What was written.
        value: String,
    },
    /// The value cannot be compared.
    #[error("{0}")]
    Unusable(String),
    /// Too long to be read by anybody.
    #[error("a condition has at most {LONGEST} characters")]
    TooLong,
}

impl Test {
    /// The operator as it is written.
    #[must_use]
    pub fn operator(&self) -> &'static str {
        match self {
            Self::Equals(_) => "=",
            Self::Differs(_) => "!=",
            Self::Number(Order::Less, _) => "<",
            Self::Number(Order::AtMost, _) => "<=",
            Self::Number(Order::Greater, _) => ">",
            Self::Number(Order::AtLeast, _) => ">=",
            Self::OneOf(_) => "in",
            Self::Glob(_) => "glob",
            Self::Under(_) => "under",
            Self::Host(_) => "host",
            Self::LengthAtMost(_) => "len<=",
            Self::Matches(_) => "matches",
            Self::Absent => "absent",
        }
    }

    /// The value as JSON; `None` for [`Test::Absent`].
    #[must_use]
    pub fn value(&self) -> Option<Json> {
        match self {
            Self::Equals(value) | Self::Differs(value) => Some(value.clone()),
            Self::Number(_, number) => Some(Json::Number(number.to_string())),
            Self::OneOf(values) => Some(Json::Array(values.clone())),
            Self::Glob(text) | Self::Matches(text) => Some(Json::text(text)),
            Self::Under(path) => Some(Json::text(path.to_string())),
            Self::Host(host) => Some(Json::text(host.to_string())),
            Self::LengthAtMost(length) => Some(Json::from(*length)),
            Self::Absent => None,
        }
    }

    /// The test of an operator and its value as it was written: JSON, else a string.
    fn read(op: &str, text: &str) -> Result<Self, ConditionFault> {
        let json = Json::read(text.as_bytes()).ok();
        // Words may stand without quotes, and a word such as 1234 is one too where only words make sense.
        let word = || match &json {
            Some(Json::String(word)) => word.clone(),
            _ => text.to_owned(),
        };
        let needs = |op: &'static str, needed: &'static str| ConditionFault::Value {
            op,
            needed,
            value: text.to_owned(),
        };
        let number = |op: &'static str, order: Order| match &json {
            Some(Json::Number(number)) => Decimal::read(number)
                .map(|number| Self::Number(order, number))
                .ok_or_else(|| needs(op, "a number with a smaller exponent")),
            _ => Err(needs(op, "a number such as 500 or 0.5")),
        };
        if text.is_empty() && op != "absent" {
            return Err(ConditionFault::Unusable(format!(
                "{op} needs a value; write \"\" for an empty string"
            )));
        }
        match op {
            "=" => comparable(json.clone().unwrap_or_else(|| Json::text(word()))).map(Self::Equals),
            "!=" => {
                comparable(json.clone().unwrap_or_else(|| Json::text(word()))).map(Self::Differs)
            }
            "<" => number("<", Order::Less),
            "<=" => number("<=", Order::AtMost),
            ">" => number(">", Order::Greater),
            ">=" => number(">=", Order::AtLeast),
            "in" => match json {
                Some(Json::Array(values)) if !values.is_empty() => {
                    values.into_iter().map(comparable).collect::<Result<_, _>>().map(Self::OneOf)
                }
                _ => Err(needs("in", "a JSON array that is not empty, such as [\"a\",\"b\"]")),
            },
            "glob" => Ok(Self::Glob(word())),
            "under" => word()
                .parse()
                .map(Self::Under)
                .map_err(|fault: NotAPath| ConditionFault::Unusable(fault.to_string())),
            "host" => word()
                .parse()
                .map(Self::Host)
                .map_err(|fault: NotAHost| ConditionFault::Unusable(fault.to_string())),
            "len<=" => match &json {
                Some(Json::Number(length)) => length.parse().ok().map(Self::LengthAtMost),
                _ => None,
            }
            .ok_or_else(|| needs("len<=", "a whole number such as 80")),
            "matches" => Ok(Self::Matches(word())),
            "absent" if text.is_empty() => Ok(Self::Absent),
            "absent" => Err(needs("absent", "no value")),
            other => Err(ConditionFault::Operator(other.to_owned())),
        }
    }
}

/// Refuses numbers that could never be compared.
fn comparable(value: Json) -> Result<Json, ConditionFault> {
    let fine = match &value {
        Json::Number(number) => Decimal::read(number).is_some(),
        Json::Array(items) => items.iter().all(|item| comparable(item.clone()).is_ok()),
        Json::Object(members) => members.iter().all(|(_, item)| comparable(item.clone()).is_ok()),
        Json::Null | Json::Bool(_) | Json::String(_) => true,
    };
    if fine {
        Ok(value)
    } else {
        let text = "the value holds a number with too large an exponent; write a smaller one";
        Err(ConditionFault::Unusable(text.to_owned()))
    }
}

impl Condition {
    /// The stored form: `{"pointer":…,"op":…,"value":…}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("pointer".to_owned(), Json::text(self.pointer.as_str())),
            ("op".to_owned(), Json::text(self.test.operator())),
        ];
        members.extend(self.test.value().map(|value| ("value".to_owned(), value)));
        Json::Object(members)
    }

    /// Reads the stored form.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let pointer = json.member("pointer")?.as_str()?.parse().ok()?;
        let value = json.member("value").map(Json::to_text).unwrap_or_default();
        let test = Test::read(json.member("op")?.as_str()?, &value).ok()?;
        Some(Self { pointer, test })
    }

    /// The stored form of several: a JSON array.
    #[must_use]
    pub fn list_to_text(conditions: &[Self]) -> String {
        Json::Array(conditions.iter().map(Self::to_json).collect()).to_text()
    }

    /// Reads the stored form of several.
    #[must_use]
    pub fn list_from_text(text: &str) -> Option<Vec<Self>> {
        Json::read(text.as_bytes()).ok()?.items()?.iter().map(Self::from_json).collect()
    }
}

impl FromStr for Condition {
    type Err = ConditionFault;

    /// `POINTER OP VALUE`. A pointer with spaces in it stands in JSON quotes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() > LONGEST {
            return Err(ConditionFault::TooLong);
        }
        let shape = || ConditionFault::Shape(text.to_owned());
        let text = text.trim();
        let (pointer, rest) = match text.strip_prefix('"') {
            Some(_) => quoted(text).ok_or_else(shape)?,
            None => {
                let (pointer, rest) = text.split_once(char::is_whitespace).ok_or_else(shape)?;
                (pointer.to_owned(), rest)
            }
        };
        let rest = rest.trim_start();
        let (op, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if op.is_empty() {
            return Err(shape());
        }
        Ok(Self { pointer: pointer.parse()?, test: Test::read(op, value.trim_start())? })
    }
}

/// Splits a leading JSON string off.
fn quoted(text: &str) -> Option<(String, &str)> {
    text.match_indices('"').skip(1).find_map(|(at, _)| {
        let (head, rest) = text.split_at_checked(at + 1)?;
        match Json::read(head.as_bytes()) {
            Ok(Json::String(pointer)) => Some((pointer, rest)),
            _ => None,
        }
    })
}

impl fmt::Display for Condition {
    /// The text form; it reads back as the same condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = self.pointer.as_str();
        let plain = pointer.starts_with('/') && !pointer.contains(char::is_whitespace);
        if plain {
            f.write_str(pointer)?;
        } else {
            f.write_str(&Json::text(pointer).to_text())?;
        }
        write!(f, " {}", self.test.operator())?;
        match self.test.value() {
            Some(value) => write!(f, " {}", value.to_text()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
