//! What looks like a secret is masked before it is written: in the texts of records, and in payloads, whose digest is
//! taken before. It is a net under other care, not a proof: it must never be the only thing between a secret and a disk.

use std::sync::LazyLock;

use prokura_domain::json::Json;
use prokura_domain::pointer::Pointer;
use regex::Regex;

/// What stands where a secret stood.
pub(super) const MASKED: &str = "[masked]";

/// Well-known forms of keys and tokens, and texts that say of themselves that a secret follows (its value is group 1).
const FORMS: &str = r#"(?x)
    \b(?:sk|rk|pk|pat|key)[-_][A-Za-z0-9_-]{16,}
  | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,} | \bglpat-[A-Za-z0-9_-]{16,}
  | \bxox[abeoprs]-[A-Za-z0-9-]{10,} | \bxapp-[A-Za-z0-9-]{10,}
  | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b | \bAIza[A-Za-z0-9_-]{30,} | \bya29\.[A-Za-z0-9_-]{20,}
  | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[A-Za-z0-9_-]{20,} | \bhf_[A-Za-z0-9]{20,} | \bdop_v1_[a-f0-9]{40,}
  | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,} | \bprk_[a-z2-7]{20,}
  | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*
  | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z\ ]*PRIVATE\ KEY-----|\z)
  | (?i:\b(?:bearer|basic)\s+)([A-Za-z0-9+/_.=~-]{12,})
  | (?i:[a-z0-9_-]*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|token|credential|authorization|cookie)["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token)\s+)?)([^\s"'&,;<>]{4,})
  | [a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@
"#;

#[allow(clippy::expect_used)] // A constant; `the_forms_are_a_regular_expression` builds it.
static FORM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(FORMS).expect("the forms are a regular expression"));

/// Members of these names hold secrets, whatever their value looks like. Compared in lower case, letters only.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "token",
    "clientassertion",
    "cookie",
];
/// Names that sound like one and hold none.
const HARMLESS: [&str; 8] = [
    "progresstoken",
    "nextpagetoken",
    "pagetoken",
    "continuationtoken",
    "maxtokens",
    "tokentype",
    "tokens",
    "tokenendpoint",
];

/// A place in the arguments of a tool that the person named as secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskRule {
    /// The Server's id; `None` for all.
    pub server: Option<String>,
    /// The tool, in full; `None` for all.
    pub tool: Option<String>,
    /// Where in its arguments.
    pub pointer: Pointer,
}

impl MaskRule {
    /// Whether it is about this tool.
    pub(super) fn covers(&self, server: Option<&str>, tool: Option<&str>) -> bool {
        let fits = |rule: &Option<String>, value: Option<&str>| {
            rule.as_deref().is_none_or(|rule| Some(rule) == value)
        };
        fits(&self.server, server) && fits(&self.tool, tool)
    }
}

/// The text without what looks like a secret; `None` where nothing does.
#[must_use]
pub fn text(text: &str) -> Option<String> {
    if !FORM.is_match(text) {
        return None;
    }
    let masked = FORM.replace_all(text, |found: &regex::Captures<'_>| {
        let whole = found.get(0).map_or("", |whole| whole.as_str());
        // Where a secret is announced, the announcement stays.
        match found.iter().skip(1).flatten().next() {
            Some(value) => whole.replace(value.as_str(), MASKED),
            None => MASKED.to_owned(),
        }
    });
    Some(masked.into_owned())
}

