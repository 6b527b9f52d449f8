//! A system with nothing on it: a fresh Debian in a folder, with the package sources of this machine, and a person `ada`. Needs
//! root. It must never leave a mount behind, nor share a file with the system around it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};

/// The folder; goes away with this.
pub struct CleanRoot {
    pub path: PathBuf,
}

/// Why there cannot be one here.
pub fn obstacle() -> Option<&'static str> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout == b"0\n");
    let debootstrap = Path::new("/usr/sbin/debootstrap").exists();
    match (root, debootstrap) {
        (false, _) => Some("only root can make a clean root"),
        (true, false) => Some("debootstrap is not here"),
        (true, true) => None,
    }
}

impl CleanRoot {
    pub fn make(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            drop(Self { path: path.to_owned() });
        }
        fs::create_dir_all(path)?;
        let root = Self { path: path.to_owned() };
        let (release, mirror) = sources()?;
        let include = "--include=ca-certificates,passwd";
        run(Command::new("debootstrap")
            .args(["--variant=minbase", include, &release])
            .arg(path)
            .arg(mirror))?;
        for folder in ["etc/apt/sources.list.d", "etc/apt/apt.conf.d", "usr/share/keyrings"] {
            root.take(&format!("/{folder}"))?;
        }
        root.take("/etc/apt/sources.list")?;
        root.take("/etc/ssl/certs/ca-certificates.crt")?;
        run(Command::new("mount").args(["-t", "proc", "proc"]).arg(path.join("proc")))?;
        root.inside(&["useradd", "--create-home", "--shell", "/bin/sh", "ada"])?;
        root.inside(&["apt-get", "update", "-q"])?;
        Ok(root)
    }

    /// Copies a file or the files of a folder, as this machine reaches its mirrors by them.
    fn take(&self, what: &str) -> anyhow::Result<()> {
        let from = Path::new(what);
        let to = self.path.join(what.trim_start_matches('/'));
        if from.is_dir() {
            fs::create_dir_all(&to)?;
            for entry in fs::read_dir(from)? {
                let entry = entry?;
                if entry.path().is_file() {
                    fs::copy(entry.path(), to.join(entry.file_name()))?;
                }
            }
        } else if from.is_file() {
            fs::copy(from, to)?;
        }
        Ok(())
    }

    /// A command inside, as root.
    pub fn inside<S: AsRef<OsStr>>(&self, words: &[S]) -> anyhow::Result<String> {
        let output = run(self.command("root", "/root").args(words))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The beginning of a command inside, as the person `ada`.
    pub fn as_ada(&self) -> Command {
        self.command("ada", "/home/ada")
    }

    fn command(&self, name: &str, home: &str) -> Command {
        let mut command = Command::new("chroot");
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg(format!("--userspec={name}:{name}"))
            .arg(&self.path);
        command
    }

    /// A path of the system inside, from here.
    pub fn at(&self, inside: &str) -> PathBuf {
        self.path.join(inside.trim_start_matches('/'))
    }
}

impl Drop for CleanRoot {
    fn drop(&mut self) {
        let proc = self.path.join("proc");
        let _mounted = Command::new("umount").arg(&proc).output();
        // What is still mounted belongs to the system around.
        if !proc.join("self").exists() {
            let _left = fs::remove_dir_all(&self.path);
        }
    }
}

/// The release of this Debian and the mirror it is installed from.
fn sources() -> anyhow::Result<(String, String)> {
    let about = fs::read_to_string("/etc/os-release")?;
    let release = about.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let files = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    let text: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let mirror = text.lines().find_map(|line| {
        let rest = line.strip_prefix("URIs:").or_else(|| line.strip_prefix("deb "))?;
        rest.split_whitespace().find(|word| word.starts_with("http"))
    });
    Ok((
        release.context("this is no Debian")?.trim_matches('"').to_owned(),
        mirror.context("no mirror is known here")?.to_owned(),
    ))
}

/// Runs a command that has to end well.
pub fn run(command: &mut Command) -> anyhow::Result<Output> {
    let output = command.output().with_context(|| format!("{command:?} does not start"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
    Ok(output)
}
