//! Taking the log out as a file: written beside its name, readable by its owner only, then put there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use prokura_domain::{AuditRecord, Durability, Event, Json, RecordKind};
use prokura_store::Log;

use super::audit::view;
use super::shown;
use crate::Api;
use crate::audit::SavedView;
use crate::export::{self, Format};
use crate::failure::{Failure, FailureCode};

/// The folder in the data folder that exports go to.
const FOLDER: &str = "exports";

impl Api {
    /// Writes every record into a file in the data folder, or as evidence into a folder there. The export is recorded before it begins.
    ///
    /// # Errors
    /// [`Failure`] when there is no such form, or the file cannot be written.
    pub async fn audit_save(&self, format: String) -> Result<SavedView, Failure> {
        if format == "evidence" {
            return self.audit_bundle(None, None).await;
        }
        let (form, ending) = match format.as_str() {
            "jsonl" => (Format::Jsonl, "jsonl"),
            "csv" => (Format::Csv, "csv"),
            "ocsf" => (Format::Ocsf, "ocsf.jsonl"),
            _ => {
                return Err(Failure::new(
                    FailureCode::BadRequest,
                    format!("There is no form \"{format}\"."),
                    "Forms are jsonl, csv, ocsf and evidence.",
                ));
            }
        };
        self.note_export(&format).await?;
        let path = self.export_path(ending);
        let log = self.0.log.clone();
        let place = path.clone();
        let done = tokio::task::spawn_blocking(move || save(&log, form, &place)).await;
        let records = done.map_err(|error| Failure::from(io::Error::other(error)))??;
        Ok(SavedView { path: path.display().to_string(), records })
    }

    /// The number of the record that says so.
    pub(super) async fn note_export(&self, format: &str) -> Result<i64, Failure> {
        let event =
            Event::new(RecordKind::LogExported, Json::object([("format", Json::text(format))]));
        Ok(self.0.log.append(event, Durability::Logged).await?)
    }

    /// A new name in the folder of exports.
    pub(super) fn export_path(&self, ending: &str) -> PathBuf {
        let now: String = shown(self.0.delegation.moment())
            .chars()
            .map(|sign| if sign == ':' || sign == '.' { '-' } else { sign })
            .collect();
        Path::new(&self.0.surroundings.data()).join(FOLDER).join(format!("audit-{now}.{ending}"))
    }
}

fn save(log: &Log, form: Format, path: &Path) -> Result<i64, Failure> {
    let (draft, mut out) = begin(path)?;
    out.write_all(export::head(form).as_bytes())?;
    let mut count = 0;
    let mut fault = None;
    log.each(&mut |record: AuditRecord| {
        count += 1;
        fault = out.write_all(export::line(form, &view(&record)).as_bytes()).err();
        fault.is_none()
    })?;
    fault.map_or(Ok(()), Err)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(draft, path)?;
    Ok(count)
}

/// A file beside its later name that only its owner can read.
pub(super) fn begin(path: &Path) -> io::Result<(PathBuf, BufWriter<File>)> {
    let draft = path.with_extension("part");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(&draft)?;
    Ok((draft, BufWriter::new(file)))
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(
            FailureCode::Internal,
            format!("The file cannot be written: {error}."),
            "Free space on the disk, or make the data folder writable.",
        )
    }
}
