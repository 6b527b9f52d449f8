//! Verifying a log without a running Host.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::view::VerifyView;
use prokura_api::{Failure, FailureCode};
use prokura_domain::Digest;
use prokura_store::{verify_evidence, verify_file_by};
use prokura_vault::read_anchor_file;

use crate::show;

pub fn file(
    path: &Path,
    anchor: Option<&Path>,
    key: Option<&str>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let key = key.map(key_of).transpose()?;
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
    let verdict = if path.is_dir() {
        verify_evidence(path, anchor.as_ref(), key)?
    } else {
        verify_file_by(path, anchor, key)?
    };
    let view = VerifyView {
        ok: verdict.faults.is_empty(),
        records: verdict.records,
        faults: verdict.faults,
        notes: verdict.notes,
    };
    shown(&view, json)
}

/// A public key as it is shown: 64 hexadecimal digits.
fn key_of(text: &str) -> Result<[u8; 32], Failure> {
    Digest::from_hex(text).map(|key| key.0).ok_or_else(|| {
        Failure::new(
            FailureCode::BadRequest,
            "The key has not 64 hexadecimal digits.",
            "Give the key that an earlier verification named.",
        )
    })
}

/// Exit code 1 when the log is not whole.
pub fn shown(view: &VerifyView, json: bool) -> Result<ExitCode, Failure> {
    let value = serde_json::to_value(view).map_err(|error| {
        Failure::new(FailureCode::Internal, error.to_string(), "Report this as a bug.")
    })?;
    show::print(&value, json);
    Ok(if view.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
