//! Turns words into wishes, and asks the running Host.

use std::io::Read as _;
use std::process::ExitCode;

use prokura_api::{
    AccountWish, AskingWish, Failure, FailureCode, NetworkWish, Request, seconds_in,
};
use prokura_host::control::Client;
use prokura_host::default_data_dir;
use serde_json::Value;

use crate::args::{Agents, Args, Command, Flow, Network, Servers, Switch, Tools};
use crate::guardrails::Guardrails;
use crate::{
    access, approvals, audit, backup, bundles, grants, guardrails, local, reference, rules, run,
    serve, show, sign_in, wire,
};

pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    let data = args.data.unwrap_or_else(default_data_dir);
    let json = args.json;
    match args.command {
        Command::Serve(words) => serve::serve(data, words).await,
        Command::Servers(Servers::SignIn { name, print_url, account, choice, machine }) => {
            let place = sign_in::Place { server: name, account, print_url, json };
            sign_in::run(&data, place, *choice, *machine).await
        }
        Command::Servers(words) if local::is_one(&words) => local::run(&data, words, json).await,
        Command::Audit(words) => audit::run(&data, *words, json).await,
        Command::Guardrails(words @ Guardrails::Check { .. }) => {
            let value = ask(&data, &guardrails::request(words)?).await?;
            show::print(&value, json);
            let well = value.as_array().is_some_and(Vec::is_empty);
            Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Doctor => doctor(&data, json).await,
        Command::Access(words) => {
            let value = ask(&data, &access::request(words)?).await?;
            show::print(&if json { value } else { access::for_people(&value) }, json);
            Ok(ExitCode::SUCCESS)
        }
        Command::Agents(Agents::Limits(words)) if !words.changes() => {
            show::print(&limits(&data, &words.name).await?, json);
            Ok(ExitCode::SUCCESS)
        }
        Command::Backup { file } => backup::write(&data, file, json).await,
        Command::Restore { file, vault_key_file } => {
            backup::restore(&data, file, vault_key_file, json).await
        }
        Command::Run(words) => run::run(&data, words, json).await,
        Command::Wire(words) => wire::run(&data, words, json).await,
        Command::Grants(words) => grants::run(&data, words, json).await,
        Command::Rules(words) => rules::run(&data, words, json).await,
        Command::Bundles(words) => bundles::run(&data, words, json).await,
        Command::Completions { shell } => reference::completions(shell),
        Command::Manual { folder } => reference::manual(&folder),
        Command::Approvals(words) => approvals::run(&data, words, json).await,
        command => {
            let value = ask(&data, &request(command)?).await?;
            show::print(&value, json);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn doctor(data: &std::path::Path, json: bool) -> Result<ExitCode, Failure> {
    let value = match ask(data, &Request::Doctor).await {
        // Without a Host the folder itself can be looked at.
        Err(failure) if failure.code == FailureCode::Unreachable => {
            serde_json::to_value(prokura_host::doctor::without_host(data)).map_err(internal)?
        }
        told => told?,
    };
    show::print(&value, json);
    let well = value.as_array().is_some_and(|checks| {
        checks.iter().all(|check| check.get("ok") == Some(&Value::Bool(true)))
    });
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub async fn ask(data: &std::path::Path, request: &Request) -> Result<Value, Failure> {
    Client::connect(data).await?.ask(request).await
}

/// How much an agent may take.
async fn limits(data: &std::path::Path, name: &str) -> Result<Value, Failure> {
    let agents = ask(data, &Request::Agents).await?;
    let named = |agent: &&Value| agent.get("name").and_then(Value::as_str) == Some(name);
    let agent = agents.as_array().and_then(|all| all.iter().find(named));
    agent.and_then(|agent| agent.get("limits")).cloned().ok_or_else(|| {
        bad(format!("There is no agent \"{name}\"."), "List the agents with `prokura agents list`.")
    })
}

fn request(command: Command) -> Result<Request, Failure> {
    Ok(match command {
        Command::State => Request::State,
        Command::Pause => Request::Pause,
        Command::Adopt => Request::Adopt,
        Command::Network(words) => Request::Network(network(words)?),
        Command::Resume => Request::Resume,
        Command::Servers(words) => servers(words)?,
        Command::Agents(words) => agents(words),
        Command::Tools(Tools::List { server, refresh: false }) => Request::Tools { server },
        Command::Tools(Tools::List { server, refresh: true }) => Request::ToolsRefresh { server },
        Command::Tools(Tools::Classify { server, tool, class, labels }) => {
            Request::ToolClassify { server, tool, class, labels }
        }
        Command::Tools(Tools::Accept { server, tool }) => Request::ToolAccept { server, tool },
        Command::Tools(Tools::Label { server, tool, labels, resources, prompts }) => {
            Request::ToolsLabel { server, tool, labels, resources, prompts }
        }
        Command::Guardrails(words) => guardrails::request(words)?,
        Command::Simulate(words) => guardrails::simulation(words)?,
        Command::Flow(Flow::Show) => Request::Flow,
        Command::Flow(Flow::Set { on, off, window }) => {
            Request::FlowSet { on: (on || off).then_some(on), window }
        }
        Command::Flow(Flow::Forget { agent }) => Request::FlowForget { agent },
        Command::Audit(_)
        | Command::Run(_)
        | Command::Backup { .. }
        | Command::Restore { .. }
        | Command::Access(_)
        | Command::Approvals(_)
        | Command::Wire(_)
        | Command::Grants(_)
        | Command::Rules(_)
        | Command::Bundles(_)
        | Command::Doctor
        | Command::Stdio(_)
        | Command::Completions { .. }
        | Command::Manual { .. }
        | Command::Serve(_) => Err(internal("this command is answered elsewhere"))?,
    })
}

fn network(words: Network) -> Result<NetworkWish, Failure> {
    Ok(match words {
        Network::Show => NetworkWish::Show,
        Network::Proxy { url, none: _ } => NetworkWish::Proxy { url },
        Network::Trust { name, file } => NetworkWish::Trust { name, pem: text_of(&file)? },
        Network::Documents { mode } => NetworkWish::Documents { on: mode == "on" },
        Network::Distrust { name } => NetworkWish::Distrust { name },
    })
}

fn agents(words: Agents) -> Request {
    match words {
        Agents::Add { name, key: _ } => Request::AgentAdd { name },
        Agents::List => Request::Agents,
        Agents::Revoke { name } => Request::AgentRevoke { agent: name },
        Agents::Pause { name } => Request::AgentPause { agent: name },
        Agents::Resume { name } => Request::AgentResume { agent: name },
        Agents::Unpair { name, pairing } => Request::AgentUnpair { agent: name, pairing },
        Agents::SignOut { name, sign_in } => Request::AgentSignOut { agent: name, sign_in },
        Agents::Search { name, mode } => Request::AgentSearch { agent: name, on: mode == "on" },
        Agents::Limits(words) => Request::AgentLimits(words.wish()),
        Agents::Key { name } => Request::AgentKey { agent: name },
    }
}

fn servers(words: Servers) -> Result<Request, Failure> {
    Ok(match words {
        Servers::Add { url, name } => Request::ServerAdd { url, name },
        Servers::List => Request::Servers,
        Servers::Known { words } => Request::ServersKnown { search: Some(words.join(" ")) },
        Servers::SignOut { name, account } => Request::SignOut { server: name, account },
        Servers::Client(words) => Request::ClientSet {
            server: words.name.clone(),
            client_id: words.id.clone(),
            proof: sign_in::client_wish(words)?,
        },
        Servers::Key { name, header } => {
            Request::KeySet { server: name, header, key: from_stdin()? }
        }
        Servers::Rename { name, account, to } => {
            Request::Account(AccountWish::Rename { server: name, account, name: to })
        }
        Servers::Use { name, account, agent } => {
            Request::Account(AccountWish::Use { server: name, account, agent })
        }
        Servers::AskAgain { name, account } => {
            Request::Account(AccountWish::AskAgain { server: name, account })
        }
        Servers::Except { name, exception, end } => {
            Request::Account(AccountWish::Except { server: name, exception, holds: !end })
        }
        Servers::Redirect { name, port } => {
            Request::Account(AccountWish::Redirect { server: name, port })
        }
        Servers::Questions { name, switch } => {
            let on = switch == Switch::On;
            Request::Asking(AskingWish::Questions { server: name, on })
        }
        Servers::Remove { name } => Request::ServerRemove { server: name },
        Servers::SignIn { .. }
        | Servers::AddLocal(_)
        | Servers::ChangeLocal { .. }
        | Servers::Ask { .. }
        | Servers::Stop { .. }
        | Servers::Log { .. } => return Err(internal("this command is answered elsewhere")),
    })
}

/// `15m`, `8h`, `30d`, `90s` in seconds.
pub fn seconds(text: &str) -> Result<i64, Failure> {
    seconds_in(text).ok_or_else(|| {
        bad(format!("\"{text}\" is not a time."), "Write it like 90s, 15m, 8h or 30d.")
    })
}

fn text_of(file: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        bad(format!("{} cannot be read: {error}.", file.display()), "Name a PEM file.")
    })
}

pub fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(internal)?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(bad(
            "Nothing came on standard input.".to_owned(),
            "Pipe the secret in, for example from a password manager.",
        ));
    }
    Ok(text)
}

pub fn bad(message: String, hint: &str) -> Failure {
    Failure::new(FailureCode::BadRequest, message, hint)
}

pub fn internal(error: impl ToString) -> Failure {
    Failure::new(FailureCode::Internal, error.to_string(), "Report this as a bug.")
}
