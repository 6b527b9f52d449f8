//! The server leg: suite → proxy that adds the key → Prokura → reference server.

use prokura_testkit::TestHost;
use prokura_testkit::injector::Injector;
use prokura_testkit::reference::{Reference, Speaks};

use crate::outcome;

/// Runs it against a server that speaks everything, or only some revisions.
pub async fn run(requirements: &str, direct: bool, speaks: Speaks) -> anyhow::Result<()> {
    let reference = Reference::speaking(speaks).await?;
    if direct {
        return outcome::run("server", requirements, &["--url", &reference.url()]).await;
    }
    let host = TestHost::start().await?;
    host.ok(&["servers", "add", &reference.url(), "--name", "fixture"]).await?;
    let key = host.agent("suite").await?;
    allow_everything(&host, "suite", "fixture").await?;
    let proxy = Injector::start(&host.endpoint("fixture"), &key).await?;
    outcome::run("server", requirements, &["--url", &proxy.url()]).await
}

/// Grants for everything there is, so that only the carrying is tested.
pub async fn allow_everything(host: &TestHost, agent: &str, server: &str) -> anyhow::Result<()> {
    for kind in ["--tools", "--resources", "--prompts", "--methods"] {
        let wish =
            ["grants", "add", "--agent", agent, "--server", server, kind, "*", "--effect", "allow"];
        host.ok(&wish).await?;
    }
    Ok(())
}
