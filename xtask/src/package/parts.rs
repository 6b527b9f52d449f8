//! The third-party parts of the programs: crates that are linked in, and npm packages that the interface is made with. Known from
//! cargo's own graph and the lock files. It must never name a part that only builds or tests use, except where the lock file of the
//! interface cannot tell: then it names too many.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use serde_json::Value;

use super::PROGRAMS;
use crate::place::{Place, cargo};

/// One part, at one version.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    pub version: String,
    /// As package URL: `pkg:cargo/serde@1.0.0`.
    pub url: String,
    /// As SPDX expression, where its makers say one.
    pub licence: Option<String>,
    /// The checksum of what was downloaded: algorithm and hexadecimal digits.
    pub hash: Option<(&'static str, String)>,
    /// Where its files are.
    pub folder: PathBuf,
    /// The package URLs of what it needs.
    pub needs: Vec<String>,
}

/// All of them by package URL, and the URLs of those that the programs use themselves.
pub struct Parts {
    pub all: BTreeMap<String, Part>,
    pub direct: BTreeSet<String>,
}

pub fn parts(place: &Place) -> Result<Parts> {
    let mut parts = crates(place)?;
    interface(place, &mut parts)?;
    Ok(parts)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The graph as cargo resolves it for this system.
fn metadata(place: &Place) -> Result<Value> {
    let system = Command::new("rustc").args(["-vV"]).output().context("rustc does not start")?;
    let system = String::from_utf8(system.stdout)?;
    let system = system.lines().find_map(|line| line.strip_prefix("host: "));
    let said = Command::new(cargo())
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg(system.context("rustc does not say its system")?)
        .current_dir(&place.root)
        .output()?;
    ensure!(said.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&said.stderr));
    Ok(serde_json::from_slice(&said.stdout)?)
}

/// What the lock file says was downloaded, by name and version.
fn checksums(place: &Place) -> Result<HashMap<(String, String), String>> {
    let lock: toml::Table = fs::read_to_string(place.root.join("Cargo.lock"))?.parse()?;
    let member = |one: &toml::Value, name: &str| Some(one.get(name)?.as_str()?.to_owned());
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(packages
        .filter_map(|one| {
            Some(((member(one, "name")?, member(one, "version")?), member(one, "checksum")?))
        })
        .collect())
}

fn crates(place: &Place) -> Result<Parts> {
    let graph = metadata(place)?;
    let checksums = checksums(place)?;
    let packages: HashMap<String, &Value> =
        list(&graph, "packages").map(|one| (text(one, "id"), one)).collect();
    let nodes = graph.get("resolve").context("cargo metadata has no graph")?;
    let needs: HashMap<String, Vec<String>> =
        list(nodes, "nodes").map(|node| (text(node, "id"), linked(node))).collect();
    let builds = |package: &&Value| {
        list(package, "targets").any(|target| {
            PROGRAMS.contains(&text(target, "name").as_str())
                && list(target, "kind").any(|kind| kind == "bin")
        })
    };
    let mut open: Vec<String> =
        packages.values().filter(|one| builds(one)).map(|one| text(one, "id")).collect();
    ensure!(open.len() == PROGRAMS.len(), "cargo metadata does not know the programs");
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    let mut parts = Parts { all: BTreeMap::new(), direct: BTreeSet::new() };
    let foreign = |id: &String| {
        packages.get(id).is_some_and(|one| one.get("source").is_some_and(Value::is_string))
    };
    let url = |id: &String| packages.get(id).map(|one| crate_url(one)).unwrap_or_default();
    while let Some(id) = open.pop() {
        let next = needs.get(&id).cloned().unwrap_or_default();
        if foreign(&id) {
            let Some(package) = packages.get(&id) else { continue };
            let part = crate_part(package, &checksums, next.iter().map(url).collect());
            parts.all.insert(part.url.clone(), part);
        } else {
            parts.direct.extend(next.iter().filter(|one| foreign(one)).map(url));
        }
        open.extend(next.into_iter().filter(|one| seen.insert(one.clone())));
    }
    Ok(parts)
}

/// What is linked into a crate; not what only builds or tests it.
fn linked(node: &Value) -> Vec<String> {
    list(node, "deps")
        .filter(|need| {
            list(need, "dep_kinds").any(|kind| kind.get("kind").is_some_and(Value::is_null))
        })
        .map(|need| text(need, "pkg"))
        .collect()
}

fn crate_url(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version"))
}

fn crate_part(
    package: &Value,
    checksums: &HashMap<(String, String), String>,
    needs: Vec<String>,
) -> Part {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let manifest = PathBuf::from(text(package, "manifest_path"));
    let licence = Some(text(package, "license")).filter(|one| !one.is_empty());
    Part {
        url: crate_url(package),
        // The old way to say "or".
        licence: licence.map(|one| one.replace('/', " OR ").replace("  ", " ")),
        hash: checksums.get(&(name.clone(), version.clone())).map(|sum| ("SHA-256", sum.clone())),
        folder: manifest.parent().map(PathBuf::from).unwrap_or_default(),
        name,
        version,
        needs,
    }
}

/// What goes into the interface: its dependencies, and Svelte, whose run time is compiled in.
fn interface(place: &Place, parts: &mut Parts) -> Result<()> {
    let lock: Value = serde_json::from_slice(&fs::read(place.ui().join("package-lock.json"))?)?;
    let locked = |name: &str| lock.get("packages")?.get(format!("node_modules/{name}"));
    let own = locked_own(&lock);
    let mut open: Vec<String> = own.iter().cloned().chain(["svelte".to_owned()]).collect();
    let mut seen = BTreeSet::new();
    parts.direct.extend(open.iter().filter_map(|name| Some(npm_url(name, locked(name)?))));
    while let Some(name) = open.pop() {
        let Some(one) = locked(&name).filter(|_| seen.insert(name.clone())) else { continue };
        let needed: Vec<String> = one
            .get("dependencies")
            .and_then(Value::as_object)
            .map(|needs| needs.keys().cloned().collect())
            .unwrap_or_default();
        let part = Part {
            url: npm_url(&name, one),
            version: text(one, "version"),
            licence: Some(text(one, "license")).filter(|licence| !licence.is_empty()),
            hash: integrity(&text(one, "integrity")),
            folder: place.ui().join("node_modules").join(&name),
            needs: needed.iter().filter_map(|need| Some(npm_url(need, locked(need)?))).collect(),
            name,
        };
        parts.all.insert(part.url.clone(), part);
        open.extend(needed);
    }
    Ok(())
}

fn locked_own(lock: &Value) -> Vec<String> {
    let own = lock.get("packages").and_then(|all| all.get("")?.get("dependencies")?.as_object());
    own.map(|names| names.keys().cloned().collect()).unwrap_or_default()
}

fn npm_url(name: &str, locked: &Value) -> String {
    format!("pkg:npm/{}@{}", name.replace('@', "%40"), text(locked, "version"))
}

fn integrity(said: &str) -> Option<(&'static str, String)> {
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(said.strip_prefix("sha512-")?).ok()?;
    Some(("SHA-512", bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}
