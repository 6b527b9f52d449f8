//! The words about guardrails.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};
use prokura_api::{Failure, FailureCode, GrantWish, GuardrailWish, Request, SimulationWish};

#[derive(Debug, Subcommand)]
pub enum Guardrails {
    /// Add a guardrail: Cedar policies that forbid, or demand approval with @approval("why").
    Add {
        name: String,
        /// The file with its text; omitted or "-": standard input.
        file: Option<PathBuf>,
    },
    /// List the guardrails.
    List,
    /// One guardrail with its text.
    Show { name: String },
    /// Say what is wrong with a text, without adding it. Exit code 1 when something is.
    Check {
        /// The file; omitted or "-": standard input.
        file: Option<PathBuf>,
    },
    /// Change the text of a guardrail.
    Change {
        name: String,
        /// The file with its new text; omitted or "-": standard input.
        file: Option<PathBuf>,
    },
    /// Put a guardrail in force again.
    Enable { name: String },
    /// Put a guardrail out of force, without losing it.
    Disable { name: String },
    /// Remove a guardrail. The audit log keeps its text.
    Remove { name: String },
    /// What a guardrail can name: agents, servers, accounts, tools and their arguments.
    Words,
}

#[derive(Debug, ClapArgs)]
pub struct Simulate {
    /// How far back, such as 30d.
    #[arg(long, default_value = "30d", value_name = "TIME")]
    pub since: String,
    /// Try this guardrail: a file, or "-" for standard input.
    #[arg(long, value_name = "FILE")]
    pub guardrail: Option<PathBuf>,
    /// Leave this guardrail out; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub without_guardrail: Vec<String>,
    /// Try a grant that denies or asks or allows: AGENT/SERVER/TOOLS=EFFECT, such as "clerk/ledger/send_*=ask"; may be
    /// given several times.
    #[arg(long, value_name = "GRANT")]
    pub grant: Vec<String>,
    /// Leave this grant out; may be given several times.
    #[arg(long, value_name = "ID")]
    pub without_grant: Vec<String>,
}

pub fn simulation(words: Simulate) -> Result<Request, Failure> {
    let guardrail = match &words.guardrail {
        Some(file) => Some(text(Some(file))?),
        None => None,
    };
    let grants: Result<Vec<GrantWish>, Failure> =
        words.grant.iter().map(|text| grant(text)).collect();
    Ok(Request::Simulate(SimulationWish {
        since: words.since,
        guardrail,
        without_guardrails: words.without_guardrail,
        grants: grants?,
        without_grants: words.without_grant,
    }))
}

/// `AGENT/SERVER/TOOLS=EFFECT`.
fn grant(text: &str) -> Result<GrantWish, Failure> {
    let parts = text.rsplit_once('=').and_then(|(place, effect)| {
        let (agent, rest) = place.split_once('/')?;
        let (server, tools) = rest.split_once('/')?;
        Some((agent, server, tools, effect))
    });
    let (agent, server, tools, effect) = parts.ok_or_else(|| {
        let message = format!("\"{text}\" is not a grant to try.");
        let hint = "Write AGENT/SERVER/TOOLS=EFFECT, such as clerk/ledger/send_*=ask.";
        Failure::new(FailureCode::BadRequest, message, hint)
    })?;
    Ok(GrantWish {
        agent: agent.to_owned(),
        server: server.to_owned(),
        account: None,
        tools: Some(tools.to_owned()),
        resources: None,
        prompts: None,
        methods: None,
        effect: effect.to_owned(),
        conditions: Vec::new(),
        budget: None,
        until: None,
        note: None,
        level: None,
    })
}

pub fn request(words: Guardrails) -> Result<Request, Failure> {
    Ok(Request::Guardrail(match words {
        Guardrails::Add { name, file } => GuardrailWish::Add { name, text: text(file.as_deref())? },
        Guardrails::List => GuardrailWish::List,
        Guardrails::Show { name } => GuardrailWish::Show { name },
        Guardrails::Check { file } => GuardrailWish::Check { text: text(file.as_deref())? },
        Guardrails::Change { name, file } => {
            let text = Some(text(file.as_deref())?);
            GuardrailWish::Change { name, text, enabled: None }
        }
        Guardrails::Enable { name } => {
            GuardrailWish::Change { name, text: None, enabled: Some(true) }
        }
        Guardrails::Disable { name } => {
            GuardrailWish::Change { name, text: None, enabled: Some(false) }
        }
        Guardrails::Remove { name } => GuardrailWish::Remove { name },
        Guardrails::Words => GuardrailWish::Words,
    }))
}

/// What stands in a file, or comes in on standard input.
pub fn text(file: Option<&Path>) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => std::fs::read_to_string(file).map(|read| text = read),
        None => std::io::stdin().read_to_string(&mut text).map(drop),
    };
    read.map(|()| text).map_err(|error| {
        let name = file.map_or("standard input".into(), |file| file.display().to_string());
        let message = format!("{name} cannot be read: {error}.");
        Failure::new(FailureCode::BadRequest, message, "Name a file, or write to standard input.")
    })
}
