//! What the suite starts in the client leg. It is three at once: the person who adds the server, signs in and says yes;
//! the agent, made with the official TypeScript client; and the one who starts Prokura for both.

use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use prokura_testkit::host::Folder;
use prokura_testkit::{Browser, TestHost};
use prokura_tests::lines::Refused;
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};

use crate::server::allow_everything;

/// The suite starts all scenarios at once; so many run at a time.
const SLOTS: usize = 3;

/// How often a person would sign in again before giving up.
const PATIENCE: usize = 4;

/// The metadata document that the suite knows its client by.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// What the suite tells about the scenario.
struct Scenario {
    name: String,
    version: String,
    context: Value,
}

impl Scenario {
    fn read() -> anyhow::Result<Self> {
        let variable =
            |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let context = std::env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_default();
        Ok(Self {
            name: variable("MCP_CONFORMANCE_SCENARIO")?,
            version: variable("MCP_CONFORMANCE_PROTOCOL_VERSION")?,
            context: serde_json::from_str(&context).unwrap_or(Value::Null),
        })
    }
}

/// Runs one scenario.
pub async fn run(url: &str) -> anyhow::Result<()> {
    let _slot = slot().await?;
    let scenario = Scenario::read()?;
    let folder = Folder::new(None)?;
    let key = folder.key_file();
    let words = ["--port", "0", "--client-document", DOCUMENT, "--vault-key-file"].map(OsStr::new);
    let serving = folder.serve_with(&[&words[..], &[key.as_os_str()]].concat()).await?;
    let host = TestHost::on(folder, serving).without_flow_rule().await?;
    let ended = play(&host, &scenario, url).await;
    if let Err(error) = &ended {
        eprintln!("{}: {error:#}\nthe host said: {}", scenario.name, host.logs());
    }
    ended
}

