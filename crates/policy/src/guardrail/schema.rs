//! The schema Guardrails are checked against: what the tools of the Servers say of their arguments, as Cedar types.
//! It must never give a type to what can have several: a rule cannot read that.

use std::fmt::Write as _;

use cedar_policy::Schema;
use prokura_domain::{GuardedArgument, GuardedTool, Json};

/// How deep types of arguments are looked into.
const DEEPEST: usize = 8;

const BEFORE: &str = r#"
entity Agent { name: String };
entity Server { name: String, url: String };
entity Account in [Server] { name: String, tenant?: String, issuer?: String, scopes: Set<String> };
entity Tool in [Server] { name: String, class: String };
entity Resource in [Server] { name: String };
entity Prompt in [Server] { name: String };
entity Method in [Server] { name: String };
type Common = { account: Account, method: String, now: datetime };
action call;
action tools in [call];
action resources in [call] appliesTo { principal: [Agent], resource: [Resource], context: Common };
action prompts in [call] appliesTo { principal: [Agent], resource: [Prompt], context: Common };
action methods in [call] appliesTo { principal: [Agent], resource: [Method], context: Common };
"#;

/// The schema over these tools, as Cedar text.
pub(crate) fn text(tools: &[GuardedTool]) -> String {
    let mut text = BEFORE.to_owned();
    for tool in tools {
        let action = quoted(&action(&tool.server, &tool.name));
        let arguments = record(&tool.arguments);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "action {action} in [tools, call] appliesTo {{ principal: [Agent], resource: [Tool], context: {{ account: \
             Account, method: String, now: datetime, arguments: {arguments} }} }};"
        );
    }
    text
}

/// The schema over these tools. What a tool says of its arguments that cannot be a schema is left out.
pub(crate) fn schema(tools: &[GuardedTool]) -> Result<Schema, String> {
    let fault =
        |error: &dyn std::fmt::Display| format!("the schema of the tools cannot be used: {error}");
    let (schema, _) = Schema::from_cedarschema_str(&text(tools)).map_err(|error| fault(&error))?;
    Ok(schema)
}

/// The name of a tool's action.
pub(crate) fn action(server: &str, tool: &str) -> String {
    format!("{server}/{tool}")
}

/// A string in Cedar.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            plain if plain.is_ascii_graphic() || plain == ' ' => out.push(plain),
            other => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
        }
    }
    out.push('"');
    out
}

fn record(arguments: &[GuardedArgument]) -> String {
    let members = arguments.iter().map(|argument| {
        let optional = if argument.required { "" } else { "?" };
        format!("{}{optional}: {}", quoted(&argument.name), argument.cedar)
    });
    format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
}

/// The arguments that a tool's definition tells of, where they have one type each.
#[must_use]
pub fn arguments_of(definition: &Json) -> Vec<GuardedArgument> {
    let schema = definition.member("inputSchema").unwrap_or(&Json::Null);
    Typing { root: schema }.members(schema, 0)
}

/// One input schema.
struct Typing<'a> {
    root: &'a Json,
}

impl Typing<'_> {
    fn members(&self, schema: &Json, depth: usize) -> Vec<GuardedArgument> {
        let required: Vec<&str> = schema
            .member("required")
            .and_then(Json::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Json::as_str)
            .collect();
        let members = schema.member("properties").and_then(Json::members).unwrap_or_default();
        members
            .iter()
            .filter_map(|(name, schema)| {
                let cedar = self.cedar(schema, depth + 1)?;
                let required = required.contains(&name.as_str());
                Some(GuardedArgument { name: name.clone(), cedar, required })
            })
            .collect()
    }

    fn cedar(&self, schema: &Json, depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(pointer) = schema.member("$ref").and_then(Json::as_str) {
            return self.cedar(self.root.at(pointer.strip_prefix('#')?)?, depth + 1);
        }
        for several in ["anyOf", "oneOf"] {
            if let Some(one) = schema.member(several).and_then(Json::items) {
                return self.cedar(only(one)?, depth + 1);
            }
        }
        let kind = match schema.member("type") {
            Some(Json::String(kind)) => kind.as_str(),
            Some(Json::Array(kinds)) => {
                let mut kinds =
                    kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null");
                let kind = kinds.next()?;
                if kinds.next().is_some() {
                    return None;
                }
                kind
            }
            _ if all_strings(schema) => "string",
            _ => return None,
        };
        match kind {
            "string" => Some("String".to_owned()),
            "integer" | "number" => Some("Long".to_owned()),
            "boolean" => Some("Bool".to_owned()),
            "array" => {
                let item = self.cedar(schema.member("items")?, depth + 1)?;
                Some(format!("Set<{item}>"))
            }
            "object" => {
                let members = self.members(schema, depth);
                (!members.is_empty()).then(|| record(&members))
            }
            _ => None,
        }
    }
}

/// The one schema beside `null`.
fn only(schemas: &[Json]) -> Option<&Json> {
    let null = Json::text("null");
    let mut others = schemas.iter().filter(|schema| schema.member("type") != Some(&null));
    let first = others.next()?;
    others.next().is_none().then_some(first)
}

fn all_strings(schema: &Json) -> bool {
    let one_of = schema.member("enum").and_then(Json::items).unwrap_or_default();
    !one_of.is_empty() && one_of.iter().all(|value| value.as_str().is_some())
}
