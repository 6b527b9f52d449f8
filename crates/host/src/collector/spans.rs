//! Calls as spans: one for each that ended, made from its last record. The same call is the same span whenever it is sent.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prokura_domain::{AuditRecord, Digest};
use prost::Message as _;
use serde_json::Value;

use super::attributes::{named, nanos, resource, said, scope, trace};
use super::logs::words;

/// The request that carries the calls that ended with `records`; nothing where none did.
pub(super) fn of(log_id: &str, records: &[AuditRecord]) -> Option<Vec<u8>> {
    let spans: Vec<Span> = records.iter().filter_map(span).collect();
    if spans.is_empty() {
        return None;
    }
    let spans = ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() };
    let spans = ResourceSpans {
        resource: Some(resource(log_id)),
        scope_spans: vec![spans],
        ..ResourceSpans::default()
    };
    Some(ExportTraceServiceRequest { resource_spans: vec![spans] }.encode_to_vec())
}

/// How many spans the collector refused for good, and what it said.
pub(super) fn rejected(answer: &[u8]) -> (i64, Option<String>) {
    let read = ExportTraceServiceResponse::decode(answer).ok();
    let Some(some) = read.and_then(|read| read.partial_success) else { return (0, None) };
    (some.rejected_spans.max(0), words(some.error_message))
}

/// How a call ended: the word of its result, and whether that is a fault.
pub(super) fn ended(record: &AuditRecord, body: &Value) -> Option<(String, bool)> {
    match record.kind.as_str() {
        "call.refused" => Some(("refused".to_owned(), true)),
        "call.outcome" => {
            let result = body.pointer("/detail/result").and_then(Value::as_str)?;
            Some((result.to_owned(), !["ok", "input_required", "task"].contains(&result)))
        }
        _ => None,
    }
}

/// The method, for a target names its kind only.
pub(super) fn method(body: &Value) -> &str {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    match text("/target/kind").unwrap_or_default() {
        "tool" => "tools/call",
        "resource" => "resources/read",
        "prompt" => "prompts/get",
        _ => text("/target/name").unwrap_or("call"),
    }
}

fn span(record: &AuditRecord) -> Option<Span> {
    let body: Value = serde_json::from_str(&record.body).ok()?;
    let (result, faulty) = ended(record, &body)?;
    let call = body.pointer("/call").and_then(Value::as_str)?;
    let method = method(&body);
    let name = body.pointer("/target/name").and_then(Value::as_str).unwrap_or_default();
    let took = body.pointer("/detail/ms").and_then(Value::as_u64).unwrap_or_default();
    let mut attributes: Vec<_> = named(&body).collect();
    attributes.push(said("mcp.method.name", method));
    attributes.push(said("prokura.result", &result));
    if method == "tools/call" {
        attributes.push(said("gen_ai.operation.name", "execute_tool"));
        attributes.push(said("gen_ai.tool.name", name));
    }
    if faulty {
        attributes.push(said("error.type", &result));
    }
    let own = Digest::of(&[b"prokura-span-v1", call.as_bytes()]).0;
    let own = |from: usize, to: usize| own.get(from..to).unwrap_or_default().to_vec();
    let end = nanos(record.at);
    let code = if faulty { StatusCode::Error } else { StatusCode::Unset };
    Some(Span {
        trace_id: trace(&body).unwrap_or_else(|| own(8, 24)),
        span_id: own(0, 8),
        name: if method == name { method.to_owned() } else { format!("{method} {name}") },
        kind: SpanKind::Client.into(),
        start_time_unix_nano: end.saturating_sub(took.saturating_mul(1_000_000)),
        end_time_unix_nano: end,
        attributes,
        status: Some(Status { code: code.into(), ..Status::default() }),
        ..Span::default()
    })
}
