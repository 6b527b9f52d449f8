//! A change of one settings file: worked out, shown, then written, or not at all. It must never write what was not shown.

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::entry::{Entry, Wire};
use crate::undo::Receipt;
use crate::{Folders, Program, WiringError, file};

/// The name of Prokura's entry.
const NAME: &str = "prokura";

/// What stands in the place of a value that may be secret.
const HIDDEN: &str = "••••••";

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The same before and after.
    Same(String),
    /// Only after.
    Added(String),
    /// Only before.
    Removed(String),
    /// Lines that are the same and not shown.
    Skipped(usize),
}

/// A server that leaves the program's settings.
#[derive(Debug, Clone)]
pub struct Take {
    /// Its name there.
    pub name: String,
    /// What it was.
    pub entry: Entry,
}

/// A change that has not been made yet.
pub struct Change {
    pub(crate) program: &'static Program,
    pub(crate) file: PathBuf,
    /// None where there is no file.
    pub(crate) before: Option<String>,
    /// None where the file goes.
    pub(crate) after: Option<String>,
    pub(crate) takes: Vec<Take>,
    pub(crate) took: Vec<(String, Value)>,
    pub(crate) replaced: Option<Value>,
    pub(crate) secrets: Vec<String>,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change")
            .field("program", &self.program.id)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Program {
    /// Works out how the file would read with Prokura in it, and without the servers that Prokura takes over.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has no such servers, or cannot be changed safely.
    pub fn wire(
        &'static self,
        folders: &Folders,
        wire: &Wire,
        take: &[String],
    ) -> Result<Change, WiringError> {
        let file = self.file(folders);
        let before = file::read(&file)?;
        let place = self.place(&file);
        let empty = if matches!(self.format, crate::Format::Json | crate::Format::Jsonc) {
            "{}\n"
        } else {
            ""
        };
        let text = before.as_deref().filter(|text| !text.trim().is_empty()).unwrap_or(empty);
        let mut document = Document::parse(self.format, text, &file)?;
        let entries = document.entries(&place)?;
        let mut secrets = secrets_of(&entries);
        if let Wire::Http { headers, .. } = wire {
            secrets.extend(headers.iter().map(|(_, value)| value.clone()));
        }
        let find = |name: &str| {
            entries.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone())
        };
        let (mut takes, mut took) = (Vec::new(), Vec::new());
        for name in take.iter().filter(|name| *name != NAME) {
            let value = find(name)
                .ok_or_else(|| WiringError::NoEntry { file: file.clone(), name: name.clone() })?;
            document = document.without(&place, name)?;
            takes.push(Take { name: name.clone(), entry: Entry::read(&value) });
            took.push((name.clone(), value));
        }
        document = document.with(&place, NAME, &wire.entry(self, NAME)?)?;
        let replaced = find(NAME);
        let after = Some(document.text().to_owned());
        Ok(Change {
            program: self,
            before,
            after,
            takes,
            took,
            replaced,
            secrets,
            file: file.clone(),
        })
    }
}

pub(crate) fn secrets_of(entries: &[(String, Value)]) -> Vec<String> {
    let each = entries.iter().map(|(_, value)| Entry::read(value));
    each.flat_map(|entry| entry.secrets().into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

impl Change {
    /// The file it is about.
    #[must_use]
    pub fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// The servers that leave the file.
    #[must_use]
    pub fn takes(&self) -> &[Take] {
        &self.takes
    }

    /// Names exactly this change of exactly this file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            self.file.to_string_lossy().as_ref(),
            or_none(self.before.as_ref()),
            or_none(self.after.as_ref()),
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What changes, line by line, with values that may be secret hidden.
    #[must_use]
    pub fn difference(&self) -> Vec<Line> {
        let before = self.hide(self.before.as_deref().unwrap_or_default());
        let after = self.hide(self.after.as_deref().unwrap_or_default());
        let patch = diffy::create_patch(&before, &after);
        let (mut lines, mut reached) = (Vec::new(), 1);
        for hunk in patch.hunks() {
            let range = hunk.old_range();
            if range.start() > reached {
                lines.push(Line::Skipped(range.start() - reached));
            }
            reached = range.start() + range.len();
            lines.extend(hunk.lines().iter().map(|line| match line {
                diffy::Line::Context(text) => Line::Same(bare(text)),
                diffy::Line::Insert(text) => Line::Added(bare(text)),
                diffy::Line::Delete(text) => Line::Removed(bare(text)),
            }));
        }
        let rest = (before.lines().count() + 1).saturating_sub(reached);
        if rest > 0 && !lines.is_empty() {
            lines.push(Line::Skipped(rest));
        }
        lines
    }

    /// Makes the change, if the file is still the one that was shown.
    ///
    /// # Errors
    ///
    /// `Changed` when it is not; `File` when it cannot be written. Either way the file is as it was.
    pub fn make(self) -> Result<Receipt, WiringError> {
        if file::read(&self.file)? != self.before {
            return Err(WiringError::Changed(self.file));
        }
        match &self.after {
            Some(text) => file::replace(&self.file, text)?,
            None => file::remove(&self.file)?,
        }
        Ok(Receipt::of(self, NAME))
    }

    fn hide(&self, text: &str) -> String {
        // The longest first: one secret may be a part of another.
        let mut secrets: Vec<&String> = self.secrets.iter().filter(|one| one.len() > 3).collect();
        secrets.sort_by_key(|one| std::cmp::Reverse(one.len()));
        secrets.iter().fold(text.to_owned(), |text, secret| {
            let escaped = Value::from(secret.as_str()).to_string();
            let inner = escaped.trim_matches('"').to_owned();
            text.replace(&inner, HIDDEN).replace(secret.as_str(), HIDDEN)
        })
    }
}

fn or_none(text: Option<&String>) -> &str {
    text.map_or("\0", String::as_str)
}

fn bare(line: &str) -> String {
    line.trim_end_matches(['\n', '\r']).to_owned()
}
