//! `prokura stdio`: an agent that starts commands gets the running Prokura on its standard input and output. It carries
//! lines and nothing else; who the agent is, the Host asks the system, not this program.

use std::io::{self, BufRead as _, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio as Pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prokura_api::Failure;
use prokura_host::bridge;
use serde_json::{Value, json};

use crate::args::{StartWord, Stdio};

/// How often, and after what time, a Prokura that was just started is tried again.
const TRIES: u32 = 300;
const AGAIN: Duration = Duration::from_millis(50);
/// JSON-RPC: no Prokura is there.
const NOT_RUNNING: i64 = 50_304;

/// Exit code 0 when the agent said its last word, 3 when no Prokura was there or it went away.
pub fn run(data: &Path, words: &Stdio) -> ExitCode {
    match join(data, words) {
        Ok(stream) => carry(stream).unwrap_or(ExitCode::from(3)),
        Err(failure) => {
            eprintln!("error: {}\n  next: {}", failure.message, failure.hint);
            say_why(&failure);
            ExitCode::from(3)
        }
    }
}

fn join(data: &Path, words: &Stdio) -> Result<UnixStream, Failure> {
    let failure = match connect(data, words) {
        Ok(stream) => return Ok(stream),
        Err(failure) => failure,
    };
    match words.start {
        StartWord::Never => return Err(failure),
        StartWord::Headless | StartWord::Window => {
            if let Err(error) = start(data, words) {
                let message = format!("{} It could not be started: {error}.", failure.message);
                return Err(Failure { message, ..failure });
            }
        }
    }
    for _ in 0..TRIES {
        std::thread::sleep(AGAIN);
        if let Ok(stream) = connect(data, words) {
            return Ok(stream);
        }
    }
    let hint = "It was started but does not answer. Run `prokura serve` in a terminal to see why.";
    Err(Failure { hint: hint.to_owned(), ..failure })
}

fn connect(data: &Path, words: &Stdio) -> Result<UnixStream, Failure> {
    let unready = |error: io::Error| crate::ask::internal(error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let stream = runtime.map_err(unready)?.block_on(async {
        let joined = bridge::join(data, &words.agent, words.server.as_deref()).await?;
        joined.into_std().map_err(unready)
    })?;
    stream.set_nonblocking(false).map_err(unready)?;
    Ok(stream)
}

/// Starts the program beside this one. It outlives the agent, and nothing of the agent's is left open in it.
fn start(data: &Path, words: &Stdio) -> io::Result<()> {
    use std::os::unix::process::CommandExt as _;
    let own = std::env::current_exe()?;
    let program = match words.start {
        StartWord::Window => own.with_file_name("prokura-desktop"),
        StartWord::Headless | StartWord::Never => own,
    };
    let mut command = Command::new(program);
    command.arg("--data").arg(data);
    if words.start != StartWord::Window {
        command.arg("serve");
        if let Some(file) = &words.vault_key_file {
            command.arg("--vault-key-file").arg(file);
        }
        if let Some(file) = &words.vault_passphrase_file {
            command.arg("--vault-passphrase-file").arg(file);
        }
    }
    // The agent that starts this made its surroundings; where the system is asked who is there is not for it to say.
    command.env_remove("DBUS_SYSTEM_BUS_ADDRESS");
    command.stdin(Pipe::null()).stdout(Pipe::null()).stderr(Pipe::null());
    command.process_group(0).spawn().map(drop)
}

fn carry(stream: UnixStream) -> io::Result<ExitCode> {
    let mut towards = stream.try_clone()?;
    let last_word = Arc::new(AtomicBool::new(false));
    let said = Arc::clone(&last_word);
    std::thread::spawn(move || {
        let _ = pour(&mut io::stdin().lock(), &mut towards);
        said.store(true, Ordering::SeqCst);
        let _ = towards.shutdown(Shutdown::Write);
    });
    let mut back = stream;
    let mut out = io::stdout().lock();
    let copied = pour(&mut back, &mut out);
    if last_word.load(Ordering::SeqCst) || copied.is_err() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("error: Prokura went away.\n  next: Start it again, then start the agent again.");
    Ok(ExitCode::from(3))
}

/// Carries bytes as they come. `io::copy` would let the kernel do it, which may wait for more than one message.
fn pour(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut held = vec![0u8; 64 * 1024];
    loop {
        let read = match from.read(&mut held) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(held.get(..read).unwrap_or_default())?;
        to.flush()?;
    }
}

/// Answers every request with what is missing, so that the agent can tell the person.
fn say_why(failure: &Failure) {
    let text = format!("{} {}", failure.message, failure.hint);
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        let (Some(id), Some(_)) = (message.get("id"), message.get("method")) else { continue };
        let error = json!({ "code": NOT_RUNNING, "message": text });
        let answer = json!({ "jsonrpc": "2.0", "id": id, "error": error });
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
