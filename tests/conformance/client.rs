//! The client leg: the suite starts this program again, as `drive`, once for each scenario.

use anyhow::Context as _;

use crate::outcome;

/// Runs it.
pub async fn run(requirements: &str) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let own = own.to_str().context("the path of this program is not text")?;
    outcome::run(
        "client",
        requirements,
        &["--command", &format!("{own} drive"), "--timeout", "180000"],
    )
    .await
}
