//! `prokura backup` and `prokura restore`. Passphrases are read in the dark and never printed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use prokura_api::{Failure, Request};
use prokura_domain::level::Passphrase;
use prokura_host::VaultChoice;
use serde_json::json;

use crate::ask::{ask, bad};
use crate::{hidden, show};

pub async fn write(data: &Path, file: Option<PathBuf>, json: bool) -> Result<ExitCode, Failure> {
    let to = file
        .map(|file| std::path::absolute(&file))
        .transpose()
        .map_err(|fault| bad(format!("That is no path: {fault}."), "Name a new file."))?;
    let passphrase = hidden::passphrase("Passphrase of the backup")?;
    if hidden::passphrase("Once more")? != passphrase {
        return Err(bad("The two passphrases are not the same.".to_owned(), "Try again."));
    }
    let to = to.map(|to| to.display().to_string());
    let value = ask(data, &Request::BackUp { passphrase, to }).await?;
    show::print(&value, json);
    Ok(ExitCode::SUCCESS)
}

pub async fn restore(
    data: &Path,
    file: PathBuf,
    key_file: Option<PathBuf>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let passphrase = Passphrase::new(hidden::passphrase("Passphrase of the backup")?);
    let vault = key_file.map_or(VaultChoice::Keyring, VaultChoice::KeyFile);
    let to = data.to_path_buf();
    let done =
        tokio::task::spawn_blocking(move || prokura_host::restore(&to, &file, &passphrase, vault));
    done.await.map_err(crate::ask::internal)??;
    show::print(
        &json!({
            "data": data,
            "next": "Start Prokura on this folder. It renews no sign-in until you say that the original is gone: prokura adopt",
        }),
        json,
    );
    Ok(ExitCode::SUCCESS)
}
