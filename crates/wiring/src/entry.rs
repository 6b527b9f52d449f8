//! One server in a program's settings: what it says, and how ours is written. It must never be printed: headers and
//! environments hold tokens.

use serde_json::{Map, Value};

use crate::Program;
use crate::fault::WiringError;

/// A server as a program has it.
#[derive(Clone)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Whether the program has it switched off.
    pub disabled: bool,
}

/// What a server entry leads to.
#[derive(Clone)]
pub enum Kind {
    /// An HTTP endpoint, and the headers that are sent there.
    Remote {
        /// Its URL.
        url: String,
        /// Name and value; the values may be secrets.
        headers: Vec<(String, String)>,
    },
    /// A command that is started.
    Local {
        /// The executable.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables that it gets; the values may be secrets.
        env: Vec<(String, String)>,
    },
    /// Something else.
    Other,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Remote { .. } => f.write_str("Remote(<redacted>)"),
            Self::Local { .. } => f.write_str("Local(<redacted>)"),
            Self::Other => f.write_str("Other"),
        }
    }
}

/// How Prokura is entered.
#[derive(Clone)]
pub enum Wire {
    /// By the URL of its endpoint, with the headers it takes (none where the program signs in).
    Http {
        /// The URL.
        url: String,
        /// The headers.
        headers: Vec<(String, String)>,
    },
    /// By a command that speaks MCP on standard input and output.
    Stdio {
        /// The executable.
        command: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http { .. } => "Http(<redacted>)",
            Self::Stdio { .. } => "Stdio",
        })
    }
}

fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value.get(name)?.as_str().map(str::to_owned))
}

fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(map) = value.and_then(Value::as_object) else { return Vec::new() };
    map.iter().filter_map(|(name, one)| Some((name.clone(), one.as_str()?.to_owned()))).collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let Some(list) = value.and_then(Value::as_array) else { return Vec::new() };
    list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

impl Entry {
    /// Reads an entry of any of the known shapes.
    #[must_use]
    pub fn read(value: &Value) -> Self {
        let disabled = value.get("disabled") == Some(&Value::Bool(true))
            || value.get("enabled") == Some(&Value::Bool(false));
        Self { kind: Kind::read(value), disabled }
    }

    /// The one static key it sends, as header and value, where that is written out in the file.
    #[must_use]
    pub fn key(&self) -> Option<(&str, &str)> {
        let Kind::Remote { headers, .. } = &self.kind else { return None };
        // A reference to a variable or an input is no key.
        let literal =
            |value: &str| !value.is_empty() && !value.contains("${") && !value.contains("{env:");
        match headers.as_slice() {
            [(name, value)] if literal(value) => Some((name, value)),
            _ => None,
        }
    }

    /// Every value of it that may be a secret.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Remote { headers: pairs, .. } | Kind::Local { env: pairs, .. } => {
                pairs.iter().map(|(_, value)| value.as_str()).collect()
            }
            Kind::Other => Vec::new(),
        }
    }
}

impl Kind {
    fn read(value: &Value) -> Self {
        if let Some(url) = text(value, &["url", "httpUrl", "serverUrl", "uri"]) {
            let nested = value.get("requestOptions").and_then(|options| options.get("headers"));
            let headers =
                ["headers", "http_headers"].iter().find_map(|name| value.get(name)).or(nested);
            return Self::Remote { url, headers: pairs(headers) };
        }
        let env = pairs(["env", "envs", "environment"].iter().find_map(|name| value.get(name)));
        if let Some(command) = text(value, &["command", "cmd"]) {
            return Self::Local { command, args: texts(value.get("args")), env };
        }
        let mut line = texts(value.get("command"));
        if line.is_empty() {
            return Self::Other;
        }
        let command = line.remove(0);
        Self::Local { command, args: line, env }
    }
}

impl Wire {
    /// The entry as this program writes it.
    pub(crate) fn entry(&self, program: &Program, name: &str) -> Result<Value, WiringError> {
        let no = |way| WiringError::NoSuchWay { program: program.name.clone(), way };
        match self {
            Self::Http { url, headers } => {
                let shape = program.remote.as_ref().ok_or_else(|| no("by URL"))?;
                let headers: Map<String, Value> = headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.as_str().into()))
                    .collect();
                Ok(fill(shape, &|hole| match hole {
                    "{name}" => Some(name.into()),
                    "{url}" => Some(url.as_str().into()),
                    "{headers}" => Some(Value::Object(headers.clone())),
                    _ => None,
                }))
            }
            Self::Stdio { command, args } => {
                let shape = program.local.as_ref().ok_or_else(|| no("by a command"))?;
                let line =
                    || std::iter::once(command).chain(args).map(|one| Value::from(one.as_str()));
                Ok(fill(shape, &|hole| match hole {
                    "{name}" => Some(name.into()),
                    "{command}" => Some(command.as_str().into()),
                    "{args}" => Some(args.iter().map(|one| Value::from(one.as_str())).collect()),
                    "{line}" => Some(line().collect()),
                    _ => None,
                }))
            }
        }
    }
}

/// The shape with its holes filled; what ends up empty is left out.
fn fill(shape: &Value, with: &dyn Fn(&str) -> Option<Value>) -> Value {
    match shape {
        Value::Object(members) => {
            let filled = members.iter().map(|(name, one)| (name.clone(), fill(one, with)));
            let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
            Value::Object(filled.filter(|(_, value)| !empty(value)).collect())
        }
        Value::String(hole) => with(hole).unwrap_or_else(|| shape.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => shape.clone(),
    }
}
