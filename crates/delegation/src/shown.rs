//! What the person saw is what is sent, byte for byte. A call that was written otherwise, with escapes, white space or
//! another order of members, is sent as it was shown.
//! It must never send anything that no Question held.

use bytes::Bytes;
use prokura_domain::call::{self, VOLATILE};
use prokura_domain::{Call, CallId, Json, Outgoing};

use crate::message::{Refusal, RefusalCode};

/// The Call with the parameters the person saw. Only the progress token and the trace keys are the repeat's own: they
/// name who waits now.
pub(crate) fn as_shown(
    call: Call,
    (raised_for, shown): (Option<CallId>, String),
) -> Result<Call, Refusal> {
    let as_shown = if raised_for.as_ref() == Some(&call.id) {
        written(&call, call.params.clone())
    } else {
        Json::read(shown.as_bytes()).ok().and_then(|params| rebuilt(&call, params))
    };
    as_shown.ok_or_else(|| {
        let text = "What was approved is not what is asked for now; try again.";
        Refusal::new(RefusalCode::Changed, text)
    })
}

fn rebuilt(call: &Call, mut params: Json) -> Option<Call> {
    let own = call.params.member("_meta");
    for key in VOLATILE {
        if let Some(meta) = params.member_mut("_meta") {
            meta.remove(key);
        }
        if let Some(value) = own.and_then(|meta| meta.member(key)) {
            if params.member("_meta").is_none() {
                params.set("_meta", Json::Object(Vec::new()));
            }
            params.member_mut("_meta")?.set(key, value.clone());
        }
    }
    if call::digest(&call.method, &params) != call.digest {
        return None;
    }
    written(call, params)
}

/// The Call with these parameters, in the one way of writing that is also shown.
fn written(call: &Call, params: Json) -> Option<Call> {
    let mut message = Json::read(&call.outgoing.body).ok()?;
    message.set("params", params.clone());
    let body = Bytes::from(message.to_text());
    Some(Call { params, outgoing: Outgoing { body, ..call.outgoing.clone() }, ..call.clone() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prokura_domain::{AccountId, AgentId, ServerId, Target, Verb};

    use super::*;

    fn call(id: &str, params: &str) -> Call {
        let params = Json::read(params.as_bytes()).unwrap();
        let message = Json::object([("id", Json::from(7i64)), ("params", params.clone())]);
        Call {
            id: CallId::from_text(id),
            agent: AgentId::from_text("a"),
            server: ServerId::from_text("s"),
            account: AccountId::from_text("c"),
            method: "tools/call".to_owned(),
            target: Target::Tool("pay".to_owned()),
            digest: call::digest("tools/call", &params),
            params,
            outgoing: Outgoing {
                verb: Verb::Post,
                headers: Vec::new(),
                body: Bytes::from(message.to_text()),
            },
        }
    }

    #[test]
    fn a_repeat_is_sent_as_it_was_shown_with_its_own_progress_token() {
        let shown =
            r#"{"name":"pay","arguments":{"to":"Grace","n":1},"_meta":{"progressToken":1}}"#;
        let repeat = call(
            "new",
            r#"{"_meta":{"progressToken":2},"arguments":{"n":1,"to":"Gr\u0061ce"},"name":"pay"}"#,
        );
        let sent = as_shown(repeat, (Some(CallId::from_text("old")), shown.to_owned())).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&sent.outgoing.body),
            r#"{"id":7,"params":{"name":"pay","arguments":{"to":"Grace","n":1},"_meta":{"progressToken":2}}}"#
        );
    }

    #[test]
    fn a_call_that_waited_is_sent_as_it_was_shown_and_not_as_it_was_written() {
        let mut waited = call("own", r#"{"name":"pay","arguments":{"to":"Grace"}}"#);
        let escaped = r#"{ "id": 7, "params": {"name":"pay", "arguments":{"to":"Gr\u0061ce"}} }"#;
        waited.outgoing.body = Bytes::from(escaped);
        let shown = waited.params.to_text();
        let sent = as_shown(waited, (Some(CallId::from_text("own")), shown.clone())).unwrap();
        let expected = format!(r#"{{"id":7,"params":{shown}}}"#);
        assert_eq!(String::from_utf8_lossy(&sent.outgoing.body), expected);
    }

    #[test]
    fn what_does_not_mean_the_same_is_not_sent() {
        let shown = r#"{"name":"pay","arguments":{"to":"Grace"}}"#;
        for other in [
            r#"{"name":"pay","arguments":{"to":"Mallory"}}"#,
            r#"{"name":"pay","arguments":{"to":"Grace","cc":"Mallory"}}"#,
        ] {
            let repeat = call("new", other);
            assert!(as_shown(repeat, (Some(CallId::from_text("old")), shown.to_owned())).is_err());
        }
        let repeat = call("new", shown);
        assert!(as_shown(repeat, (None, String::new())).is_err());
    }
}
