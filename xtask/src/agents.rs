//! The programs that people use as agents, for `cargo xtask test --agents`. They are large, so they come on demand only,
//! and into the build folder.

use crate::node;
use crate::place::Place;
use crate::step::note;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// Where their commands are.
pub fn programs(place: &Place) -> PathBuf {
    folder(place).join("node_modules/.bin")
}

fn folder(place: &Place) -> PathBuf {
    place.target.join("xtask/agents")
}

/// Fetches them, unless they came from this very lock file.
pub fn install(place: &Place) -> Result<()> {
    let (from, to) = (place.tests().join("agents"), folder(place));
    let lock = from.join("package-lock.json");
    let wanted = std::fs::read(&lock).with_context(|| format!("{} is missing", lock.display()))?;
    let stamp = to.join("prokura-lock");
    if std::fs::read(&stamp).is_ok_and(|found| found == wanted) {
        note("the agent programs: up to date");
        return Ok(());
    }
    std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(from.join(name), to.join(name))
            .with_context(|| format!("cannot copy {name} to {}", to.display()))?;
    }
    // Not `npm ci`: it refuses packages whose builds for other machines are not there.
    node::npm(place, &to, &["install", "--no-save", "--no-audit", "--no-fund"])
        .or("npm needs its registry here, and 1.5 GB of room; try again when it can be reached")
        .run()?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
