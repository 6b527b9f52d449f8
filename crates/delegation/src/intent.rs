//! What is written of a Call before it leaves.

use prokura_domain::call::Why;
use prokura_domain::protocol::MODERN;
use prokura_domain::{Call, Charge, Durability, Era, Json, Labels, ToolClass};
use prokura_policy::Facts;
use prokura_store::Payload;

use crate::message::Inbound;
use crate::records::rules;

/// The parameters of a Call, of which a record keeps the salted digest: what was called can be proved by who knows it,
/// and guessed back by nobody.
pub(crate) fn unkept(call: &Call) -> Payload {
    let bytes = call.params.to_text().into_bytes();
    Payload { call: call.id.clone(), part: "arguments", bytes, keep: false }
}

/// The person-classified reads may be synced within a second; everything else is synced before a byte leaves.
pub(crate) fn durability(facts: &Facts) -> Durability {
    match facts.tool.as_ref().and_then(|tool| tool.class) {
        Some(ToolClass::Read) => Durability::Logged,
        Some(ToolClass::Write | ToolClass::Destructive | ToolClass::Admin) | None => {
            Durability::Synced
        }
    }
}

pub(crate) fn intent(call: &Call, facts: &Facts, why: &[Why], charges: &[Charge]) -> Json {
    let approved = facts.approved.as_ref();
    let tool = facts.tool.as_ref();
    let charged = charges.iter().map(|charge| Json::text(charge.grant.as_str())).collect();
    let charged = Json::Array(charged);
    Json::object([
        ("method", Json::text(&call.method)),
        ("class", Json::from(tool.and_then(|tool| tool.class).map(ToolClass::as_str))),
        ("pin", Json::from(tool.map(|tool| tool.digest.to_string()))),
        (
            "labels",
            Json::from(facts.flow.as_ref().and_then(|flow| flow.labels).map(Labels::to_text)),
        ),
        ("question", Json::from(approved.map(|yes| yes.question.to_string()))),
        ("generation", Json::from(facts.generation)),
        ("charged", charged),
        ("why", rules(why)),
    ])
}

/// Names the revision the Agent spoke, where the message that leaves is of another era.
pub(crate) fn spoken(mut detail: Json, inbound: &Inbound) -> Json {
    let sent = inbound.outgoing.headers.iter().find(|(name, _)| name == "mcp-protocol-version");
    let Some((_, sent)) = sent else { return detail };
    if (inbound.era == Era::Modern) != (sent == MODERN) {
        let asked = if inbound.era == Era::Modern { MODERN } else { "session" };
        detail.set("asked_in", Json::text(asked));
        detail.set("sent_in", Json::text(sent));
    }
    detail
}
