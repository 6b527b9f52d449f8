//! Records as OTLP says them: the canonical body as it was hashed, and beside it what is worth searching for, so that who
//! has them all can check the chain. Records hold no payloads; nothing is added here.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use prokura_domain::AuditRecord;
use prokura_domain::clock::Timestamp;
use prost::Message as _;
use serde_json::Value;

use super::attributes::{hex, named, nanos, number, resource, said, scope, trace};

/// The request that carries `records` of the log `log_id`.
pub(super) fn of(log_id: &str, records: &[AuditRecord], now: Timestamp) -> Vec<u8> {
    let logs = ScopeLogs {
        scope: Some(scope()),
        log_records: records.iter().map(|record| log_record(record, now)).collect(),
        ..ScopeLogs::default()
    };
    let logs = ResourceLogs {
        resource: Some(resource(log_id)),
        scope_logs: vec![logs],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest { resource_logs: vec![logs] }.encode_to_vec()
}

/// How many records of a message the collector refused for good, and what it said: also where it took all of them.
pub(super) fn rejected(answer: &[u8]) -> (i64, Option<String>) {
    let read = ExportLogsServiceResponse::decode(answer).ok();
    let Some(some) = read.and_then(|read| read.partial_success) else { return (0, None) };
    (some.rejected_log_records.max(0), words(some.error_message))
}

/// What a collector said, as it may be shown.
pub(super) fn words(said: String) -> Option<String> {
    let said = prokura_store::masked(&said).unwrap_or(said);
    let said: String = said.chars().filter(|sign| !sign.is_control()).take(200).collect();
    (!said.is_empty()).then_some(said)
}

fn log_record(record: &AuditRecord, now: Timestamp) -> LogRecord {
    let body: Value = serde_json::from_str(&record.body).unwrap_or_default();
    let mut attributes = vec![
        number("prokura.seq", record.seq),
        number("prokura.v", i64::from(record.v)),
        said("prokura.prev", &hex(&record.prev)),
        said("prokura.hash", &hex(&record.hash)),
    ];
    attributes.extend(named(&body));
    let trouble = record.kind.ends_with("refused") || record.kind.ends_with("failed");
    let severity = if trouble { SeverityNumber::Warn } else { SeverityNumber::Info };
    LogRecord {
        time_unix_nano: nanos(record.at),
        observed_time_unix_nano: nanos(now),
        severity_number: severity.into(),
        severity_text: if trouble { "WARN" } else { "INFO" }.to_owned(),
        body: Some(AnyValue { value: Some(Said::StringValue(record.body.clone())) }),
        attributes,
        trace_id: trace(&body).unwrap_or_default(),
        event_name: record.kind.clone(),
        ..LogRecord::default()
    }
}
