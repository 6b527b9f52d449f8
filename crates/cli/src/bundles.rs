//! Bundles of guardrails that an organisation signed: requiring them, and for who publishes them, making them.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use prokura_api::{BundleWish, Failure, FailureCode, Request};
use prokura_domain::Entropy as _;
use prokura_policy::Bundle;
use serde_json::json;

use crate::args::Bundles;
use crate::ask::{ask, bad};
use crate::{guardrails, show};

pub async fn run(data: &Path, words: Bundles, json: bool) -> Result<ExitCode, Failure> {
    let wish = match words {
        Bundles::List => BundleWish::List,
        Bundles::Look { file, key } => {
            BundleWish::Look { text: guardrails::text(file.as_deref())?, key }
        }
        Bundles::Take { file, key } => {
            BundleWish::Take { text: guardrails::text(file.as_deref())?, key }
        }
        Bundles::Release { name } => BundleWish::Release { name },
        Bundles::NewKey { file } => {
            let key = new_key(&file)?;
            show::print(&json!({ "key": key, "file": file.display().to_string() }), json);
            return Ok(ExitCode::SUCCESS);
        }
        Bundles::Sign { file, key_file } => {
            let payload = guardrails::text(file.as_deref())?;
            let seed = std::fs::read_to_string(&key_file).map_err(|error| {
                let message = format!("{} cannot be read: {error}.", key_file.display());
                bad(message, "Name the file that `prokura bundles new-key` made.")
            })?;
            let signed = Bundle::sign(payload.trim_end(), &seed).map_err(|fault| {
                bad(format!("Nothing was signed: {fault}."), "Mend it. See docs/rules-file.md.")
            })?;
            println!("{signed}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    show::print(&ask(data, &Request::Bundle(wish)).await?, json);
    Ok(ExitCode::SUCCESS)
}

/// A new key: the secret in a file that only its owner reads and that was not there before; the public key comes back.
fn new_key(file: &Path) -> Result<String, Failure> {
    let mut seed = [0u8; 32];
    prokura_host::SystemEntropy.fill(&mut seed);
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let secret: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let written = options.open(file).and_then(|mut file| {
        writeln!(file, "{secret}")?;
        file.sync_all()
    });
    written.map_err(|error| {
        let message = format!("{} cannot be written: {error}.", file.display());
        Failure::new(FailureCode::BadRequest, message, "Name a new file.")
    })?;
    Ok(Bundle::key_of(&seed))
}