async fn play(host: &TestHost, scenario: &Scenario, url: &str) -> anyhow::Result<()> {
    host.ok(&["servers", "add", url, "--name", "target"]).await?;
    enter_client(host, scenario).await?;
    if let Some(words) = program(host, scenario)? {
        host.ok(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    } else if !ready(host).await? {
        host.sign_in("target").await?;
    }
    let key = host.agent("suite").await?;
    allow_everything(host, "suite", "target").await?;
    let person = says_yes(host);
    let acting = act(host, scenario, &key);
    tokio::select! {
        acted = acting => acted,
        () = person => bail!("the person went away"),
    }
}

/// Enters the client that the suite made, with what it proves itself with.
async fn enter_client(host: &TestHost, scenario: &Scenario) -> anyhow::Result<()> {
    let given = |name: &str| scenario.context.get(name).and_then(Value::as_str);
    let Some(id) = given("client_id") else { return Ok(()) };
    let mut words = vec!["servers", "client", "target", "--id", id];
    let key = host.folder.root().join("client.pem");
    let place = key.to_string_lossy().into_owned();
    if given("client_secret").is_some() {
        words.push("--secret-stdin");
    } else if let Some(pem) = given("private_key_pem") {
        std::fs::write(&key, pem)?;
        words.extend(["--key-file", &place]);
        words.extend(given("signing_algorithm").into_iter().flat_map(|a| ["--algorithm", a]));
    }
    let secret = given("client_secret").unwrap_or_default();
    let said = host.folder.run_with(&words, secret.as_bytes()).await?;
    if said.code != 0 {
        bail!("servers client: {}{}", said.out, said.err);
    }
    Ok(())
}

/// How a program signs in where the scenario is about one; people need a browser.
fn program(host: &TestHost, scenario: &Scenario) -> anyhow::Result<Option<Vec<String>>> {
    let given = |name: &str| {
        let value = scenario.context.get(name).and_then(Value::as_str);
        value.with_context(|| format!("no {name} in the context"))
    };
    let file = |name: &str| -> anyhow::Result<String> {
        let path = host.folder.root().join(name);
        std::fs::write(&path, given(name)?)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let more = match scenario.name.as_str() {
        "auth/client-credentials-jwt" | "auth/client-credentials-basic" => {
            vec!["--client".to_owned()]
        }
        "auth/wif-jwt-bearer" => vec!["--workload".to_owned(), file("valid_jwt")?],
        "auth/enterprise-managed-authorization" => vec![
            "--enterprise".to_owned(),
            given("idp_issuer")?.to_owned(),
            "--idp-client".to_owned(),
            given("idp_client_id")?.to_owned(),
            "--id-token-file".to_owned(),
            file("idp_id_token")?,
        ],
        _ => return Ok(None),
    };
    let mut words = ["servers", "sign-in", "target"].map(str::to_owned).to_vec();
    words.extend(more);
    Ok(Some(words))
}

async fn ready(host: &TestHost) -> anyhow::Result<bool> {
    let servers = host.ok(&["servers", "list"]).await?;
    Ok(servers.pointer("/0/state").and_then(Value::as_str) == Some("ready"))
}

/// The person, who agrees to whatever is asked. Never ends.
async fn says_yes(host: &TestHost) {
    loop {
        if let Ok(question) = host.pending().await {
            let id = question.get("id").and_then(Value::as_str).unwrap_or_default();
            // It may have been settled meanwhile; then there is nothing to say.
            let _settled = match question.get("kind").and_then(Value::as_str) {
                Some("scopes") => gives(host, id).await.is_ok(),
                _ => host.cli(&["approvals", "answer", id, "allow"]).await.is_ok(),
            };
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Signs in for what a call needs.
async fn gives(host: &TestHost, question: &str) -> anyhow::Result<()> {
    let begun = host.begin_giving(question).await?;
    Browser::new("ada")?.visit(&begun.url).await?;
    begun.end().await.map(drop)
}

async fn act(host: &TestHost, scenario: &Scenario, key: &str) -> anyhow::Result<()> {
    let mut agent = match connect(host, scenario, key).await {
        Ok(agent) => agent,
        Err(error) if ready(host).await? => return Err(error),
        Err(_) => {
            // The server has turned away the token meanwhile: the person signs in again.
            host.sign_in("target").await?;
            connect(host, scenario, key).await?
        }
    };
    let tools = agent.ask("tools", json!({})).await?;
    let tools: Vec<Value> = tools.as_array().cloned().unwrap_or_default();
    match scenario.name.as_str() {
        "initialize" | "request-metadata" | "json-schema-ref-no-deref" => Ok(()),
        "http-standard-headers" => everything(&mut agent, &tools).await,
        "http-custom-headers" => given_calls(&mut agent, &scenario.context).await,
        "json-schema-2020-12-preservation" => echo_schema(&mut agent, &tools).await,
        "tools_call" => call(host, &mut agent, "add_numbers", json!({ "a": 5, "b": 3 })).await,
        _ => {
            for tool in &tools {
                let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
                call(host, &mut agent, name, json!({})).await?;
            }
            Ok(())
        }
    }
}

async fn connect(host: &TestHost, scenario: &Scenario, key: &str) -> anyhow::Result<SdkAgent> {
    let modern = scenario.version.as_str() >= "2026-07-28";
    let era = if modern { scenario.version.as_str() } else { "legacy" };
    let mut options = json!({ "url": host.endpoint("target"), "key": key, "era": era });
    let (capabilities, answer) = match scenario.name.as_str() {
        "elicitation-sep1034-client-defaults" => {
            (json!({ "elicitation": { "form": {} } }), json!("defaults"))
        }
        "sep-2322-client-request-state" => {
            (json!({ "elicitation": { "form": {} } }), json!({ "confirmed": true }))
        }
        "request-metadata" => {
            (json!({ "roots": {}, "sampling": {}, "elicitation": {} }), json!("defaults"))
        }
        _ => (json!({}), Value::Null),
    };
    if let Some(options) = options.as_object_mut() {
        options.insert("capabilities".to_owned(), capabilities);
        if !answer.is_null() {
            options.insert("answer".to_owned(), answer);
        }
    }
    SdkAgent::connect_as(Sdk::TypeScript, options).await
}

/// Calls a tool; where the sign-in has ended meanwhile, the person signs in again and the agent tries once more.
async fn call(
    host: &TestHost,
    agent: &mut SdkAgent,
    tool: &str,
    arguments: Value,
) -> anyhow::Result<()> {
    for _ in 0..PATIENCE {
        let refused = match agent.call(tool, arguments.clone()).await {
            Ok(result) => {
                let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
                if !failed || ready(host).await? {
                    return Ok(());
                }
                result.to_string()
            }
            Err(error) => match error.downcast_ref::<Refused>() {
                Some(refused) => refused.message.clone(),
                None => return Err(error),
            },
        };
        if ready(host).await? {
            bail!("{tool}: {refused}");
        }
        host.sign_in("target").await?;
    }
    bail!("{tool}: signing in again does not help")
}

async fn everything(agent: &mut SdkAgent, tools: &[Value]) -> anyhow::Result<()> {
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if let Some(tool) = tools.first() {
        agent.call(&text(tool, "name"), json!({})).await?;
    }
    let resources = agent.ask("resources", json!({})).await?;
    if let Some(resource) = resources.pointer("/0") {
        agent.ask("read", json!({ "uri": text(resource, "uri") })).await?;
    }
    let prompts = agent.ask("prompts", json!({})).await?;
    if let Some(prompt) = prompts.pointer("/0") {
        agent.ask("prompt", json!({ "name": text(prompt, "name") })).await?;
    }
    Ok(())
}

async fn given_calls(agent: &mut SdkAgent, context: &Value) -> anyhow::Result<()> {
    let calls = context
        .get("toolCalls")
        .and_then(Value::as_array)
        .context("no toolCalls in the context")?;
    for call in calls {
        let name = call.get("name").and_then(Value::as_str).context("a call without name")?;
        agent.call(name, call.get("arguments").cloned().unwrap_or(json!({}))).await?;
    }
    Ok(())
}

async fn echo_schema(agent: &mut SdkAgent, tools: &[Value]) -> anyhow::Result<()> {
    let named = |tool: &&Value| {
        tool.get("name").and_then(Value::as_str) == Some("json_schema_2020_12_tool")
    };
    let tool = tools.iter().find(named).context("json_schema_2020_12_tool is not listed")?;
    let schema = tool.get("inputSchema").cloned().context("a tool without schema")?;
    agent.call("json_schema_echo", json!({ "schema": schema })).await.map(drop)
}

/// One of the places to run in; it is free again when the file is closed.
async fn slot() -> anyhow::Result<File> {
    let folder: PathBuf = std::env::temp_dir().join("prokura-conformance-slots");
    std::fs::create_dir_all(&folder)?;
    loop {
        for number in 0..SLOTS {
            let file = File::create(folder.join(number.to_string()))?;
            if file.try_lock().is_ok() {
                return Ok(file);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
