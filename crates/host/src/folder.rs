//! The data folder: one Host at a time, readable by its owner only.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use prokura_domain::Digest;

use crate::HostError;

/// The longest path of a socket that every system takes.
const SOCKET_PATH: usize = 100;

/// Where data lies when nobody says otherwise.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    dirs::data_dir().unwrap_or_else(|| PathBuf::from(".")).join("prokura")
}

/// The folder, held for as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    pub path: PathBuf,
    _lock: File,
}

impl Folder {
    pub fn hold(path: &Path) -> Result<Self, HostError> {
        let fault = |source: io::Error| HostError::Folder { path: path.to_owned(), source };
        make_private(path).map_err(fault)?;
        let path = path.canonicalize().map_err(fault)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("host.lock"))
            .map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(HostError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(HostError::Folder { path, source }),
        }
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if path.is_dir() {
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        }
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The control socket of a data folder.
pub(crate) fn socket_of(data: &Path) -> PathBuf {
    socket_called(data, "control")
}

/// The socket for Agents of a data folder.
pub(crate) fn agents_socket_of(data: &Path) -> PathBuf {
    socket_called(data, "agents")
}

/// A path too long for a socket is replaced by a short one in the temporary folder.
fn socket_called(data: &Path, name: &str) -> PathBuf {
    let direct = data.join(format!("{name}.sock"));
    if direct.as_os_str().len() <= SOCKET_PATH {
        return direct;
    }
    let digest = Digest::of(&[data.as_os_str().as_encoded_bytes()]).to_string();
    let short = digest.get(..24).unwrap_or(&digest);
    match name {
        "control" => std::env::temp_dir().join(format!("prokura-{short}.sock")),
        name => std::env::temp_dir().join(format!("prokura-{short}-{name}.sock")),
    }
}
