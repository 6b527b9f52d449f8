//! A Host without a window.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use prokura_api::{Failure, FailureCode};
use prokura_domain::port::Prompter;
use prokura_domain::{Question, QuestionId};
use prokura_host::{Host, HostError, Options, VaultChoice};
use serde_json::json;

use crate::args::Serve;

/// Shows nothing: questions are listed and answered with `prokura approvals`.
struct Quiet;

impl Prompter for Quiet {
    fn raised(&self, _question: &Question) {}

    fn settled(&self, _question: &QuestionId) {}
}

pub async fn serve(data: PathBuf, serve: Serve) -> Result<ExitCode, Failure> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PROKURA_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    let vault = match (serve.vault_key_file, serve.vault_passphrase_file) {
        (Some(file), _) => VaultChoice::KeyFile(file),
        (None, Some(file)) => VaultChoice::PassphraseFile(file),
        (None, None) => VaultChoice::Keyring,
    };
    let options = Options {
        data,
        port: serve.port,
        vault,
        prompter: Arc::new(Quiet),
        client_document: serve.client_document,
        new_port: serve.new_port,
    };
    let host = Host::start(options).await.map_err(|error| unable(&error))?;
    println!("{}", json!({ "ready": true, "http": host.http() }));
    stopped().await;
    host.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn unable(error: &HostError) -> Failure {
    let code = match error {
        HostError::InUse(_) => FailureCode::Conflict,
        HostError::Vault(_) => FailureCode::VaultLocked,
        HostError::Folder { .. }
        | HostError::Store(_)
        | HostError::Account(_)
        | HostError::Gateway(_)
        | HostError::GivenUp(_)
        | HostError::Control { .. } => FailureCode::Internal,
    };
    Failure::new(code, format!("{error}."), "Prokura did not start, and nothing was changed.")
}

/// Resolves when the program is asked to stop.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut ends = match (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
        (Ok(terminate), Ok(hangup)) => (terminate, hangup),
        _ => {
            let _ = tokio::signal::ctrl_c().await;
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = ends.0.recv() => {}
        _ = ends.1.recv() => {}
    }
}
