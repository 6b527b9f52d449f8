//! How answers look in a terminal. What a stranger wrote is shown with its control characters escaped.

use serde_json::{Map, Value};

/// Columns that say most, in the order they are shown; others only with `--json`.
const COLUMNS: [&str; 38] = [
    "day",
    "seq",
    "id",
    "name",
    "at",
    "kind",
    "endpoint",
    "class",
    "pin",
    "agent",
    "server",
    "account",
    "target",
    "effect",
    "conditions",
    "budget",
    "budget_left",
    "state",
    "credential",
    "tools",
    "grants",
    "until",
    "enabled",
    "origin",
    "happened",
    "before",
    "after",
    "line",
    "column",
    "expires_at",
    "ok",
    "message",
    "hint",
    "calls",
    "prompts",
    "denials",
    "failures",
    "records",
];

/// Prints a value: JSON as one line, else as a table or a list of members.
pub fn print(value: &Value, json: bool) {
    if json {
        println!("{value}");
        return;
    }
    match value {
        Value::Array(items) if items.is_empty() => println!("Nothing."),
        Value::Array(items) if items.iter().all(Value::is_object) => table(items),
        Value::Array(items) => items.iter().for_each(|item| println!("{}", cell(item))),
        Value::Object(members) => list(members, 0),
        Value::Null => println!("Done."),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => println!("{}", cell(value)),
    }
}

fn table(items: &[Value]) {
    let told = |value: &Value| !value.is_null() && *value != Value::Array(Vec::new());
    let columns: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|column| items.iter().any(|item| item.get(column).is_some_and(told)))
        .collect();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            columns.iter().map(|column| item.get(column).map(cell).unwrap_or_default()).collect()
        })
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells =
                rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
            cells.chain([column.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(columns.iter().map(|column| column.to_uppercase()).collect());
    rows.into_iter().for_each(line);
}

fn list(members: &Map<String, Value>, indent: usize) {
    let width = members.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, value) in members {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(inner) if !inner.is_empty() && !inner.contains_key("name") => {
                println!("{pad}{name}");
                list(inner, indent + 2);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => println!("{pad}{name:<width$}  {}", cell(value)),
        }
    }
}

/// One value in one line.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => escaped(text),
        Value::Array(items) => {
            if items.iter().all(|item| item.get("mark").is_some()) {
                return items.iter().map(piece).collect();
            }
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) => match members.get("name") {
            Some(name) => cell(name),
            None => escaped(&value.to_string()),
        },
    }
}

fn piece(piece: &Value) -> String {
    let text = piece.get("text").and_then(Value::as_str).unwrap_or_default();
    match piece.get("mark").and_then(Value::as_bool) {
        Some(true) => format!("<{}>", escaped(text)),
        _ => escaped(text),
    }
}

/// No byte of a stranger moves the cursor.
pub fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            if character.is_control() {
                character.escape_default().collect::<Vec<_>>()
            } else {
                vec![character]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_move_the_cursor() {
        let text = cell(&Value::from("a\u{1b}[2Jb\n"));
        assert!(!text.chars().any(char::is_control), "{text}");
    }
}
