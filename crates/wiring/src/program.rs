//! The list of programs and where on this machine their settings are. It must never create a file.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::document::{Document, Format, Place};
use crate::entry::Entry;
use crate::{WiringError, file};

/// A program whose settings can be read and changed: one entry of `programs.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct Program {
    /// Names it in commands.
    pub id: String,
    /// What its makers call it.
    pub name: String,
    /// The format of its file.
    pub format: Format,
    signs: Vec<String>,
    files: Files,
    at: Vec<String>,
    #[serde(default)]
    list: bool,
    /// How an entry for an HTTP endpoint is written.
    #[serde(default)]
    pub(crate) remote: Option<Value>,
    /// How an entry for a command is written.
    #[serde(default)]
    pub(crate) local: Option<Value>,
    /// Whether it can sign in to an HTTP endpoint by itself (OAuth).
    pub signs_in: bool,
    /// Where its makers document this.
    pub source: String,
    /// The version this was read for.
    pub version: String,
    /// When that was, as a date.
    pub checked: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Files {
    linux: Vec<String>,
    macos: Vec<String>,
    windows: Vec<String>,
}

/// Where a person's files are.
#[derive(Debug, Clone)]
pub struct Folders {
    /// The home folder.
    pub home: PathBuf,
    /// The folder for settings.
    pub config: PathBuf,
}

impl Folders {
    fn resolve(&self, pattern: &str) -> PathBuf {
        if let Some(rest) = pattern.strip_prefix("$CONFIG/") {
            self.config.join(rest)
        } else if let Some(rest) = pattern.strip_prefix("~/.config/") {
            // These programs follow XDG; on other systems the folder is what it says.
            if cfg!(target_os = "linux") {
                self.config.join(rest)
            } else {
                self.home.join(".config").join(rest)
            }
        } else {
            self.home.join(pattern.trim_start_matches("~/"))
        }
    }
}

/// What is known of a program on this machine.
#[derive(Debug)]
pub struct Found {
    /// The program.
    pub program: &'static Program,
    /// Its file, whether it exists or not.
    pub file: PathBuf,
    /// Whether it seems to be installed.
    pub installed: bool,
    /// The servers it has, or why its file cannot be read.
    pub servers: Result<Vec<(String, Entry)>, WiringError>,
}

#[derive(Deserialize)]
struct List {
    program: Vec<Program>,
}

static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    // The file is part of this crate; `the_list_of_programs_can_be_read` holds it.
    toml::from_str::<List>(include_str!("programs.toml"))
        .map(|list| list.program)
        .unwrap_or_default()
});

/// All programs of the list.
#[must_use]
pub fn programs() -> &'static [Program] {
    &PROGRAMS
}

/// The program that is called so.
///
/// # Errors
///
/// `Unknown` when the list has none.
pub fn program(id: &str) -> Result<&'static Program, WiringError> {
    programs().iter().find(|one| one.id == id).ok_or_else(|| WiringError::Unknown(id.to_owned()))
}

impl Program {
    /// Its file: the first that exists, else the one it would make.
    #[must_use]
    pub fn file(&self, folders: &Folders) -> PathBuf {
        let patterns = if cfg!(target_os = "macos") {
            &self.files.macos
        } else if cfg!(windows) {
            &self.files.windows
        } else {
            &self.files.linux
        };
        let all = patterns.iter().map(|one| folders.resolve(one));
        let first = patterns.first().map(|one| folders.resolve(one)).unwrap_or_default();
        all.into_iter().find(|one| one.exists()).unwrap_or(first)
    }

    pub(crate) fn place<'a>(&'a self, file: &'a Path) -> Place<'a> {
        Place { file, at: &self.at, list: self.list }
    }

    fn look(&'static self, folders: &Folders) -> Found {
        let file = self.file(folders);
        let installed =
            file.exists() || self.signs.iter().any(|sign| folders.resolve(sign).exists());
        let servers = file::read(&file).and_then(|text| {
            let Some(text) = text else { return Ok(Vec::new()) };
            let place = self.place(&file);
            let document = Document::parse(self.format, &text, &file)?;
            Ok(document
                .entries(&place)?
                .into_iter()
                .map(|(name, value)| (name, Entry::read(&value)))
                .collect())
        });
        Found { program: self, file, installed, servers }
    }
}

/// What is known of every program of the list.
#[must_use]
pub fn find(folders: &Folders) -> Vec<Found> {
    programs().iter().map(|one| one.look(folders)).collect()
}
