//! The Python packages of the tests, in a virtual environment of their own.
//! It must never install into the person's Python.

use crate::place::Place;
use crate::step::{Step, note};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// The Python the tests use.
pub fn program(place: &Place) -> PathBuf {
    folder(place).join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Makes the environment, unless it came from these very requirements.
pub fn install(place: &Place) -> Result<()> {
    let requirements = place.tests().join("python/requirements.txt");
    let wanted = std::fs::read(&requirements)
        .with_context(|| format!("{} is missing", requirements.display()))?;
    let folder = folder(place);
    let stamp = folder.join("prokura-requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|found| found == wanted) {
        note("Python packages of tests/python: up to date");
        return Ok(());
    }
    let python = if cfg!(windows) { "python" } else { "python3" };
    Step::new("python venv for the tests", python)
        .args(&["-m", "venv", "--clear"])
        .args(&[&folder])
        .or("Install Python 3 with its venv module (Debian: python3-venv)")
        .run()?;
    let mut pip = Step::new("pip install -r tests/python/requirements.txt", program(place))
        .args(&["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .args(&[&requirements])
        .or("pip needs its index here; try again when it can be reached");
    pip.command.stdout(std::io::stderr());
    pip.run()?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn folder(place: &Place) -> PathBuf {
    place.target.join("xtask/python")
}
