//! Agents made with the official clients.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::lines::{Program, Refused};
use crate::tools;

/// Which official client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    /// `@modelcontextprotocol/client` on Node.
    TypeScript,
    /// `mcp` on Python.
    Python,
    /// `@modelcontextprotocol/sdk` on Node, the first generation, which knows the tasks of 2025-11-25.
    First,
}

/// An agent made with an official client.
#[derive(Debug)]
pub struct SdkAgent {
    program: Program,
    /// The revision it speaks.
    pub version: String,
}

impl SdkAgent {
    /// Starts an agent and connects it; `era` is `legacy` or a modern revision.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn connect(sdk: Sdk, url: &str, key: &str, era: &str) -> anyhow::Result<Self> {
        Self::connect_as(sdk, json!({ "url": url, "key": key, "era": era })).await
    }

    /// The same with more options of the script.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn connect_as(sdk: Sdk, options: Value) -> anyhow::Result<Self> {
        let mut agent = Self::start(sdk, None)?;
        agent.join(options).await?;
        Ok(agent)
    }

    /// Starts an agent that is not connected yet, by its own script or another one of the same kind.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(sdk: Sdk, script: Option<&Path>) -> anyhow::Result<Self> {
        let (program, own) = match sdk {
            Sdk::TypeScript => (tools::node()?, tools::node_folder().join("agent.mjs")),
            Sdk::First => (tools::node()?, tools::node_folder().join("first.mjs")),
            Sdk::Python => (tools::python()?, tools::package().join("python/agent.py")),
        };
        let mut command = Command::new(program);
        command.arg(script.unwrap_or(&own));
        let program = Program::start(&format!("{sdk:?} agent"), command)?;
        Ok(Self { program, version: String::new() })
    }

    /// Connects it.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn join(&mut self, options: Value) -> anyhow::Result<()> {
        let connected = self.program.ask("connect", options).await?;
        let version = connected.get("version").and_then(Value::as_str).unwrap_or_default();
        version.clone_into(&mut self.version);
        Ok(())
    }

    /// The names of the tools.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn tools(&mut self) -> anyhow::Result<Vec<String>> {
        let tools = self.program.ask("tools", json!({})).await?;
        let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
        Ok(tools.as_array().into_iter().flatten().filter_map(name).collect())
    }

    /// Calls a tool: its result.
    ///
    /// # Errors
    /// [`Refused`] on a JSON-RPC error.
    pub async fn call(&mut self, name: &str, arguments: Value) -> anyhow::Result<Value> {
        self.ask("call", json!({ "name": name, "arguments": arguments })).await
    }

    /// Any operation of the script.
    ///
    /// # Errors
    /// [`Refused`] on a JSON-RPC error.
    pub async fn ask(&mut self, operation: &str, request: Value) -> anyhow::Result<Value> {
        self.program.ask(operation, request).await
    }
}

/// An agent made with an official client that signs in by itself.
#[derive(Debug)]
pub struct SigningAgent {
    program: Program,
    /// The page that the browser has to open.
    pub page: String,
}

impl SigningAgent {
    /// Starts one; it tries to connect and is told to sign in.
    ///
    /// # Errors
    /// When it wants no page opened.
    pub async fn begin(sdk: Sdk, options: Value) -> anyhow::Result<Self> {
        let command = match sdk {
            Sdk::TypeScript | Sdk::First => {
                let mut command = Command::new(tools::node()?);
                command.arg(tools::node_folder().join("signin.mjs"));
                command
            }
            Sdk::Python => {
                let mut command = Command::new(tools::python()?);
                command.arg(tools::package().join("python/signin.py"));
                command
            }
        };
        let mut program = Program::start(&format!("{sdk:?} agent that signs in"), command)?;
        let mut options = options;
        if let (Sdk::First, Some(options)) = (sdk, options.as_object_mut()) {
            options.insert("major".to_owned(), json!(1));
        }
        let begun = program.ask("begin", options).await?;
        let page = begun.get("page").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { program, page })
    }

    /// Waits until it has come in.
    ///
    /// # Errors
    /// When it has not.
    pub async fn finish(&mut self) -> anyhow::Result<()> {
        self.program.ask("finish", json!({})).await.map(drop)
    }

    /// The names of the tools.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn tools(&mut self) -> anyhow::Result<Vec<String>> {
        let tools = self.program.ask("tools", json!({})).await?;
        let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
        Ok(tools.as_array().into_iter().flatten().filter_map(name).collect())
    }

    /// Throws its access token away.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn forget(&mut self) -> anyhow::Result<()> {
        self.program.ask("forget", json!({})).await.map(drop)
    }

    /// Its tokens.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn kept(&mut self) -> anyhow::Result<Value> {
        self.program.ask("kept", json!({})).await
    }
}

/// What came of a call, however the refusal was put: whether the tool ran, and the text.
#[must_use]
pub fn outcome(answer: &anyhow::Result<Value>) -> (bool, String) {
    match answer {
        Ok(result) => {
            let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
            let parts = result.get("content").and_then(Value::as_array).into_iter().flatten();
            let texts = parts.filter_map(|part| part.get("text").and_then(Value::as_str));
            (!failed, texts.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => {
            let refused = error.downcast_ref::<Refused>();
            (false, refused.map_or_else(|| error.to_string(), |refused| refused.message.clone()))
        }
    }
}
