//! A display that nobody sees, with a window manager, a keyboard, and a way to take pictures of it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use prokura_testkit::eventually;

use crate::process::Running;

/// A running display.
pub struct Display {
    /// As programs name it in `DISPLAY`.
    pub name: String,
    _manager: Running,
    _server: Running,
}

impl Display {
    /// Starts one under the first number that is free.
    pub fn start(home: &Path) -> anyhow::Result<Self> {
        let mut server = Running::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1820x900x24", "-nolisten", "tcp"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let mut number = String::new();
        let output = server.0.stdout.take().context("Xvfb has no standard output")?;
        BufReader::new(output).read_line(&mut number)?;
        ensure!(!number.trim().is_empty(), "Xvfb ended without a display");
        let name = format!(":{}", number.trim());
        let manager = Running::start(
            Command::new("openbox")
                .env("DISPLAY", &name)
                .env("HOME", home)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        Ok(Self { name, _manager: manager, _server: server })
    }

    /// Closes the window whose title starts with `title`, as Alt+F4 does.
    pub async fn close_window(&self, title: &str) {
        // The window manager can be busy with another window, and then a key goes nowhere: pressed until it was heard,
        // and never when another window would hear it.
        eventually(&format!("the end of {title}"), Duration::from_secs(20), || async {
            let Ok(window) = self.window(title) else { return Some(()) };
            self.run(Command::new("xdotool").args(["windowactivate", &window])).ok()?;
            let active = self.said(Command::new("xdotool").arg("getactivewindow")).ok()?;
            if active == window {
                // A key in the same command would be sent to the window alone, past the window manager.
                self.run(Command::new("xdotool").args(["key", "alt+F4"])).ok()?;
            }
            None
        })
        .await
        .unwrap();
    }

    /// Presses keys, as a person does: whatever has the focus gets them.
    pub fn keys(&self, keys: &[&str]) {
        let delay = ["key", "--delay", "25"];
        self.run(Command::new("xdotool").args(delay).args(keys)).unwrap();
    }

    /// Types a text into what has the focus.
    pub fn types(&self, text: &str) {
        self.run(Command::new("xdotool").args(["type", "--delay", "10", "--", text])).unwrap();
    }

    /// Brings a window to the front and gives it the keyboard.
    pub async fn focus(&self, title: &str) {
        eventually(&format!("{title} in front"), Duration::from_secs(20), || async {
            let window = self.window(title).ok()?;
            self.run(Command::new("xdotool").args(["windowactivate", &window])).ok()?;
            let active = self.said(Command::new("xdotool").arg("getactivewindow")).ok()?;
            (active == window).then_some(())
        })
        .await
        .unwrap();
    }

    /// Waits until no window with such a title is on the screen.
    pub async fn hidden(&self, title: &str) {
        eventually(&format!("no window {title}"), Duration::from_secs(20), || async {
            self.window(title).is_err().then_some(())
        })
        .await
        .unwrap();
    }

    /// Puts the window whose title starts with `title` somewhere.
    pub fn place(&self, title: &str, left: i32, top: i32) -> anyhow::Result<()> {
        let (left, top) = (left.to_string(), top.to_string());
        self.run(Command::new("xdotool").args(["windowmove", &self.window(title)?, &left, &top]))
    }

    /// A picture of one window, or of everything where no title is given.
    pub fn picture(&self, title: Option<&str>, file: &Path) -> anyhow::Result<()> {
        let window = title.map_or_else(|| Ok("root".to_owned()), |title| self.window(title))?;
        self.run(Command::new("/usr/bin/import").args(["-window", &window]).arg(file))
    }

    /// Makes a picture small enough to be kept.
    pub fn shrink(&self, file: &Path) -> anyhow::Result<()> {
        let mut convert = Command::new("/usr/bin/convert");
        let smaller = ["-strip", "+dither", "-colors", "64", "-define", "png:compression-level=9"];
        self.run(convert.arg(file).args(smaller).arg(file))
    }

    /// The number of the window whose title starts with `title`.
    fn window(&self, title: &str) -> anyhow::Result<String> {
        let search = ["search", "--onlyvisible", "--limit", "1", "--name", &format!("^{title}")];
        let found = Command::new("xdotool").args(search).env("DISPLAY", &self.name).output()?;
        let number = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        ensure!(!number.is_empty(), "no window {title} is on the screen");
        Ok(number)
    }

    fn run(&self, command: &mut Command) -> anyhow::Result<()> {
        self.said(command).map(drop)
    }

    /// Runs a command; answers with what it said.
    fn said(&self, command: &mut Command) -> anyhow::Result<String> {
        let output = command
            .env("DISPLAY", &self.name)
            .output()
            .with_context(|| format!("{} is missing", command.get_program().to_string_lossy()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{}: {said}", command.get_program().to_string_lossy());
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
