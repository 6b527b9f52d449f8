//! `prokura stdio`: an agent that starts commands gets the running Prokura on its standard input and output. It carries
//! lines and nothing else; who the agent is, the Host asks the system, not this program. It outlives the Host: when the
//! connection breaks, what was under way is answered, and the next one begins where the agent is.

mod head;
mod link;

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio as Pipe};
use std::sync::Arc;
use std::time::Duration;

use prokura_api::Failure;
use prokura_host::bridge;

use crate::args::{StartWord, Stdio};
use head::Head;
use link::{Absence, Link};

/// How often, and after what time, a Prokura that was just started is tried again.
const TRIES: u32 = 300;
const AGAIN: Duration = Duration::from_millis(50);
/// How often a Prokura that went away is looked for: at first and while the agent waits, and at most.
const LOOK: Duration = Duration::from_millis(100);
const RARELY: Duration = Duration::from_secs(2);
/// After this time one is started anew, where that is wished; before, somebody else may be about to.
const GONE: Duration = Duration::from_secs(3);
/// How long a handshake may take that is made again. The Host answers sooner, also while the person is asked.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// Own code: no Prokura is there.
const NOT_RUNNING: i64 = 50_304;

/// Exit code 0 when the agent said its last word, 3 when no Prokura was ever there.
pub fn run(data: &Path, words: &Stdio) -> ExitCode {
    let absence = Absence { code: NOT_RUNNING, text: String::new(), since: None, settled: false };
    let link = Arc::new(Link::new(absence));
    let mouth = Arc::clone(&link);
    std::thread::spawn(move || {
        let mut lines = io::stdin().lock();
        let mut line = Vec::new();
        while let Ok(1..) = lines.read_until(b'\n', &mut line) {
            if !line.ends_with(b"\n") {
                line.push(b'\n');
            }
            if !line.trim_ascii().is_empty() && mouth.send(&line).is_err() {
                break;
            }
            line.clear();
        }
        mouth.leave();
    });
    // Standard output that nobody reads any more ends it, as the last word does.
    let _ = carry(data, words, &link);
    match link.was_there() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(3),
    }
}

/// Connects, hands on what the Host says, and begins anew when the connection breaks, until the agent leaves.
fn carry(data: &Path, words: &Stdio, link: &Link) -> io::Result<()> {
    let mut pause = Duration::ZERO;
    let mut first = true;
    while let Some((wanted, gone)) = link.turn(pause, LOOK) {
        pause = (pause * 2).clamp(LOOK, RARELY);
        let start = (wanted || first) && gone >= GONE;
        let stream = match join(data, words, start) {
            Ok(stream) => stream,
            Err(failure) => {
                if first {
                    eprintln!("error: {}\n  next: {}", failure.message, failure.hint);
                }
                first = false;
                let text = format!("{} {}", failure.message, failure.hint);
                link.in_vain(NOT_RUNNING, text, false);
                continue;
            }
        };
        let mut lines = BufReader::new(stream.try_clone()?);
        if let Some((code, refused)) = open(&stream, &mut lines, link)? {
            link.in_vain(code, refused, true);
            continue;
        }
        (first, pause) = (false, Duration::ZERO);
        link.join(stream);
        let cut = hear(&mut lines, link)?;
        if link.left() {
            break;
        }
        eprintln!("note: {}", cut.as_deref().unwrap_or("Prokura went away; it is looked for."));
        link.broke(cut, NOT_RUNNING)?;
    }
    Ok(())
}

/// Makes the agent's own handshake again, where it has made one. The words of a Host that does not want it.
fn open(
    mut stream: &UnixStream,
    lines: &mut BufReader<UnixStream>,
    link: &Link,
) -> io::Result<Option<(i64, String)>> {
    let (Some((id, greeting)), ready) = link.opening() else { return Ok(None) };
    let lost = || Some((NOT_RUNNING, "Prokura went away again; try once more.".to_owned()));
    stream.set_read_timeout(Some(HANDSHAKE))?;
    if stream.write_all(&greeting).is_err() {
        return Ok(lost());
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        if !matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            return Ok(lost());
        }
        if let Some(cut) = bridge::cut(&line) {
            return Ok(Some((NOT_RUNNING, cut)));
        }
        match Head::of(&line) {
            Head::Response { id: answered, failed } if answered == id => {
                if link.answered(&id, failed) {
                    pass_on(&line)?;
                } else if failed {
                    return Ok(Some(bridge::said(&line)));
                }
                break;
            }
            _ => pass_on(&line)?,
        }
    }
    stream.set_read_timeout(None)?;
    match ready.map(|ready| stream.write_all(&ready)) {
        Some(Err(_)) => Ok(lost()),
        Some(Ok(())) | None => Ok(None),
    }
}

/// Hands on what the Host says until the connection ends; its last words, where it cut it.
fn hear(lines: &mut BufReader<UnixStream>, link: &Link) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Half a line is no message.
            Ok(_) | Err(_) => return Ok(None),
        }
        if let Some(cut) = bridge::cut(&line) {
            return Ok(Some(cut));
        }
        if let Head::Response { id, failed } = Head::of(&line) {
            link.answered(&id, failed);
        }
        pass_on(&line)?;
    }
}

fn pass_on(line: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line)?;
    out.flush()
}

fn join(data: &Path, words: &Stdio, may_start: bool) -> Result<UnixStream, Failure> {
    let failure = match connect(data, words) {
        Ok(stream) => return Ok(stream),
        Err(failure) => failure,
    };
    match words.start {
        StartWord::Headless | StartWord::Window if may_start => {
            if let Err(error) = start(data, words) {
                let message = format!("{} It could not be started: {error}.", failure.message);
                return Err(Failure { message, ..failure });
            }
        }
        StartWord::Never | StartWord::Headless | StartWord::Window => return Err(failure),
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
