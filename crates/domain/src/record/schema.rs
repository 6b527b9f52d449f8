//! The form of records as JSON Schema: what each kind says, and since which version. `docs/audit.schema.json` is this text.

use crate::json::Json;
use crate::record::{RECORD_VERSION, RecordKind};

/// What the details of a kind can hold: names and JSON types. Others may come; readers leave them alone.
const DETAILS: &[(&str, &[(&str, &str)])] = &[
    ("log.opened", &[("log_id", "string")]),
    ("host.started", &[("http", "string")]),
    ("host.recovered", &[("outcome_unknown", "array")]),
    ("host.paused", &[("calls_cancelled", "integer"), ("questions_dropped", "integer")]),
    (
        "call.intent",
        &[
            ("method", "string"),
            ("class", "string"),
            ("pin", "string"),
            ("labels", "string"),
            ("question", "string"),
            ("generation", "integer"),
            ("charged", "array"),
            ("why", "array"),
            ("era", "string"),
            ("revision", "string"),
            ("session", "string"),
            ("bytes", "integer"),
            ("arguments_digest", "string"),
            ("arguments_masked", "array"),
            ("arguments_kept_bytes", "integer"),
            ("arguments_kept_digest", "string"),
            ("payload", "string"),
        ],
    ),
    (
        "call.outcome",
        &[
            ("result", "string"),
            ("status", "integer"),
            ("told", "string"),
            ("bytes", "integer"),
            ("ms", "integer"),
            ("result_digest", "string"),
            ("result_masked", "array"),
            ("result_kept_bytes", "integer"),
            ("result_kept_digest", "string"),
            ("payload", "string"),
        ],
    ),
    ("call.refused", &[("method", "string"), ("why", "array"), ("arguments_digest", "string")]),
    ("request.refused", &[("why", "string")]),
    (
        "question.raised",
        &[
            ("question", "string"),
            ("kind", "string"),
            ("why", "array"),
            ("level", "string"),
            ("expires_at", "string"),
        ],
    ),
    (
        "question.settled",
        &[
            ("question", "string"),
            ("answer", "string"),
            ("action", "string"),
            ("content_bytes", "integer"),
            ("note", "string"),
            ("level", "string"),
            ("after_ms", "integer"),
        ],
    ),
    ("server.added", &[("endpoint", "string"), ("plan", "object")]),
    ("server.changed", &[("plan", "object")]),
    ("server.start_approved", &[("question", "string"), ("plan", "object"), ("digest", "string")]),
    ("server.started", &[("pid", "integer"), ("program", "string")]),
    ("server.stopped", &[("pid", "integer"), ("reason", "string")]),
    ("server.crashed", &[("pid", "integer"), ("reason", "string"), ("given_up", "boolean")]),
    ("server.start_failed", &[("reason", "string")]),
    ("server.removed", &[("grants_closed", "integer"), ("sign_outs", "array")]),
    ("token.refreshed", &[("scopes", "string"), ("expires_at", "string"), ("rotated", "boolean")]),
    ("token.failed", &[("during", "string"), ("reason", "string")]),
    ("token.revoked", &[("revoked", "boolean"), ("told", "string")]),
    ("tool.pinned", &[("tools", "array")]),
    ("tool.changed", &[("tools", "array")]),
    ("tool.accepted", &[("tool", "string"), ("before", "string"), ("digest", "string")]),
    ("tool.classified", &[("tool", "string"), ("class", "string"), ("labels", "string")]),
    (
        "agent.revoked",
        &[
            ("calls_cancelled", "integer"),
            ("questions_dropped", "integer"),
            ("grants_closed", "integer"),
        ],
    ),
    (
        "grant.added",
        &[
            ("grant", "string"),
            ("grant_target", "string"),
            ("effect", "string"),
            ("same_arguments", "boolean"),
            ("budget", "string"),
        ],
    ),
    (
        "grant.changed",
        &[
            ("grant", "string"),
            ("grant_target", "string"),
            ("effect", "string"),
            ("until", "string"),
        ],
    ),
    (
        "grant.revoked",
        &[("grant", "string"), ("grant_target", "string"), ("calls_cancelled", "integer")],
    ),
    ("log.exported", &[("format", "string")]),
    (
        "log.verified",
        &[("whole_log", "boolean"), ("ok", "boolean"), ("records", "integer"), ("faults", "array")],
    ),
    ("setting.changed", &[("setting", "string"), ("was", "string"), ("is", "string")]),
    (
        "log.payloads_deleted",
        &[
            ("payloads", "integer"),
            ("bytes", "integer"),
            ("before", "string"),
            ("most_bytes", "integer"),
        ],
    ),
    (
        "log.segment_closed",
        &[
            ("first", "integer"),
            ("last", "integer"),
            ("hash", "string"),
            ("file", "string"),
            ("file_sha256", "string"),
        ],
    ),
    ("wish.refused", &[("wish", "string"), ("why", "string")]),
];

