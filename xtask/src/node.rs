//! Node and npm packages: the interface and the agents of the tests.
//! It must never change a lock file: `npm ci` only, and only when the lock file has changed.

use crate::place::Place;
use crate::step::{Step, note};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
const OLDEST: (u32, u32) = (20, 19);

/// Complains where Node is missing or too old.
pub fn present() -> Result<()> {
    let advice = "Install Node 20.19 or newer with npm (https://nodejs.org), then run this again";
    let output = Command::new("node")
        .arg("--version")
        .output()
        .with_context(|| format!("node does not start. {advice}"))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut parts = text.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().ok());
    let version = (parts.next().flatten().unwrap_or(0), parts.next().flatten().unwrap_or(0));
    if version < OLDEST {
        bail!("node is {text}. {advice}");
    }
    Ok(())
}

/// `npm ci`, unless what is installed came from this very lock file.
pub fn install(place: &Place, dir: &Path) -> Result<()> {
    let shown = place.short(dir);
    let lock = dir.join("package-lock.json");
    let wanted = std::fs::read(&lock).with_context(|| format!("{} is missing", lock.display()))?;
    let stamp = dir.join("node_modules/.prokura-lock");
    if std::fs::read(&stamp).is_ok_and(|found| found == wanted) {
        note(format!("npm packages of {shown}: up to date"));
        return Ok(());
    }
    npm(place, dir, &["ci", "--no-audit", "--no-fund"])
        .or("npm needs its registry here; try again when it can be reached")
        .run()?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// A script of the interface's package.json.
pub fn ui_script(place: &Place, script: &str, advice: &str) -> Result<()> {
    npm(place, &place.ui(), &["run", "--silent", script]).or(advice).run()
}

/// A command of npm in a folder.
pub fn npm(place: &Place, dir: &Path, args: &[&str]) -> Step {
    let mut step = Step::new(format!("npm {} in {}", args.join(" "), place.short(dir)), NPM)
        .args(args)
        .dir(dir);
    // npm reports on standard output, which belongs to what is started later.
    step.command.stdout(std::io::stderr());
    step
}
