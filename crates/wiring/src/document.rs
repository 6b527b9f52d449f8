//! One settings file as text that can be changed in places: JSON with comments, TOML or YAML. It must never reformat what
//! it was not asked to change; every change is checked by reading the result again.

mod jsonc;
mod toml_text;
mod yaml;

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::WiringError;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON; comments are an error.
    Json,
    /// JSON with comments and trailing commas.
    Jsonc,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// Where the servers are in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a Path,
    pub(crate) at: &'a [String],
    pub(crate) list: bool,
}

/// What the three formats can do.
trait Text {
    /// All of it as values.
    fn value(&self) -> Result<Value, String>;
    /// Sets an entry. Answers whether the file's shape allows it.
    fn set(&mut self, place: &Place<'_>, name: &str, value: &Value) -> Option<()>;
    /// Removes an entry. Answers whether it was there.
    fn remove(&mut self, place: &Place<'_>, name: &str) -> Option<()>;
    /// The text now.
    fn text(&self) -> String;
}

/// A file's text, read.
pub(crate) struct Document {
    format: Format,
    text: String,
    value: Value,
}

fn open(format: Format, text: &str) -> Result<Box<dyn Text>, String> {
    Ok(match format {
        Format::Json => Box::new(jsonc::Jsonc::parse(text, false)?),
        Format::Jsonc => Box::new(jsonc::Jsonc::parse(text, true)?),
        Format::Toml => Box::new(toml_text::Toml::parse(text)?),
        Format::Yaml => Box::new(yaml::Yaml::parse(text)?),
    })
}

impl Document {
    pub(crate) fn parse(format: Format, text: &str, file: &Path) -> Result<Self, WiringError> {
        let unreadable = |reason| WiringError::Unreadable { file: file.to_owned(), reason };
        let value = open(format, text).and_then(|open| open.value()).map_err(unreadable)?;
        Ok(Self { format, text: text.to_owned(), value })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The servers, in the order of the file.
    pub(crate) fn entries(&self, place: &Place<'_>) -> Result<Vec<(String, Value)>, WiringError> {
        let mut here = &self.value;
        for step in place.at {
            match here.get(step) {
                Some(next) => here = next,
                None => return Ok(Vec::new()),
            }
        }
        match (here, place.list) {
            (Value::Null, _) => Ok(Vec::new()),
            (Value::Object(map), false) => {
                Ok(map.iter().map(|(name, one)| (name.clone(), one.clone())).collect())
            }
            (Value::Array(items), true) => Ok(items
                .iter()
                .filter_map(|item| Some((item.get("name")?.as_str()?.to_owned(), item.clone())))
                .collect()),
            _ => Err(WiringError::Unreadable {
                file: place.file.to_owned(),
                reason: format!("{} is not what it should be", place.at.join(".")),
            }),
        }
    }

    /// The same file with an entry set.
    pub(crate) fn with(
        &self,
        place: &Place<'_>,
        name: &str,
        entry: &Value,
    ) -> Result<Self, WiringError> {
        let wished = edited(&self.value, place, name, Some(entry));
        self.change(place, wished, &mut |text| text.set(place, name, entry))
    }

    /// The same file without an entry.
    pub(crate) fn without(&self, place: &Place<'_>, name: &str) -> Result<Self, WiringError> {
        let wished = edited(&self.value, place, name, None);
        self.change(place, wished, &mut |text| text.remove(place, name))
    }

    /// Whether it says this; a table of servers that is empty may also be missing.
    pub(crate) fn says(&self, wished: &Value, place: &Place<'_>) -> bool {
        pruned(&self.value, place.at) == pruned(wished, place.at)
    }

    fn change(
        &self,
        place: &Place<'_>,
        wished: Option<Value>,
        edit: &mut dyn FnMut(&mut Box<dyn Text>) -> Option<()>,
    ) -> Result<Self, WiringError> {
        let cannot = || WiringError::Unsafe(place.file.to_owned());
        let wished = wished.ok_or_else(cannot)?;
        let mut text = open(self.format, &self.text).map_err(|_| cannot())?;
        edit(&mut text).ok_or_else(cannot)?;
        let changed = Self::parse(self.format, &text.text(), place.file).map_err(|_| cannot())?;
        // Whatever the editor did to the text: it says what was asked for, and nothing else.
        if changed.says(&wished, place) { Ok(changed) } else { Err(cannot()) }
    }
}

fn pruned(value: &Value, at: &[String]) -> Value {
    if let (true, Some(items)) = (at.is_empty(), value.as_array()) {
        // Which of them comes first says nothing.
        let mut items = items.clone();
        items.sort_by_key(ToString::to_string);
        return Value::Array(items);
    }
    let (Some((step, rest)), Some(members)) = (at.split_first(), value.as_object()) else {
        return value.clone();
    };
    let mut members = members.clone();
    if let Some(inner) = members.get(step) {
        let inner = pruned(inner, rest);
        let empty = inner.is_null()
            || inner.as_object().is_some_and(Map::is_empty)
            || inner.as_array().is_some_and(Vec::is_empty);
        if empty {
            members.shift_remove(step);
        } else {
            members.insert(step.clone(), inner);
        }
    }
    Value::Object(members)
}

/// What the file should say after the change; none where its shape does not allow it.
pub(crate) fn edited(
    value: &Value,
    place: &Place<'_>,
    name: &str,
    entry: Option<&Value>,
) -> Option<Value> {
    let mut value = if value.is_null() { Value::Object(Map::new()) } else { value.clone() };
    let mut here = &mut value;
    for (depth, step) in place.at.iter().enumerate() {
        let last = depth + 1 == place.at.len();
        let made =
            if last && place.list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        let members = here.as_object_mut()?;
        let next = members.entry(step.clone()).or_insert(made.clone());
        if next.is_null() {
            *next = made;
        }
        here = next;
    }
    let called = |item: &Value| item.get("name").and_then(Value::as_str) == Some(name);
    match (here, entry) {
        (Value::Object(map), Some(entry)) if !place.list => {
            map.insert(name.to_owned(), entry.clone());
        }
        (Value::Object(map), None) if !place.list => {
            map.shift_remove(name)?;
        }
        (Value::Array(items), entry) if place.list => {
            let old = items.iter().position(called);
            match (old, entry) {
                (Some(index), Some(entry)) => *items.get_mut(index)? = entry.clone(),
                (Some(index), None) => drop(items.remove(index)),
                (None, Some(entry)) => items.push(entry.clone()),
                (None, None) => return None,
            }
        }
        _ => return None,
    }
    Some(value)
}
