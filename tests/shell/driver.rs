//! A client of WebKitWebDriver: as much of the W3C protocol as hands and eyes need. Every request has a time limit,
//! and it never asks for a screenshot, which hangs without the DMA-BUF renderer.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use prokura_testkit::eventually;
use serde_json::{Value, json};

use crate::process::Running;

/// How long one request may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A program and what it is started with.
pub struct Start {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
}

/// A running driver and the program that it started.
pub struct Driver {
    http: reqwest::Client,
    session: String,
    acted: AtomicUsize,
    _process: Running,
}

/// Something on the page.
#[derive(Debug, Clone)]
pub struct Element(String);

impl Driver {
    /// Starts the driver, and through it the program.
    pub async fn start(start: &Start) -> anyhow::Result<Self> {
        let (listener, port) = prokura_testkit::loopback().await?;
        drop(listener);
        let mut command = Command::new("WebKitWebDriver");
        command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null());
        let process = Running::start(command.envs(start.environment.iter().cloned()))?;
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let root = format!("http://127.0.0.1:{port}");
        eventually("an answer of WebKitWebDriver", PATIENCE, || async {
            http.get(format!("{root}/status")).send().await.ok()
        })
        .await?;
        let options = json!({ "binary": start.program, "args": start.arguments });
        let wish =
            json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let mut driver = Self {
            http,
            session: format!("{root}/session"),
            acted: AtomicUsize::new(0),
            _process: process,
        };
        let begun = driver.post("", wish).await.context("the program does not start")?;
        let id = begun.get("sessionId").and_then(Value::as_str).context("no session")?;
        driver.session = format!("{root}/session/{id}");
        Ok(driver)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        read(self.http.get(format!("{}{path}", self.session))).await
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        read(self.http.post(format!("{}{path}", self.session)).json(&body)).await
    }

    /// All windows, shown or not.
    pub async fn windows(&self) -> anyhow::Result<Vec<String>> {
        Ok(serde_json::from_value(self.get("/window/handles").await?)?)
    }

    /// The window that is driven now.
    pub async fn window(&self) -> anyhow::Result<String> {
        Ok(serde_json::from_value(self.get("/window").await?)?)
    }

    /// From now on another window is driven.
    pub async fn turn_to(&self, window: &str) -> anyhow::Result<()> {
        self.post("/window", json!({ "handle": window })).await.map(drop)
    }

    /// Goes to an address.
    pub async fn visit(&self, url: &str) -> anyhow::Result<()> {
        self.post("/url", json!({ "url": url })).await.map(drop)
    }

    /// Makes the window so large.
    pub async fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        let rect = json!({ "x": 0, "y": 0, "width": width, "height": height });
        self.post("/window/rect", rect).await.map(drop)
    }

    /// Runs a script in the page: what the test sees with.
    pub async fn script(&self, script: &str) -> anyhow::Result<Value> {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Runs a script that says itself when it is done, by calling its last argument.
    pub async fn long_script(&self, script: &str) -> anyhow::Result<Value> {
        self.post("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// What an XPath finds, in the order of the page.
    pub async fn find(&self, path: &str) -> anyhow::Result<Vec<Element>> {
        let found = self.post("/elements", json!({ "using": "xpath", "value": path })).await?;
        let id = |one: &Value| Some(Element(one.get(ELEMENT)?.as_str()?.to_owned()));
        Ok(found.as_array().into_iter().flatten().filter_map(id).collect())
    }

    /// How often the person did something here: clicks that arrived, fields that were filled in.
    pub fn interactions(&self) -> usize {
        self.acted.load(Ordering::Relaxed)
    }

    pub async fn click(&self, element: &Element) -> anyhow::Result<()> {
        self.post(&format!("/element/{}/click", element.0), json!({})).await?;
        self.acted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Empties a field and types into it.
    pub async fn fill(&self, element: &Element, text: &str) -> anyhow::Result<()> {
        self.post(&format!("/element/{}/clear", element.0), json!({})).await?;
        self.post(&format!("/element/{}/value", element.0), json!({ "text": text })).await?;
        self.acted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub async fn attribute(&self, element: &Element, name: &str) -> anyhow::Result<Option<String>> {
        let value = self.get(&format!("/element/{}/attribute/{name}", element.0)).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    pub async fn is_enabled(&self, element: &Element) -> anyhow::Result<bool> {
        Ok(self.get(&format!("/element/{}/enabled", element.0)).await?.as_bool() == Some(true))
    }
}

/// The value of an answer, or what the driver says went wrong.
async fn read(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    let fine = answer.status().is_success();
    let mut body: Value = answer.json().await?;
    let value = body.get_mut("value").map(Value::take).unwrap_or_default();
    if !fine {
        let part = |name| value.get(name).and_then(Value::as_str).unwrap_or_default();
        bail!("{}: {}", part("error"), part("message"));
    }
    Ok(value)
}