/// Masks texts that look like secrets, everywhere in `value`. Names of members tell nothing here: records name things.
pub(super) fn texts(value: &mut Json) {
    match value {
        Json::String(held) => {
            if let Some(masked) = text(held) {
                *held = masked;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(texts),
        Json::Object(members) => members.iter_mut().for_each(|(_, value)| texts(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|sign| sign.is_alphanumeric()).collect::<String>().to_lowercase();
    !HARMLESS.contains(&plain.as_str()) && NAMES.iter().any(|secret| plain.contains(secret))
}

/// Masks a payload in place: by the names of members, by how texts look, and at `pointers`. Answers where it did.
pub(super) fn payload(value: &mut Json, pointers: &[&Pointer]) -> Vec<String> {
    let mut places = Vec::new();
    let named: Vec<String> = pointers.iter().map(|pointer| pointer.as_str().to_owned()).collect();
    walk(value, &mut String::new(), &named, &mut places);
    places
}

fn walk(value: &mut Json, place: &mut String, named: &[String], places: &mut Vec<String>) {
    // The arguments of a tool lie below /arguments of its parameters; a rule names places in them.
    let inside = place.strip_prefix("/arguments").unwrap_or(place);
    if !matches!(value, Json::Null) && named.iter().any(|pointer| pointer == inside) {
        *value = Json::text(MASKED);
        places.push(place.clone());
        return;
    }
    match value {
        Json::String(held) => {
            if let Some(masked) = text(held) {
                *held = masked;
                places.push(place.clone());
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                step(place, &at.to_string(), |place| walk(item, place, named, places));
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                let secret =
                    is_secret(name) && matches!(member, Json::String(text) if !text.is_empty());
                step(place, &Json::pointer_step(name), |place| {
                    if secret {
                        *member = Json::text(MASKED);
                        places.push(place.clone());
                    } else {
                        walk(member, place, named, places);
                    }
                });
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn step(place: &mut String, name: &str, go: impl FnOnce(&mut String)) {
    let length = place.len();
    place.push('/');
    place.push_str(name);
    go(place);
    place.truncate(length);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn known_forms_of_keys_are_masked_and_their_announcement_stays() {
        for (text, masked) in [
            ("use sk-proj-abcdefghijklmnopqrstuv now", "use [masked] now"),
            (&format!("ghp{}", "_abcdefghijklmnopqrstuvwxyz0123456789"), "[masked]"),
            ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [masked]"),
            ("bearer abcdefghijklmnop.qrst", "bearer [masked]"),
            (
                "https://x.example/a?api_key=12345678&b=1",
                "https://x.example/a?api_key=[masked]&b=1",
            ),
            ("postgres://me:hunter22@db.example/x", "postgres://me:[masked]@db.example/x"),
            ("password = hunter22", "password = [masked]"),
            ("set-cookie: sid=abcdef12; Path=/", "set-cookie: [masked]; Path=/"),
            ("a eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl z", "a [masked] z"),
        ] {
            assert_eq!(super::text(text).as_deref(), Some(masked), "{text}");
        }
    }

    #[test]
    fn ordinary_texts_are_left_alone() {
        for text in [
            "send_payment",
            "A grant allows every read tool of Ledger.",
            "grt_k3v9x2mq7bt4hd6w",
            "https://mcp.example/a?page=2",
            "token.refreshed",
            "sha256 abcdef0123456789abcdef0123456789",
        ] {
            assert_eq!(super::text(text), None, "{text}");
        }
    }

    #[test]
    fn a_payload_is_masked_by_name_by_form_and_by_pointer() {
        let key = format!("ghp{}", "_abcdefghijklmnopqrstuvwxyz0123456789");
        let source = r#"{"arguments":{"user":"ada","password":"x","iban":"DE02","list":["KEY"],"progressToken":"p"}}"#;
        let mut value = Json::read(source.replace("KEY", &key).as_bytes()).unwrap();
        let pointer: Pointer = "/iban".parse().unwrap();
        let places = payload(&mut value, &[&pointer]);
        assert_eq!(places, ["/arguments/password", "/arguments/iban", "/arguments/list/0"]);
        let expected = r#"{"arguments":{"user":"ada","password":"[masked]","iban":"[masked]","list":["[masked]"],"progressToken":"p"}}"#;
        assert_eq!(value.to_text(), expected);
    }
}
