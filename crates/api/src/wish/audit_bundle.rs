//! Taking records out as signed evidence: a folder beside its later name, sealed, then put there.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use prokura_domain::AuditRecord;
use prokura_store::{Evidence, Log, StoreError};

use super::audit::view;
use super::audit_save::begin;
use super::shown;
use crate::Api;
use crate::audit::{RecordView, SavedView};
use crate::evidence::{self, About, Leaf, PAGE};
use crate::failure::{Failure, FailureCode};

impl Api {
    /// Writes the records from `first` to `last` (all where nothing is said) into a folder in the data folder, with their
    /// checkpoints, pages to read them, and a signature over everything. It is recorded before it begins.
    ///
    /// # Errors
    /// [`Failure`] when there are no such records, the Vault is locked, or the folder cannot be written.
    pub async fn audit_bundle(
        &self,
        first: Option<i64>,
        last: Option<i64>,
    ) -> Result<SavedView, Failure> {
        self.note_export("evidence").await?;
        let path = self.export_path("evidence");
        let at = shown(self.0.delegation.moment());
        let (log, place) = (self.0.log.clone(), path.clone());
        let done = tokio::task::spawn_blocking(move || save(&log, (first, last), at, &place)).await;
        let records = done.map_err(|error| Failure::from(io::Error::other(error)))??;
        Ok(SavedView { path: path.display().to_string(), records })
    }
}

fn save(
    log: &Log,
    range: (Option<i64>, Option<i64>),
    at: String,
    path: &Path,
) -> Result<i64, Failure> {
    let draft = path.with_extension("part");
    make_private(&draft)?;
    let written = write(log, range, at, &draft);
    if written.is_err() {
        // What is not sealed is no evidence.
        let _ = fs::remove_dir_all(&draft);
    }
    let evidence = written?;
    fs::rename(&draft, path)?;
    Ok(evidence.last - evidence.first + 1)
}

fn write(
    log: &Log,
    range: (Option<i64>, Option<i64>),
    at: String,
    folder: &Path,
) -> Result<Evidence, Failure> {
    let mut book = Book { folder, open: Vec::new(), leaves: Vec::new() };
    let evidence =
        log.write_evidence(folder, range, &mut |record| book.add(record)).map_err(told)?;
    book.turn(false)?;
    let about = About {
        log_id: evidence.log_id.clone(),
        first: evidence.first,
        last: evidence.last,
        key: evidence.key.clone(),
        at,
    };
    put(folder, "index.html", &evidence::index(&about, &book.leaves))?;
    put(folder, "README.txt", &evidence::readme(&about))?;
    log.seal_evidence(folder, &evidence).map_err(told)?;
    Ok(evidence)
}

/// The pages that are being written: a page is kept until it is known whether another comes after it.
struct Book<'a> {
    folder: &'a Path,
    open: Vec<RecordView>,
    leaves: Vec<Leaf>,
}

impl Book<'_> {
    fn add(&mut self, record: &AuditRecord) -> io::Result<()> {
        if self.open.len() >= PAGE {
            self.turn(true)?;
        }
        self.open.push(view(record));
        Ok(())
    }

    fn turn(&mut self, more: bool) -> io::Result<()> {
        let (Some(first), Some(last)) = (self.open.first(), self.open.last()) else {
            return Ok(());
        };
        let (since, until) = (first.at.clone(), last.at.clone());
        self.leaves.push(Leaf { first: first.seq, last: last.seq, since, until });
        let number = self.leaves.len();
        let page = evidence::leaf(number, &self.open, more);
        self.open.clear();
        put(self.folder, &evidence::leaf_name(number), &page)
    }
}

fn put(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = folder.join(name);
    let (draft, mut out) = begin(&path)?;
    out.write_all(text.as_bytes())?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(draft, path)
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn told(fault: StoreError) -> Failure {
    if let StoreError::NoSuch(_) = fault {
        return Failure::new(
            FailureCode::NotFound,
            "There are no such records.",
            "See the newest with `prokura audit list`; the first number has to be the smaller one.",
        );
    }
    fault.into()
}
