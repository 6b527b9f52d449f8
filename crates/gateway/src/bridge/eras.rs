//! Which era a Server speaks, found out once and remembered for a while (CM-09, CM-10). It is asked by `server/discover`
//! in the Agent's own name; a Server counts as legacy only when its handshake really works.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal, Reply};
use prokura_domain::protocol::{META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN};
use prokura_domain::{Json, Outgoing, ServerId, Verb};
use tokio::time::Instant;

use super::{Inner, line, request, words};
use crate::entrance::went_well;
use crate::header;
use crate::initialize::greeting;

/// How long a finding is believed.
const BELIEVED: Duration = Duration::from_secs(10 * 60);
/// How long a Server may take to say what it speaks.
const PATIENCE: Duration = Duration::from_secs(20);
/// Errors that only a modern server gives.
const MODERN_ERRORS: [&str; 3] = ["-32020", "-32021", "-32022"];

/// Whether a Server speaks an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Yes,
    No,
}

/// What came of asking.
pub(crate) enum Probed {
    /// The Agent's own `server/discover` was answered with this.
    Answered(Reply),
    Speaks(Spoken),
}

/// What was found out.
#[derive(Default)]
pub(crate) struct Eras {
    modern: Mutex<HashMap<ServerId, (Spoken, Instant)>>,
    /// Servers that offer no sessions.
    sessionless: Mutex<HashMap<ServerId, Instant>>,
}

impl Eras {
    pub fn modern(&self, server: &ServerId) -> Option<Spoken> {
        let found = self.modern.lock().unwrap_or_else(PoisonError::into_inner);
        let (spoken, at) = found.get(server)?;
        (at.elapsed() < BELIEVED).then_some(*spoken)
    }

    pub fn found(&self, server: &ServerId, spoken: Spoken) {
        let mut found = self.modern.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(server.clone(), (spoken, Instant::now()));
    }

    pub fn sessionless(&self, server: &ServerId) -> bool {
        let found = self.sessionless.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(server).is_some_and(|at| at.elapsed() < BELIEVED)
    }

    pub fn found_sessionless(&self, server: &ServerId) {
        let mut found = self.sessionless.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(server.clone(), Instant::now());
    }

    pub fn forget(&self, server: &ServerId) {
        self.modern.lock().unwrap_or_else(PoisonError::into_inner).remove(server);
        self.sessionless.lock().unwrap_or_else(PoisonError::into_inner).remove(server);
    }

    pub fn clear(&self) {
        self.modern.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.sessionless.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Inner {
    /// Finds out whether a Server speaks the modern era. Where that stays open the message goes as it is, so that the
    /// Agent hears the Server's own word.
    pub(super) async fn probe(self: &Arc<Self>, inbound: &Inbound) -> Result<Probed, Refusal> {
        let own = request(inbound).is_some_and(|(method, ..)| method == "server/discover");
        let asked = if own { inbound.clone() } else { discover(inbound) };
        let id = request(&asked).map(|(_, _, id)| id.clone());
        let server = &inbound.server;
        let passed = match tokio::time::timeout(PATIENCE, self.path.pass(asked)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(refusal)) if own => return Err(refusal),
            Ok(Err(_)) | Err(_) => return Ok(Probed::Speaks(Spoken::Yes)),
        };
        let status = passed.status;
        let Ok((reply, message)) = greeting(passed, id.as_ref()).await else {
            return Ok(Probed::Speaks(Spoken::Yes));
        };
        match verdict(status, message.as_ref()) {
            Some(Spoken::Yes) => self.eras.found(server, Spoken::Yes),
            Some(Spoken::No) if line::opens(self, inbound).await => {
                self.eras.found(server, Spoken::No);
                return Ok(Probed::Speaks(Spoken::No));
            }
            // It speaks neither, and says so best itself.
            Some(Spoken::No) => self.eras.found(server, Spoken::Yes),
            None => {}
        }
        Ok(if own { Probed::Answered(reply) } else { Probed::Speaks(Spoken::Yes) })
    }
}

/// What the answer to `server/discover` says; `None`: nothing about eras.
pub(super) fn verdict(status: u16, message: Option<&Json>) -> Option<Spoken> {
    let error = message.and_then(|message| message.at("/error/code")).map(Json::to_text);
    match (status, message, error) {
        (401 | 403 | 429 | 500.., ..) => None,
        (_, _, Some(code)) if MODERN_ERRORS.contains(&code.as_str()) => Some(Spoken::Yes),
        (_, _, Some(_)) => Some(Spoken::No),
        (_, Some(message), None) if went_well(status) => {
            message.member("result").map(|_| Spoken::Yes)
        }
        (400..=499, ..) => Some(Spoken::No),
        _ => None,
    }
}

/// `server/discover` in the name of the Agent that sent `inbound`.
fn discover(inbound: &Inbound) -> Inbound {
    let meta = request(inbound).and_then(|(_, params, _)| params.member("_meta"));
    let keys = [META_VERSION, META_CAPABILITIES, META_CLIENT];
    let stamp = keys.into_iter().filter_map(|key| Some((key, meta?.member(key)?.clone())));
    let stamp: Vec<(&str, Json)> = stamp.collect();
    asking(inbound, &stamp)
}

/// `server/discover` with this `_meta`.
pub(super) fn asking(inbound: &Inbound, stamp: &[(&str, Json)]) -> Inbound {
    let id = Json::text("prokura-discover");
    let params = words::params_up(Json::Object(Vec::new()), stamp);
    let body = words::message(Some(&id), "server/discover", params.clone());
    let headers = vec![
        (header::VERSION.to_owned(), MODERN.to_owned()),
        (header::METHOD.to_owned(), "server/discover".to_owned()),
    ];
    Inbound {
        kind: Kind::Message { method: "server/discover".to_owned(), params, id: Some(id) },
        outgoing: Outgoing { verb: Verb::Post, headers, body: Bytes::from(body.to_text()) },
        ..inbound.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_answer_shows_the_era_and_never_by_one_code_alone() {
        // CM-10
        let said = |text: &str| Json::read(text.as_bytes()).unwrap();
        for (status, message, expected) in [
            (200, Some(r#"{"result":{"supportedVersions":["2026-07-28"]}}"#), Some(Spoken::Yes)),
            (400, Some(r#"{"error":{"code":-32022}}"#), Some(Spoken::Yes)),
            (200, Some(r#"{"error":{"code":-32601}}"#), Some(Spoken::No)),
            (404, Some(r#"{"error":{"code":-32601}}"#), Some(Spoken::No)),
            (400, Some(r#"{"error":{"code":-32000}}"#), Some(Spoken::No)),
            (400, None, Some(Spoken::No)),
            (406, None, Some(Spoken::No)),
            (401, None, None),
            (502, None, None),
        ] {
            let message = message.map(said);
            assert_eq!(verdict(status, message.as_ref()), expected, "{status} {message:?}");
        }
    }
}
