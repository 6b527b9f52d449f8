//! The audit log: finding, reading, verifying, taking out.

use prokura_delegation::DelegationError;
use prokura_domain::{AuditRecord, Durability, Event, Json, RecordKind, Timestamp};
use prokura_store::{RecordQuery, StoreError, Verdict};
use serde_json::Value;

use super::shown;
use crate::Api;
use crate::audit::{AuditFilter, CallView, DayView, PayloadView, TouchedView};
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::request::seconds_in;
use crate::view::{Named, RecordView, VerifyView};

/// Records in one answer at most.
const MOST: u32 = 1000;
/// Records that are shown beside a call.
const BESIDE: u32 = 40;
/// What is "about that time" where nothing else says what belongs together.
const ABOUT_MS: i64 = 600_000;
/// Records that a quick look verifies.
const GLANCE: i64 = 2_000;
const DAY_MS: i64 = 86_400_000;
/// The longest text of a payload that is shown.
const LONGEST: usize = 256 * 1024;

impl Api {
    /// Records, newest first.
    ///
    /// # Errors
    /// [`Failure`] when the filter is not understood, or the log cannot be read.
    pub async fn audit(
        &self,
        limit: u32,
        before: Option<i64>,
        filter: AuditFilter,
    ) -> Result<Vec<RecordView>, Failure> {
        let query = RecordQuery { limit: limit.clamp(1, MOST), before, ..self.query_of(filter)? };
        let log = self.0.log.clone();
        // It may wait for the index.
        let found = blocking(move || log.records(&query)).await?;
        Ok(found.iter().map(view).collect())
    }

    /// One record.
    ///
    /// # Errors
    /// [`Failure`] when there is no such record.
    pub async fn audit_show(&self, seq: i64) -> Result<RecordView, Failure> {
        Ok(view(&self.record_at(seq)?))
    }

