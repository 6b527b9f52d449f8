//! One process of a local Server: started with a small environment, kept in a group of its own, and ended in good order
//! (CT-14): its standard input is closed, then it is terminated, then killed. It must never put a secret into a command line.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use prokura_account::Secret;
use prokura_delegation::UpstreamFault;
use prokura_domain::{Plan, ServerId};
use tokio::io::{AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::find::{home, path};
use super::journal::Journal;
use super::lines::{self, Next};
use super::slot::Slot;
use super::talk::Talk;
use super::{LocalParts, Told, confine};

/// The longest line of a process.
const LONGEST: usize = 64 * 1024 * 1024;
/// The longest line of its standard error that is looked at.
const LONGEST_ERROR: usize = 256 * 1024;
/// How long a process may take to end after its input was closed: longer than the keeper gives it.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the last lines of an ended process are waited for.
const LAST_LINES: Duration = Duration::from_secs(1);
/// What a process gets of the Host's environment. Nothing in it leads to a keyring or a session of the desktop.
const HANDED_ON: [&str; 11] = [
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LOGNAME",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];

/// What a process is started with besides its plan.
pub(super) type Secrets = Vec<(String, Secret)>;

/// The values from the Vault for the environment of a Server.
pub(super) fn secrets(
    parts: &LocalParts,
    server: &ServerId,
    (name, plan): (&str, &Plan),
) -> Result<Secrets, UpstreamFault> {
    let mut found = Vec::new();
    for variable in &plan.launch.secrets {
        match parts.accounts.variable(server, variable).map_err(crate::fault)? {
            Some(secret) => found.push((variable.clone(), secret)),
            None => {
                return Err(UpstreamFault::SignInNeeded(format!(
                    "{name} needs the secret {variable}, and none was given. Ask the person to give it in Prokura."
                )));
            }
        }
    }
    Ok(found)
}

/// Starts what the plan says.
pub(super) fn start(
    parts: &LocalParts,
    slot: &Arc<Slot>,
    plan: &Plan,
    secrets: Secrets,
) -> std::io::Result<Arc<Talk>> {
    let mut child = command(parts, plan, &secrets).spawn()?;
    let missing = || std::io::Error::other("a pipe is missing");
    let pid = child.id().ok_or_else(missing)?;
    let (talk, input) = Talk::new(pid);
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let secrets = Arc::new(secrets);
    let journal = Arc::clone(&slot.journal);
    tokio::spawn(write(stdin, input, Arc::clone(&talk)));
    let reading = tokio::spawn(read(
        BufReader::with_capacity(64 * 1024, stdout),
        Arc::clone(&talk),
        (Arc::clone(&journal), Arc::clone(&secrets)),
    ));
    let hearing = tokio::spawn(hear(BufReader::new(stderr), journal, secrets));
    tokio::spawn(watch(
        child,
        Arc::clone(&talk),
        Arc::clone(slot),
        [reading, hearing],
        Arc::clone(&parts.told),
    ));
    Ok(talk)
}

fn command(parts: &LocalParts, plan: &Plan, secrets: &Secrets) -> Command {
    let mut words = parts.keeper.iter().map(|word| word.clone().into_os_string());
    let confined = plan.confiner.as_ref().zip(plan.launch.confinement.as_ref());
    let mut own: Vec<std::ffi::OsString> = Vec::new();
    if let Some((confiner, limits)) = confined {
        own.push(confiner.into());
        own.extend(confine::words(plan, limits).into_iter().map(Into::into));
    }
    own.push((&plan.program).into());
    own.extend(plan.launch.arguments.iter().map(Into::into));
    let (first, rest) = match words.next() {
        Some(keeper) => (keeper, words.chain(own).collect::<Vec<_>>()),
        None => {
            let mut own = own.into_iter();
            (own.next().unwrap_or_default(), own.collect())
        }
    };
    let mut command = Command::new(first);
    command.args(rest).env_clear().envs(base());
    command.envs(&plan.launch.environment);
    command.envs(secrets.iter().map(|(name, secret)| (name, secret.expose())));
    command.current_dir(plan.launch.folder.clone().unwrap_or_else(home));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// The environment that every process gets.
fn base() -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = HANDED_ON
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    found.insert("PATH".to_owned(), path());
    found.insert("HOME".to_owned(), home());
    found
}

/// Carries lines in, until nobody sends any or the process is to end: then its input is closed.
async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<String>, talk: Arc<Talk>) {
    loop {
        let line = tokio::select! {
            biased;
            () = talk.stop.cancelled() => return,
            () = talk.over.cancelled() => return,
            line = lines.recv() => line,
        };
        let Some(mut line) = line else { return };
        line.push('\n');
        let written = tokio::select! {
            biased;
            () = talk.stop.cancelled() => return,
            () = talk.over.cancelled() => return,
            written = stdin.write_all(line.as_bytes()) => written,
        };
        if written.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Hands lines on. What is no message is no fault: it is kept for the person.
async fn read(
    mut stdout: BufReader<impl AsyncRead + Unpin>,
    talk: Arc<Talk>,
    (journal, secrets): (Arc<Journal>, Arc<Secrets>),
) {
    loop {
        let line = match lines::next(&mut stdout, LONGEST).await {
            Next::Line(line) => line,
            Next::TooLong => {
                let why = format!("It wrote a line of more than {} MiB.", LONGEST / (1024 * 1024));
                journal.keep(why.as_bytes(), &secrets);
                return talk.end_soon(&why);
            }
            Next::End => return,
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let message = match String::from_utf8(line) {
            Ok(text) if text.trim_start().starts_with('{') => {
                let shown = text.clone().into_bytes();
                if talk.heard(text) { None } else { Some(shown) }
            }
            Ok(text) => Some(text.into_bytes()),
            Err(bytes) => Some(bytes.into_bytes()),
        };
        if let Some(unheard) = message {
            // A message that nobody waits for can hold what another Agent's call was about: only that it came is kept.
            match unheard.first() {
                Some(b'{') => journal.keep(b"[stdout] a message that nobody waits for", &secrets),
                _ => journal.keep(&[b"[stdout] ", unheard.as_slice()].concat(), &secrets),
            }
        }
    }
}

async fn hear(
    mut stderr: BufReader<impl AsyncRead + Unpin>,
    journal: Arc<Journal>,
    secrets: Arc<Secrets>,
) {
    loop {
        match lines::next(&mut stderr, LONGEST_ERROR).await {
            Next::Line(line) => journal.keep(&line, &secrets),
            Next::TooLong => {
                // The rest is read and lost, so that the process does not stand still.
                journal.keep(b"[stderr] a line that is too long; nothing more is kept", &secrets);
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
                return;
            }
            Next::End => return,
        }
    }
}

async fn watch(
    mut child: Child,
    talk: Arc<Talk>,
    slot: Arc<Slot>,
    reading: [JoinHandle<()>; 2],
    told: Told,
) {
    let ended = tokio::select! {
        ended = child.wait() => ended,
        () = talk.stop.cancelled() => match tokio::time::timeout(PATIENCE, child.wait()).await {
            Ok(ended) => ended,
            Err(_) => {
                let _ = child.start_kill();
                child.wait().await
            }
        },
    };
    for task in reading {
        let stop = task.abort_handle();
        if tokio::time::timeout(LAST_LINES, task).await.is_err() {
            stop.abort();
        }
    }
    let how = ended.map_or_else(|error| format!("It cannot be told how it ended: {error}."), how);
    slot.ended(&talk, &how, &told);
    talk.ended();
}

/// How it ended. The keeper says a signal as shells do.
fn how(status: ExitStatus) -> String {
    match status.code() {
        Some(code @ 129..=192) => format!("It was ended by signal {}.", code - 128),
        Some(127) => "It could not be started.".to_owned(),
        Some(code) => format!("It ended with exit code {code}."),
        None => "It was killed.".to_owned(),
    }
}
