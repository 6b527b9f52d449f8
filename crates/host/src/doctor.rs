//! Looks for trouble in the parts that a Host stands on, and says what to do. It only looks: nothing is mended, made or
//! migrated here.

use std::fs::{File, TryLockError};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use prokura_api::view::CheckView;
use prokura_domain::protocol::{LEGACY, MODERN};
use prokura_store::verify_file;
use prokura_vault::{VaultState, read_anchor_file};

use crate::surroundings::Around;

/// How long the endpoint may take to take a connection.
const PATIENCE: Duration = Duration::from_secs(2);

fn fine(id: &str, message: impl Into<String>) -> CheckView {
    CheckView { id: id.to_owned(), ok: true, message: message.into(), hint: None }
}

fn trouble(id: &str, message: impl Into<String>, hint: impl Into<String>) -> CheckView {
    CheckView { id: id.to_owned(), ok: false, message: message.into(), hint: Some(hint.into()) }
}

/// The checks of a running Host.
pub(crate) fn of_running(around: &Around) -> Vec<CheckView> {
    vec![
        fine(
            "version",
            format!("Prokura {}, MCP {LEGACY} and {MODERN}", env!("CARGO_PKG_VERSION")),
        ),
        fine("folder", around.data.display().to_string()),
        database(around),
        endpoint(&around.http),
        vault(around),
    ]
}

fn database(around: &Around) -> CheckView {
    let size = std::fs::metadata(around.data.join(DATABASE)).map_or(0, |meta| meta.len());
    match around.store.faults() {
        Ok(faults) if faults.is_empty() => fine("database", format!("whole, {}", megabytes(size))),
        Ok(faults) => trouble(
            "database",
            format!("damaged: {}", faults.join("; ")),
            "Stop Prokura, keep a copy of the data folder, and restore a backup. Do not delete the damaged one: its records \
             may still be readable.",
        ),
        Err(error) => trouble(
            "database",
            format!("cannot be read: {error}"),
            "Look at the permissions of the data folder and at the free space of its disk.",
        ),
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn endpoint(http: &str) -> CheckView {
    let address = http.strip_prefix("http://").and_then(|at| at.parse::<SocketAddr>().ok());
    match address.map(|at| TcpStream::connect_timeout(&at, PATIENCE)) {
        Some(Ok(_)) => fine("endpoint", format!("agents are answered at {http}")),
        Some(Err(error)) => trouble(
            "endpoint",
            format!("agents cannot reach {http}: {error}"),
            "Start Prokura again; if it stays like this, a firewall on this machine may close the port.",
        ),
        None => trouble("endpoint", format!("{http} is no address"), "Start Prokura again."),
    }
}

fn vault(around: &Around) -> CheckView {
    match around.vault.retry() {
        VaultState::Open => fine("vault", format!("open, with {}", around.vault.source())),
        VaultState::Locked(why) => {
            let advice = around.vault.trouble().map_or("", |trouble| trouble.advice());
            trouble("vault", why, advice)
        }
    }
}

const DATABASE: &str = "prokura.db";

/// The checks of a data folder on which no Host runs.
#[must_use]
pub fn without_host(data: &Path) -> Vec<CheckView> {
    let mut checks =
        vec![fine("version", format!("Prokura {}", env!("CARGO_PKG_VERSION"))), host(data)];
    if !data.is_dir() {
        checks.push(trouble(
            "folder",
            format!("{} does not exist", data.display()),
            "Starting Prokura makes it. If yours is elsewhere, name it with --data.",
        ));
        return checks;
    }
    checks.push(fine("folder", data.display().to_string()));
    checks.push(records(data));
    checks
}

fn host(data: &Path) -> CheckView {
    let held = File::options().write(true).open(data.join("host.lock"));
    let is_held = held.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    if is_held {
        return trouble(
            "host",
            "a Prokura holds this data folder, and does not answer",
            "Give it a minute; if it stays like this, end it and start Prokura again. Nothing is lost.",
        );
    }
    trouble(
        "host",
        "no Prokura is running on this data folder",
        "Open the window, or run `prokura serve`. The vault, the endpoint and the sign-ins can only be looked at then.",
    )
}

/// The database and its log, read only; with the anchor where that is a file.
fn records(data: &Path) -> CheckView {
    let database = data.join(DATABASE);
    if !database.exists() {
        return fine("database", "there is none yet; the first start makes it");
    }
    let mut beside = data.as_os_str().to_owned();
    beside.push(".anchor.json");
    let anchor = read_anchor_file(Path::new(&beside)).ok().map(|found| found.anchor);
    match verify_file(&database, anchor) {
        Ok(verdict) if verdict.is_whole() => {
            fine("database", format!("whole; its log has {} records, unbroken", verdict.records))
        }
        Ok(verdict) => trouble(
            "database",
            verdict.faults.join("; "),
            "Keep the file as evidence, and compare it with an exported copy or a backup.",
        ),
        Err(error) => trouble(
            "database",
            error.to_string(),
            "Keep the file, and restore a backup of the data folder.",
        ),
    }
}
