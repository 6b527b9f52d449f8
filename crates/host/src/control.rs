//! The control socket: the command line asks, the running Host answers. One JSON line each way.
//! Only the user who owns the data folder is heard.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prokura_api::{Api, Failure, FailureCode, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::folder::socket_of;
use crate::guard::Guard;
use crate::kin::Kinship;

/// The longest request: a file of rules is one.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What comes back over the socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Ok(Value),
    Failure(Failure),
}

/// A listening control socket.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl Control {
    /// Opens the socket of a folder that this process holds; a socket left by a killed Host is replaced.
    pub fn open(data: &Path) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = socket_of(data);
        let owner = std::fs::metadata(data)?.uid();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path, owner })
    }

    /// Answers until `stop`.
    pub async fn serve(self, api: Arc<Api>, guard: Arc<Guard>, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            let Ok(peer) = stream.peer_cred() else { continue };
            if peer.uid() == self.owner || peer.uid() == 0 {
                let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
                tokio::spawn(converse(stream, pid, Arc::clone(&api), Arc::clone(&guard)));
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, pid: Option<u32>, api: Arc<Api>, guard: Arc<Guard>) {
    // Whom it belongs to when it comes: a parent that ends later does not make it anybody else's.
    let at_first = guard.kinship(pid, &api).await;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read.take(LONGEST));
    let mut line = String::new();
    loop {
        line.clear();
        match lines.read_line(&mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let said = match serde_json::from_str::<Request>(&line) {
            Ok(request) => match guarded(&guard, &api, request, pid, &at_first).await {
                Ok(value) => Said::Ok(value),
                Err(failure) => Said::Failure(failure),
            },
            Err(error) => Said::Failure(Failure::new(
                FailureCode::BadRequest,
                format!("The request is not understood: {error}."),
                "Use the `prokura` program of the same version as the running host.",
            )),
        };
        let Ok(mut text) = serde_json::to_string(&said) else { return };
        text.push('\n');
        if write.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        lines.get_mut().set_limit(LONGEST);
    }
}

async fn guarded(
    guard: &Guard,
    api: &Api,
    request: Request,
    pid: Option<u32>,
    at_first: &Kinship,
) -> Result<Value, Failure> {
    guard.check(api, &request, pid, at_first).await?;
    api.answer(request).await
}

/// A stranger's socket under our name must not get the person's answers and keys, or an agent's words.
pub(crate) fn same_owner(stream: &UnixStream, folder: &Path) -> Result<(), Failure> {
    let owner = std::fs::metadata(folder).map(|data| data.uid());
    let theirs = stream.peer_cred().map(|peer| peer.uid());
    match (owner, theirs) {
        (Ok(owner), Ok(theirs)) if theirs == owner || theirs == 0 => Ok(()),
        _ => Err(Failure::new(
            FailureCode::Refused,
            format!("A socket of {} belongs to another user.", folder.display()),
            "Stop that program, or choose another data folder with --data.",
        )),
    }
}

/// The asking end.
#[derive(Debug)]
pub struct Client {
    lines: BufReader<tokio::net::unix::OwnedReadHalf>,
    write: tokio::net::unix::OwnedWriteHalf,
}

impl Client {
    /// Connects to the Host that runs on `data`.
    ///
    /// # Errors
    /// [`Failure`] that says how to start one.
    pub async fn connect(data: &Path) -> Result<Self, Failure> {
        let none = |_| {
            Failure::new(
                FailureCode::Unreachable,
                format!("No Prokura is running on {}.", data.display()),
                "Start the Prokura window, or run `prokura serve` in another terminal.",
            )
        };
        let folder = data.canonicalize().map_err(none)?;
        let stream = UnixStream::connect(socket_of(&folder)).await.map_err(none)?;
        same_owner(&stream, &folder)?;
        let (read, write) = stream.into_split();
        Ok(Self { lines: BufReader::new(read), write })
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// [`Failure`]: what the Host said, or that it went away.
    pub async fn ask(&mut self, request: &Request) -> Result<Value, Failure> {
        let gone = |reason: String| {
            Failure::new(
                FailureCode::Unreachable,
                format!("Prokura went away: {reason}."),
                "Look at its window or terminal, then try again.",
            )
        };
        let mut text = serde_json::to_string(request).map_err(|error| gone(error.to_string()))?;
        text.push('\n');
        self.write.write_all(text.as_bytes()).await.map_err(|error| gone(error.to_string()))?;
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).await;
        match read.map_err(|error| gone(error.to_string()))? {
            0 => Err(gone("it closed the connection".to_owned())),
            _ => match serde_json::from_str(&line).map_err(|error| gone(error.to_string()))? {
                Said::Ok(value) => Ok(value),
                Said::Failure(failure) => Err(failure),
            },
        }
    }
}
