//! Which program a process is: the file it runs, and for an interpreter the script too, with digests of what they hold.
//! What cannot be told for sure is `None`; it must never be guessed.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use prokura_domain::{Digest, Program, SeenFile};
use sha2::{Digest as _, Sha256};

use crate::process::Processes;

/// A script larger than this is no script.
const SCRIPT_LIMIT: u64 = 64 * 1024 * 1024;

/// Programs that run somebody else's code, by the beginning of their file name, with the options that take a value and
/// those after which code follows.
const INTERPRETERS: &[(&str, &[&str], &[&str])] = &[
    (
        "node",
        &["-r", "--require", "--import", "--loader", "-C"],
        &["-e", "-p", "--eval", "--print"],
    ),
    ("bun", &["-r", "--preload"], &["-e", "-p", "--eval", "--print"]),
    ("deno", &["--config", "-c"], &["eval"]),
    ("electron", &["-r", "--require"], &["-e", "--eval"]),
    ("python", &["-W", "-X"], &["-c"]),
    ("pypy", &["-W", "-X"], &["-c"]),
    ("ruby", &["-r", "-I"], &["-e"]),
    ("perl", &["-I"], &["-e", "-E"]),
    ("php", &["-d", "-c"], &["-r"]),
    ("lua", &["-l"], &["-e"]),
    ("java", &["-cp", "-classpath", "--class-path"], &[]),
    ("dotnet", &[], &[]),
    ("pwsh", &[], &["-c", "-Command"]),
    ("busybox", &[], &["-c"]),
    ("bash", &["-o", "-O", "--rcfile"], &["-c"]),
    ("dash", &["-o"], &["-c"]),
    ("zsh", &["-o"], &["-c"]),
    ("ksh", &["-o"], &["-c"]),
    ("fish", &[], &["-c"]),
    ("sh", &["-o"], &["-c"]),
];

/// Words of an interpreter that stand between it and its script.
const VERBS: [&str; 3] = ["run", "exec", "-jar"];

/// What a command line says of the code that an interpreter runs.
#[derive(Debug, PartialEq, Eq)]
enum Code<'a> {
    /// A file, and the options before it.
    File(&'a str, Vec<&'a str>),
    /// Code on the command line itself.
    Given(Vec<&'a str>),
    /// It cannot be told.
    Untold,
}

/// The digests of files that were looked at, by what the system says of them. A file that is written to gets another
/// time of change, which nobody can set.
#[derive(Debug, Default)]
pub(crate) struct Digests(Mutex<HashMap<[u64; 5], Digest>>);

impl Digests {
    fn of(&self, mut file: File) -> io::Result<Digest> {
        let mark = mark(&file.metadata()?);
        if let Some(mark) = mark
            && let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&mark)
        {
            return Ok(*known);
        }
        let mut hash = Sha256::new();
        let mut chunk = vec![0u8; 256 * 1024];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            hash.update(chunk.get(..read).unwrap_or_default());
        }
        let digest = Digest(hash.finalize().into());
        if let Some(mark) = mark {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() > 1000 {
                known.clear();
            }
            known.insert(mark, digest);
        }
        Ok(digest)
    }
}

#[cfg(unix)]
fn mark(data: &Metadata) -> Option<[u64; 5]> {
    use std::os::unix::fs::MetadataExt as _;
    let changed = data.ctime().cast_unsigned();
    Some([data.dev(), data.ino(), data.size(), changed, data.ctime_nsec().cast_unsigned()])
}

#[cfg(not(unix))]
fn mark(_: &Metadata) -> Option<[u64; 5]> {
    None
}

/// The program that a process is.
pub(crate) fn of(processes: &dyn Processes, digests: &Digests, pid: u32) -> Option<Program> {
    let path = processes.executable(pid)?;
    let executable = SeenFile {
        path: path.to_str()?.to_owned(),
        digest: digests.of(processes.open_executable(pid).ok()?).ok()?,
    };
    let name = path.file_name()?.to_str()?;
    let Some(kind) = interpreter(name) else {
        return Some(Program { executable, script: None });
    };
    let command = processes.command(pid);
    let script = match code(&command, kind) {
        Code::File(named, options) => {
            let path = processes.folder(pid)?.join(named).canonicalize().ok()?;
            let file = File::open(&path).ok()?;
            let data = file.metadata().ok()?;
            if !data.is_file() || data.len() > SCRIPT_LIMIT {
                return None;
            }
            with_options(&path, digests.of(file).ok()?, &options)?
        }
        Code::Given(words) => {
            let parts: Vec<&[u8]> =
                words.iter().flat_map(|word| [word.as_bytes(), b"\0"]).collect();
            SeenFile { path: "code on its command line".to_owned(), digest: Digest::of(&parts) }
        }
        Code::Untold => return None,
    };
    Some(Program { executable, script: Some(script) })
}

/// A script. Options of the interpreter change what runs, so they count.
fn with_options(path: &Path, held: Digest, options: &[&str]) -> Option<SeenFile> {
    let path = path.to_str()?;
    if options.is_empty() {
        return Some(SeenFile { path: path.to_owned(), digest: held });
    }
    let mut parts: Vec<&[u8]> = vec![b"prokura-script-v1", &held.0];
    parts.extend(options.iter().flat_map(|option| [option.as_bytes(), b"\0".as_slice()]));
    let path = format!("{path} (with {})", options.join(" "));
    Some(SeenFile { path, digest: Digest::of(&parts) })
}

