//! What a Server says, before an Agent with many Servers hears it. An agent matches answers by their id alone, so a Server
//! that could answer somebody else's request could speak for another Server (P-15); and what a Server calls a resource is
//! called by its address here.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _};
use prokura_delegation::{Broken, Refusal, RefusalCode, Reply};
use prokura_domain::protocol::{LEGACY, MODERN};
use prokura_domain::sse::{self, Splitter};
use prokura_domain::{Era, Json, Server};

use super::mapping;
use crate::session::Session;
use crate::sub::Sub;

/// The largest message.
const LIMIT: usize = 16 * 1024 * 1024;
/// Errors by which a Server shows that it speaks the modern era.
const MODERN_ERRORS: [&str; 6] = ["-32020", "-32021", "-32022", "-32601", "-32602", "-32603"];

/// The eye on one request.
#[derive(Clone)]
pub(crate) struct Screen {
    pub server: Server,
    pub era: Era,
    /// The request.
    pub id: Json,
    pub method: String,
    pub progress: Option<Json>,
    /// The Agent's session and the Server's part of it, where there is one.
    pub session: Option<(Arc<Session>, Arc<Sub>)>,
}

/// What becomes of a message.
pub(crate) enum Seen {
    AsItIs(Json),
    Changed(Json),
    Dropped,
}

impl Screen {
    /// A reply to this request: its events as they come, or the one answer with its own bytes, or a sentence about the
    /// Server.
    pub async fn reply(self, reply: Reply) -> Result<Reply, Refusal> {
        if reply.status == 401 {
            return Ok(reply);
        }
        let Reply { status, headers, mut body } = reply;
        let events = headers.iter().any(|(name, value)| {
            name == "content-type"
                && value.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
        });
        if events && status < 300 {
            let mut splitter = Splitter::new(LIMIT);
            let body = body.map(move |chunk| {
                let events = splitter.push(&chunk?).map_err(|_| Broken::TooLarge)?;
                let seen = events.into_iter().filter_map(|event| self.event(event));
                Ok(Bytes::from(seen.collect::<Vec<_>>().concat()))
            });
            return Ok(Reply { status, headers, body: body.boxed() });
        }
        let mut read = BytesMut::new();
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) if read.len() + chunk.len() <= LIMIT => read.extend_from_slice(&chunk),
                Ok(_) => return Err(unreachable(&self.server, "answered with too much")),
                Err(broken) => {
                    let body = stream::once(async move { Err(broken) }).boxed();
                    return Ok(Reply { status, headers, body });
                }
            }
        }
        let bytes = self.whole(status, read.freeze())?;
        let headers = headers.into_iter().filter(|(name, _)| name != "content-type");
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        let body = stream::once(async move { Ok(bytes) }).boxed();
        Ok(Reply { status, headers: headers.chain([kind]).collect(), body })
    }

    /// The one answer.
    fn whole(&self, status: u16, read: Bytes) -> Result<Bytes, Refusal> {
        let message = Json::read(&read).ok().filter(|message| message.member("method").is_none());
        let code =
            message.as_ref().and_then(|message| message.at("/error/code")).map(Json::to_text);
        let known = code.as_ref().is_some_and(|code| MODERN_ERRORS.contains(&code.as_str()));
        if self.era == Era::Modern && (400..500).contains(&status) && !known {
            let text = format!(
                "The server {} does not speak {MODERN}, only sessions up to {LEGACY}, so this agent cannot reach it in \
                 this revision.",
                self.server.name
            );
            return Err(Refusal::new(RefusalCode::Unreachable, text));
        }
        match message {
            Some(message) if message.member("id") == Some(&self.id) => {
                Ok(match self.message(message) {
                    Seen::Changed(message) => Bytes::from(message.to_text()),
                    Seen::AsItIs(_) | Seen::Dropped => read,
                })
            }
            Some(mut message) if code.is_some() && nobody(message.member("id")) => {
                message.set("id", self.id.clone());
                Ok(Bytes::from(message.to_text()))
            }
            _ => {
                let text = format!("gave no answer to this (HTTP {status})");
                Err(unreachable(&self.server, &text))
            }
        }
    }

    /// One event: passed, changed, or dropped.
    fn event(&self, event: Vec<u8>) -> Option<Vec<u8>> {
        let data = sse::data(&event).unwrap_or_default();
        if data.trim().is_empty() {
            return harmless(&event).then_some(event);
        }
        let message = Json::read(data.as_bytes()).ok()?;
        message.members()?;
        match self.message(message) {
            Seen::AsItIs(_) => Some(event),
            Seen::Changed(message) => Some(sse::with_data(&event, &message.to_text())),
            Seen::Dropped => None,
        }
    }

    fn message(&self, mut message: Json) -> Seen {
        if message.member("method").is_none() {
            if message.member("id") != Some(&self.id) {
                return Seen::Dropped;
            }
            let server = self.server.name.as_str();
            let result = message.member_mut("result");
            let changed = result.is_some_and(|it| mapping::result(&self.method, server, it));
            return if changed { Seen::Changed(message) } else { Seen::AsItIs(message) };
        }
        match &self.session {
            Some((session, sub)) => aside(session, sub, &self.server.name, message),
            None => self.alone(message),
        }
    }

    /// What is said beside the answer to a request that stands for itself.
    fn alone(&self, message: Json) -> Seen {
        let method = message.member("method").and_then(Json::as_str);
        let passes = match (method, message.member("id")) {
            (_, Some(_)) => false,
            (Some("notifications/progress"), _) => {
                self.progress.is_some()
                    && message.at("/params/progressToken") == self.progress.as_ref()
            }
            (
                Some(
                    "notifications/cancelled"
                    | "notifications/resources/updated"
                    | "notifications/tasks",
                ),
                _,
            ) => false,
            _ => true,
        };
        if passes { Seen::AsItIs(message) } else { Seen::Dropped }
    }
}

