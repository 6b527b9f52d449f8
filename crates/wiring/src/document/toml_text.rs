//! TOML, changed in place with its comments. It must never touch what is outside the entry.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use super::{Place, Text};

pub(super) struct Toml(DocumentMut);

impl Toml {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        Ok(Self(document))
    }

    fn table(&mut self, place: &Place<'_>) -> Option<&mut dyn toml_edit::TableLike> {
        let mut here: &mut Item = self.0.as_item_mut();
        for step in place.at {
            let table = here.as_table_like_mut()?;
            if !table.contains_key(step) {
                let mut made = Table::new();
                made.set_implicit(true);
                table.insert(step, Item::Table(made));
            }
            here = table.get_mut(step)?;
        }
        here.as_table_like_mut()
    }
}

fn plain(one: &Value) -> Option<toml_edit::Value> {
    Some(match one {
        Value::Null => return None,
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(plain).collect::<Option<Array>>()?.into(),
        Value::Object(members) => {
            let mut table = InlineTable::new();
            for (name, one) in members {
                table.insert(name, plain(one)?);
            }
            table.into()
        }
    })
}

impl Text for Toml {
    fn value(&self) -> Result<Value, String> {
        let table: toml::Table =
            toml::from_str(&self.0.to_string()).map_err(|error| error.message().to_owned())?;
        serde_json::to_value(table).map_err(|_| "it has a number that is none".to_owned())
    }

    fn set(&mut self, place: &Place<'_>, name: &str, entry: &Value) -> Option<()> {
        let members = entry.as_object().filter(|_| !place.list)?;
        let table = self.table(place)?;
        let inline = table.iter().next().is_some_and(|(_, item)| item.is_inline_table());
        if inline {
            table.insert(name, value(plain(entry)?));
            return Some(());
        }
        let mut fresh = Table::new();
        for (name, one) in members {
            fresh.insert(name, value(plain(one)?));
        }
        table.insert(name, Item::Table(fresh));
        Some(())
    }

    fn remove(&mut self, place: &Place<'_>, name: &str) -> Option<()> {
        if place.list {
            return None;
        }
        self.table(place)?.remove(name).map(drop)
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}