type Kind = (&'static [&'static str], &'static [&'static str]);

fn interpreter(name: &str) -> Option<Kind> {
    let name = name.strip_suffix(" (deleted)").unwrap_or(name);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let versioned = |stem: &str| {
        name.strip_prefix(stem).is_some_and(|rest| {
            rest == "js" || rest.chars().all(|one| one.is_ascii_digit() || ".-".contains(one))
        })
    };
    let found = INTERPRETERS.iter().find(|(stem, _, _)| versioned(stem))?;
    Some((found.1, found.2))
}

fn code(command: &[String], (values, inline): Kind) -> Code<'_> {
    let mut options = Vec::new();
    let mut words = command.iter().skip(1).map(String::as_str);
    while let Some(word) = words.next() {
        if inline.contains(&word) || bundled(word, inline) {
            let mut given = options;
            given.push(word);
            given.extend(words);
            return if given.len() > 1 { Code::Given(given) } else { Code::Untold };
        }
        match word {
            // A module is found by rules of its own: which file runs cannot be told from here.
            "-m" | "-s" | "-" | "--" | "-i" => return Code::Untold,
            _ if VERBS.contains(&word) => options.push(word),
            _ if values.contains(&word) => {
                options.push(word);
                options.extend(words.next());
            }
            _ if word.starts_with('-') => options.push(word),
            _ => return Code::File(word, options),
        }
    }
    Code::Untold
}

/// Short options in one word, such as `-lc`, of which one begins code.
fn bundled(word: &str, inline: &[&str]) -> bool {
    let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else {
        return false;
    };
    letters.len() > 1
        && letters.len() <= 6
        && inline.iter().any(|option| {
            option.len() == 2 && option.strip_prefix('-').is_some_and(|one| letters.ends_with(one))
        })
}

/// The programs that belong to this Prokura: itself, and the ones beside it.
#[derive(Debug)]
pub(crate) struct Ours(Vec<(u64, u64)>);

impl Ours {
    pub fn find() -> Self {
        let own = std::env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let beside = beside.into_iter().flat_map(|folder| {
            ["prokura", "prokura-desktop", "prokura.exe", "prokura-desktop.exe"]
                .map(|name| folder.join(name))
        });
        let all: Vec<PathBuf> = own.into_iter().chain(beside).collect();
        Self(all.iter().filter_map(|path| place(&File::open(path).ok()?)).collect())
    }

    /// Whether a process runs one of them.
    pub fn include(&self, processes: &dyn Processes, pid: u32) -> bool {
        let Ok(file) = processes.open_executable(pid) else { return false };
        place(&file).is_some_and(|place| self.0.contains(&place))
    }
}

#[cfg(unix)]
fn place(file: &File) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let data = file.metadata().ok()?;
    Some((data.dev(), data.ino()))
}

#[cfg(not(unix))]
fn place(_: &File) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(line: &str) -> String {
        let command: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let name = Path::new(command.first().unwrap()).file_name().unwrap().to_str().unwrap();
        let Some(kind) = interpreter(name) else { return "itself".to_owned() };
        match code(&command, kind) {
            Code::File(path, options) if options.is_empty() => path.to_owned(),
            Code::File(path, options) => format!("{path} with {}", options.join(" ")),
            Code::Given(words) => format!("given {}", words.join(" ")),
            Code::Untold => "untold".to_owned(),
        }
    }

    #[test]
    fn what_an_interpreter_runs_is_read_from_its_command_line_or_not_told() {
        let table = [
            ("/usr/local/bin/codex mcp", "itself"),
            ("/opt/nodebook/nodebook x", "itself"),
            ("node /x/cli.js --flag", "/x/cli.js"),
            ("nodejs cli.js", "cli.js"),
            ("node -r ./spy.js cli.js", "cli.js with -r ./spy.js"),
            ("node --max-old-space-size=99 cli.js", "cli.js with --max-old-space-size=99"),
            ("node -e 1+1", "given -e 1+1"),
            ("node", "untold"),
            ("python3.12 agent.py", "agent.py"),
            ("python3 -u agent.py", "agent.py with -u"),
            ("python3 -m agent", "untold"),
            ("python3 -c pass", "given -c pass"),
            ("python3 -", "untold"),
            ("bash", "untold"),
            ("bash -i", "untold"),
            ("/bin/sh -c prokura", "given -c prokura"),
            ("bash -lc prokura", "given -lc prokura"),
            ("bash -c", "untold"),
            ("sh start.sh", "start.sh"),
            ("bun run agent.ts", "agent.ts with run"),
            ("deno run -A agent.ts", "agent.ts with run -A"),
            ("java -jar agent.jar", "agent.jar with -jar"),
            ("electron /opt/app.asar", "/opt/app.asar"),
        ];
        for (line, expected) in table {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn a_file_that_was_written_to_has_another_digest_also_with_its_old_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        std::fs::write(&path, "one").unwrap();
        let digests = Digests::default();
        let first = digests.of(File::open(&path).unwrap()).unwrap();
        let time = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, "two").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let second = digests.of(File::open(&path).unwrap()).unwrap();
        assert_ne!(first, second);
        assert_eq!(second, Digest::of(&[b"two"]));
    }
}
