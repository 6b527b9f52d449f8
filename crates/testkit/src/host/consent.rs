//! A person who lets an agent sign in: a browser on one side, Prokura's command line on the other.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::TestHost;
use crate::browser::{Browser, Page};

impl TestHost {
    /// Opens the page an agent wants opened, picks the number it shows in Prokura, and follows the browser back.
    /// `as_agent` is `--agent NAME` or `--new-agent NAME`.
    ///
    /// # Errors
    /// When the page shows no number, Prokura does not ask, or the browser does not come back.
    pub async fn let_in(&self, address: &str, as_agent: [&str; 2]) -> anyhow::Result<Page> {
        let browser = Browser::new("ada")?;
        let page = browser.visit(address).await?;
        let number = shown(&page.text)
            .with_context(|| format!("{} shows no number: {}", page.url, page.text))?;
        self.pick(&number, as_agent).await?;
        browser.visit(&format!("{}?again", page.url)).await
    }

    /// Picks the number or code in the consent that offers it.
    ///
    /// # Errors
    /// When Prokura does not ask, or refuses the answer.
    pub async fn pick(&self, number: &str, as_agent: [&str; 2]) -> anyhow::Result<Value> {
        let question =
            crate::eventually("a consent", std::time::Duration::from_secs(15), || async {
                let list = self.ok(&["approvals", "list"]).await.ok()?;
                let offers = |one: &&Value| {
                    let choices = one.pointer("/consent/choices").and_then(Value::as_array);
                    choices.is_some_and(|all| all.iter().any(|choice| choice == number))
                };
                list.as_array()?.iter().find(offers).cloned()
            })
            .await?;
        let id = question.get("id").and_then(Value::as_str).context("a consent without id")?;
        let [flag, name] = as_agent;
        let words = ["approvals", "answer", id, "allow", "--number", number, flag, name];
        let said = self.cli(&words).await?;
        if said.code != 0 {
            bail!("the consent could not be given: {}{}", said.out, said.err);
        }
        Ok(question)
    }
}

/// The number on a page.
fn shown(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<output>")?;
    let (number, _) = rest.split_once("</output>")?;
    Some(number.to_owned())
}
