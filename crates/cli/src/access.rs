//! What an agent can do now, and who can use a tool.

use clap::Args as ClapArgs;
use prokura_api::{AccessWish, Failure, Request};
use serde_json::{Value, json};

use crate::ask::bad;

#[derive(Debug, ClapArgs)]
pub struct Access {
    /// What this agent can do now.
    #[arg(value_name = "AGENT", required_unless_present = "tool", conflicts_with = "tool")]
    pub agent: Option<String>,
    /// Which agents can use this tool.
    #[arg(long, num_args = 2, value_names = ["SERVER", "TOOL"])]
    pub tool: Option<Vec<String>>,
}

pub fn request(words: Access) -> Result<Request, Failure> {
    Ok(Request::Access(match (words.agent, words.tool.as_deref()) {
        (Some(agent), None) => AccessWish::Agent { agent },
        (None, Some([server, tool])) => {
            AccessWish::Tool { server: server.clone(), tool: tool.clone() }
        }
        _ => {
            let hint = "`prokura access AGENT`, or `prokura access --tool SERVER TOOL`.";
            return Err(bad("This names neither an agent nor a tool.".to_owned(), hint));
        }
    }))
}

/// The same in columns for people, with the reasons as sentences.
pub fn for_people(value: &Value) -> Value {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    Value::Array(items.iter().map(row).collect())
}

fn row(item: &Value) -> Value {
    let member = |name: &str| item.get(name).cloned().unwrap_or_default();
    let words = |name: &str| -> Vec<String> {
        let items = item.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |item: &Value| item.get("text").unwrap_or(item).as_str().map(str::to_owned);
        items.iter().filter_map(text).collect()
    };
    let effect = match item.get("effect").and_then(Value::as_str) {
        Some("partly") => json!(format!("{}, by arguments", words("outcomes").join(" or "))),
        _ => member("effect"),
    };
    json!({
        "pin": item.get("pin").filter(|pin| *pin != "accepted"),
        "class": member("class"),
        "agent": member("agent"),
        "server": member("server"),
        "account": member("account"),
        "target": member("target"),
        "effect": effect,
        "state": member("stopped"),
        "message": words("why").join(" "),
    })
}
