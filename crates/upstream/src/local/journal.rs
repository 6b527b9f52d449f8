//! What a local Server writes to standard error, and on standard output where it is no MCP: kept for the person in a file
//! that cannot grow without end, private to them. What looks like a secret is masked, and its own secrets are by value.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use prokura_account::Secret;

/// At this size a file makes room for the next; one older file is kept.
const MOST: u64 = 1024 * 1024;
/// The longest line that is kept whole.
const LONGEST: usize = 8 * 1024;
/// What is shown of it: the newest.
const SHOWN: u64 = 64 * 1024;
/// A secret that is shorter would be found everywhere.
const SHORTEST: usize = 4;

pub(super) struct Journal {
    path: PathBuf,
    mask: fn(&str) -> Option<String>,
    open: Mutex<Option<(File, u64)>>,
}

impl Journal {
    pub fn at(path: PathBuf, mask: fn(&str) -> Option<String>) -> Self {
        Self { path, mask, open: Mutex::default() }
    }

    /// Keeps one line. A disk that is full loses it; nothing else depends on it.
    pub fn keep(&self, line: &[u8], secrets: &[(String, Secret)]) {
        let cut = line.get(..LONGEST).unwrap_or(line);
        let mut text = String::from_utf8_lossy(cut).trim_end().to_owned();
        for (name, secret) in secrets.iter().filter(|(_, value)| value.expose().len() >= SHORTEST) {
            text = text.replace(secret.expose(), &format!("[{name}]"));
        }
        if let Some(masked) = (self.mask)(&text) {
            text = masked;
        }
        if cut.len() < line.len() {
            text.push_str(" […]");
        }
        text.push('\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.append(&mut open, text.as_bytes()) {
            tracing::debug!(%error, "a line of a local server could not be kept");
        }
    }

    fn append(&self, open: &mut Option<(File, u64)>, bytes: &[u8]) -> std::io::Result<()> {
        if open.as_ref().is_some_and(|(_, size)| *size > MOST) {
            *open = None;
            fs::rename(&self.path, older(&self.path))?;
        }
        if open.is_none() {
            if let Some(folder) = self.path.parent() {
                private_folder(folder)?;
            }
            let file = private_file(&self.path)?;
            let size = file.metadata()?.len();
            *open = Some((file, size));
        }
        if let Some((file, size)) = open {
            file.write_all(bytes)?;
            *size += bytes.len() as u64;
        }
        Ok(())
    }
}

/// The end of what was kept.
pub(super) fn newest(path: &Path) -> String {
    let tail = |path: &Path, most: u64| -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let now = tail(path, SHOWN).unwrap_or_default();
    let room = SHOWN.saturating_sub(now.len() as u64);
    match tail(&older(path), room) {
        Ok(before) if room > 0 => format!("{before}{now}"),
        Ok(_) | Err(_) => now,
    }
}

/// Forgets what was kept.
pub(super) fn remove(path: &Path) {
    for file in [path.to_owned(), older(path)] {
        // It may never have written anything.
        let _ = fs::remove_file(file);
    }
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
