//! Rules on files as text: size, opening, names of files, lock files, secrets.
//! They must never need to understand a language.

use crate::tree::Source;

const CODE: [&str; 8] = ["rs", "ts", "svelte", "mjs", "js", "css", "html", "py"];

/// Files are under 400 lines.
pub fn long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (source.is(&CODE) && lines >= 400).then(|| format!("{}: {lines} lines", source.path))
}

/// The start-up code is where codebases rot: it stays small.
pub fn crowded_start(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (source.path == "src-tauri/src/lib.rs" && lines > 150)
        .then(|| format!("{}: {lines} lines, at most 150", source.path))
}

/// Whether a crate starts in this file.
fn is_root(path: &str) -> bool {
    ["lib.rs", "main.rs", "build.rs"].iter().any(|name| path.rsplit('/').next() == Some(name))
}

/// Crates and long modules open with what they are; crates also with what they must never do.
pub fn unopened(source: &Source) -> Option<String> {
    if !source.is(&["rs"]) {
        return None;
    }
    let opening: Vec<&str> =
        source.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let long = source.text.lines().count() > 40;
    if opening.is_empty() && (long || is_root(&source.path)) {
        return Some(format!("{} does not open with //! and its purpose", source.path));
    }
    let library = source.path.starts_with("crates/") && source.path.ends_with("/src/lib.rs");
    if library && !opening.iter().any(|line| line.contains("never")) {
        return Some(format!("{} does not say what it must never do", source.path));
    }
    None
}

/// A module is `foo.rs` beside `foo/`, and says what it holds.
pub fn vague_file(source: &Source) -> Option<String> {
    let name = source.path.rsplit('/').next()?;
    let stem = name.split('.').next()?;
    let vague = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "service"];
    (name == "mod.rs" || source.is(&CODE) && vague.contains(&stem.to_lowercase().as_str()))
        .then(|| format!("{}: name the file by what it holds", source.path))
}

/// Lock files name public registries only, so that they work on every machine.
pub fn private_registry(source: &Source) -> Option<String> {
    let (marker, public) = match source.path.rsplit('/').next()? {
        "package-lock.json" => ("\"resolved\": \"", "https://registry.npmjs.org/"),
        "Cargo.lock" => ("source = \"", "registry+https://github.com/rust-lang/crates.io-index\""),
        _ => return None,
    };
    let line = source.text.lines().find(|line| {
        line.split_once(marker).is_some_and(|(_, address)| !address.starts_with(public))
    })?;
    Some(format!("{}: {}", source.path, line.trim()))
}

/// The beginnings of things that open doors elsewhere. Taken apart, so that this file does not hold them.
const SECRETS: [(&str, &str); 8] = [
    ("gh", "p_"),
    ("github", "_pat_"),
    ("sk-", "ant-"),
    ("xox", "b-"),
    ("AK", "IA"),
    ("AI", "zaSy"),
    ("gl", "pat-"),
    ("PRIVATE", " KEY-----"),
];

/// No file holds what looks like somebody's secret. Lock files hold digests, in which anything can stand.
pub fn secret(source: &Source) -> Option<String> {
    if source.path.ends_with("lock.json") || source.is(&["lock"]) {
        return None;
    }
    let (start, rest) = SECRETS.iter().find(|(start, rest)| {
        source.text.split(&format!("{start}{rest}")).skip(1).any(|after| {
            *start == "PRIVATE"
                || after.chars().take_while(char::is_ascii_alphanumeric).count() >= 12
        })
    })?;
    Some(format!("{} holds something that starts with {start}{rest}", source.path))
}

/// The window's code talks to the Shell through one folder.
pub fn second_door(source: &Source) -> Option<String> {
    let outside = source.path.starts_with("ui/src/") && !source.path.starts_with("ui/src/host/");
    let imports = source
        .text
        .lines()
        .any(|line| line.contains("from \"@tauri-apps") || line.contains("from '@tauri-apps"));
    (outside && imports).then(|| format!("{} imports @tauri-apps; ui/src/host does", source.path))
}

/// A test in TypeScript or JavaScript that is left out or runs alone.
pub fn left_out(source: &Source) -> Option<String> {
    let test = source.is(&["ts", "mjs", "js"]);
    let marks = [".skip", ".only"].map(|mark| format!("{mark}("));
    (test && marks.iter().any(|mark| source.text.contains(mark)))
        .then(|| format!("{} leaves tests out", source.path))
}
