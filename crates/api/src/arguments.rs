//! Every parameter of a Call as rows that can be read: pointer, kind, value; and as indented JSON. Nothing is left out or
//! cut.

use std::collections::HashMap;

use prokura_domain::Json;

use crate::pieces::pieces;
use crate::places::places;
use crate::view::{ArgumentView, ChangeView};

/// Differences that are listed at most; then it is another call altogether.
const MOST_CHANGES: usize = 500;

/// The rows of a value, in the order it was written.
#[must_use]
pub fn rows(value: &Json) -> Vec<ArgumentView> {
    let mut rows = Vec::new();
    walk("", value, &mut |pointer, kind, text| {
        rows.push(ArgumentView {
            pointer: pieces(pointer),
            kind: kind.to_owned(),
            value: pieces(text),
            places: if kind == "string" { places(text) } else { Vec::new() },
            unit: None,
        });
    });
    rows
}

/// Adds the units that an input schema states for arguments: a claim of the Server.
pub fn add_units(rows: &mut [ArgumentView], value: &Json, schema: &Json) {
    let mut at = 0;
    walk("", value, &mut |pointer, kind, _| {
        if let (Some(row), "number", Some(own)) =
            (rows.get_mut(at), kind, pointer.strip_prefix("/arguments"))
        {
            row.unit = unit(schema, own).map(|text| pieces(&text));
        }
        at += 1;
    });
}

fn unit(schema: &Json, pointer: &str) -> Option<String> {
    let mut property = schema;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let inner = property.member("properties").and_then(|all| all.member(&step));
        property = inner.or_else(|| property.member("items"))?;
    }
    let said = ["unit", "units", "x-unit"].iter().find_map(|name| property.member(name));
    said.and_then(Json::as_str).map(|text| text.chars().take(40).collect())
}

fn walk(pointer: &str, value: &Json, leaf: &mut impl FnMut(&str, &str, &str)) {
    match value {
        Json::Null => leaf(pointer, "null", "null"),
        Json::Bool(value) => leaf(pointer, "boolean", if *value { "true" } else { "false" }),
        Json::Number(text) => leaf(pointer, "number", text),
        Json::String(text) => leaf(pointer, "string", text),
        Json::Array(items) if items.is_empty() => leaf(pointer, "empty array", "[]"),
        Json::Object(members) if members.is_empty() => leaf(pointer, "empty object", "{}"),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{pointer}/{index}"), item, leaf);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                walk(&format!("{pointer}/{}", Json::pointer_step(name)), member, leaf);
            }
        }
    }
}

/// What differs from `before`, by leaf: in the order of now, then what is gone.
#[must_use]
pub fn changes(before: &Json, now: &Json) -> Vec<ChangeView> {
    let leaves = |value: &Json| {
        let mut all: Vec<(String, (String, String))> = Vec::new();
        walk("", value, &mut |pointer, kind, text| {
            all.push((pointer.to_owned(), (kind.to_owned(), text.to_owned())));
        });
        all
    };
    let (old, new) = (leaves(before), leaves(now));
    let was: HashMap<&str, &(String, String)> =
        old.iter().map(|(at, leaf)| (at.as_str(), leaf)).collect();
    let is: HashMap<&str, &(String, String)> =
        new.iter().map(|(at, leaf)| (at.as_str(), leaf)).collect();
    let shown = |leaf: Option<&&(String, String)>| leaf.map(|leaf| pieces(&leaf.1));
    let changed = new
        .iter()
        .map(|(at, _)| at.as_str())
        .chain(old.iter().map(|(at, _)| at.as_str()).filter(|at| !is.contains_key(at)))
        .filter(|at| was.get(at) != is.get(at));
    changed
        .take(MOST_CHANGES)
        .map(|at| ChangeView {
            pointer: pieces(at),
            before: shown(was.get(at)),
            now: shown(is.get(at)),
        })
        .collect()
}

/// A value as indented JSON, members in their order.
#[must_use]
pub fn pretty(value: &Json) -> String {
    let mut out = String::new();
    indent(value, 0, &mut out);
    out
}

fn indent(value: &Json, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                indent(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Json::Object(members) if !members.is_empty() => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                out.push_str(&Json::text(name).to_text());
                out.push_str(": ");
                indent(member, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        Json::Null
        | Json::Bool(_)
        | Json::Number(_)
        | Json::String(_)
        | Json::Array(_)
        | Json::Object(_) => out.push_str(&value.to_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[crate::view::Piece]) -> String {
        pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn every_value_has_a_row_in_its_order() {
        let value = Json::read(br#"{"name":"pay","arguments":{"to":"a/b","n":[1,{}],"~x":null}}"#);
        let value = value.unwrap_or(Json::Null);
        let flat: Vec<(String, String)> =
            rows(&value).iter().map(|row| (text(&row.pointer), text(&row.value))).collect();
        let expected = [
            ("/name", "pay"),
            ("/arguments/to", "a/b"),
            ("/arguments/n/0", "1"),
            ("/arguments/n/1", "{}"),
            ("/arguments/~0x", "null"),
        ];
        assert_eq!(flat, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(Json::read(pretty(&value).as_bytes()).unwrap_or(Json::Null), value);
    }

    #[test]
    fn a_difference_is_told_by_leaf() {
        let read = |text: &str| Json::read(text.as_bytes()).unwrap_or(Json::Null);
        let changed = changes(
            &read(r#"{"to":"Grace","n":1,"old":[true]}"#),
            &read(r#"{"to":"Grace","n":"1","new":2}"#),
        );
        let flat: Vec<_> = changed
            .iter()
            .map(|one| {
                let side = |side: &Option<Vec<crate::view::Piece>>| side.as_deref().map(text);
                (text(&one.pointer), side(&one.before), side(&one.now))
            })
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            flat,
            [
                ("/n".to_owned(), some("1"), some("1")),
                ("/new".to_owned(), None, some("2")),
                ("/old/0".to_owned(), some("true"), None),
            ]
        );
    }

    #[test]
    fn a_unit_comes_from_the_schema() {
        let read = |text: &str| Json::read(text.as_bytes()).unwrap_or(Json::Null);
        let value = read(r#"{"arguments":{"size":5,"name":"x"}}"#);
        let mut all = rows(&value);
        add_units(&mut all, &value, &read(r#"{"properties":{"size":{"unit":"MiB"}}}"#));
        assert_eq!(all.first().and_then(|row| row.unit.as_deref()).map(text), Some("MiB".into()));
    }
}
