//! Programs and processes: found by name, ended by id.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::process::Command;

/// Sends a signal by process id. By the shell's own `kill`: a bare machine has no program of that name.
///
/// # Errors
/// When there is no such process.
pub async fn signal(pid: u32, name: &str) -> anyhow::Result<()> {
    let order = format!("kill -{name} {pid}");
    let status = Command::new("sh").arg("-c").arg(&order).status().await.context(order)?;
    if status.success() { Ok(()) } else { bail!("kill -{name} {pid} failed") }
}

/// Finds a built program: in the folder that `PROKURA_TEST_BIN` names, or beside this one in the target folder.
///
/// # Errors
/// Says how to build it.
pub fn find_program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let named = std::env::var_os("PROKURA_TEST_BIN").map(PathBuf::from);
    let near = own.ancestors().skip(1).take(3).map(Path::to_path_buf);
    let found =
        named.into_iter().chain(near).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "there is no program {name} beside {}; `cargo xtask test` builds it first",
            own.display()
        )
    })
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    Ok(())
}

/// A command line as a person would type it.
pub(super) fn shown<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    format!("prokura {}", words.join(" "))
}
