//! What is said of an Agent that does not say it can show questions: that it can, as far as its revision knows them. It
//! must never change what an Agent says of itself.

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind};
use prokura_domain::protocol::META_CAPABILITIES;
use prokura_domain::{Json, Outgoing};

use crate::bridge::words::ASKING;
use crate::tasks::EXTENSION;

const ELICITATION: &str = "elicitation";

/// Whether a modern server can ask within this.
pub(super) fn can_ask(method: &str) -> bool {
    ASKING.contains(&method)
}

fn nothing() -> Json {
    Json::Object(Vec::new())
}

/// Both modes.
fn both() -> Json {
    Json::object([("form", nothing()), ("url", nothing())])
}

/// A handshake that says so, and whether pages are among it; `None` where it stays as it is.
pub(super) fn greeting(inbound: &Inbound) -> Option<(Inbound, bool)> {
    let Kind::Message { params, .. } = &inbound.kind else { return None };
    let (modes, pages) = match params.member("protocolVersion").and_then(Json::as_str)? {
        "2025-11-25" => (both(), true),
        // It knows forms, and no word for them; before it there are no questions.
        "2025-06-18" => (nothing(), false),
        _ => return None,
    };
    let mut params = params.clone();
    if params.member("capabilities").is_none() {
        params.set("capabilities", nothing());
    }
    add(params.member_mut("capabilities")?, modes)?;
    Some((with_params(inbound, params, None)?, pages))
}

/// A modern message that says so; `None` where it stays as it is.
pub(super) fn message(inbound: &Inbound) -> Option<Inbound> {
    let Kind::Message { params, id: Some(_), .. } = &inbound.kind else { return None };
    let mut params = params.clone();
    let capabilities = params.member_mut("_meta")?.member_mut(META_CAPABILITIES)?;
    // A task that waits for input can only be fed by whoever follows it.
    if capabilities.member("extensions").is_some_and(|all| all.member(EXTENSION).is_some()) {
        return None;
    }
    add(capabilities, both())?;
    with_params(inbound, params, None)
}

fn add(capabilities: &mut Json, modes: Json) -> Option<()> {
    capabilities.members()?;
    if capabilities.member(ELICITATION).is_some() {
        return None;
    }
    capabilities.set(ELICITATION, modes);
    Some(())
}

/// The same message with other parameters, and perhaps another id.
pub(super) fn with_params(inbound: &Inbound, params: Json, id: Option<Json>) -> Option<Inbound> {
    let Kind::Message { method, id: own, .. } = &inbound.kind else { return None };
    let id = id.or_else(|| own.clone());
    let mut message = Json::read(&inbound.outgoing.body).ok()?;
    if let Some(id) = &id {
        message.set("id", id.clone());
    }
    message.set("params", params.clone());
    let kind = Kind::Message { method: method.clone(), params, id };
    let body = Bytes::from(message.to_text());
    Some(Inbound {
        kind,
        outgoing: Outgoing { body, ..inbound.outgoing.clone() },
        ..inbound.clone()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prokura_domain::{AccountId, AgentId, Era, ServerId, Verb};

    use super::*;

    fn inbound(method: &str, params: &str) -> Inbound {
        let params = Json::read(params.as_bytes()).unwrap();
        let body = crate::bridge::words::message(Some(&Json::from(1i64)), method, params.clone());
        Inbound {
            agent: AgentId::from_text("agt_1"),
            server: ServerId::from_text("srv_1"),
            account: AccountId::from_text("acc_1"),
            era: Era::Legacy,
            session: None,
            kind: Kind::Message { method: method.to_owned(), params, id: Some(Json::from(1i64)) },
            outgoing: Outgoing {
                verb: Verb::Post,
                headers: Vec::new(),
                body: Bytes::from(body.to_text()),
            },
        }
    }

    #[test]
    fn only_what_an_agent_does_not_say_is_added_as_its_revision_has_it() {
        // CP-14, CP-20
        let greet = |version: &str, capabilities: &str| {
            let params =
                format!(r#"{{"protocolVersion":"{version}","capabilities":{capabilities}}}"#);
            let said = greeting(&inbound("initialize", &params))?;
            let Kind::Message { params, .. } = said.0.kind else { return None };
            Some((params.member("capabilities")?.to_text(), said.1))
        };
        let both = r#"{"elicitation":{"form":{},"url":{}}}"#.to_owned();
        assert_eq!(greet("2025-11-25", "{}"), Some((both, true)));
        let form = r#"{"roots":{},"elicitation":{}}"#.to_owned();
        assert_eq!(greet("2025-06-18", r#"{"roots":{}}"#), Some((form, false)));
        assert_eq!(greet("2025-11-25", r#"{"elicitation":{}}"#), None);
        assert_eq!(greet("2025-11-25", r#"{"elicitation":{"form":{}}}"#), None);
        assert_eq!(greet("2025-03-26", "{}"), None);
        let modern = |capabilities: &str| {
            let params =
                format!(r#"{{"_meta":{{"{META_CAPABILITIES}":{capabilities}}},"name":"x"}}"#);
            message(&inbound("tools/call", &params))
        };
        assert!(modern("{}").is_some());
        assert!(modern(r#"{"elicitation":{}}"#).is_none());
        assert!(modern(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#).is_none());
        let sent = modern("{}").unwrap().outgoing.body;
        assert!(String::from_utf8_lossy(&sent).contains(r#""elicitation":{"form":{},"url":{}}"#));
    }
}
