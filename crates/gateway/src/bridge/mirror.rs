//! Which arguments a Server wants repeated in headers (`x-mcp-header`), learnt from the lists that pass. A legacy Agent
//! knows nothing of them, and a legacy server does not compare them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prokura_domain::Json;

use crate::header;

/// Tools that are remembered.
const LIMIT: usize = 4096;
/// How deep a property may lie.
const DEPTH: usize = 16;
/// Headers of one tool.
const HEADERS: usize = 32;

type Mirrored = Vec<(String, Vec<String>)>;

/// The mirrored arguments by tool.
#[derive(Debug, Default)]
pub(crate) struct Mirror(Mutex<HashMap<String, Mirrored>>);

impl Mirror {
    /// Learns from the tools of a list.
    pub fn learn(&self, tools: &[Json]) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tool in tools {
            let Some(name) = tool.member("name").and_then(Json::as_str) else { continue };
            let mut found = Vec::new();
            if let Some(schema) = tool.member("inputSchema") {
                gather(schema, &mut Vec::new(), &mut found);
            }
            if found.is_empty() {
                table.remove(name);
            } else if table.len() < LIMIT {
                table.insert(name.to_owned(), found);
            }
        }
    }

    /// Whether `headers` repeat what the arguments say (ST-09). Headers that nobody asked for say nothing.
    pub fn agrees(&self, params: &Json, headers: &[(String, String)]) -> bool {
        let wanted = self.headers(params);
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = params.member("name").and_then(Json::as_str);
        let Some(mirrored) = name.and_then(|name| table.get(name)) else { return true };
        mirrored.iter().all(|(name, _)| {
            let value = |all: &[(String, String)]| {
                all.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
            };
            match (value(&wanted), value(headers)) {
                (None, None) => true,
                (Some(wanted), Some(given)) => {
                    let (wanted, given) = (header::decoded(&wanted), header::decoded(&given));
                    given.is_some() && (wanted == given || same_number(wanted, given))
                }
                (Some(_), None) | (None, Some(_)) => false,
            }
        })
    }

    /// The headers of a call.
    pub fn headers(&self, params: &Json) -> Vec<(String, String)> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = params.member("name").and_then(Json::as_str);
        let Some(mirrored) = name.and_then(|name| table.get(name)) else { return Vec::new() };
        let value = |path: &[String]| {
            let arguments = params.member("arguments")?;
            match path.iter().try_fold(arguments, |value, step| value.member(step))? {
                Json::String(text) => Some(header::encoded(text)),
                Json::Number(text) => Some(text.clone()),
                Json::Bool(truth) => Some(truth.to_string()),
                Json::Null | Json::Array(_) | Json::Object(_) => None,
            }
        };
        let pairs = mirrored.iter().filter_map(|(name, path)| Some((name.clone(), value(path)?)));
        pairs.collect()
    }
}

/// Integers are compared as numbers: `7` is `7.0`.
fn same_number(one: Option<String>, other: Option<String>) -> bool {
    let number = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
    matches!((number(one), number(other)), (Some(one), Some(other)) if one == other)
}

/// Properties that are reached by `properties` alone.
fn gather(schema: &Json, path: &mut Vec<String>, found: &mut Mirrored) {
    if path.len() >= DEPTH {
        return;
    }
    let properties = schema.member("properties").and_then(Json::members).unwrap_or_default();
    for (name, property) in properties {
        path.push(name.clone());
        let header = property.member("x-mcp-header").and_then(Json::as_str);
        let plain = |text: &&str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if let (Some(header), true) = (header.filter(plain), found.len() < HEADERS) {
            found.push((format!("mcp-param-{}", header.to_ascii_lowercase()), path.clone()));
        }
        gather(property, path, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn arguments_are_repeated_where_the_schema_says_so() {
        // CT-05, CT-06
        let mirror = Mirror::default();
        let tools = r#"[{"name":"t","inputSchema":{"properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "in":{"properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
            "none":{"x-mcp-header":"None"},"bad":{"x-mcp-header":"a b"}}}}]"#;
        mirror.learn(Json::read(tools.as_bytes()).unwrap().items().unwrap());
        let params =
            r#"{"name":"t","arguments":{"region":"Zürich","in":{"n":7},"none":null,"bad":"x"}}"#;
        let headers = mirror.headers(&Json::read(params.as_bytes()).unwrap());
        let expected = [("mcp-param-region", "=?base64?WsO8cmljaA==?="), ("mcp-param-n", "7")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers, expected);
        // ST-09
        let params = Json::read(params.as_bytes()).unwrap();
        assert!(mirror.agrees(&params, &expected));
        let other =
            |value: &str| vec![expected[0].clone(), ("mcp-param-n".to_owned(), value.to_owned())];
        assert!(mirror.agrees(&params, &other("7.0")));
        assert!(!mirror.agrees(&params, &other("8")));
        assert!(!mirror.agrees(&params, &expected[..1]));
    }
}
