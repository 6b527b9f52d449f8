//! The audit log.

use prokura_domain::{AuditRecord, Durability, Event, Json, RecordKind};
use prokura_store::RecordQuery;
use serde_json::Value;

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::view::{Named, RecordView, VerifyView};

/// Records in one answer at most.
const MOST: u32 = 1000;

impl Api {
    /// The newest records, newest first.
    ///
    /// # Errors
    /// [`Failure`] when the log cannot be read.
    pub async fn audit(
        &self,
        limit: u32,
        before: Option<i64>,
        search: Option<String>,
    ) -> Result<Vec<RecordView>, Failure> {
        let search = search.filter(|text| !text.trim().is_empty());
        let query = RecordQuery { limit: limit.clamp(1, MOST), before, search };
        Ok(self.0.log.records(&query)?.iter().map(view).collect())
    }

    /// One record.
    ///
    /// # Errors
    /// [`Failure`] when there is no such record.
    pub async fn audit_show(&self, seq: i64) -> Result<RecordView, Failure> {
        self.0.log.record(seq)?.as_ref().map(view).ok_or_else(|| {
            Failure::new(
                FailureCode::NotFound,
                format!("There is no record {seq}."),
                "List the records with `prokura audit list`.",
            )
        })
    }

    /// Verifies the running log against its chain, its checkpoints and its anchor.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be read.
    pub async fn audit_verify(&self) -> Result<VerifyView, Failure> {
        let log = self.0.log.clone();
        let verdict =
            tokio::task::spawn_blocking(move || log.verify()).await.map_err(|error| {
                Failure::new(FailureCode::Internal, error.to_string(), "Try again.")
            })??;
        Ok(VerifyView {
            ok: verdict.faults.is_empty(),
            records: verdict.records,
            faults: verdict.faults,
            notes: verdict.notes,
        })
    }

    /// Every record, oldest first. The export itself is recorded.
    ///
    /// # Errors
    /// [`Failure`] when the log cannot be read or written.
    pub async fn audit_export(&self) -> Result<Vec<RecordView>, Failure> {
        let event = Event::new(RecordKind::LogExported, Json::object::<String>([]));
        self.0.log.append(event, Durability::Logged).await?;
        let mut records = Vec::new();
        self.0.log.each(&mut |record| {
            records.push(view(&record));
            true
        })?;
        Ok(records)
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
        call: text("/call"),
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
