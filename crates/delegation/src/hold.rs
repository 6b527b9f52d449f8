//! Which arguments say whom or what a call reaches, and what it takes to hold one fixed. A remembered answer that holds
//! these stops what a text slipped in; one that holds none lets nearly all of it through. It must never leave out a
//! target because a server gave it another name: when in doubt, an argument is one.

use prokura_domain::condition::{Order, Test};
use prokura_domain::{Condition, Decimal, Json, Pointer};

/// Words in the name of an argument that names whom or what is reached.
const TARGETS: [&str; 74] = [
    "to",
    "cc",
    "bcc",
    "recipient",
    "recipients",
    "receiver",
    "email",
    "emails",
    "mail",
    "address",
    "addresses",
    "user",
    "users",
    "username",
    "member",
    "members",
    "assignee",
    "assignees",
    "invitee",
    "attendees",
    "payee",
    "beneficiary",
    "channel",
    "channels",
    "room",
    "thread",
    "chat",
    "group",
    "topic",
    "folder",
    "project",
    "board",
    "workspace",
    "organization",
    "org",
    "owner",
    "repo",
    "repository",
    "branch",
    "bucket",
    "database",
    "db",
    "table",
    "collection",
    "queue",
    "namespace",
    "cluster",
    "environment",
    "env",
    "host",
    "hostname",
    "domain",
    "server",
    "url",
    "uri",
    "endpoint",
    "webhook",
    "link",
    "path",
    "paths",
    "file",
    "filename",
    "directory",
    "dir",
    "destination",
    "dest",
    "target",
    "source",
    "account",
    "iban",
    "from",
    "currency",
    "phone",
    "id",
];
/// So many of them, from the first, name people who get something.
const PEOPLE: usize = 11;
/// Words in the name of an argument that says how much.
const AMOUNTS: [&str; 8] =
    ["amount", "sum", "total", "price", "quantity", "limit", "count", "budget"];
/// Recipients a server may take although its schema does not name them.
const UNNAMED: [&str; 2] = ["cc", "bcc"];
/// How deep targets are looked for.
const DEEPEST: usize = 4;

/// An argument that can be held fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Where it is.
    pub pointer: String,
    /// Why it is held unless the person says otherwise; `None` where it is not.
    pub target: Option<&'static str>,
    /// What holding it means; `None` where its value is too long to be held.
    pub conditions: Option<Vec<Condition>>,
}

/// Every argument that can be held, in the order of the call; what is not there and could be comes last.
#[must_use]
pub fn holds(schema: Option<&Json>, arguments: &Json) -> Vec<Hold> {
    let mut found = Vec::new();
    let own = schema.and_then(|schema| schema.member("properties"));
    walk("", arguments, own, 0, &mut found);
    let there = |name: &str| arguments.member(name).is_some();
    let mut missing: Vec<&str> = Vec::new();
    for (name, property) in own.and_then(Json::members).unwrap_or_default() {
        if !there(name) && target(name, &Json::Null, Some(property)).is_some() {
            missing.push(name);
        }
    }
    let reaches = found.iter().any(|hold: &Hold| hold.target == Some(RECIPIENT));
    let closed =
        schema.and_then(|schema| schema.member("additionalProperties")) == Some(&Json::Bool(false));
    if reaches && !closed {
        missing.extend(
            UNNAMED
                .iter()
                .filter(|name| !there(name) && own.and_then(|own| own.member(name)).is_none()),
        );
    }
    for name in missing {
        let pointer = format!("/{}", Json::pointer_step(name));
        let conditions = absent(&pointer).map(|one| vec![one]);
        found.push(Hold { pointer, target: Some("could name one more"), conditions });
    }
    found
}

/// What holding the argument at `pointer` takes. `None`: its value cannot be held.
#[must_use]
pub fn conditions(pointer: &str, arguments: &Json) -> Option<Vec<Condition>> {
    match arguments.at(pointer) {
        Some(value) => same(pointer, value),
        None => absent(pointer).map(|one| vec![one]),
    }
}

const RECIPIENT: &str = "says who gets it";
const PLACE: &str = "says what it reaches";
const AMOUNT: &str = "says how much";

fn walk(
    pointer: &str,
    value: &Json,
    properties: Option<&Json>,
    depth: usize,
    found: &mut Vec<Hold>,
) {
    for (name, member) in value.members().unwrap_or_default() {
        let at = format!("{pointer}/{}", Json::pointer_step(name));
        let property = properties.and_then(|all| all.member(name));
        let target = target(name, member, property);
        let inner = property.and_then(|property| property.member("properties"));
        match member {
            Json::Object(members) if target.is_none() && !members.is_empty() && depth < DEEPEST => {
                walk(&at, member, inner, depth + 1, found);
            }
            _ => {
                let conditions = same(&at, member);
                found.push(Hold { pointer: at, target, conditions });
            }
        }
    }
}

