//! A folder for `prokura`, and the process that runs on it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use super::program::{find_program, shown, signal, write_private};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// What a command said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; −1 when it was killed.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Said {
    /// Standard output as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or(Value::Null)
    }
}

/// A folder with a key file and what a Host keeps; it can be started again and again.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Removes it at the end, where it is temporary.
    _temporary: Option<tempfile::TempDir>,
    program: PathBuf,
}

impl Folder {
    /// A new folder for `program`, or for the `prokura` that is found, which goes when it is dropped.
    ///
    /// # Errors
    /// When there is no program, or no room for a folder.
    pub fn new(program: Option<PathBuf>) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("prokura-").tempdir()?;
        let mut folder = Self::at(temporary.path(), program)?;
        folder._temporary = Some(temporary);
        Ok(folder)
    }

    /// The same at a given place, where it stays.
    ///
    /// # Errors
    /// When there is no program, or the place cannot be written.
    pub fn at(root: &Path, program: Option<PathBuf>) -> anyhow::Result<Self> {
        let program = match program {
            Some(program) => program,
            None => find_program("prokura")?,
        };
        for name in ["data", "home"] {
            std::fs::create_dir_all(root.join(name))?;
        }
        let key_file = root.join("vault.key");
        if !key_file.exists() {
            let mut key = [0u8; 32];
            getrandom::fill(&mut key).map_err(|_| anyhow::anyhow!("no randomness"))?;
            write_private(&key_file, &key)?;
        }
        Ok(Self { root: root.to_path_buf(), _temporary: None, program })
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The key file.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.root.join("vault.key")
    }

    /// The home folder of the children.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Everything, with the home folder of the children.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A command of the program on this folder, in a home of its own.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data").arg(self.data()).args(arguments);
        command.env("HOME", self.root.join("home"));
        for name in
            ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PROKURA_DATA", "RUST_LOG"]
        {
            command.env_remove(name);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end, at most a minute.
    ///
    /// # Errors
    /// When it does not start or does not end.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> anyhow::Result<Said> {
        self.run_with(arguments, b"").await
    }

    /// The same with something on standard input.
    ///
    /// # Errors
    /// When it does not start or does not end.
    pub async fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: &[u8],
    ) -> anyhow::Result<Said> {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        // A command that reads nothing closes its end; that is its right.
        let _unread = stdin.write_all(input).await.is_err();
        drop(stdin);
        let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output())
            .await
            .with_context(|| format!("no end after a minute: {}", shown(arguments)))??;
        Ok(Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts `serve` and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the error holds what it said.
    pub async fn serve(&self) -> anyhow::Result<Serving> {
        let key = self.key_file();
        self.serve_with(&[
            "--port".as_ref(),
            "0".as_ref(),
            "--vault-key-file".as_ref(),
            key.as_os_str(),
        ])
        .await
    }

    /// Starts `serve` with other arguments.
    ///
    /// # Errors
    /// When it does not become ready; the error holds what it said.
    pub async fn serve_with(&self, arguments: &[&OsStr]) -> anyhow::Result<Serving> {
        let mut all: Vec<&OsStr> = vec!["serve".as_ref()];
        all.extend(arguments);
        self.serve_command(self.command(&all)).await
    }

    /// Starts a prepared `serve`, for instance one under a limit.
    ///
    /// # Errors
    /// When it does not become ready; the error holds what it said.
    pub async fn serve_command(&self, mut command: Command) -> anyhow::Result<Serving> {
        let mut child = command
            .spawn()
            .with_context(|| format!("{} does not start", self.program.display()))?;
        let said = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut errors = child.stderr.take().context("no standard error")?;
        let collected = said.clone();
        let listening = tokio::spawn(async move {
            let mut chunk = [0u8; 4096];
            while let Ok(count @ 1..) = errors.read(&mut chunk).await {
                let text =
                    String::from_utf8_lossy(chunk.get(..count).unwrap_or_default()).into_owned();
                collected.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        let ready = tokio::time::timeout(START, lines.next_line()).await;
        let line = match ready {
            Ok(Ok(Some(line))) => line,
            _ => {
                // It has ended or is killed with `child`; what it said is the error.
                let code = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
                let _heard_all =
                    tokio::time::timeout(Duration::from_secs(1), listening).await.is_ok();
                let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
                bail!("serve did not become ready ({code:?}): {said}");
            }
        };
        let ready: Value =
            serde_json::from_str(&line).with_context(|| format!("not a ready line: {line}"))?;
        let http =
            ready.get("http").and_then(Value::as_str).context("no address in the ready line")?;
        let more = said.clone();
        let http = http.to_owned();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                more.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
            }
        });
        Ok(Serving { child, http, said })
    }
}

/// A running `serve`; it is killed when it is dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    /// The address agents use.
    pub http: String,
    said: Arc<Mutex<String>>,
}

impl Serving {
    /// What it wrote to standard error, and to standard output after the ready line.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it in good order (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it does not end within twenty seconds.
    pub async fn stop(mut self) -> anyhow::Result<String> {
        signal(self.child.id().context("it has ended already")?, "TERM").await?;
        tokio::time::timeout(Duration::from_secs(20), self.child.wait())
            .await
            .context("SIGTERM did not end it within 20 s")??;
        Ok(self.said())
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}
