//! The cross-era leg: an agent of every revision in front of Prokura, a server of every revision behind it. The suite plays
//! the agent; a proxy lets it appear older, and the era filter of the reference server lets that appear older or newer.

use std::fmt::Write as _;

use anyhow::bail;
use prokura_domain::protocol::{LEGACY, LEGACY_VERSIONS, MODERN};
use prokura_testkit::TestHost;
use prokura_testkit::injector::Injector;
use prokura_testkit::reference::{Reference, Speaks};

use crate::outcome;
use crate::server::allow_everything;

/// The oldest and the newest revision of either era.
const ENDS: [&str; 3] = ["2024-11-05", LEGACY, MODERN];

/// Runs every cell, or only those that cross the eras at their ends.
pub async fn run(all: bool) -> anyhow::Result<()> {
    let mut revisions: Vec<&'static str> = LEGACY_VERSIONS.into_iter().chain([MODERN]).collect();
    revisions.sort_unstable();
    let wanted = |agent: &str, server: &str| {
        let ends = ENDS.contains(&agent) && ENDS.contains(&server);
        all || (ends && (agent == MODERN) != (server == MODERN))
    };
    let mut table = format!("| agent \\ server | {} |\n|---|", revisions.join(" | "));
    table.push_str(&"---|".repeat(revisions.len()));
    let mut cells = vec![Vec::new(); revisions.len()];
    let mut failures = Vec::new();
    for server in &revisions {
        for (row, agent) in revisions.iter().enumerate() {
            let cell = if wanted(agent, server) {
                let (cell, failed) = cell(agent, server).await?;
                failures.extend(failed);
                cell
            } else {
                "·".to_owned()
            };
            if let Some(row) = cells.get_mut(row) {
                row.push(cell);
            }
        }
    }
    for (agent, row) in revisions.iter().zip(&cells) {
        let _ = write!(table, "\n| {agent} | {} |", row.join(" | "));
    }
    println!("{table}");
    if !failures.is_empty() {
        bail!("{}", failures.join("\n\n"));
    }
    Ok(())
}

/// One cell: the scenarios of the agent's era that passed, and what failed beyond `docs/bridging.md`.
async fn cell(
    agent: &'static str,
    server: &'static str,
) -> anyhow::Result<(String, Option<String>)> {
    let speaks = if server == MODERN { Speaks::Modern } else { Speaks::Sessions(server) };
    let reference = Reference::speaking(speaks).await?;
    let host = TestHost::start().await?;
    host.ok(&["servers", "add", &reference.url(), "--name", "fixture"]).await?;
    let key = host.agent("suite").await?;
    allow_everything(&host, "suite", "fixture").await?;
    let endpoint = host.endpoint("fixture");
    let proxy = match agent {
        MODERN | LEGACY => Injector::start(&endpoint, &key).await?,
        older => Injector::older(&endpoint, &key, older).await?,
    };
    let requirements = if agent == MODERN { MODERN } else { LEGACY };
    let bridged = (agent == MODERN) != (server == MODERN);
    let expected = if bridged { "expected-crossing.yaml" } else { "expected-failures.yaml" };
    let url = proxy.url();
    let (said, judged) = outcome::judge("server", requirements, &["--url", &url], expected).await?;
    Ok(match judged {
        Ok(outcome) => (outcome.scenarios(), None),
        Err((outcome, error)) => {
            let failed = format!("agent {agent}, server {server}: {error}\n{said}");
            (format!("**{}**", outcome.scenarios()), Some(failed))
        }
    })
}