fn same(pointer: &str, value: &Json) -> Option<Vec<Condition>> {
    let at: Pointer = pointer.parse().ok()?;
    let amount = pointer.rsplit('/').next().is_some_and(|name| any(name, &AMOUNTS));
    let number = match value {
        Json::Number(text) if amount => Decimal::read(text),
        _ => None,
    };
    let tests = match number {
        Some(number) if !number.is_negative() => {
            vec![Test::Number(Order::AtLeast, Decimal::zero()), Test::Number(Order::AtMost, number)]
        }
        _ => vec![Test::Equals(value.clone())],
    };
    let all: Vec<Condition> =
        tests.into_iter().map(|test| Condition { pointer: at.clone(), test }).collect();
    // A condition has to be readable, and to survive being written down.
    let kept =
        |one: &Condition| one.to_string().parse::<Condition>().is_ok_and(|read| read == *one);
    all.iter().all(kept).then_some(all)
}

fn absent(pointer: &str) -> Option<Condition> {
    Some(Condition { pointer: pointer.parse().ok()?, test: Test::Absent })
}

/// Why an argument is a target, by what its schema, its name or its value says.
fn target(name: &str, value: &Json, property: Option<&Json>) -> Option<&'static str> {
    let format = property.and_then(|property| property.member("format")).and_then(Json::as_str);
    match format {
        Some("email" | "idn-email") => return Some(RECIPIENT),
        Some("uri" | "iri" | "url" | "uri-reference" | "hostname" | "ipv4" | "ipv6") => {
            return Some(PLACE);
        }
        Some(_) | None => {}
    }
    if any(name, &AMOUNTS) {
        return Some(AMOUNT);
    }
    if any(name, &TARGETS) {
        let words = words(name);
        let person = words.iter().any(|word| TARGETS.iter().take(PEOPLE).any(|one| one == word));
        return Some(if person { RECIPIENT } else { PLACE });
    }
    reaches(value)
}

/// Whether a value looks like somebody or some place, whatever its name.
fn reaches(value: &Json) -> Option<&'static str> {
    match value {
        Json::String(text) => {
            let text = text.trim();
            let short = text.len() < 400 && !text.contains(char::is_whitespace);
            let mail = text.split_once('@').is_some_and(|(user, host)| {
                !user.is_empty() && host.contains('.') && !host.contains('@')
            });
            if short && mail {
                return Some(RECIPIENT);
            }
            let sigil = text.starts_with(['#', '@']) && text.len() > 1;
            let place = text.contains("://") || text.starts_with(['/', '~', '\\']) || sigil;
            (short && place).then_some(PLACE)
        }
        Json::Array(items) => items.iter().find_map(reaches),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => None,
    }
}

fn any(name: &str, all: &[&str]) -> bool {
    words(name).iter().any(|word| all.contains(&word.as_str()))
}

/// The words in `channelId`, `channel_id`, `Channel-ID`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn held(schema: &str, arguments: &str) -> Vec<String> {
        let schema = Json::read(schema.as_bytes()).unwrap();
        let arguments = Json::read(arguments.as_bytes()).unwrap();
        holds(Some(&schema), &arguments)
            .into_iter()
            .filter(|hold| hold.target.is_some())
            .flat_map(|hold| hold.conditions.unwrap())
            .map(|condition| condition.to_string())
            .collect()
    }

    #[test]
    fn whom_and_what_a_call_reaches_is_held_whatever_it_is_called() {
        for (arguments, expected) in [
            (r##"{"channel":"#team","text":"hello"}"##, vec![r##"/channel = "#team""##]),
            (r#"{"channelId":"C1","text":"x"}"#, vec![r#"/channelId = "C1""#]),
            (
                r#"{"where":"ada@example.com","body":"x"}"#,
                vec![r#"/where = "ada@example.com""#, "/cc absent", "/bcc absent"],
            ),
            (r#"{"x":"https://a.example/b","note":"n"}"#, vec![r#"/x = "https://a.example/b""#]),
            (r#"{"file_path":"/tmp/a","content":"x"}"#, vec![r#"/file_path = "/tmp/a""#]),
            (r#"{"amount":12.50,"reference":"x"}"#, vec!["/amount >= 0", "/amount <= 12.5"]),
            (r#"{"dest":{"repo":"a/b","text":"x"}}"#, vec![r#"/dest = {"repo":"a/b","text":"x"}"#]),
            (r#"{"options":{"repo":"a/b","text":"x"}}"#, vec![r#"/options/repo = "a/b""#]),
            (
                r#"{"people":["a@b.example"],"text":"x"}"#,
                vec![r#"/people = ["a@b.example"]"#, "/cc absent", "/bcc absent"],
            ),
            (r#"{"text":"write to me@example.com please"}"#, vec![]),
        ] {
            assert_eq!(held("{}", arguments), expected, "{arguments}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_held_absent() {
        let schema = r#"{"additionalProperties":false,"properties":{"to":{},"replyTo":{},"x":{"format":"uri"},"text":{}}}"#;
        assert_eq!(
            held(schema, r#"{"to":"ada","text":"x"}"#),
            [r#"/to = "ada""#, "/replyTo absent", "/x absent"]
        );
    }
}
