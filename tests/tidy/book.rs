//! The book in docs/: every page is in its table of contents, and every link leads to a file and a heading that are there.
//! It must never ask the network: links to other hosts are not looked at.

use std::path::{Component, Path, PathBuf};

use crate::tree::Source;

const CONTENTS: &str = "docs/SUMMARY.md";

/// Pages that the table of contents does not name, or names twice.
pub fn unlisted<'a>(sources: impl Iterator<Item = &'a Source>, contents: &str) -> Vec<String> {
    let listed: Vec<String> = links(contents).map(|link| format!("docs/{link}")).collect();
    sources
        .filter(|one| one.path.starts_with("docs/") && one.is(&["md"]) && one.path != CONTENTS)
        .filter_map(|page| match listed.iter().filter(|link| **link == page.path).count() {
            1 => None,
            0 => Some(format!("{} is not in {CONTENTS}", page.path)),
            _ => Some(format!("{} is in {CONTENTS} twice", page.path)),
        })
        .collect()
}

/// Links of one page that lead nowhere; `read` finds a file of the repository.
pub fn dangling(page: &Source, read: &dyn Fn(&Path) -> Option<String>) -> Vec<String> {
    let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for link in
        links(&page.text).filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
    {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target =
            if path.is_empty() { PathBuf::from(&page.path) } else { plain(&folder.join(path)) };
        match read(&target) {
            None => faults.push(format!("{}: {link} is not there", page.path)),
            Some(text) if !anchor.is_empty() && !headings(&text).any(|one| one == anchor) => {
                faults.push(format!("{}: {link}: no such heading", page.path));
            }
            Some(_) => {}
        }
    }
    faults
}

/// Where the links of a page lead, code left out.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines()
        .filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

/// The names under which headings can be linked to.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
        words.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}
