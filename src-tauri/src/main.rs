//! Starts the Shell.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::path::PathBuf;

use clap::Parser;
use prokura_host::VaultChoice;

/// Prokura: see, limit, approve, audit and take back what your agents may do.
#[derive(Parser)]
#[command(name = "prokura-desktop", version)]
struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR", env = "PROKURA_DATA")]
    data: Option<PathBuf>,
    /// Take the master key from this file (exactly 32 random bytes, mode 600) instead of the keyring.
    #[arg(long, value_name = "FILE", conflicts_with = "vault_passphrase_file")]
    vault_key_file: Option<PathBuf>,
    /// Derive the master key from the passphrase in this file (mode 600) instead of the keyring.
    #[arg(long, value_name = "FILE")]
    vault_passphrase_file: Option<PathBuf>,
    /// A link such as prokura://add-server?url=…, which fills a form in and does nothing by itself.
    #[arg(value_name = "LINK", value_parser = link)]
    link: Option<String>,
}

fn link(text: &str) -> Result<String, String> {
    let is_one = text.starts_with("prokura:");
    is_one.then(|| text.to_owned()).ok_or_else(|| "a link begins with prokura:".to_owned())
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let data = arguments.data.unwrap_or_else(prokura_host::default_data_dir);
    let vault = match (arguments.vault_key_file, arguments.vault_passphrase_file) {
        (Some(file), _) => VaultChoice::KeyFile(file),
        (None, Some(file)) => VaultChoice::PassphraseFile(file),
        (None, None) => VaultChoice::Keyring,
    };
    prokura_desktop::run(data, vault, arguments.link)
}
