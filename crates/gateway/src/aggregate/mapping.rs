//! What is called otherwise on the aggregate endpoint, in messages of Servers and of Agents. Pure: only the members named
//! here are touched, and only where they hold a text. It must never look into text, structured content or schemas.

use prokura_domain::Json;

use super::address;
use super::names::{Names, Sort};

/// The page of a tool, as early versions of MCP Apps wrote it.
const PAGE: &str = "ui/resourceUri";

/// A result of `server` under the addresses of this endpoint. Says whether anything changed.
pub(crate) fn result(method: &str, server: &str, result: &mut Json) -> bool {
    match method {
        "tools/call" => {
            let mut changed = content(server, result.member_mut("content"));
            changed |= page(server, result.member_mut("_meta"));
            let made = result.member("resultType").and_then(Json::as_str) == Some("task");
            changed | (made && task_id(server, result))
        }
        "prompts/get" => {
            let Some(Json::Array(messages)) = result.member_mut("messages") else { return false };
            each(messages, |message| content(server, message.member_mut("content")))
        }
        "resources/read" => {
            let Some(Json::Array(parts)) = result.member_mut("contents") else { return false };
            each(parts, |part| uri(server, part, "uri"))
        }
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            let inner = result.member_mut("result");
            let changed = inner.is_some_and(|inner| self::result("tools/call", server, inner));
            task_id(server, result) | changed
        }
        _ => false,
    }
}

/// What a Server tells of a resource or a task.
pub(crate) fn told(server: &str, message: &mut Json) -> bool {
    let method = message.member("method").and_then(Json::as_str).map(str::to_owned);
    let Some(params) = message.member_mut("params") else { return false };
    match method.as_deref() {
        Some("notifications/resources/updated") => uri(server, params, "uri"),
        Some("notifications/tasks") => result("tasks/get", server, params),
        _ => false,
    }
}

/// One entry of a list under its name or address here; `None` where it has none.
pub(crate) fn entry(names: &Names, sort: Sort, server: &str, entry: &mut Json) -> Option<String> {
    let member = match sort {
        Sort::Tool | Sort::Prompt => "name",
        Sort::Resource => "uri",
        Sort::Template => "uriTemplate",
    };
    let own = entry.member(member).and_then(Json::as_str)?;
    let here = match sort {
        Sort::Tool | Sort::Prompt => names.join(sort, server, own),
        Sort::Resource | Sort::Template => address::address(server, own),
    };
    entry.set(member, Json::text(&here));
    if sort == Sort::Tool {
        page(server, entry.member_mut("_meta"));
    }
    Some(here)
}

