//! The authorization leg: the suite is an agent's program that signs in to Prokura's own authorization server, and the
//! person gives the consent in Prokura. The suite scores this leg by the revision it is run at, with no list of its own.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use prokura_testkit::TestHost;
use prokura_tests::tools;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{ChildStdout, Command};

use crate::outcome;

/// What the suite has for authorization servers.
const SCENARIOS: [&str; 2] = ["authorization-server-metadata-endpoint", "authorization-code-grant"];
/// The longest run.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it.
pub async fn run(requirements: &str) -> anyhow::Result<()> {
    let host = TestHost::start().await?;
    let client = register(&host).await?;
    let callback = free_port()?.to_string();
    let resource = format!("{}/mcp", host.http());
    let mut command = Command::new(tools::node()?);
    command.arg(tools::suite()).arg("authorization").args(["--url", &host.http()]);
    command.args(["--client-id", &client, "--resource", &resource, "--port", &callback]);
    command.args(["--spec-version", requirements]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut suite = command.spawn().context("the suite does not start")?;
    let output = suite.stdout.take().context("no standard output")?;
    let said = tokio::time::timeout(PATIENCE, listen(&host, output)).await??;
    let ended = suite.wait().await?;
    println!("{said}");
    outcome::tell("authorization", requirements, &said, &SCENARIOS.map(str::to_owned))?;
    if !ended.success() || said.contains("SKIPPED") {
        bail!("the suite found failures, or left something out");
    }
    Ok(())
}

/// Everything it says; the page it wants opened is opened.
async fn listen(host: &TestHost, output: ChildStdout) -> anyhow::Result<String> {
    let mut lines = BufReader::new(output).lines();
    let page = format!("{}/oauth/authorize?", host.http());
    let mut said = String::new();
    while let Some(line) = lines.next_line().await? {
        if line.starts_with(&page) {
            host.let_in(line.trim(), ["--new-agent", "suite"]).await?;
        }
        said.push_str(&line);
        said.push('\n');
    }
    Ok(said)
}

/// The suite brings no registration of its own.
async fn register(host: &TestHost) -> anyhow::Result<String> {
    let metadata = json!({
        "client_name": "conformance suite",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
    });
    let url = format!("{}/oauth/register", host.http());
    let http = reqwest::Client::builder().no_proxy().build()?;
    let registered: Value = http.post(url).json(&metadata).send().await?.json().await?;
    let id = registered.get("client_id").and_then(Value::as_str);
    Ok(id.with_context(|| format!("no client id in {registered}"))?.to_owned())
}

fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}
