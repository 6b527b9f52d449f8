//! What a Server says in answer to one request, before an Agent with many Servers hears it. An agent matches answers
//! by their id alone, so a Server that could answer somebody else's request could speak for another Server (P-15).

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Refusal, RefusalCode, Reply};
use prokura_domain::protocol::{LEGACY, MODERN};
use prokura_domain::{Era, Json, Server, sse};

/// The largest message.
const LIMIT: usize = 16 * 1024 * 1024;
/// Errors by which a Server shows that it speaks the modern era.
const MODERN_ERRORS: [&str; 6] = ["-32020", "-32021", "-32022", "-32601", "-32602", "-32603"];

/// One event: passed, changed, or dropped. `ask` gives a question of the Server another id, or drops it.
pub(crate) fn event(
    event: Vec<u8>,
    id: &Json,
    ask: impl FnOnce(Json) -> Option<Json>,
) -> Option<Vec<u8>> {
    let data = sse::data(&event).unwrap_or_default();
    if data.trim().is_empty() {
        return harmless(&event).then_some(event);
    }
    let message = Json::read(data.as_bytes()).ok()?;
    message.members()?;
    match (message.member("method"), message.member("id")) {
        (None, answered) => (answered == Some(id)).then_some(event),
        (Some(method), None) if method.as_str() != Some("notifications/cancelled") => Some(event),
        (Some(_), _) => {
            let changed = ask(message)?;
            Some(sse::with_data(&event, &changed.to_text()))
        }
    }
}

/// Whether an event without data holds nothing that some reader could take for data.
fn harmless(event: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(event) else { return false };
    text.split(['\n', '\r']).all(|line| {
        let field = line.split(':').next().unwrap_or_default();
        line.is_empty() || ["", "id", "event", "retry", "data"].contains(&field)
    })
}

/// A whole reply: the one answer to this request with its own bytes, or a sentence about the Server.
pub(crate) async fn reply(
    server: &Server,
    era: Era,
    id: &Json,
    reply: Reply,
) -> Result<Reply, Refusal> {
    if (reply.is_stream() && reply.status < 300) || reply.status == 401 {
        return Ok(reply);
    }
    let Reply { status, headers, mut body } = reply;
    let mut read = BytesMut::new();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) if read.len() + chunk.len() <= LIMIT => read.extend_from_slice(&chunk),
            Ok(_) => return Err(unreachable(server, "answered with too much")),
            Err(broken) => {
                let body = stream::once(async move { Err(broken) }).boxed();
                return Ok(Reply { status, headers, body });
            }
        }
    }
    let message = Json::read(&read).ok().filter(|message| message.member("method").is_none());
    let code = message.as_ref().and_then(|message| message.at("/error/code")).map(Json::to_text);
    let known = code.as_ref().is_some_and(|code| MODERN_ERRORS.contains(&code.as_str()));
    if era == Era::Modern && (400..500).contains(&status) && !known {
        let text = format!(
            "The server {} does not speak {MODERN}, only sessions up to {LEGACY}, so this agent cannot reach it in \
             this revision.",
            server.name
        );
        return Err(Refusal::new(RefusalCode::Unreachable, text));
    }
    let bytes = match message {
        Some(message) if message.member("id") == Some(id) => read.freeze(),
        Some(mut message) if code.is_some() && nobody(message.member("id")) => {
            message.set("id", id.clone());
            Bytes::from(message.to_text())
        }
        _ => return Err(unreachable(server, &format!("gave no answer to this (HTTP {status})"))),
    };
    let headers = headers.into_iter().filter(|(name, _)| name != "content-type");
    let kind = ("content-type".to_owned(), "application/json".to_owned());
    let body = stream::once(async move { Ok(bytes) }).boxed();
    Ok(Reply { status, headers: headers.chain([kind]).collect(), body })
}

fn nobody(id: Option<&Json>) -> bool {
    matches!(id, None | Some(Json::Null))
}

fn unreachable(server: &Server, what: &str) -> Refusal {
    Refusal::new(RefusalCode::Unreachable, format!("The server {} {what}.", server.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(text: &str) -> bool {
        event(text.as_bytes().to_vec(), &Json::from(5i64), |_| None).is_some()
    }

    #[test]
    fn only_the_answer_to_this_request_and_notifications_pass() {
        for (text, expected) in [
            ("data: {\"id\":5,\"result\":{}}\n\n", true),
            ("data: {\"id\":5,\ndata: \"result\":{}}\n\n", true),
            ("data: {\"method\":\"notifications/progress\"}\n\n", true),
            ("id: 1\ndata:\n\n", true),
            (": note\n\n", true),
            ("retry: 5\r\n\r\n", true),
            ("data: {\"id\":6,\"result\":{}}\n\n", false),
            ("data: {\"id\":\"5\",\"result\":{}}\n\n", false),
            ("data: {\"result\":{}}\n\n", false),
            ("data: [{\"id\":6,\"result\":{}}]\n\n", false),
            ("data: {\"id\":5,\"id\":6,\"result\":{}}\n\n", false),
            ("data: {\"id\":5,\"result\":{}}\n\r\ndata: {\"id\":6,\"result\":{}}\n\n", false),
            ("\u{feff}data: {\"id\":6,\"result\":{}}\n\n", false),
            ("data: {\"id\":6,\"method\":\"ping\"}\n\n", false),
        ] {
            assert_eq!(passes(text), expected, "{text}");
        }
    }
}
