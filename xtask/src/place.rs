//! Where things are: the repository, the folder of built things.
//! It must never guess: cargo is asked, so that every way to set the target folder works.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders all commands work in.
pub struct Place {
    /// The top of the repository.
    pub root: PathBuf,
    /// Where cargo puts what it builds; absolute.
    pub target: PathBuf,
}

impl Place {
    /// Found from any folder of the repository.
    pub fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cargo does not start; is Rust installed?")?;
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).with_context(|| {
                format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr))
            })?;
        let folder = |name: &str| {
            metadata
                .get(name)
                .and_then(serde_json::Value::as_str)
                .map(PathBuf::from)
                .with_context(|| format!("cargo metadata has no {name}"))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }

    /// The sources of the interface.
    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// The package of the tests.
    pub fn tests(&self) -> PathBuf {
        self.root.join("tests")
    }

    /// Where built programs lie.
    pub fn programs(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// A built program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// A path as people read it: from the top of the repository where it lies inside.
    pub fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// The cargo that runs this, so that toolchains do not mix.
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}