    /// The call a record belongs to, with what was kept of it and what went on beside it.
    ///
    /// # Errors
    /// [`Failure`] when there is no such record, or it is about no call.
    pub async fn audit_call(&self, seq: i64) -> Result<CallView, Failure> {
        let record = self.record_at(seq)?;
        let body: Value = serde_json::from_str(&record.body).unwrap_or(Value::Null);
        let Some(call) = body.get("call").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Failure::new(
                FailureCode::NotFound,
                format!("Record {seq} is about no call."),
                "Show it with `prokura audit show`.",
            ));
        };
        let (log, wanted) = (self.0.log.clone(), call.clone());
        let records = blocking(move || log.records_of_call(&wanted)).await?;
        let (beside_by, query) = beside(&records, &body, record.at);
        let log = self.0.log.clone();
        let mut others = blocking(move || log.records(&query)).await?;
        others.retain(|other| !records.iter().any(|own| own.seq == other.seq));
        Ok(CallView {
            arguments: self.kept_of_call(&call, "arguments", &records),
            result: self.kept_of_call(&call, "result", &records),
            records: records.iter().map(view).collect(),
            beside_by: beside_by.to_owned(),
            beside: others.iter().map(view).collect(),
            call,
        })
    }

    /// How much happened, day by day and agent by agent, oldest first.
    ///
    /// # Errors
    /// [`Failure`] when the log cannot be read.
    pub async fn audit_days(&self, days: u32) -> Result<Vec<DayView>, Failure> {
        let today = self.0.delegation.moment().0.div_euclid(DAY_MS);
        let from = today - i64::from(days.clamp(1, 3_660)) + 1;
        let log = self.0.log.clone();
        // A day that lies ahead of a clock that was set back is shown too.
        let (counts, names) =
            blocking(move || Ok((log.days(from, i64::MAX)?, log.names("agent")?))).await?;
        Ok(counts
            .into_iter()
            .map(|count| DayView {
                day: shown(Timestamp(count.day * DAY_MS)).chars().take(10).collect(),
                agent: named(&names, &count.agent),
                records: count.records,
                calls: count.calls,
                prompts: count.prompts,
                denials: count.denials,
                failures: count.failures,
            })
            .collect())
    }

    /// What an agent touched, newest first.
    ///
    /// # Errors
    /// [`Failure`] when the log knows no such agent.
    pub async fn audit_touched(&self, agent: String) -> Result<Vec<TouchedView>, Failure> {
        let log = self.0.log.clone();
        let (agents, servers) =
            blocking(move || Ok((log.names("agent")?, log.names("server")?))).await?;
        let id =
            agents.iter().find(|(id, name)| *name == agent || *id == agent).ok_or_else(|| {
                Failure::new(
                    FailureCode::NotFound,
                    format!("The log knows no agent \"{agent}\"."),
                    "See who is in it with `prokura audit status`.",
                )
            })?;
        let (log, id) = (self.0.log.clone(), id.0.clone());
        let touched = blocking(move || log.touched(&id, MOST)).await?;
        Ok(touched
            .into_iter()
            .map(|one| TouchedView {
                server: named(&servers, &one.server)
                    .unwrap_or_else(|| Named { id: one.server.clone(), name: one.server.clone() }),
                target: one.target,
                calls: one.calls,
                denials: one.denials,
                failures: one.failures,
                at: shown(one.last_at),
                seq: one.last,
            })
            .collect())
    }

    /// Verifies the running log against its chain, its checkpoints and its anchor; that it was looked at is recorded.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be read.
    pub async fn audit_verify(&self) -> Result<VerifyView, Failure> {
        Ok(verdict_view(self.0.delegation.look_at_log(true).await?))
    }

    /// Looks at the newest records only, which is quick, and leaves no record.
    pub(crate) async fn audit_glance(&self) -> Result<VerifyView, Failure> {
        let log = self.0.log.clone();
        Ok(verdict_view(blocking(move || log.verify_tail(GLANCE)).await?))
    }

    /// Records after `after`, oldest first, a page at a time. The first page records the export.
    ///
    /// # Errors
    /// [`Failure`] when the log cannot be read or written.
    pub async fn audit_export(&self, after: Option<i64>) -> Result<Vec<RecordView>, Failure> {
        if after.is_none() {
            let event =
                Event::new(RecordKind::LogExported, Json::object([("format", "lines".into())]));
            self.0.log.append(event, Durability::Logged).await?;
        }
        let log = self.0.log.clone();
        let found = blocking(move || log.records_after(after.unwrap_or(0), MOST as usize)).await?;
        Ok(found.iter().map(view).collect())
    }

    fn record_at(&self, seq: i64) -> Result<AuditRecord, Failure> {
        self.0.log.record(seq)?.ok_or_else(|| {
            Failure::new(
                FailureCode::NotFound,
                format!("There is no record {seq}."),
                "List the records with `prokura audit list`. The oldest may be in an archive.",
            )
        })
    }

    fn query_of(&self, filter: AuditFilter) -> Result<RecordQuery, Failure> {
        let now = self.0.delegation.moment();
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let moment = |text: Option<String>| given(text).map(|text| moment(&text, now)).transpose();
        Ok(RecordQuery {
            search: given(filter.search),
            agent: given(filter.agent),
            server: given(filter.server),
            account: given(filter.account),
            target: given(filter.target),
            decision: given(filter.decision),
            kind: given(filter.kind),
            call: given(filter.call),
            session: given(filter.session),
            trace: given(filter.trace),
            since: moment(filter.since)?,
            until: moment(filter.until)?,
            ..RecordQuery::default()
        })
    }

    /// What was kept of a call, or why nothing can be shown.
    fn kept_of_call(&self, call: &str, part: &str, records: &[AuditRecord]) -> PayloadView {
        let nothing = |note: &str| PayloadView { text: None, note: Some(note.to_owned()) };
        let said = |member: &str| {
            records.iter().rev().find_map(|record| {
                let body: Value = serde_json::from_str(&record.body).ok()?;
                body.pointer(&format!("/detail/{part}_{member}")).cloned()
            })
        };
        match self.0.log.payload(call, part) {
            Ok(Some(bytes)) => {
                let text = String::from_utf8_lossy(bytes.get(..LONGEST).unwrap_or(&bytes));
                let mut notes = Vec::new();
                if bytes.len() > LONGEST || said("kept_bytes").is_some() {
                    notes.push("Only the beginning is shown; it was too long to keep.".to_owned());
                }
                if let Some(places) = said("masked").as_ref().and_then(Value::as_array) {
                    let places: Vec<&str> = places.iter().filter_map(Value::as_str).collect();
                    notes
                        .push(format!("Not kept, because it looks secret: {}.", places.join(", ")));
                }
                let note = (!notes.is_empty()).then(|| notes.join(" "));
                PayloadView { text: Some(pieces(&text)), note }
            }
            Ok(None) if said("digest").is_some() => nothing(
                "Only a digest of it is kept: the level of its server, or its age, says so.",
            ),
            Ok(None) => nothing("There was none."),
            Err(error) => nothing(&format!("It cannot be shown: {error}.")),
        }
    }
}

