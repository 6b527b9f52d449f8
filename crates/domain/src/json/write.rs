//! Writes a value back: plainly, or in canonical form.

use std::fmt::Write as _;

use super::Json;

pub(super) fn plain(value: &Json, out: &mut String) {
    each(value, out, plain, |members, out| {
        for (index, (name, value)) in members.iter().enumerate() {
            member(index, name, value, out, plain);
        }
    });
}

pub(super) fn canonical(value: &Json, out: &mut String) {
    each(value, out, canonical, |members, out| {
        let mut sorted: Vec<&(String, Json)> = members.iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        for (index, (name, value)) in sorted.into_iter().enumerate() {
            member(index, name, value, out, canonical);
        }
    });
}

fn member(index: usize, name: &str, value: &Json, out: &mut String, write: fn(&Json, &mut String)) {
    if index > 0 {
        out.push(',');
    }
    string(name, out);
    out.push(':');
    write(value, out);
}

fn each(
    value: &Json,
    out: &mut String,
    write: fn(&Json, &mut String),
    object: impl FnOnce(&[(String, Json)], &mut String),
) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(text) => out.push_str(text),
        Json::String(text) => string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            object(members, out);
            out.push('}');
        }
    }
}

/// RFC 8785 §3.2.2.2: the two-character escapes where they exist, `\u00xx` for other controls, everything else as it is.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