/// What a Server says in a session beside its answers, as the Agent hears it: questions with an id of their own, progress
/// of what this Server was asked, and news of resources the Agent subscribed to at it.
pub(crate) fn aside(session: &Session, sub: &Sub, server: &str, mut message: Json) -> Seen {
    let (Some(many), Some(method)) =
        (session.many(), message.member("method").and_then(Json::as_str))
    else {
        return Seen::Dropped;
    };
    let passes = match (method, message.member("id")) {
        (_, Some(_)) | ("notifications/cancelled", None) => {
            return many.told_apart(sub, message).map_or(Seen::Dropped, Seen::Changed);
        }
        ("notifications/progress", None) => {
            message.at("/params/progressToken").is_some_and(|token| many.expects(sub, token))
        }
        ("notifications/resources/updated", None) => {
            let uri = message.at("/params/uri").and_then(Json::as_str);
            if uri.is_some_and(|uri| many.ears.hears_of(&sub.spot, uri)) {
                mapping::told(server, &mut message);
                return Seen::Changed(message);
            }
            false
        }
        // The tasks of this endpoint are its own.
        ("notifications/tasks/status", None) => false,
        _ => true,
    };
    if passes { Seen::AsItIs(message) } else { Seen::Dropped }
}

/// Whether an event without data holds nothing that some reader could take for data.
fn harmless(event: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(event) else { return false };
    text.split(['\n', '\r']).all(|line| {
        let field = line.split(':').next().unwrap_or_default();
        line.is_empty() || ["", "id", "event", "retry", "data"].contains(&field)
    })
}

fn nobody(id: Option<&Json>) -> bool {
    matches!(id, None | Some(Json::Null))
}

fn unreachable(server: &Server, what: &str) -> Refusal {
    Refusal::new(RefusalCode::Unreachable, format!("The server {} {what}.", server.name))
}

#[cfg(test)]
mod tests {
    use prokura_domain::{AuditLevel, ServerId, Timestamp};

    use super::*;

    fn screen() -> Screen {
        let server = Server {
            id: ServerId::from_text("srv_git"),
            name: "git".to_owned(),
            endpoint: "https://git.example/mcp".to_owned(),
            resource: None,
            audit_level: AuditLevel::Digest,
            launch: None,
            added_at: Timestamp(0),
        };
        let (id, progress) = (Json::from(5i64), Some(Json::from(7i64)));
        Screen {
            server,
            era: Era::Modern,
            id,
            method: "resources/read".to_owned(),
            progress,
            session: None,
        }
    }

    #[test]
    fn only_the_answer_to_this_request_and_its_notifications_pass() {
        for (text, expected) in [
            ("data: {\"id\":5,\"result\":{}}\n\n", true),
            ("data: {\"id\":5,\ndata: \"result\":{}}\n\n", true),
            (
                "data: {\"method\":\"notifications/progress\",\"params\":{\"progressToken\":7}}\n\n",
                true,
            ),
            (
                "data: {\"method\":\"notifications/progress\",\"params\":{\"progressToken\":8}}\n\n",
                false,
            ),
            ("data: {\"method\":\"notifications/message\"}\n\n", true),
            (
                "data: {\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a\"}}\n\n",
                false,
            ),
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
            let passed = screen().event(text.as_bytes().to_vec());
            assert_eq!(passed.is_some(), expected, "{text}");
            assert!(passed.is_none_or(|passed| passed == text.as_bytes()), "{text}");
        }
        let read =
            "id: 3\ndata: {\"id\":5,\"result\":{\"contents\":[{\"uri\":\"a:b\",\"n\":1.0}]}}\n\n";
        let told = screen().event(read.as_bytes().to_vec());
        let expected = read.replace("a:b", "prokura.git+a:b");
        assert_eq!(told, Some(expected.into_bytes()));
    }
}
