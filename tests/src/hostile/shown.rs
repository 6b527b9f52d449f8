//! What is shown, turned back into what is meant, and compared with what was sent.
//! It must never use what the product uses to make things visible: both could be wrong together.

use prokura_domain::Json;

use super::Case;

/// One value as it is shown, marks turned back into characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What kind of value it is said to be.
    pub kind: String,
    /// Where it stands in the parameters.
    pub pointer: String,
    /// The value.
    pub value: String,
}

/// A question as it is shown, marks turned back into characters.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is called.
    pub tool: String,
    /// Every parameter.
    pub rows: Vec<Row>,
    /// The parameters as the server will see them.
    pub raw: String,
}

/// What is shown says all that is sent: `sent` is the whole message that the server received.
///
/// # Errors
/// Names what differs.
pub fn check(case: &Case, shown: &Shown, sent: &str) -> Result<(), String> {
    let json =
        |text: &str| Json::read(text.as_bytes()).map_err(|fault| format!("{text:?}: {fault}"));
    if shown.tool != case.tool {
        return Err(format!("the tool is {:?}", shown.tool));
    }
    let members = shown.raw.strip_prefix('{').unwrap_or(&shown.raw);
    if !sent.contains(&format!("\"params\":{{{members}")) {
        return Err(format!("shown {:.3000}\nsent {sent:.3000}", shown.raw));
    }
    let params = json(&shown.raw)?;
    let written = json(&case.written)?;
    if params.member("arguments") != Some(&written) {
        return Err(format!("the server would see {:.3000}", shown.raw));
    }
    let mut rows = Vec::new();
    walk("", &params, &mut rows);
    let differs = |(at, row): (usize, &Row)| (shown.rows.get(at) != Some(row)).then_some(at);
    match rows.iter().enumerate().find_map(differs) {
        Some(at) => Err(format!("row {at} is {:?} and not {:?}", shown.rows.get(at), rows.get(at))),
        None if shown.rows.len() != rows.len() => Err(format!("{} rows", shown.rows.len())),
        None => Ok(()),
    }
}

/// Every value with its pointer, in the order it is written: what has to be shown.
fn walk(at: &str, value: &Json, rows: &mut Vec<Row>) {
    let mut leaf = |kind: &str, value: &str| {
        rows.push(Row { kind: kind.to_owned(), pointer: at.to_owned(), value: value.to_owned() });
    };
    match value {
        Json::Null => leaf("null", "null"),
        Json::Bool(true) => leaf("boolean", "true"),
        Json::Bool(false) => leaf("boolean", "false"),
        Json::Number(text) => leaf("number", text),
        Json::String(text) => leaf("string", text),
        Json::Array(items) if items.is_empty() => leaf("empty array", "[]"),
        Json::Object(members) if members.is_empty() => leaf("empty object", "{}"),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{at}/{index}"), item, rows);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(&format!("{at}/{name}"), member, rows);
            }
        }
    }
}

/// Whether a character has to be named by its code, because nobody sees it or it moves its neighbours. Written down here
/// anew, so that the product and its test cannot be wrong together.
#[must_use]
pub fn unseen(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || [0xad, 0x34f, 0x61c, 0x890, 0x891, 0x180e, 0x2800, 0x3000, 0x3164, 0xffa0, 0xfeff, 0xa0]
            .contains(&code)
        || (0x2000..=0x200f).contains(&code)
        || (0x2028..=0x202f).contains(&code)
        || (0x205f..=0x206f).contains(&code)
        || (0xfe00..=0xfe0f).contains(&code)
        || (0xe000..=0xf8ff).contains(&code)
        || (0xfff0..=0xfffd).contains(&code) && code != 0xfffd
        || code >= 0xe_0000
}

/// The character a mark of ours stands for; a hint stands for none.
#[must_use]
pub fn unmarked(mark: &str) -> Option<String> {
    match mark {
        "↵" => Some(String::new()),
        "⇥" => Some("\t".to_owned()),
        _ if mark.contains(" looks like ") => Some(String::new()),
        _ => {
            let code = u32::from_str_radix(mark.strip_prefix("U+")?, 16).ok()?;
            char::from_u32(code).map(String::from)
        }
    }
}
