//! A real `prokura serve` in a process of its own, on a data folder of its own, driven by the real command line.

mod consent;
mod folder;
mod program;
mod sign_in;

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::browser::{Browser, Page};
pub use folder::{Folder, Said, Serving};
use program::shown;
pub use program::{find_program, signal, write_private};
pub use sign_in::SignIn;

/// A Host with its folder: what most journeys start with.
#[derive(Debug)]
pub struct TestHost {
    /// Its folder.
    pub folder: Folder,
    /// The running part; `None` between a stop and the next start.
    pub serving: Option<Serving>,
    gone: String,
}

impl TestHost {
    /// A new folder, and `serve` on it.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_in(Folder::new(None)?).await
    }

    /// `serve` on a given folder. The flow rule is switched off, because most of what is told is about something else.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_in(folder: Folder) -> anyhow::Result<Self> {
        let serving = folder.serve().await?;
        Self::on(folder, serving).without_flow_rule().await
    }

    /// A new folder, and `serve` on it as it is at first.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn as_installed() -> anyhow::Result<Self> {
        let folder = Folder::new(None)?;
        let serving = folder.serve().await?;
        Ok(Self::on(folder, serving))
    }

    /// The same with the flow rule switched off.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn without_flow_rule(self) -> anyhow::Result<Self> {
        self.ok(&["flow", "set", "--off"]).await?;
        Ok(self)
    }

    /// What already runs on a folder.
    #[must_use]
    pub fn on(folder: Folder, serving: Serving) -> Self {
        Self { folder, serving: Some(serving), gone: String::new() }
    }

    /// The address agents use.
    #[must_use]
    pub fn http(&self) -> String {
        self.serving.as_ref().map(|serving| serving.http.clone()).unwrap_or_default()
    }

    /// The endpoint of one server.
    #[must_use]
    pub fn endpoint(&self, server: &str) -> String {
        format!("{}/s/{server}/mcp", self.http())
    }

    /// Everything that was logged so far, by earlier runs too.
    #[must_use]
    pub fn logs(&self) -> String {
        let now = self.serving.as_ref().map(Serving::said).unwrap_or_default();
        format!("{}{now}", self.gone)
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(serving) = self.serving.take() {
            self.gone.push_str(&serving.stop().await?);
        }
        Ok(())
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(serving) = self.serving.take() {
            self.gone.push_str(&serving.said());
            serving.kill().await?;
        }
        Ok(())
    }

    /// Starts it again on the same folder.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.serving = Some(self.folder.serve().await?);
        Ok(())
    }

    /// Runs a command; whatever its exit code.
    ///
    /// # Errors
    /// When it does not start or does not end.
    pub async fn cli(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        self.folder.run(arguments).await
    }

    /// Runs a command with `--json` that has to succeed.
    ///
    /// # Errors
    /// When it fails, or does not say JSON.
    pub async fn ok(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        // In front: behind a "--" it would be the word of somebody else.
        let all = [&["--json"], arguments].concat();
        let said = self.cli(&all).await?;
        if said.code != 0 {
            bail!("{} ended with {}: {}{}", shown(arguments), said.code, said.out, said.err);
        }
        serde_json::from_str(&said.out)
            .with_context(|| format!("{}: not JSON: {}", shown(arguments), said.out))
    }

    /// Adds an agent with a key.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn agent(&self, name: &str) -> anyhow::Result<String> {
        let added = self.ok(&["agents", "add", name, "--key"]).await?;
        let key = added.get("key").and_then(Value::as_str);
        Ok(key.with_context(|| format!("no key in {added}"))?.to_owned())
    }

    /// Adds a grant; answers with its id.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn grant(
        &self,
        agent: &str,
        server: &str,
        tools: &str,
        effect: &str,
    ) -> anyhow::Result<String> {
        let wish = [
            "grants", "add", "--agent", agent, "--server", server, "--tools", tools, "--effect",
            effect,
        ];
        let added = self.ok(&wish).await?;
        let grant = added.get("grant").with_context(|| format!("no grant in {added}"))?;
        let id = grant.as_str().or_else(|| grant.get("id").and_then(Value::as_str));
        Ok(id.with_context(|| format!("no id in {added}"))?.to_owned())
    }

    /// Signs in to a server with a browser.
    ///
    /// # Errors
    /// When the sign-in does not succeed.
    pub async fn sign_in(&self, server: &str) -> anyhow::Result<Page> {
        let (page, said) = self.try_sign_in(server).await?;
        if said.code != 0 {
            bail!("sign-in to {server} ended with {}: {}{}", said.code, said.out, said.err);
        }
        Ok(page)
    }

    /// Goes through a sign-in, whatever comes of it: the last page of the browser, and what the command said.
    ///
    /// # Errors
    /// When the command names no page.
    pub async fn try_sign_in(&self, server: &str) -> anyhow::Result<(Page, Said)> {
        let begun = self.begin_sign_in(server).await?;
        let page = Browser::new("ada")?.visit(&begun.url).await?;
        Ok((page, begun.end().await?))
    }

    /// Starts a sign-in and does not open its page.
    ///
    /// # Errors
    /// When the command names no page.
    pub async fn begin_sign_in(&self, server: &str) -> anyhow::Result<SignIn> {
        self.begin_sign_in_by(server, &["--print-url"]).await
    }

    /// Starts a sign-in with these words, and does not open its page.
    ///
    /// # Errors
    /// When the command names no page.
    pub async fn begin_sign_in_by(&self, server: &str, by: &[&str]) -> anyhow::Result<SignIn> {
        let words = [&["servers", "sign-in", server, "--json"][..], by].concat();
        SignIn::begin(self.folder.command(&words)).await
    }

    /// Starts the sign-in that a question about scopes asks for.
    ///
    /// # Errors
    /// When the command names no page.
    pub async fn begin_giving(&self, approval: &str) -> anyhow::Result<SignIn> {
        let words = ["approvals", "answer", approval, "allow", "--json"];
        SignIn::begin(self.folder.command(&words)).await
    }

    /// Waits for exactly one pending approval.
    ///
    /// # Errors
    /// When there is none within a minute: an unoptimised build takes its time to look at a large executable.
    pub async fn pending(&self) -> anyhow::Result<Value> {
        crate::eventually("a pending approval", Duration::from_secs(60), || async {
            let list = self.ok(&["approvals", "list"]).await.ok()?;
            list.as_array()?.first().cloned()
        })
        .await
    }

    /// Answers the approval that comes next.
    ///
    /// # Errors
    /// When there is none, or the answer is refused.
    pub async fn answer(&self, answer: &[&str]) -> anyhow::Result<Value> {
        let question = self.pending().await?;
        let id = question
            .get("id")
            .and_then(Value::as_str)
            .context("an approval without id")?
            .to_owned();
        let mut command = vec!["approvals", "answer", id.as_str()];
        command.extend(answer);
        self.ok(&command).await?;
        Ok(question)
    }

    /// The newest records, newest first.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn audit(&self) -> anyhow::Result<Vec<Value>> {
        let list = self.ok(&["audit", "list", "--limit", "1000"]).await?;
        Ok(list.as_array().cloned().unwrap_or_default())
    }
}
