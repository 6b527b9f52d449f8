//! Every parameter of a Call as rows that can be read: pointer, kind, value. Nothing is left out or cut.

use prokura_domain::Json;

use crate::pieces::pieces;
use crate::view::ArgumentView;

/// The rows of a value, in the order it was written.
#[must_use]
pub fn rows(value: &Json) -> Vec<ArgumentView> {
    let mut rows = Vec::new();
    walk("", value, &mut rows);
    rows
}

fn walk(pointer: &str, value: &Json, rows: &mut Vec<ArgumentView>) {
    let mut leaf = |kind: &str, text: &str| {
        rows.push(ArgumentView {
            pointer: pieces(pointer),
            kind: kind.to_owned(),
            value: pieces(text),
        });
    };
    match value {
        Json::Null => leaf("null", "null"),
        Json::Bool(value) => leaf("boolean", if *value { "true" } else { "false" }),
        Json::Number(text) => leaf("number", text),
        Json::String(text) => leaf("string", text),
        Json::Array(items) if items.is_empty() => leaf("empty array", "[]"),
        Json::Object(members) if members.is_empty() => leaf("empty object", "{}"),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{pointer}/{index}"), item, rows);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                walk(&format!("{pointer}/{}", Json::pointer_step(name)), member, rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_row_in_its_order() {
        let value = Json::read(br#"{"name":"pay","arguments":{"to":"a/b","n":[1,{}],"~x":null}}"#);
        let rows = rows(&value.unwrap_or(Json::Null));
        let flat: Vec<(String, String)> = rows
            .into_iter()
            .map(|row| {
                let text = |pieces: Vec<crate::view::Piece>| {
                    pieces.into_iter().map(|piece| piece.text).collect::<String>()
                };
                (text(row.pointer), text(row.value))
            })
            .collect();
        let expected = [
            ("/name", "pay"),
            ("/arguments/to", "a/b"),
            ("/arguments/n/0", "1"),
            ("/arguments/n/1", "{}"),
            ("/arguments/~0x", "null"),
        ];
        assert_eq!(flat, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
