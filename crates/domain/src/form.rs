//! The form of a question that a Server asks the person (elicitation, form mode): its flat schema as fields. What was
//! typed is turned into content in [`check`]. It must never guess a value, or render what a Server wrote.

mod check;
mod read;
mod words;

use std::collections::BTreeMap;
use std::fmt;

pub use read::FormFault;

use crate::json::Json;

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Its fields, in the Server's order.
    pub fields: Vec<Field>,
}

/// One field. All texts are the Server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the content.
    pub name: String,
    /// What it is called for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether there is no answer without it.
    pub required: bool,
    /// What it takes.
    pub input: Input,
    /// What stands in it at first; empty: nothing.
    pub default: Vec<String>,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text {
        /// What kind of text.
        format: Option<Format>,
        /// The fewest characters.
        min: Option<u64>,
        /// The most characters.
        max: Option<u64>,
        /// A regular expression that has to be found in it.
        pattern: Option<String>,
    },
    /// A number; the bounds are JSON numbers.
    Number {
        /// Whether it has no fraction.
        whole: bool,
        /// The smallest.
        min: Option<String>,
        /// The largest.
        max: Option<String>,
    },
    /// Yes or no: `true` or `false`.
    Switch,
    /// One of these.
    One(Vec<Offer>),
    /// Some of these.
    Many {
        /// What there is.
        offers: Vec<Offer>,
        /// The fewest.
        min: Option<u64>,
        /// The most.
        max: Option<u64>,
    },
}

/// The formats of text that the specification knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An e-mail address.
    Email,
    /// A URI.
    Uri,
    /// A day.
    Date,
    /// A moment.
    DateTime,
}

/// One value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is sent.
    pub value: String,
    /// What it is called for people.
    pub title: Option<String>,
}

/// What the person typed, by field; a field that is left out has no answer. It is for one Server only, so it is never
/// shown in a trace.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Filled(pub BTreeMap<String, Vec<String>>);

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} fields>", self.0.len())
    }
}

impl Form {
    /// Reads the parameters of an `elicitation/create` in form mode.
    ///
    /// # Errors
    /// [`FormFault`] where it is no flat form that can be shown whole.
    pub fn of(params: &Json) -> Result<Self, FormFault> {
        read::form(params)
    }

    /// The content that is sent for what was typed.
    ///
    /// # Errors
    /// A sentence for each field that is not right.
    pub fn content(&self, filled: &Filled) -> Result<Json, Vec<String>> {
        check::content(self, filled)
    }
}

#[cfg(test)]
mod tests;
