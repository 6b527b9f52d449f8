//! The files of the repository, read once.
//! It must never look at what is built, installed or generated.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A text file.
#[derive(Debug)]
pub struct Source {
    /// From the top of the repository, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A made-up file, to show that a rule can fail.
    pub fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it ends in one of these, such as `rs`.
    pub fn is(&self, endings: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
    }
}

/// The top of the repository.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

const SKIPPED: [&str; 8] =
    [".git", "target", "node_modules", "dist", "generated", "gen", "shots", "__pycache__"];
const READ: [&str; 14] = [
    "rs", "toml", "ts", "svelte", "mjs", "js", "css", "html", "py", "md", "json", "lock", "sql",
    "txt",
];

/// Every text file that people write, and the lock files.
pub static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let mut found = Vec::new();
    walk(&top(), "", &mut found);
    assert!(found.len() > 50, "only {} files found", found.len());
    found
});

fn walk(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    // Build folders say so themselves, whatever they are called.
    if folder.join("CACHEDIR.TAG").exists() {
        return;
    }
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), found);
            }
            continue;
        }
        let source = Source { path, text: String::new() };
        if source.is(&READ) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            found.push(Source { text, ..source });
        }
    }
}
