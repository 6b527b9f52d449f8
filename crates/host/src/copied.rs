//! Whether a data folder is the one it was, or a copy of it. A copied database is another file of another moment; a moved
//! folder, and a database written back into its place, are not copies.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use prokura_store::{Store, StoreError};

const SETTING: &str = "place";
const DATABASE: &str = "prokura.db";

/// Where a database lies: the machine, the file, and when that was made; what is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    machine: String,
    file: String,
    made: String,
}

impl Place {
    fn of(folder: &Path) -> Self {
        let meta = fs::metadata(folder.join(DATABASE)).ok();
        let made = meta.as_ref().and_then(|meta| meta.created().ok());
        let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Self {
            machine: machine(),
            file: meta.as_ref().map(file_number).unwrap_or_default(),
            made: made.map(|made| made.as_nanos().to_string()).unwrap_or_default(),
        }
    }

    fn text(&self) -> String {
        format!("{}/{}/{}", self.machine, self.file, self.made)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let place = Self { machine: parts.next()?, file: parts.next()?, made: parts.next()? };
        parts.next().is_none().then_some(place)
    }

    /// Whether a database that lay at `before` was copied here.
    fn is_copy_of(&self, before: &Self) -> bool {
        let differ = |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
        // Some file systems number files anew at each mount, and some do not know when a file was made.
        differ(&self.machine, &before.machine)
            || (differ(&self.file, &before.file) && differ(&self.made, &before.made))
    }
}

/// Whether the database came here by copying since the last start. Asked once: the next time this is its place.
pub(crate) fn is_copy(store: &Store, folder: &Path) -> Result<bool, StoreError> {
    let here = Place::of(folder);
    let before = store.setting(SETTING)?;
    if before.as_deref() == Some(here.text().as_str()) {
        return Ok(false);
    }
    let is_copy = before.as_deref().and_then(Place::read).is_some_and(|old| here.is_copy_of(&old));
    store.put_setting(SETTING, &here.text())?;
    Ok(is_copy)
}

/// A name that the operating system gave this machine when it was set up.
fn machine() -> String {
    let name = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let name: String = name.trim().chars().filter(char::is_ascii_hexdigit).collect();
    // Not the name itself: it is meant to stay on its machine.
    if name.is_empty() { name } else { short(&name) }
}

fn short(name: &str) -> String {
    let digest = prokura_domain::Digest::of(&[b"prokura-machine-v1", name.as_bytes()]).to_string();
    digest.chars().take(16).collect()
}

#[cfg(unix)]
fn file_number(meta: &fs::Metadata) -> String {
    std::os::unix::fs::MetadataExt::ino(meta).to_string()
}

#[cfg(not(unix))]
fn file_number(_: &fs::Metadata) -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(machine: &str, file: &str, made: &str) -> Place {
        Place { machine: machine.to_owned(), file: file.to_owned(), made: made.to_owned() }
    }

    #[test]
    fn a_copy_is_another_file_of_another_moment_or_on_another_machine() {
        let home = place("m", "7", "100");
        for (at, is_copy) in [
            (place("m", "7", "100"), false),
            (place("m", "8", "200"), true),
            (place("n", "7", "100"), true),
            (place("m", "8", "100"), false),
            (place("m", "7", "200"), false),
            (place("m", "8", ""), false),
            (place("", "", ""), false),
        ] {
            assert_eq!(at.is_copy_of(&home), is_copy, "{at:?}");
        }
        assert_eq!(Place::read(&home.text()), Some(home));
        assert_eq!(Place::read("a/b"), None);
    }

    #[test]
    fn a_copied_folder_is_seen_once_and_a_moved_one_is_none() {
        let root = tempfile::tempdir().unwrap();
        let (first, moved, copy) =
            (root.path().join("one"), root.path().join("two"), root.path().join("copy"));
        std::fs::create_dir(&first).unwrap();
        let seen = |folder: &Path| is_copy(&Store::open(folder).unwrap(), folder).unwrap();
        assert!(!seen(&first));
        assert!(!seen(&first));
        std::fs::rename(&first, &moved).unwrap();
        assert!(!seen(&moved), "it was moved");
        std::fs::create_dir(&copy).unwrap();
        std::fs::copy(moved.join(DATABASE), copy.join(DATABASE)).unwrap();
        assert!(seen(&copy), "it was copied");
        assert!(!seen(&copy), "it is known");
        assert!(!seen(&moved), "the original is what it was");
    }
}
