//! Two real authorization servers (oidc-provider) in one program.

use anyhow::Context as _;
use prokura_testkit::Protection;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::lines::Program;
use crate::tools;

/// The running servers, numbered 0 and 1.
#[derive(Debug)]
pub struct Issuers {
    program: Mutex<Program>,
    ready: Value,
}

impl Issuers {
    /// Starts both.
    ///
    /// # Errors
    /// When they do not start.
    pub async fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(tools::node()?);
        command.arg(tools::node_folder().join("issuers.mjs"));
        let mut program = Program::start("oidc-provider", command)?;
        let ready = program.line().await?;
        Ok(Self { program: Mutex::new(program), ready })
    }

    fn of(&self, number: usize, name: &str) -> anyhow::Result<String> {
        let value = self.ready.pointer(&format!("/ready/{number}/{name}")).and_then(Value::as_str);
        Ok(value.with_context(|| format!("no {name} of issuer {number}"))?.to_owned())
    }

    /// The issuer identifier.
    ///
    /// # Errors
    /// When there is no such server.
    pub fn issuer(&self, number: usize) -> anyhow::Result<String> {
        self.of(number, "issuer")
    }

    /// The protection of a fixture whose tokens come from server `number`.
    ///
    /// # Errors
    /// When there is no such server.
    pub fn protection(&self, number: usize) -> anyhow::Result<Protection> {
        Ok(Protection::Introspection {
            issuer: self.of(number, "issuer")?,
            endpoint: self.of(number, "introspection")?,
            client: self.of(number, "client")?,
            secret: self.of(number, "secret")?,
            bound: false,
        })
    }

    /// The same for a fixture that takes tokens bound to a key only.
    ///
    /// # Errors
    /// When there is no such server.
    pub fn strict_protection(&self, number: usize) -> anyhow::Result<Protection> {
        let mut protection = self.protection(number)?;
        if let Protection::Introspection { bound, .. } = &mut protection {
            *bound = true;
        }
        Ok(protection)
    }

    /// From now on server `number` issues tokens for `resource`.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn serve_resource(&self, number: usize, resource: &str) -> anyhow::Result<()> {
        self.ask("resource", json!({ "issuer": number, "resource": resource })).await.map(drop)
    }

    /// Ends the access tokens that server `number` gave out; refresh tokens stay good.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn end_access_tokens(&self, number: usize) -> anyhow::Result<()> {
        self.ask("end", json!({ "issuer": number })).await.map(drop)
    }

    /// A thief plays the oldest refresh token of server `number`; the status it is answered with.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn reuse(&self, number: usize) -> anyhow::Result<u64> {
        let status = self.ask("reuse", json!({ "issuer": number })).await?;
        status.as_u64().context("no status")
    }

    /// The kinds of those tokens of server `number` that its introspection (RFC 7662) calls active.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn active(&self, number: usize) -> anyhow::Result<Vec<String>> {
        let kinds = self.ask("active", json!({ "issuer": number })).await?;
        Ok(serde_json::from_value(kinds)?)
    }

    /// `documents`: how often server `number` read the published client document; `registered`: how many clients
    /// registered; `left`: how many of them there still are.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn clients(&self, number: usize) -> anyhow::Result<Value> {
        self.ask("clients", json!({ "issuer": number })).await
    }

    /// Every token, code and client secret that server `number` gave out.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn issued(&self, number: usize) -> anyhow::Result<Vec<String>> {
        let issued = self.ask("issued", json!({ "issuer": number })).await?;
        let value = |one: &Value| one.get("value").and_then(Value::as_str).map(str::to_owned);
        Ok(issued.as_array().into_iter().flatten().filter_map(value).collect())
    }

    async fn ask(&self, operation: &str, request: Value) -> anyhow::Result<Value> {
        self.program.lock().await.ask(operation, request).await
    }
}
