//! Records as OTLP says them: the canonical body as it was hashed, and beside it what is worth searching for, so that who
//! has them all can check the chain. Records hold no payloads; nothing is added here.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prokura_domain::clock::Timestamp;
use prokura_domain::{AuditRecord, Digest};
use prost::Message as _;
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

/// The request that carries `records` of the log `log_id`.
pub(super) fn of(log_id: &str, records: &[AuditRecord], now: Timestamp) -> Vec<u8> {
    let attributes = vec![
        said("service.name", "prokura"),
        said("service.version", VERSION),
        said("service.instance.id", log_id),
    ];
    let scope = InstrumentationScope {
        name: "prokura.audit".to_owned(),
        version: VERSION.to_owned(),
        ..InstrumentationScope::default()
    };
    let logs = ScopeLogs {
        scope: Some(scope),
        log_records: records.iter().map(|record| log_record(record, now)).collect(),
        ..ScopeLogs::default()
    };
    let resource = Resource { attributes, ..Resource::default() };
    let logs = ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![logs],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest { resource_logs: vec![logs] }.encode_to_vec()
}

/// How many records of a message the collector refused for good, and what it said: also where it took all of them.
pub(super) fn rejected(answer: &[u8]) -> (i64, Option<String>) {
    let read = ExportLogsServiceResponse::decode(answer).ok();
    let Some(some) = read.and_then(|read| read.partial_success) else { return (0, None) };
    let said = some.error_message;
    let said = prokura_store::masked(&said).unwrap_or(said);
    let said: String = said.chars().filter(|sign| !sign.is_control()).take(200).collect();
    (some.rejected_log_records.max(0), (!said.is_empty()).then_some(said))
}

fn log_record(record: &AuditRecord, now: Timestamp) -> LogRecord {
    let body: Value = serde_json::from_str(&record.body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let mut attributes = vec![
        number("prokura.seq", record.seq),
        number("prokura.v", i64::from(record.v)),
        said("prokura.prev", &hex(&record.prev)),
        said("prokura.hash", &hex(&record.hash)),
    ];
    let members = MEMBERS.iter();
    attributes.extend(members.filter_map(|(at, name)| text(at).map(|value| said(name, value))));
    let trouble = record.kind.ends_with("refused") || record.kind.ends_with("failed");
    let severity = if trouble { SeverityNumber::Warn } else { SeverityNumber::Info };
    LogRecord {
        time_unix_nano: nanos(record.at),
        observed_time_unix_nano: nanos(now),
        severity_number: severity.into(),
        severity_text: if trouble { "WARN" } else { "INFO" }.to_owned(),
        body: Some(AnyValue { value: Some(Said::StringValue(record.body.clone())) }),
        attributes,
        trace_id: text("/trace").map(bytes).filter(|id| id.len() == 16).unwrap_or_default(),
        event_name: record.kind.clone(),
        ..LogRecord::default()
    }
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or_default().saturating_mul(1_000_000)
}

fn hex(digest: &Digest) -> String {
    digest.to_string()
}

fn bytes(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).filter_map(pair).collect()
}

fn said(key: &str, value: &str) -> KeyValue {
    attribute(key, Said::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Said::IntValue(value))
}

fn attribute(key: &str, value: Said) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
