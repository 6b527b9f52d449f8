//! Who may use whom. The missing edges are the security design, so this table is law:
//! it must never be widened without an entry in `docs/decisions/`.

use serde_json::Value;
use std::collections::BTreeMap;

/// A crate and the crates of this workspace that it may use.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("policy", &["domain"]),
    ("vault", &["domain"]),
    ("store", &["domain"]),
    ("account", &["domain", "vault", "store"]),
    ("delegation", &["domain", "policy", "store"]),
    ("upstream", &["domain", "policy", "account", "delegation"]),
    ("gateway", &["domain", "delegation"]),
    ("wiring", &[]),
    ("api", &["domain", "store", "account", "delegation", "wiring"]),
    ("host", ALL),
    ("cli", ALL_AND_HOST),
    ("desktop", ALL_AND_HOST),
];
const ALL: &[&str] = &[
    "domain",
    "policy",
    "vault",
    "store",
    "account",
    "delegation",
    "upstream",
    "gateway",
    "wiring",
    "api",
];
const ALL_AND_HOST: &[&str] = &[
    "domain",
    "policy",
    "vault",
    "store",
    "account",
    "delegation",
    "upstream",
    "gateway",
    "wiring",
    "api",
    "host",
];

/// Not part of the product: free in what they use, and used by nobody.
const EXEMPT: &[&str] = &["testkit", "tests", "xtask"];

/// A heavy dependency and the crates that own it. `tauri*` is a beginning, `*keyring*` any part of a name.
const OWNERS: &[(&str, &[&str])] = &[
    ("tauri*", &["desktop"]),
    ("rusqlite", &["store"]),
    ("*keyring*", &["vault"]),
    ("aws-lc-rs", &["account"]),
    ("cedar-policy", &["policy"]),
    ("axum", &["gateway", "testkit", "tests"]),
    ("reqwest", &["account", "upstream", "testkit", "tests"]),
    ("ts-rs", &["api"]),
    ("rmcp", &["testkit", "tests"]),
    ("opentelemetry*", &["host", "testkit"]),
];

/// What a crate's own tests may use to play the other side of a wire.
const OTHER_SIDE: &[&str] = &["axum", "reqwest", "rmcp"];

/// One line of a manifest.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Who uses, without `prokura-`.
    pub from: String,
    /// Who is used, without `prokura-`.
    pub to: String,
    /// Whether only its tests do.
    pub tests_only: bool,
    /// Whether `to` is of this workspace.
    pub ours: bool,
}

fn short(name: &str) -> &str {
    name.strip_prefix("prokura-").unwrap_or(name)
}

/// All edges, from `cargo metadata --no-deps`.
pub fn edges(metadata: &Value) -> Vec<Edge> {
    let packages = metadata["packages"].as_array().unwrap();
    let names: Vec<&str> = packages.iter().map(|each| each["name"].as_str().unwrap()).collect();
    let mut found = Vec::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            found.push(Edge {
                from: short(package["name"].as_str().unwrap()).to_owned(),
                to: short(to).to_owned(),
                tests_only: dependency["kind"].as_str() == Some("dev"),
                ours: names.contains(&to),
            });
        }
    }
    found
}

/// Edges between crates of this workspace that the table does not have. Tests of a crate may use testkit too.
pub fn foreign(edges: &[Edge]) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut faults = Vec::new();
    for edge in edges.iter().filter(|edge| edge.ours && !EXEMPT.contains(&edge.from.as_str())) {
        let Some(allowed) = table.get(edge.from.as_str()) else {
            faults.push(format!("{} is not in the table of crates", edge.from));
            continue;
        };
        let fine = allowed.contains(&edge.to.as_str())
            || edge.from == edge.to
            || (edge.tests_only && edge.to == "testkit");
        if !fine {
            faults.push(format!("{} must not use {}", edge.from, edge.to));
        }
    }
    faults
}

fn owners(name: &str) -> Option<&'static [&'static str]> {
    OWNERS
        .iter()
        .find(|(pattern, _)| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(_), _) => name.contains(pattern.trim_matches('*')),
            (None, Some(start)) => name.starts_with(start),
            (None, None) => name == *pattern,
        })
        .map(|(_, owners)| *owners)
}

/// Heavy dependencies outside their owner, in tests too but for the other side of a wire.
pub fn strays(edges: &[Edge]) -> Vec<String> {
    edges
        .iter()
        .filter(|edge| !edge.ours)
        .filter_map(|edge| {
            let owners = owners(&edge.to)?;
            let fine = owners.contains(&edge.from.as_str())
                || (edge.tests_only && OTHER_SIDE.contains(&edge.to.as_str()));
            (!fine).then(|| format!("{} must not use {}, only {owners:?}", edge.from, edge.to))
        })
        .collect()
}

/// Where `deny.toml` and the owners differ. cargo-deny also sees what third parties pull in.
pub fn unlike_deny(deny: &toml::Table) -> Vec<String> {
    let mut faults = Vec::new();
    let bans = deny["bans"]["deny"].as_array().unwrap();
    for (name, owners) in OWNERS {
        let name = if *name == "*keyring*" { "keyring-core" } else { name.trim_matches('*') };
        let Some(ban) = bans.iter().find(|ban| ban["crate"].as_str() == Some(name)) else {
            faults.push(format!("deny.toml does not name {name}"));
            continue;
        };
        let mut found: Vec<&str> = ban["wrappers"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|each| each.as_str().unwrap().strip_prefix("prokura-"))
            .collect();
        let mut wanted = owners.to_vec();
        found.sort_unstable();
        wanted.sort_unstable();
        if found != wanted {
            faults.push(format!("deny.toml lets {found:?} use {name}, the table {wanted:?}"));
        }
    }
    faults
}
