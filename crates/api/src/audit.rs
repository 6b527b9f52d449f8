//! What is asked and shown about the audit log, beside its records.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::{Named, Piece};

/// Which records are wanted. Everything that is given has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "Request.ts")]
pub struct AuditFilter {
    /// Beginnings of words in names, targets, kinds, methods, results and rules; all of them.
    pub search: Option<String>,
    /// An agent's name or id.
    pub agent: Option<String>,
    /// A server's name or id.
    pub server: Option<String>,
    /// An account's name or id.
    pub account: Option<String>,
    /// A tool, URI, prompt or method, in full.
    pub target: Option<String>,
    /// `allowed`, `asked`, `denied` or `failed`.
    pub decision: Option<String>,
    /// A kind such as `call.intent`, or all of a topic, such as `call`.
    pub kind: Option<String>,
    /// A call's id.
    pub call: Option<String>,
    /// A session, as records name it.
    pub session: Option<String>,
    /// A W3C trace id.
    pub trace: Option<String>,
    /// Not before: RFC 3339, or a time ago such as `8h` or `30d`.
    pub since: Option<String>,
    /// Not after: RFC 3339, or a time ago.
    pub until: Option<String>,
}

/// A place in the arguments of a tool that is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AuditMask {
    /// The server's name; `null` for all.
    pub server: Option<String>,
    /// The tool; `null` for all.
    pub tool: Option<String>,
    /// An RFC 6901 pointer into its arguments.
    pub pointer: String,
}

/// A record of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct RecordView {
    /// Its sequence number as text.
    pub id: String,
    /// Its sequence number.
    #[ts(type = "number")]
    pub seq: i64,
    /// When, RFC 3339.
    pub at: String,
    /// What it tells, such as `call.intent`.
    pub kind: String,
    /// The version of its form.
    #[serde(default)]
    pub v: u32,
    /// The call it belongs to.
    pub call: Option<String>,
    /// The W3C trace id its agent sent.
    #[serde(default)]
    pub trace: Option<String>,
    /// The agent.
    pub agent: Option<Named>,
    /// The server.
    pub server: Option<Named>,
    /// The account.
    pub account: Option<Named>,
    /// `tool`, `resource`, `prompt` or `method`.
    pub target_kind: Option<String>,
    /// The target's name.
    pub target: Option<String>,
    /// Everything else it says.
    #[ts(type = "Record<string, unknown>")]
    pub detail: serde_json::Value,
    /// Its hash.
    pub hash: String,
    /// The hash before it.
    pub prev: String,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct VerifyView {
    /// Whether the log is whole.
    pub ok: bool,
    /// How many records were read.
    #[ts(type = "number")]
    pub records: i64,
    /// What is wrong, and where.
    pub faults: Vec<String>,
    /// What could not be checked, such as a missing anchor.
    pub notes: Vec<String>,
}

/// What was kept of the arguments or the result of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct PayloadView {
    /// The text that was kept, in pieces; `null` where nothing was.
    pub text: Option<Vec<Piece>>,
    /// Why nothing is shown, or what is missing of it; `null` where all is there.
    pub note: Option<String>,
}

/// A call with everything the log knows of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct CallView {
    /// The call's id.
    pub call: String,
    /// Its records, oldest first.
    pub records: Vec<RecordView>,
    /// Its arguments.
    pub arguments: PayloadView,
    /// Its result.
    pub result: PayloadView,
    /// What makes others belong to it: `trace`, `session` or `time`.
    pub beside_by: String,
    /// Records of other calls of the same trace or session, else of the same agent about that time; newest first.
    pub beside: Vec<RecordView>,
}

/// How much happened on a day, by one agent or about none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct DayView {
    /// The day in UTC, such as `2026-11-23`.
    pub day: String,
    /// The agent; `null` for records about none.
    pub agent: Option<Named>,
    /// All records.
    #[ts(type = "number")]
    pub records: i64,
    /// Calls that were let through.
    #[ts(type = "number")]
    pub calls: i64,
    /// Questions that were raised.
    #[ts(type = "number")]
    pub prompts: i64,
    /// Calls and requests that were refused.
    #[ts(type = "number")]
    pub denials: i64,
    /// What was let through and failed.
    #[ts(type = "number")]
    pub failures: i64,
}

