//! Totals since the first record: calls by how they ended, how long they took, questions, records. They follow from the
//! records alone and are kept with the place up to which they count, so what is sent twice says the same twice.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Point;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use prokura_domain::AuditRecord;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attributes::{nanos, resource, said, scope};
use super::logs::words;
use super::spans::{ended, method};

/// So many series of one kind at most; what comes after counts together.
const SERIES: usize = 500;
const OTHER: &str = "other";
/// Seconds, as OpenTelemetry advises for MCP.
const BOUNDS: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// What was counted up to the newest record that was taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Totals {
    /// When the first record was written, in nanoseconds.
    begun: u64,
    records: i64,
    questions: BTreeMap<String, i64>,
    /// By agent, server and how it ended.
    calls: BTreeMap<String, i64>,
    /// By server and method.
    times: BTreeMap<String, Times>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Times {
    count: u64,
    ms: u64,
    buckets: Vec<u64>,
}

impl Totals {
    /// Counts records that follow those counted before.
    pub(super) fn count(&mut self, records: &[AuditRecord]) {
        for record in records {
            if self.begun == 0 {
                self.begun = nanos(record.at);
            }
            self.records += 1;
            let Ok(body) = serde_json::from_str::<Value>(&record.body) else { continue };
            let text = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap_or_default();
            if record.kind == "question.raised" {
                *slot(&mut self.questions, text("/agent/name").to_owned()) += 1;
            }
            let Some((result, _)) = ended(record, &body) else { continue };
            let who = [text("/agent/name"), text("/server/name"), &result].join("\n");
            *slot(&mut self.calls, who) += 1;
            let Some(ms) = body.pointer("/detail/ms").and_then(Value::as_u64) else { continue };
            let which = [text("/server/name"), method(&body)].join("\n");
            slot(&mut self.times, which).add(ms);
        }
    }

    /// The request that carries them, as they were at the last of the records.
    pub(super) fn message(&self, log_id: &str, last: &AuditRecord) -> Vec<u8> {
        let at = Moment { begun: self.begun, now: nanos(last.at) };
        let records = [(String::new(), self.records)];
        let of = |names: &'static [&str]| {
            move |(key, count): (&String, &i64)| at.number(attributes(names, key), *count)
        };
        let calls = self.calls.iter().map(of(&CALL)).collect();
        let questions = self.questions.iter().map(of(&AGENT)).collect();
        let all = records.iter().map(|(key, count)| of(&[])((key, count))).collect();
        let times = self.times.iter().map(|(key, times)| at.times(attributes(&TIME, key), times));
        let histogram =
            Histogram { data_points: times.collect(), aggregation_temporality: CUMULATIVE };
        let took = "How long calls took, with the wait for the person.";
        let metrics = vec![
            sum("prokura.calls", "{call}", "Calls that ended, by how.", calls),
            sum("prokura.questions", "{question}", "Questions to the person.", questions),
            sum("prokura.audit.records", "{record}", "Records in the audit log.", all),
            metric("mcp.client.operation.duration", "s", took, Data::Histogram(histogram)),
        ];
        let scope = ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() };
        let metrics = ResourceMetrics {
            resource: Some(resource(log_id)),
            scope_metrics: vec![scope],
            ..ResourceMetrics::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![metrics] }.encode_to_vec()
    }
}

const CALL: [&str; 3] = ["gen_ai.agent.name", "prokura.server.name", "prokura.result"];
const AGENT: [&str; 1] = ["gen_ai.agent.name"];
const TIME: [&str; 2] = ["prokura.server.name", "mcp.method.name"];
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// How many points the collector refused for good, and what it said.
pub(super) fn rejected(answer: &[u8]) -> (i64, Option<String>) {
    let read = ExportMetricsServiceResponse::decode(answer).ok();
    let Some(some) = read.and_then(|read| read.partial_success) else { return (0, None) };
    (some.rejected_data_points.max(0), words(some.error_message))
}

/// The series of a key, or the one that all others share.
fn slot<T: Default>(series: &mut BTreeMap<String, T>, key: String) -> &mut T {
    let full = series.len() >= SERIES && !series.contains_key(&key);
    series.entry(if full { OTHER.to_owned() } else { key }).or_default()
}

fn attributes(names: &[&str], key: &str) -> Vec<KeyValue> {
    names.iter().zip(key.split('\n')).map(|(name, value)| said(name, value)).collect()
}

impl Times {
    fn add(&mut self, ms: u64) {
        self.count += 1;
        self.ms = self.ms.saturating_add(ms);
        self.buckets.resize(BOUNDS.len() + 1, 0);
        let seconds = ms as f64 / 1000.0;
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket += 1;
        }
    }
}

/// From when to when it was counted.
#[derive(Clone, Copy)]
struct Moment {
    begun: u64,
    now: u64,
}

impl Moment {
    fn number(self, attributes: Vec<KeyValue>, count: i64) -> NumberDataPoint {
        NumberDataPoint {
            attributes,
            start_time_unix_nano: self.begun,
            time_unix_nano: self.now,
            value: Some(Point::AsInt(count)),
            ..NumberDataPoint::default()
        }
    }

    fn times(self, attributes: Vec<KeyValue>, times: &Times) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes,
            start_time_unix_nano: self.begun,
            time_unix_nano: self.now,
            count: times.count,
            sum: Some(times.ms as f64 / 1000.0),
            bucket_counts: times.buckets.clone(),
            explicit_bounds: BOUNDS.to_vec(),
            ..HistogramDataPoint::default()
        }
    }
}

fn sum(name: &str, unit: &str, about: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    let sum = Sum { data_points, aggregation_temporality: CUMULATIVE, is_monotonic: true };
    metric(name, unit, about, Data::Sum(sum))
}

fn metric(name: &str, unit: &str, about: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        description: about.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}
