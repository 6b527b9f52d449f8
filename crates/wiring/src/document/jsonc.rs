//! JSON with or without comments, changed in its syntax tree. It must never touch what is outside the entry.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

use super::{Place, Text};

pub(super) struct Jsonc(CstRootNode);

impl Jsonc {
    pub(super) fn parse(text: &str, comments: bool) -> Result<Self, String> {
        if !comments {
            // What the program itself could not read is not read here either.
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| {
                format!("line {}, column {}: this is not JSON", error.line(), error.column())
            })?;
        }
        let options = ParseOptions {
            allow_comments: comments,
            allow_trailing_commas: comments,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let root = CstRootNode::parse(text, &options).map_err(|error| {
            format!(
                "line {}, column {}: {}",
                error.line_display(),
                error.column_display(),
                error.kind()
            )
        })?;
        Ok(Self(root))
    }

    fn table(&self, place: &Place<'_>) -> Option<CstObject> {
        let mut here = self.0.object_value_or_create()?;
        for step in place.at {
            here = here.object_value_or_create(step)?;
        }
        Some(here)
    }

    fn list(&self, place: &Place<'_>) -> Option<CstArray> {
        let (last, before) = place.at.split_last()?;
        let mut here = self.0.object_value_or_create()?;
        for step in before {
            here = here.object_value_or_create(step)?;
        }
        here.array_value_or_create(last)
    }

    fn item(&self, place: &Place<'_>, name: &str) -> Option<CstObject> {
        let called = |object: &CstObject| {
            object.to_serde_value().and_then(|value| Some(value.get("name")?.as_str()? == name))
                == Some(true)
        };
        self.list(place)?.elements().iter().filter_map(CstNode::as_object).find(called)
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(yes) => CstInputValue::Bool(*yes),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(members) => CstInputValue::Object(
            members.iter().map(|(name, one)| (name.clone(), input(one))).collect(),
        ),
    }
}

impl Text for Jsonc {
    fn value(&self) -> Result<Value, String> {
        Ok(self.0.to_serde_value().unwrap_or(Value::Null))
    }

    fn set(&mut self, place: &Place<'_>, name: &str, value: &Value) -> Option<()> {
        if place.list {
            match self.item(place, name) {
                Some(item) => drop(item.replace_with(input(value))),
                None => drop(self.list(place)?.append(input(value))),
            }
            return Some(());
        }
        let table = self.table(place)?;
        match table.get(name) {
            Some(property) => property.set_value(input(value)),
            None => drop(table.append(name, input(value))),
        }
        Some(())
    }

    fn remove(&mut self, place: &Place<'_>, name: &str) -> Option<()> {
        if place.list {
            self.item(place, name)?.remove();
        } else {
            self.table(place)?.get(name)?.remove();
        }
        Some(())
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}
