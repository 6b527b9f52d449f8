//! Reading and replacing one settings file. It must never leave half a file, widen who may read it, or replace a link by a
//! file.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::WiringError;

fn fault<'a>(file: &'a Path, what: &'static str) -> impl Fn(std::io::Error) -> WiringError + 'a {
    move |source| WiringError::File { file: file.to_owned(), what, source }
}

/// The text of a file; none where there is no file.
pub(crate) fn read(file: &Path) -> Result<Option<String>, WiringError> {
    match fs::read(file) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| WiringError::Unreadable {
            file: file.to_owned(),
            reason: "it is not UTF-8 text".into(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(file, "read")(error)),
    }
}

/// Where the text really lives: people keep such files as links into a folder of their own.
fn target(file: &Path) -> Result<PathBuf, WiringError> {
    match fs::canonicalize(file) {
        Ok(real) => Ok(real),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(file.to_owned()),
        Err(error) => Err(fault(file, "read")(error)),
    }
}

/// Puts `text` in the place of the file at once, with the permissions it had; a new file is the person's alone.
pub(crate) fn replace(file: &Path, text: &str) -> Result<(), WiringError> {
    let real = target(file)?;
    let folder = real.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder).map_err(fault(file, "written"))?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(fault(file, "written"))?;
    fresh.write_all(text.as_bytes()).map_err(fault(file, "written"))?;
    if let Ok(old) = fs::metadata(&real) {
        fs::set_permissions(fresh.path(), old.permissions()).map_err(fault(file, "written"))?;
    }
    fresh.as_file().sync_all().map_err(fault(file, "written"))?;
    fresh.persist(&real).map_err(|error| fault(file, "written")(error.error))?;
    Ok(())
}

/// Takes away a file that Prokura made.
pub(crate) fn remove(file: &Path) -> Result<(), WiringError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(fault(file, "removed")(error)),
        _ => Ok(()),
    }
}
