//! `cargo xtask package`: the .deb and the .rpm, both programs in each, made by the bundler of Tauri (an npm package of the root),
//! with everything beside the programs made here: manual, completions, licences, the bill of materials. The version is the one of
//! Cargo.toml. It must never put something into a package that was not built or written in this run.

mod beside;
mod icons;
mod licences;
mod needs;
mod parts;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::place::Place;
use crate::step::{Step, note};
use crate::{build, debian, given, node};

pub use icons::write as icons;

/// The programs of a package.
const PROGRAMS: [&str; 2] = ["prokura", "prokura-desktop"];

/// Where a package is put together.
pub struct Bench {
    /// Everything of it; emptied at the start.
    root: PathBuf,
    /// What the bundler takes for the target folder.
    target: PathBuf,
    /// Files beside the programs.
    files: PathBuf,
    version: String,
    /// When the source was written, RFC 3339: the packages of one commit are alike.
    written: String,
}

/// `cargo xtask package [--debug]`.
pub fn run(place: &Place, words: &[String]) -> Result<()> {
    make(place, given(words, "--debug")).map(drop)
}

/// The folder of packages for the tests, made of the programs of the tests.
pub fn made(place: &Place) -> Result<PathBuf> {
    make(place, true)
}

/// Makes the packages; answers with their folder. With `debug` from the programs that the tests use, which is quick.
fn make(place: &Place, debug: bool) -> Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), "packages of this kind are made on Linux");
    debian::install(debian::PACKAGES)?;
    build::desktop_needs(place)?;
    node::install(place, &place.root)?;
    let built = if debug {
        build::programs(place, &PROGRAMS)?;
        place.programs()
    } else {
        build::released(place, &PROGRAMS)?;
        place.target.join("release")
    };
    let bench = Bench::empty(place)?;
    bench.take_programs(&built, debug)?;
    icons::compare(place, &bench.root.join("icons"))?;
    beside::write(place, &bench)?;
    let configuration = bench.root.join("tauri.json");
    let kinds = needs::kinds();
    fs::write(&configuration, serde_json::to_vec_pretty(&configured(place, &bench)?)?)?;
    bundle(place, &bench, &configuration, &kinds)?;
    bench.collect(place, &kinds)
}

impl Bench {
    fn empty(place: &Place) -> Result<Self> {
        let root = place.target.join("package");
        if root.exists() {
            fs::remove_dir_all(&root)
                .with_context(|| format!("cannot empty {}", root.display()))?;
        }
        let bench = Self {
            target: root.join("target"),
            files: root.join("files"),
            version: version(place)?,
            written: written(place),
            root,
        };
        fs::create_dir_all(bench.target.join("release"))?;
        fs::create_dir_all(&bench.files)?;
        Ok(bench)
    }

    /// A program as it goes into the package.
    fn program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    fn take_programs(&self, built: &Path, debug: bool) -> Result<()> {
        for name in PROGRAMS {
            let (from, to) = (built.join(name), self.program(name));
            if debug {
                let strip = Step::new(format!("strip {name}"), "strip");
                strip.args(&[from.as_os_str(), "-o".as_ref(), to.as_os_str()]).run()?;
            } else {
                fs::copy(&from, &to).with_context(|| format!("{} is missing", from.display()))?;
            }
        }
        Ok(())
    }

    /// The finished packages, under the names that distributions use, beside each other.
    fn collect(self, place: &Place, kinds: &[&str]) -> Result<PathBuf> {
        for kind in kinds {
            let folder = self.target.join("release/bundle").join(kind);
            let found = fs::read_dir(&folder)?
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .find(|path| path.extension().is_some_and(|ending| ending == *kind));
            let Some(found) = found else { bail!("no package is in {}", folder.display()) };
            let name = found.file_name().context("a file without a name")?.to_string_lossy();
            let to = self.root.join(name.replace("Prokura", "prokura"));
            fs::rename(&found, &to)?;
            note(format!("{} ({} KiB)", place.short(&to), fs::metadata(&to)?.len() / 1024));
        }
        Ok(self.root)
    }
}

fn version(place: &Place) -> Result<String> {
    let manifest: toml::Table = fs::read_to_string(place.root.join("Cargo.toml"))?.parse()?;
    let version = manifest.get("workspace").and_then(|one| one.get("package")?.get("version"));
    Ok(version.and_then(toml::Value::as_str).context("Cargo.toml has no version")?.to_owned())
}

fn written(place: &Place) -> String {
    let said = Command::new("git")
        .args(["log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"])
        .env("TZ", "UTC")
        .current_dir(&place.root)
        .output();
    let text = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
    text.ok().filter(|text| text.len() == 20).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// What the bundler is told beyond tauri.conf.json.
fn configured(place: &Place, bench: &Bench) -> Result<Value> {
    let files = beside::placed(place, bench)?;
    let own = place.root.join("packaging");
    let template = own.join("prokura.desktop");
    let removal = own.join("before-removal.sh");
    Ok(json!({ "bundle": { "linux": {
        "deb": {
            "depends": needs::deb(bench)?,
            "recommends": ["ca-certificates", "gnome-keyring | kwalletmanager", "xdg-utils"],
            "section": "utils",
            "desktopTemplate": template,
            "preRemoveScript": removal,
            "files": files,
        },
        "rpm": {
            "depends": needs::rpm(bench)?,
            "recommends": ["ca-certificates", "gnome-keyring", "xdg-utils"],
            "desktopTemplate": template,
            "preRemoveScript": removal,
            "files": beside::for_rpm(&files),
        },
    } } }))
}

fn bundle(place: &Place, bench: &Bench, configuration: &Path, kinds: &[&str]) -> Result<()> {
    let cli = place.root.join("node_modules/@tauri-apps/cli/tauri.js");
    let kinds = kinds.join(",");
    let mut step = Step::new(format!("tauri bundle {kinds}"), "node")
        .args(&[cli.as_os_str(), "bundle".as_ref(), "--ci".as_ref(), "--no-sign".as_ref()])
        .args(&["--no-binary-patching", "--bundles", &kinds, "--config"])
        .args(&[configuration])
        .dir(&place.root)
        .env("CARGO_TARGET_DIR", &bench.target)
        .or("The lines above say what the bundler lacks");
    step.command.stdout(std::io::stderr());
    step.run()
}
