//! What every signal says: who speaks, and attributes.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prokura_domain::Digest;
use prokura_domain::clock::Timestamp;
use serde_json::Value;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a body says, and the name it has beside it.
const MEMBERS: [(&str, &str); 9] = [
    ("/call", "prokura.call"),
    ("/agent/id", "gen_ai.agent.id"),
    ("/agent/name", "gen_ai.agent.name"),
    ("/server/id", "prokura.server.id"),
    ("/server/name", "prokura.server.name"),
    ("/account/id", "prokura.account.id"),
    ("/account/name", "prokura.account.name"),
    ("/target/kind", "prokura.target.kind"),
    ("/target/name", "prokura.target.name"),
];

/// This program and the log `log_id`.
pub(super) fn resource(log_id: &str) -> Resource {
    let attributes = vec![
        said("service.name", "prokura"),
        said("service.version", VERSION),
        said("service.instance.id", log_id),
    ];
    Resource { attributes, ..Resource::default() }
}

pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "prokura.audit".to_owned(),
        version: VERSION.to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Who and what a body names.
pub(super) fn named(body: &Value) -> impl Iterator<Item = KeyValue> + '_ {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    MEMBERS.iter().filter_map(move |(at, name)| text(at).map(|value| said(name, value)))
}

/// The W3C trace id; nothing where the agent sent none.
pub(super) fn trace(body: &Value) -> Option<Vec<u8>> {
    let text = body.pointer("/trace").and_then(Value::as_str)?;
    Some(bytes(text)).filter(|id| id.len() == 16)
}

pub(super) fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or_default().saturating_mul(1_000_000)
}

pub(super) fn hex(digest: &Digest) -> String {
    digest.to_string()
}

fn bytes(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).filter_map(pair).collect()
}

pub(super) fn said(key: &str, value: &str) -> KeyValue {
    attribute(key, Said::StringValue(value.to_owned()))
}

pub(super) fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Said::IntValue(value))
}

fn attribute(key: &str, value: Said) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
