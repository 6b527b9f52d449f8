//! YAML, changed in its syntax tree. It must never touch what is outside the entry.

use std::str::FromStr;

use serde_json::{Map, Value};
use yaml_edit::{Document, Mapping, ScalarType, Sequence, YamlValue};

use super::{Place, Text};

pub(super) struct Yaml(Document);

impl Yaml {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = if text.trim().is_empty() { "{}\n" } else { text };
        // The library's own message may quote the file, and files hold keys.
        Document::from_str(text).map(Self).map_err(|error| match error {
            yaml_edit::YamlError::Parse { line: Some(line), .. } => {
                format!("line {line}: this is not YAML")
            }
            _ => "this is not YAML".to_owned(),
        })
    }

    fn table(&self, steps: &[String]) -> Option<Mapping> {
        let mut here = self.0.as_mapping()?;
        for step in steps {
            if here.get_mapping(step.as_str()).is_none() {
                here.set(step.as_str(), Mapping::new_pending_block());
            }
            here = here.get_mapping(step.as_str())?;
        }
        Some(here)
    }

    fn list(&self, place: &Place<'_>) -> Option<Sequence> {
        let (last, before) = place.at.split_last()?;
        let table = self.table(before)?;
        if table.get_sequence(last.as_str()).is_none() {
            table.set(last.as_str(), Sequence::new_pending_block());
        }
        table.get_sequence(last.as_str())
    }

    fn index(&self, place: &Place<'_>, name: &str) -> Option<usize> {
        self.list(place)?.values().position(|item| {
            item.as_mapping()
                .and_then(|map| map.get("name")?.as_scalar().map(|one| one.as_string()))
                .as_deref()
                == Some(name)
        })
    }
}

/// The value as block YAML; every text in quotes, so that nothing is taken for something else.
fn write(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, one) in members {
                out.push_str(&format!("\n{pad}{}:", key(name)));
                write(one, indent + 2, out);
            }
        }
        Value::Array(items)
            if !items.is_empty() && items.iter().all(|one| !one.is_object() && !one.is_array()) =>
        {
            for one in items {
                out.push_str(&format!("\n{pad}- {one}"));
            }
        }
        // JSON is YAML.
        other => out.push_str(&format!(" {other}")),
    }
}

fn key(name: &str) -> String {
    let plain = !name.is_empty()
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        && !matches!(
            name.to_ascii_lowercase().as_str(),
            "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "y" | "n"
        );
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}

fn mapping(value: &Value) -> Option<Mapping> {
    let mut text = String::new();
    write(value, 0, &mut text);
    Document::from_str(&format!("{}\n", text.trim_start_matches('\n'))).ok()?.as_mapping()
}

fn json(value: &YamlValue) -> Result<Value, String> {
    Ok(match value {
        YamlValue::Scalar(one) => match one.scalar_type() {
            ScalarType::Null => Value::Null,
            ScalarType::Boolean => one.to_bool().map_or_else(|| one.value().into(), Value::Bool),
            ScalarType::Integer => one.to_i64().map_or_else(|| one.value().into(), Value::from),
            ScalarType::Float => one.to_f64().map_or_else(|| one.value().into(), Value::from),
            _ => one.value().into(),
        },
        YamlValue::Sequence(items) => {
            Value::Array(items.iter().map(json).collect::<Result<_, _>>()?)
        }
        YamlValue::Mapping(members) => {
            let members = members.iter().map(|(name, one)| Ok((name.clone(), json(one)?)));
            Value::Object(members.collect::<Result<Map<_, _>, String>>()?)
        }
        _ => return Err("it uses a YAML type that settings do not have".to_owned()),
    })
}

impl Text for Yaml {
    fn value(&self) -> Result<Value, String> {
        let value = YamlValue::from_document(&self.0)
            .map_err(|_| "it has the same name twice, or an alias that leads nowhere".to_owned())?;
        json(&value)
    }

    fn set(&mut self, place: &Place<'_>, name: &str, value: &Value) -> Option<()> {
        let entry = mapping(value)?;
        if place.list {
            match self.index(place, name) {
                Some(index) => self.list(place)?.set(index, entry).then_some(())?,
                None => self.list(place)?.push(entry),
            }
        } else {
            self.table(place.at)?.set(name, entry);
        }
        Some(())
    }

    fn remove(&mut self, place: &Place<'_>, name: &str) -> Option<()> {
        if place.list {
            let index = self.index(place, name)?;
            self.list(place)?.remove(index).map(drop)
        } else {
            self.table(place.at)?.remove(name).map(drop)
        }
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}
