//! The wishes about the audit log.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::audit::{AuditFilter, AuditMask};

/// What can be wished for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "what")]
#[ts(export_to = "Request.ts")]
pub enum AuditWish {
    /// Records, newest first.
    List {
        /// At most so many.
        limit: u32,
        /// Only records before this sequence number.
        #[ts(type = "number | null")]
        before: Option<i64>,
        /// Which ones.
        #[serde(default)]
        filter: AuditFilter,
    },
    /// One record.
    Show {
        /// Its sequence number.
        #[ts(type = "number")]
        seq: i64,
    },
    /// The call a record belongs to: all its records, what was kept of it, and what went on beside it.
    Call {
        /// The sequence number of one of its records.
        #[ts(type = "number")]
        seq: i64,
    },
    /// How much happened, day by day.
    Days {
        /// Up to today, so many days.
        days: u32,
    },
    /// What an agent touched.
    Touched {
        /// Its name or id.
        agent: String,
    },
    /// How the log stands, and how it is kept.
    Status,
    /// Change how the log is kept.
    Set {
        /// `keep-days`, `keep-mib`, `payload-kib` or `archive-days`.
        name: String,
        /// The value; 0 is without limit.
        value: String,
    },
    /// Say what is kept of the calls to a server.
    Level {
        /// The server's name or id.
        server: String,
        /// `digest`, `arguments` or `arguments_and_results`.
        level: String,
    },
    /// Never keep what is at a place in the arguments of a tool, or keep it again.
    Mask {
        /// The place.
        mask: AuditMask,
        /// Whether it is kept again.
        remove: bool,
    },
    /// Remember a filter under a name, or forget it.
    FilterSave {
        /// The name.
        name: String,
        /// The filter; `null` forgets it.
        filter: Option<AuditFilter>,
    },
    /// Delete payloads and archive records now, as it is set.
    Care,
    /// Close records as a segment and move them into an archive.
    Archive {
        /// Those from before this moment: RFC 3339, or a time ago such as `90d`.
        before: String,
    },
    /// Verify the running log.
    Verify,
    /// Records, oldest first, a page at a time; the first page is recorded as an export.
    Export {
        /// Only records after this sequence number; omitted for the first page.
        #[ts(type = "number | null")]
        after: Option<i64>,
    },
    /// Write every record into a file in the data folder.
    Save {
        /// `jsonl`, `csv`, `ocsf` or `evidence`.
        format: String,
    },
    /// Write records as signed evidence into a folder in the data folder.
    Bundle {
        /// The first; omitted: the first of the log.
        #[ts(type = "number | null")]
        first: Option<i64>,
        /// The last; omitted: the newest.
        #[ts(type = "number | null")]
        last: Option<i64>,
    },
}
