//! The licences of third parties: which part has which, and their texts and notices as their makers wrote them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::parts::{Part, Parts};

/// How files with such texts begin.
const NAMES: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];
const LINE: &str =
    "\n--------------------------------------------------------------------------------\n";

pub fn write(parts: &Parts, file: &Path) -> Result<()> {
    let silent: Vec<&str> = parts
        .all
        .values()
        .filter(|part| part.licence.is_none())
        .map(|part| part.url.as_str())
        .collect();
    ensure!(silent.is_empty(), "these say no licence: {}", silent.join(", "));
    let mut page = "The licences of what is inside of Prokura's programs\n\n".to_owned();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in parts.all.values() {
        let licence = part.licence.as_deref().unwrap_or_default();
        writeln!(page, "{} {}: {licence}", part.name, part.version)?;
        for text in told(part)? {
            texts.entry(text).or_default().push(format!("{} {}", part.name, part.version));
        }
    }
    for (text, names) in texts {
        write!(page, "{LINE}{}\n\n{text}\n", names.join(", "))?;
    }
    Ok(fs::write(file, page)?)
}

/// The texts that come with a part.
fn told(part: &Part) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(&part.folder)?.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if !NAMES.iter().any(|start| name.starts_with(start)) || !entry.path().is_file() {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(entry.path())?).replace('\r', "");
        texts.push(text.trim().to_owned());
    }
    Ok(texts)
}
