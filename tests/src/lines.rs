//! A program that answers lines of JSON with lines of JSON.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running program; it is killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    next: u64,
    _child: Child,
}

/// What a program did not do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The code of a JSON-RPC error, where there is one.
    pub code: Option<i64>,
    /// What it said.
    pub message: String,
    /// What came with it.
    pub data: Value,
}

impl Program {
    /// Starts one.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(name: &str, mut command: Command) -> anyhow::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        Ok(Self { name: name.to_owned(), input, output, next: 1, _child: child })
    }

    /// The next line.
    ///
    /// # Errors
    /// When it ends, takes too long, or does not say JSON.
    pub async fn line(&mut self) -> anyhow::Result<Value> {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line())
            .await
            .with_context(|| format!("{} says nothing", self.name))??;
        let Some(line) = line else { bail!("{} has ended", self.name) };
        serde_json::from_str(&line).with_context(|| format!("{} says {line}", self.name))
    }

    /// Sends a request and does not wait.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn send(&mut self, operation: &str, mut request: Value) -> anyhow::Result<()> {
        let members = request.as_object_mut().context("a request is an object")?;
        members.insert("id".to_owned(), json!(self.next));
        members.insert("op".to_owned(), json!(operation));
        self.next += 1;
        self.input.write_all(format!("{request}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// The answer to the request that was sent first and not answered yet.
    ///
    /// # Errors
    /// [`Refused`] when it could not do it.
    pub async fn answer(&mut self) -> anyhow::Result<Value> {
        let said = self.line().await?;
        if said.get("ok").and_then(Value::as_bool) == Some(true) {
            return Ok(said.get("value").cloned().unwrap_or(Value::Null));
        }
        let message = said.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        let data = said.get("data").cloned().unwrap_or(Value::Null);
        Err(Refused { code: said.get("code").and_then(Value::as_i64), message, data }.into())
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`Refused`] when it could not do it.
    pub async fn ask(&mut self, operation: &str, request: Value) -> anyhow::Result<Value> {
        self.send(operation, request).await?;
        self.answer().await
    }
}
