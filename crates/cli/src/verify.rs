//! Verifying a log without a running Host.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::view::VerifyView;
use prokura_api::{Failure, FailureCode};
use prokura_store::verify_file;
use prokura_vault::read_anchor_file;

use crate::show;

pub fn file(path: &Path, anchor: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    let anchor = match anchor {
        Some(anchor) => Some(
            read_anchor_file(anchor)
                .map_err(|error| {
                    Failure::new(
                        FailureCode::BadRequest,
                        format!("{error}."),
                        "Leave --anchor out to verify the file by itself.",
                    )
                })?
                .anchor,
        ),
        None => None,
    };
    let verdict = verify_file(path, anchor)?;
    let view = VerifyView {
        ok: verdict.faults.is_empty(),
        records: verdict.records,
        faults: verdict.faults,
        notes: verdict.notes,
    };
    shown(&view, json)
}

/// Exit code 1 when the log is not whole.
pub fn shown(view: &VerifyView, json: bool) -> Result<ExitCode, Failure> {
    let value = serde_json::to_value(view).map_err(|error| {
        Failure::new(FailureCode::Internal, error.to_string(), "Report this as a bug.")
    })?;
    show::print(&value, json);
    Ok(if view.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