/// Arguments for `server`: what is, as a whole, an address of that Server is its own URI again.
pub(crate) fn arguments(server: &str, value: &mut Json) {
    match value {
        Json::String(text) => {
            if let Some((whose, own)) = address::behind(text)
                && whose == server
            {
                *text = own;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| arguments(server, item)),
        Json::Object(members) => members.iter_mut().for_each(|(_, item)| arguments(server, item)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Content blocks: one, or several. Links to resources and embedded resources have addresses.
fn content(server: &str, content: Option<&mut Json>) -> bool {
    match content {
        Some(Json::Array(blocks)) => each(blocks, |block| of_block(server, block)),
        Some(block) => of_block(server, block),
        None => false,
    }
}

fn of_block(server: &str, block: &mut Json) -> bool {
    match block.member("type").and_then(Json::as_str) {
        Some("resource_link") => uri(server, block, "uri"),
        Some("resource") => {
            block.member_mut("resource").is_some_and(|inner| uri(server, inner, "uri"))
        }
        _ => false,
    }
}

/// The page that shows a tool or its result (MCP Apps).
fn page(server: &str, meta: Option<&mut Json>) -> bool {
    let Some(meta) = meta else { return false };
    let nested = meta.member_mut("ui").is_some_and(|ui| uri(server, ui, "resourceUri"));
    uri(server, meta, PAGE) | nested
}

fn uri(server: &str, holder: &mut Json, member: &str) -> bool {
    let Some(own) = holder.member(member).and_then(Json::as_str) else { return false };
    let here = address::address(server, own);
    holder.set(member, Json::text(here));
    true
}

fn task_id(server: &str, task: &mut Json) -> bool {
    let Some(own) = task.member("taskId").and_then(Json::as_str) else { return false };
    let here = address::task(server, own);
    task.set("taskId", Json::text(here));
    true
}

fn each(items: &mut [Json], change: impl Fn(&mut Json) -> bool) -> bool {
    items.iter_mut().fold(false, |changed, item| change(item) | changed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &str) -> Json {
        Json::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_leads_to_a_resource_is_called_otherwise() {
        // P-22, P-15
        let text = r#"{"content":[{"type":"text","text":"file:///a","uri":"file:///a"},{"type":"resource_link","uri":"file:///a","size":12345678901234567890,"x":null},{"type":"resource","resource":{"uri":"ui://p","text":"ui://p","_meta":{"uri":"u"}}}],"structuredContent":{"uri":"file:///a","n":1.50},"_meta":{"ui/resourceUri":"ui://p","ui":{"resourceUri":"ui://p","domain":"ui://p"}},"taskId":"t"}"#;
        let mut json = read(text);
        assert!(result("tools/call", "git", &mut json));
        let expected = text
            .replace(r#"link","uri":"file:///a""#, r#"link","uri":"prokura.git+file:///a""#)
            .replace(r#""resource":{"uri":"ui://p""#, r#""resource":{"uri":"ui://prokura.git+p""#)
            .replace(r#"esourceUri":"ui://p""#, r#"esourceUri":"ui://prokura.git+p""#);
        assert_eq!(json.to_text(), expected);
        for (method, plain) in [
            ("tools/call", r#"{"content":[{"type":"text","text":"x"}],"n":1e400}"#),
            (
                "prompts/get",
                r#"{"messages":[{"role":"user","content":{"type":"text","text":"x"}}]}"#,
            ),
            ("completion/complete", r#"{"completion":{"values":["file:///a"]}}"#),
            ("resources/read", r#"{"contents":[{"uri":7}]}"#),
        ] {
            assert!(!result(method, "git", &mut read(plain)), "{method}");
        }
    }

    #[test]
    fn prompts_contents_and_tasks_lead_here_too() {
        for (method, text, expected) in [
            (
                "prompts/get",
                r#"{"messages":[{"content":{"type":"resource","resource":{"uri":"a:b"}}}]}"#,
                r#"{"messages":[{"content":{"type":"resource","resource":{"uri":"prokura.git+a:b"}}}]}"#,
            ),
            (
                "resources/read",
                r#"{"contents":[{"uri":"a:b"}]}"#,
                r#"{"contents":[{"uri":"prokura.git+a:b"}]}"#,
            ),
            (
                "tools/call",
                r#"{"resultType":"task","taskId":"1"}"#,
                r#"{"resultType":"task","taskId":"prokura.git+1"}"#,
            ),
            (
                "tasks/get",
                r#"{"taskId":"1","result":{"content":[{"type":"resource_link","uri":"a:b"}]}}"#,
                r#"{"taskId":"prokura.git+1","result":{"content":[{"type":"resource_link","uri":"prokura.git+a:b"}]}}"#,
            ),
        ] {
            let mut json = read(text);
            assert!(result(method, "git", &mut json));
            assert_eq!(json.to_text(), expected);
        }
    }

    #[test]
    fn an_argument_that_is_an_address_is_the_servers_own_uri_again() {
        let mut json = read(
            r#"{"a":"prokura.git+file:///x","b":["ui://prokura.git+p"],"c":"see prokura.git+a","d":"prokura.files+a:b","e":9.0}"#,
        );
        arguments("git", &mut json);
        assert_eq!(
            json.to_text(),
            r#"{"a":"file:///x","b":["ui://p"],"c":"see prokura.git+a","d":"prokura.files+a:b","e":9.0}"#
        );
    }
}
