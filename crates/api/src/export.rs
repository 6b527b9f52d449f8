//! Records in the forms that others read. Nothing is left out: what a form has no place for stands in it as it is.

use serde_json::{Value, json};

use crate::view::{Named, RecordView};

/// A form of records, one a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON lines.
    Jsonl,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// OCSF 1.5, class API Activity.
    Ocsf,
}

const COLUMNS: &str = "seq,at,kind,v,call,trace,agent_id,agent,server_id,server,account_id,account,target_kind,target,detail,prev,hash\r\n";

/// The version of OCSF that is written.
const OCSF: &str = "1.5.0";
/// API Activity.
const CLASS: i64 = 6003;

/// What stands before the first record.
#[must_use]
pub fn head(format: Format) -> &'static str {
    match format {
        Format::Jsonl | Format::Ocsf => "",
        Format::Csv => COLUMNS,
    }
}

/// One record with its line end.
#[must_use]
pub fn line(format: Format, record: &RecordView) -> String {
    match format {
        Format::Jsonl => format!("{}\n", serde_json::to_string(record).unwrap_or_default()),
        Format::Csv => csv(record),
        Format::Ocsf => format!("{}\n", ocsf(record)),
    }
}

fn csv(record: &RecordView) -> String {
    let id = |named: &Option<Named>| named.as_ref().map_or(String::new(), |one| one.id.clone());
    let name = |named: &Option<Named>| named.as_ref().map_or(String::new(), |one| one.name.clone());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        record.seq.to_string(),
        record.at.clone(),
        record.kind.clone(),
        record.v.to_string(),
        text(&record.call),
        text(&record.trace),
        id(&record.agent),
        name(&record.agent),
        id(&record.server),
        name(&record.server),
        id(&record.account),
        name(&record.account),
        text(&record.target_kind),
        text(&record.target),
        record.detail.to_string(),
        record.prev.clone(),
        record.hash.clone(),
    ];
    let mut line = cells.map(|cell| quoted(&cell)).join(",");
    line.push_str("\r\n");
    line
}

/// A cell that no spreadsheet takes for a formula: a stranger's text could begin like one.
fn quoted(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if risky { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\n', '\r']) || risky {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

fn ocsf(record: &RecordView) -> Value {
    let detail = |member: &str| record.detail.get(member).and_then(Value::as_str);
    let class = detail("class").unwrap_or_default();
    let activity = activity(&record.kind, class);
    let refused = record.kind.ends_with(".refused");
    let failed = record.kind.ends_with("failed")
        || detail("result")
            .is_some_and(|result| !matches!(result, "ok" | "accepted" | "input_required" | "task"));
    let (status, severity) = match (refused, failed) {
        (true, _) => (2, 3),
        (_, true) => (2, 2),
        (false, false) => (1, 1),
    };
    let party = |named: &Option<Named>| {
        named.as_ref().map(|one| json!({ "uid": one.id, "name": one.name }))
    };
    json!({
        "activity_id": activity,
        "activity_name": if activity == 99 { record.kind.as_str() } else { class },
        "category_uid": 6,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "severity_id": severity,
        "status_id": status,
        "status_detail": detail("result").or(detail("told")),
        "time": millis(&record.at),
        "metadata": {
            "version": OCSF,
            "uid": record.hash,
            "sequence": record.seq,
            "correlation_uid": record.call,
            "trace_uid": record.trace,
            "log_name": "prokura",
            "product": { "name": "Prokura", "vendor_name": "Prokura", "version": env!("CARGO_PKG_VERSION") },
        },
        "actor": {
            "app_name": record.agent.as_ref().map(|agent| agent.name.clone()),
            "app_uid": record.agent.as_ref().map(|agent| agent.id.clone()),
            "user": party(&record.account),
        },
        "api": {
            "operation": record.target.clone().unwrap_or_else(|| record.kind.clone()),
            "service": party(&record.server),
            "request": { "uid": record.call.clone().unwrap_or_else(|| record.hash.clone()) },
        },
        "src_endpoint": { "ip": "127.0.0.1", "name": "localhost" },
        "duration": record.detail.get("ms"),
        "unmapped": {
            "kind": record.kind,
            "v": record.v,
            "target_kind": record.target_kind,
            "detail": record.detail,
            "prev": record.prev,
        },
    })
}

/// Read, update or delete, where the person classed the tool; else "other".
fn activity(kind: &str, class: &str) -> i64 {
    match (kind, class) {
        ("call.intent" | "call.refused", "read") => 2,
        ("call.intent" | "call.refused", "write") => 3,
        ("call.intent" | "call.refused", "destructive") => 4,
        _ => 99,
    }
}

/// Milliseconds since 1970 of a moment in RFC 3339.
fn millis(at: &str) -> i64 {
    at.parse::<prokura_domain::Timestamp>().map_or(0, |moment| moment.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn record() -> RecordView {
        serde_json::from_value(json!({
            "id": "7", "seq": 7, "at": "2026-11-23T09:00:00Z", "kind": "call.intent", "v": 2, "call": "cal_1",
            "trace": null, "agent": { "id": "agt_1", "name": "clerk" }, "server": { "id": "srv_1", "name": "ledger" },
            "account": null, "target_kind": "tool", "target": "=HYPERLINK(\"http://x\")",
            "detail": { "class": "destructive", "method": "tools/call" }, "hash": "ab", "prev": "cd",
        }))
        .unwrap()
    }

    #[test]
    fn a_strangers_name_is_no_formula_in_a_table() {
        let line = line(Format::Csv, &record());
        assert!(line.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{line}");
        assert!(line.ends_with(",cd,ab\r\n"), "{line}");
        let columns = head(Format::Csv).trim_end();
        assert_eq!(columns.split(',').count(), 17);
    }

    #[test]
    fn ocsf_has_what_api_activity_requires_and_loses_nothing() {
        let event: Value = serde_json::from_str(&line(Format::Ocsf, &record())).unwrap();
        for member in [
            "activity_id",
            "actor",
            "api",
            "category_uid",
            "class_uid",
            "metadata",
            "severity_id",
            "src_endpoint",
            "time",
            "type_uid",
        ] {
            assert!(!event[member].is_null(), "{member}");
        }
        assert_eq!(
            (event["type_uid"].as_i64(), event["time"].as_i64()),
            (Some(600_304), Some(1_795_424_400_000))
        );
        assert_eq!(event["unmapped"]["detail"], record().detail);
    }
}