/// What an agent did with one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct TouchedView {
    /// The server.
    pub server: Named,
    /// The tool, URI, prompt or method.
    pub target: String,
    /// Calls that were let through.
    #[ts(type = "number")]
    pub calls: i64,
    /// Calls that were refused.
    #[ts(type = "number")]
    pub denials: i64,
    /// Calls that were let through and failed.
    #[ts(type = "number")]
    pub failures: i64,
    /// When the last was, RFC 3339.
    pub at: String,
    /// The last record of it.
    #[ts(type = "number")]
    pub seq: i64,
}

/// A closed segment of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SegmentView {
    /// Its first record.
    #[ts(type = "number")]
    pub first: i64,
    /// Its last record.
    #[ts(type = "number")]
    pub last: i64,
    /// The name of its file in the archive folder.
    pub file: String,
    /// SHA-256 of that file.
    pub sha256: String,
}

/// A filter with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SavedFilterView {
    /// Its name.
    pub name: String,
    /// The filter.
    pub filter: AuditFilter,
}

/// What is kept of the calls to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct LevelView {
    /// The server.
    pub server: Named,
    /// `digest`, `arguments` or `arguments_and_results`.
    pub level: String,
}

/// Where every record is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct CollectorView {
    /// The address of the OpenTelemetry collector.
    pub url: String,
    /// The newest record that it took; 0 before the first.
    #[ts(type = "number")]
    pub sent: i64,
    /// How many wait for it.
    #[ts(type = "number")]
    pub waiting: i64,
    /// Why it did not take the next ones; `null` while it does.
    pub fault: Option<String>,
    /// How many of those it took it refused for good; they are not sent again.
    #[ts(type = "number")]
    pub refused: i64,
    /// What it said of that.
    pub why: Option<String>,
    /// Why it does not take calls as traces; `null` while it does.
    pub traces: Option<String>,
    /// Why it does not take totals as metrics; `null` while it does.
    pub metrics: Option<String>,
}

/// How the log stands, and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AuditStatusView {
    /// Whether the last look at the chain found it whole; `null` before the first.
    pub ok: Option<bool>,
    /// What the last look found wrong, and where.
    pub faults: Vec<String>,
    /// When that was, RFC 3339.
    pub looked_at: Option<String>,
    /// The oldest record that is not in an archive.
    #[ts(type = "number")]
    pub oldest: i64,
    /// The newest record.
    #[ts(type = "number")]
    pub newest: i64,
    /// How many of the newest records a search does not find yet.
    #[ts(type = "number")]
    pub unindexed: i64,
    /// How many payloads are kept.
    #[ts(type = "number")]
    pub payloads: i64,
    /// How many bytes they take.
    #[ts(type = "number")]
    pub payload_bytes: i64,
    /// Payloads older than so many days are deleted; 0 keeps them.
    pub keep_days: u32,
    /// The oldest payloads are deleted while all take more than so many MiB; 0 keeps them.
    pub keep_mib: u32,
    /// Of a longer payload only so many KiB are kept; 0 keeps all.
    pub payload_kib: u32,
    /// Records older than so many days go into archives; 0 never.
    pub archive_days: u32,
    /// Where every record is sent to; `null` where nowhere.
    pub collector: Option<CollectorView>,
    /// What is kept of the calls to each server.
    pub levels: Vec<LevelView>,
    /// Places that are never kept.
    pub masks: Vec<AuditMask>,
    /// Closed segments, oldest first.
    pub segments: Vec<SegmentView>,
    /// Filters that were remembered.
    pub filters: Vec<SavedFilterView>,
    /// Every agent in the log, removed ones too.
    pub agents: Vec<Named>,
    /// Every server in the log, removed ones too.
    pub servers: Vec<Named>,
    /// Every account in the log, removed ones too.
    pub accounts: Vec<Named>,
}

/// What care for the log did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct CareView {
    /// How many payloads were deleted.
    #[ts(type = "number")]
    pub payloads_deleted: i64,
    /// How many bytes they took.
    #[ts(type = "number")]
    pub bytes_freed: i64,
    /// The segment that was closed.
    pub closed: Option<SegmentView>,
}

/// Where records were written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SavedView {
    /// The file or folder, in the folder `exports` of the data folder.
    pub path: String,
    /// How many records are in it.
    #[ts(type = "number")]
    pub records: i64,
}