/// The schema of a stored record: what the hash is taken of, without `log_id`.
#[must_use]
pub fn schema() -> Json {
    let kinds = RecordKind::ALL.iter().map(|kind| Json::text(kind.as_str())).collect();
    let details = RecordKind::ALL.iter().map(|kind| detail_of(*kind)).collect();
    let party = Json::object([
        ("type", Json::text("object")),
        ("required", texts(&["id", "name"])),
        ("properties", Json::object([("id", of_type("string")), ("name", of_type("string"))])),
    ]);
    let target = Json::object([
        ("type", Json::text("object")),
        ("required", texts(&["kind", "name"])),
        ("properties", Json::object([("kind", of_type("string")), ("name", of_type("string"))])),
    ]);
    let trace =
        Json::object([("type", Json::text("string")), ("pattern", Json::text("^[0-9a-f]{32}$"))]);
    let body = Json::object([
        ("type", Json::text("object")),
        ("required", texts(&["detail"])),
        (
            "properties",
            Json::object([
                ("call", of_type("string")),
                ("agent", party.clone()),
                ("server", party.clone()),
                ("account", party),
                ("target", target),
                ("trace", trace),
                ("detail", of_type("object")),
            ]),
        ),
    ]);
    let version = Json::object([
        ("type", Json::text("integer")),
        ("minimum", Json::from(1i64)),
        ("maximum", Json::from(i64::from(RECORD_VERSION))),
    ]);
    let properties = Json::object([
        ("seq", Json::object([("type", Json::text("integer")), ("minimum", Json::from(1i64))])),
        ("at", of_type("integer")),
        ("kind", Json::object([("enum", Json::Array(kinds))])),
        ("v", version),
        ("body", body),
    ]);
    Json::object([
        ("$schema", Json::text("https://json-schema.org/draft/2020-12/schema")),
        ("title", Json::text("A record of Prokura's audit log")),
        ("type", Json::text("object")),
        ("required", texts(&["seq", "at", "kind", "v", "body"])),
        ("properties", properties),
        ("allOf", Json::Array(details)),
    ])
}

/// A member that is absent is `null`.
fn detail_of(kind: RecordKind) -> Json {
    let members = DETAILS.iter().find(|(word, _)| *word == kind.as_str());
    let members = members.map_or(&[][..], |(_, members)| *members).iter();
    let properties =
        members.map(|(name, word)| (*name, Json::object([("type", texts(&[word, "null"]))])));
    let nested =
        |name: &str, inner: Json| Json::object([("properties", Json::object([(name, inner)]))]);
    let of_kind = Json::object([("const", Json::text(kind.as_str()))]);
    let detail = Json::object([("properties", Json::object(properties))]);
    Json::object([
        ("if", nested("kind", of_kind)),
        ("then", nested("body", nested("detail", detail))),
    ])
}

fn of_type(word: &str) -> Json {
    Json::object([("type", Json::text(word))])
}

fn texts(words: &[&str]) -> Json {
    Json::Array(words.iter().map(|word| Json::text(*word)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;

    /// `PROKURA_WRITE_TYPES=1` writes it.
    #[test]
    fn the_schema_in_the_documentation_is_this_one_and_every_kind_is_told() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let file = docs.join("audit.schema.json");
        let value: serde_json::Value = serde_json::from_str(&schema().to_text()).unwrap();
        let text = format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
        if std::env::var_os("PROKURA_WRITE_TYPES").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert!(std::fs::read_to_string(&file).unwrap() == text, "docs/audit.schema.json differs");
        let told = std::fs::read_to_string(docs.join("audit.md")).unwrap();
        for kind in RecordKind::ALL {
            assert!(
                told.contains(&format!("`{}`", kind.as_str())),
                "docs/audit.md does not tell {}",
                kind.as_str()
            );
        }
        for (kind, _) in DETAILS {
            assert!(RecordKind::from_text(kind).is_some(), "{kind} is no kind");
        }
    }
}
