//! A sign-in on the command line, which waits while somebody is at the page it named.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::folder::Said;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sign-in that has named its page.
#[derive(Debug)]
pub struct SignIn {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    first: String,
    /// The page to open.
    pub url: String,
}

impl SignIn {
    pub(super) async fn begin(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Some(first) = first.context("no address within 30 s")?? else {
            let output = child.wait_with_output().await?;
            bail!("sign-in named no page: {}", String::from_utf8_lossy(&output.stderr));
        };
        let said: Value =
            serde_json::from_str(&first).with_context(|| format!("not JSON: {first}"))?;
        let url = said.get("url").and_then(Value::as_str);
        let url = url.with_context(|| format!("no url in {first}"))?.to_owned();
        Ok(Self { child, lines, first, url })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn end(mut self) -> anyhow::Result<Said> {
        let mut out = format!("{}\n", self.first);
        while let Ok(Ok(Some(line))) = tokio::time::timeout(PATIENCE, self.lines.next_line()).await
        {
            out.push_str(&line);
            out.push('\n');
        }
        let output = tokio::time::timeout(PATIENCE, self.child.wait_with_output())
            .await
            .context("the sign-in command did not end")??;
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Said { code: output.status.code().unwrap_or(-1), out, err })
    }
}
