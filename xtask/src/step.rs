//! One step: a command with its purpose, its time, and what to do when it fails.
//! It must never write to standard output: that belongs to what is started (`demo --json`, `conformance`).

use crate::place::{Place, cargo};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command that is about to run.
pub struct Step {
    what: String,
    advice: String,
    pub command: Command,
}

impl Step {
    /// `what` is the line people read.
    pub fn new(what: impl Into<String>, program: impl AsRef<OsStr>) -> Self {
        Self { what: what.into(), advice: String::new(), command: Command::new(program) }
    }

    /// A cargo command at the top of the repository. What `cargo run` set for xtask itself is taken away again:
    /// build scripts that watch those variables would otherwise run anew at every change of entrance.
    pub fn cargo(place: &Place, what: impl Into<String>, args: &[&str]) -> Self {
        let mut step = Self::new(what, cargo()).args(args).dir(&place.root);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                step.command.env_remove(&name);
            }
        }
        step.command.env_remove("LD_LIBRARY_PATH").env("CARGO_TARGET_DIR", &place.target);
        step
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: &[S]) -> Self {
        self.command.args(args);
        self
    }

    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What to do next when this step fails.
    pub fn or(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Runs it; its output goes where ours goes.
    pub fn run(mut self) -> Result<()> {
        let start = self.begin();
        let status = self.command.status();
        self.end(start, status.with_context(|| self.cannot_start())?.success())
    }

    /// Runs it and hands each line of its output on, after it was printed.
    pub fn run_reading(mut self, line: &mut dyn FnMut(&str)) -> Result<()> {
        use std::io::BufRead;
        let start = self.begin();
        let mut child =
            self.command.stdout(Stdio::piped()).spawn().with_context(|| self.cannot_start())?;
        if let Some(output) = child.stdout.take() {
            for text in std::io::BufReader::new(output).split(b'\n') {
                let text = String::from_utf8_lossy(&text?).into_owned();
                println!("{text}");
                line(&text);
            }
        }
        let status = child.wait()?;
        self.end(start, status.success())
    }

    fn begin(&self) -> Instant {
        eprintln!("→ {}", self.what);
        Instant::now()
    }

    fn cannot_start(&self) -> String {
        let program = self.command.get_program().to_string_lossy();
        format!("{}: {program} does not start. {}", self.what, self.advice)
    }

    fn end(&self, start: Instant, good: bool) -> Result<()> {
        let time = seconds(start.elapsed());
        if good {
            eprintln!("✓ {} ({time})", self.what);
            return Ok(());
        }
        bail!("✗ {} failed after {time}. {}", self.what, self.advice)
    }
}

/// A line for what needed no command.
pub fn note(text: impl AsRef<str>) {
    eprintln!("· {}", text.as_ref());
}

/// A time as people read it.
pub fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", whole / 60, whole % 60)
    }
}
