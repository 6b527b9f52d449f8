//! A small OpenTelemetry collector: it takes OTLP logs, traces and metrics over HTTP as protobuf, and can be down, slow or
//! full. What it took stays with its copies, so that it can be started again at the same place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Point;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as StatusCodeOf;
use prost::Message as _;

/// A record as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its number.
    pub seq: i64,
    /// What it tells.
    pub kind: String,
    /// Its canonical body.
    pub body: String,
    /// Its hash.
    pub hash: String,
}

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenSpan {
    /// Its name.
    pub name: String,
    /// Its trace.
    pub trace: Vec<u8>,
    /// Itself.
    pub id: Vec<u8>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Whether it is a fault.
    pub faulty: bool,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
}

/// How it behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mood {
    /// How long it takes for an answer.
    pub slow: Duration,
    /// What it answers instead of taking anything.
    pub refuses: Option<u16>,
    /// Whether it takes a message and then breaks off without an answer.
    pub forgets_to_answer: bool,
    /// The most records it takes in one message; 0 is without limit.
    pub most: usize,
    /// How many records of a message it says it refused for good, though it took the message.
    pub rejects: i64,
    /// Whether it takes logs and nothing else.
    pub only_logs: bool,
}

#[derive(Debug, Default)]
struct Books {
    taken: Vec<Taken>,
    spans: Vec<TakenSpan>,
    points: BTreeMap<String, i64>,
    messages: usize,
    mood: Mood,
    bytes: Vec<u8>,
}

/// A collector; what it took is shared by its copies. It listens between [`Collector::start`] and [`Collector::stop`].
#[derive(Debug, Clone)]
pub struct Collector {
    books: Arc<Mutex<Books>>,
    port: u16,
    task: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
}

impl Collector {
    /// One that has a port and does not listen yet.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn new() -> anyhow::Result<Self> {
        let (_, port) = crate::loopback().await?;
        Ok(Self { books: Arc::default(), port, task: Arc::default() })
    }

    /// Its address, as it is set.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Listens.
    ///
    /// # Errors
    /// When its port is taken.
    pub async fn start(&self) -> anyhow::Result<()> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.port)).await?;
        let router = Router::new()
            .route("/v1/logs", post(logs))
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(self.books.clone());
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    /// Listens no more; connections that are open end with their next request.
    pub async fn stop(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // It was aborted: that is how it ends.
            let _aborted = task.await.is_err();
        }
    }

    /// From now on it behaves so.
    pub fn mood(&self, mood: Mood) {
        self.books().mood = mood;
    }

    /// Every record in the order it arrived, repeated ones too.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.books().taken.clone()
    }

    /// Every span in the order it arrived, repeated ones too.
    #[must_use]
    pub fn spans(&self) -> Vec<TakenSpan> {
        self.books().spans.clone()
    }

    /// The newest value of each series: the name of the metric with its attributes, such as
    /// `prokura.calls{clerk,ledger,ok}`; of a histogram, its count.
    #[must_use]
    pub fn points(&self) -> BTreeMap<String, i64> {
        self.books().points.clone()
    }

    /// How many messages came in, taken or not.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.books().messages
    }

    /// Everything that came in, as it was on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.books().bytes.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes before a message is read: its bytes are kept, and it may not be taken.
async fn taken_in(books: &Arc<Mutex<Books>>, body: &Bytes) -> Result<Mood, StatusCode> {
    let mood = {
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        books.bytes.extend_from_slice(body);
        books.mood
    };
    tokio::time::sleep(mood.slow).await;
    if mood.only_logs {
        return Err(StatusCode::NOT_FOUND);
    }
    mood.refuses.and_then(|status| StatusCode::from_u16(status).ok()).map_or(Ok(mood), Err)
}

async fn traces(State(books): State<Arc<Mutex<Books>>>, body: Bytes) -> Response {
    if let Err(status) = taken_in(&books, &body).await {
        return status.into_response();
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let scopes = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans).map(|span| TakenSpan {
        name: span.name,
        trace: span.trace_id,
        id: span.span_id,
        ms: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) / 1_000_000,
        faulty: span.status.is_some_and(|status| status.code() == StatusCodeOf::Error),
        attributes: span.attributes.into_iter().map(words).collect(),
    });
    books.lock().unwrap_or_else(PoisonError::into_inner).spans.extend(spans);
    StatusCode::OK.into_response()
}

async fn metrics(State(books): State<Arc<Mutex<Books>>>, body: Bytes) -> Response {
    if let Err(status) = taken_in(&books, &body).await {
        return status.into_response();
    }
    let Ok(request) = ExportMetricsServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let scopes = request.resource_metrics.into_iter().flat_map(|one| one.scope_metrics);
    let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
    for metric in scopes.flat_map(|scope| scope.metrics) {
        let mut put = |attributes: Vec<KeyValue>, value: i64| {
            let values: Vec<String> = attributes.into_iter().map(|one| words(one).1).collect();
            books.points.insert(format!("{}{{{}}}", metric.name, values.join(",")), value);
        };
        match metric.data {
            Some(Data::Sum(sum)) => sum.data_points.into_iter().for_each(|point| {
                if let Some(Point::AsInt(value)) = point.value {
                    put(point.attributes, value);
                }
            }),
            Some(Data::Histogram(all)) => all.data_points.into_iter().for_each(|point| {
                put(point.attributes, i64::try_from(point.count).unwrap_or_default());
            }),
            _ => {}
        }
    }
    StatusCode::OK.into_response()
}

fn words(one: KeyValue) -> (String, String) {
    match one.value.and_then(|value| value.value) {
        Some(Said::StringValue(text)) => (one.key, text),
        _ => (one.key, String::new()),
    }
}

async fn logs(State(books): State<Arc<Mutex<Books>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mood = {
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        books.messages += 1;
        books.bytes.extend_from_slice(&body);
        books.mood
    };
    tokio::time::sleep(mood.slow).await;
    if let Some(status) = mood.refuses.and_then(|status| StatusCode::from_u16(status).ok()) {
        return status.into_response();
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind != Some("application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Ok(request) = ExportLogsServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
    let taken: Vec<Taken> =
        scopes.flat_map(|logs| logs.log_records).map(|record| read(&record)).collect();
    if mood.most > 0 && taken.len() > mood.most {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    books.lock().unwrap_or_else(PoisonError::into_inner).taken.extend(taken);
    if mood.forgets_to_answer {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let partial_success = (mood.rejects > 0).then(|| ExportLogsPartialSuccess {
        rejected_log_records: mood.rejects,
        error_message: "attribute limit exceeded".to_owned(),
    });
    let answer = ExportLogsServiceResponse { partial_success }.encode_to_vec();
    ([(header::CONTENT_TYPE, "application/x-protobuf")], answer).into_response()
}

fn read(record: &LogRecord) -> Taken {
    let attribute = |name: &str| {
        let found = record.attributes.iter().find(|attribute| attribute.key == name);
        found.and_then(|attribute| attribute.value.clone()).and_then(|value| value.value)
    };
    let text = |said: Option<Said>| match said {
        Some(Said::StringValue(text)) => text,
        _ => String::new(),
    };
    let seq = match attribute("prokura.seq") {
        Some(Said::IntValue(seq)) => seq,
        _ => 0,
    };
    Taken {
        seq,
        kind: record.event_name.clone(),
        body: text(record.body.clone().and_then(|body| body.value)),
        hash: text(attribute("prokura.hash")),
    }
}
