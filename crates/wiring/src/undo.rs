//! What is needed to take a change back, also after somebody changed the file meanwhile. It must never undo what others
//! wrote. It holds the file's text, so it is a secret: it is kept sealed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::{Change, secrets_of};
use crate::document::{Document, edited};
use crate::{WiringError, file, program};

/// What a made change leaves behind.
#[derive(Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// The program's id.
    pub program: String,
    /// The file that was changed.
    pub file: PathBuf,
    name: String,
    before: Option<String>,
    after: Option<String>,
    took: Vec<(String, Value)>,
    replaced: Option<Value>,
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt")
            .field("program", &self.program)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Receipt {
    pub(crate) fn of(change: Change, name: &str) -> Self {
        Self {
            program: change.program.id.clone(),
            file: change.file,
            name: name.to_owned(),
            before: change.before,
            after: change.after,
            took: change.took,
            replaced: change.replaced,
        }
    }

    /// Whether the file still has Prokura's entry.
    #[must_use]
    pub fn stands(&self) -> bool {
        let Ok(program) = program(&self.program) else { return false };
        let Ok(Some(text)) = file::read(&self.file) else { return false };
        let place = program.place(&self.file);
        Document::parse(program.format, &text, &self.file)
            .and_then(|document| document.entries(&place))
            .is_ok_and(|entries| entries.iter().any(|(name, _)| *name == self.name))
    }

    /// Works out how the file would read without the change: as it was before, when nobody touched it since; otherwise
    /// with only the change taken back and everything else as it is now.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or cannot be changed safely.
    pub fn undo(&self) -> Result<Change, WiringError> {
        let program = program(&self.program)?;
        let now = file::read(&self.file)?;
        let secrets: Vec<String> = [&self.before, &self.after, &now]
            .into_iter()
            .flatten()
            .filter_map(|text| Document::parse(program.format, text, &self.file).ok())
            .filter_map(|document| document.entries(&program.place(&self.file)).ok())
            .flat_map(|entries| secrets_of(&entries))
            .collect();
        let after = if now == self.after {
            self.before.clone()
        } else {
            self.merged(program, now.as_deref())?
        };
        Ok(Change {
            program,
            file: self.file.clone(),
            before: now,
            after,
            takes: Vec::new(),
            took: Vec::new(),
            replaced: None,
            secrets,
        })
    }

    fn merged(
        &self,
        program: &'static crate::Program,
        now: Option<&str>,
    ) -> Result<Option<String>, WiringError> {
        // A file that is gone has nothing to take back.
        let Some(now) = now else { return Ok(None) };
        let place = program.place(&self.file);
        let document = Document::parse(program.format, now, &self.file)?;
        let mut wished = document.value().clone();
        let entries = document.entries(&place)?;
        let has = |name: &str| entries.iter().any(|(one, _)| one == name);
        let mut edits: Vec<(&str, Option<&Value>)> = Vec::new();
        if has(&self.name) {
            edits.push((&self.name, self.replaced.as_ref()));
        }
        // What the person entered again meanwhile stays theirs.
        edits.extend(
            self.took
                .iter()
                .filter(|(name, _)| !has(name))
                .map(|(name, value)| (name.as_str(), Some(value))),
        );
        for (name, value) in &edits {
            let cannot = || WiringError::Unsafe(self.file.clone());
            wished = edited(&wished, &place, name, *value).ok_or_else(cannot)?;
        }
        // Line by line first: that brings comments back as they were.
        if let (Some(before), Some(after)) = (&self.before, &self.after) {
            let fits = |text: &String| {
                Document::parse(program.format, text, &self.file)
                    .is_ok_and(|merged| merged.says(&wished, &place))
            };
            if let Some(text) = by_lines(before, after, now).into_iter().find(fits) {
                return Ok(Some(text));
            }
        }
        let mut document = document;
        for (name, value) in edits {
            document = match value {
                Some(value) => document.with(&place, name, value)?,
                None => document.without(&place, name)?,
            };
        }
        Ok(Some(document.text().to_owned()))
    }
}

/// The lines of a change taken back in a text that moved on, in ways from careful to bold; each still has to be read.
fn by_lines(before: &str, after: &str, now: &str) -> Vec<String> {
    let patched = |context| {
        let patch = diffy::DiffOptions::new()
            .set_context_len(context)
            .create_patch(after, before)
            .to_string();
        diffy::Patch::from_str(&patch).ok().and_then(|patch| diffy::apply(now, &patch).ok())
    };
    let merged = diffy::merge(after, before, now).ok();
    merged.into_iter().chain([3, 2, 1, 0].into_iter().filter_map(patched)).collect()
}