/// What belongs to a call: its trace, else its session, else what its agent did about that time.
fn beside(records: &[AuditRecord], body: &Value, at: Timestamp) -> (&'static str, RecordQuery) {
    let bodies: Vec<Value> =
        records.iter().filter_map(|record| serde_json::from_str(&record.body).ok()).collect();
    let text = |pointer: &str| {
        let found = bodies.iter().chain([body]).find_map(|body| body.pointer(pointer)?.as_str());
        found.map(str::to_owned)
    };
    let query =
        RecordQuery { limit: BESIDE, kind: Some("call".to_owned()), ..RecordQuery::default() };
    if let Some(trace) = text("/trace") {
        return ("trace", RecordQuery { trace: Some(trace), ..query });
    }
    if let Some(session) = text("/detail/session") {
        return ("session", RecordQuery { session: Some(session), ..query });
    }
    let (since, until) = (Timestamp(at.0 - ABOUT_MS), Timestamp(at.0 + ABOUT_MS));
    let agent = text("/agent/id");
    ("time", RecordQuery { agent, since: Some(since), until: Some(until), ..query })
}

fn named(names: &[(String, String)], id: &str) -> Option<Named> {
    names
        .iter()
        .find(|(known, _)| known == id)
        .map(|(id, name)| Named { id: id.clone(), name: name.clone() })
}

/// RFC 3339, or a time ago such as `8h`.
pub(super) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Some(seconds) = seconds_in(text) {
        return Ok(now.plus_seconds(-seconds));
    }
    text.parse().map_err(|_| {
        Failure::new(
            FailureCode::BadRequest,
            format!("\"{text}\" is not a time."),
            "Write 2026-11-23T09:00:00Z, or a time ago such as 8h or 30d.",
        )
    })
}

/// Does what may block away from the threads that carry Calls.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| {
        Failure::from(DelegationError::Store(StoreError::AuditBroken(error.to_string())))
    })??)
}

fn verdict_view(verdict: Verdict) -> VerifyView {
    VerifyView {
        ok: verdict.faults.is_empty(),
        records: verdict.records,
        faults: verdict.faults,
        notes: verdict.notes,
    }
}

pub(super) fn view(record: &AuditRecord) -> RecordView {
    let body: Value = serde_json::from_str(&record.body).unwrap_or(Value::Null);
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let named = |name: &str| {
        Some(Named { id: text(&format!("/{name}/id"))?, name: text(&format!("/{name}/name"))? })
    };
    RecordView {
        id: record.seq.to_string(),
        seq: record.seq,
        at: shown(record.at),
        kind: record.kind.clone(),
        v: record.v,
        call: text("/call"),
        trace: text("/trace"),
        agent: named("agent"),
        server: named("server"),
        account: named("account"),
        target_kind: text("/target/kind"),
        target: text("/target/name"),
        detail: body.get("detail").cloned().unwrap_or(Value::Null),
        hash: record.hash.to_string(),
        prev: record.prev.to_string(),
    }
}
