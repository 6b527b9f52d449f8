//! The socket for Agents that are started as a command: `prokura stdio` joins it to their standard input and output.
//! The system tells which process is on the other end; who that is, is asked of the person. It must never let a
//! process name itself.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prokura_delegation::{Delegation, Refusal, RefusalCode};
use prokura_domain::{AgentId, Caller, Change, Process};
use prokura_gateway::{Gateway, LinePlan, Router};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::folder::agents_socket_of;
use crate::guard::Guard;
use crate::process::{Processes, Seen, chain};
use crate::program;

/// Agents at once.
const AT_ONCE: usize = 256;
/// How long the first line may take, and how long it may be.
const HELLO_TIME: Duration = Duration::from_secs(5);
const HELLO_SIZE: u64 = 4096;
/// How long the first messages wait for the person. Shorter than the time-outs of most agents.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first line on the socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The version of this line.
    pub prokura: u32,
    /// The name of the Agent.
    pub agent: String,
    /// The one Server it wants; omitted for all.
    pub server: Option<String>,
}

/// The last line on the socket, where the Host cuts the connection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cut {
    /// The version of this line.
    pub prokura: u32,
    /// Why, for the agent.
    pub cut: String,
}

/// A listening socket for Agents.
#[derive(Debug)]
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

/// What is behind the door.
#[derive(Clone)]
pub(crate) struct Behind {
    pub router: Router,
    pub delegation: Delegation,
    pub guard: Arc<Guard>,
    pub stop: CancellationToken,
}

impl Door {
    /// Opens the socket of a folder that this process holds; a socket left by a killed Host is replaced.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = agents_socket_of(data);
        let owner = std::fs::metadata(data)?.uid();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path, owner })
    }

    /// Lets Agents in until it is over.
    pub async fn serve(self, behind: Behind) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let accepted = tokio::select! {
                () = behind.stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            let Ok(peer) = stream.peer_cred() else { continue };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
            if peer.uid() != self.owner {
                continue;
            }
            let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
            let behind = behind.clone();
            tokio::spawn(async move {
                receive(stream, pid, behind).await;
                drop(place);
            });
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn receive(stream: UnixStream, pid: Option<u32>, behind: Behind) {
    let (read, write) = stream.into_split();
    let mut lines = BufReader::new(read);
    let Some(hello) = hello(&mut lines).await else { return };
    let guard = Arc::clone(&behind.guard);
    let name = hello.agent.clone();
    let known = tokio::task::spawn_blocking(move || known(&guard, pid, &name)).await;
    let Ok(known) = known else { return };
    let delegation = behind.delegation.clone();
    let (came_in, is_in) = oneshot::channel();
    let thrown_out = thrown_out(behind.delegation.clone(), is_in);
    let admitted = async move {
        let caller = known?;
        let agent = delegation.admit(caller.clone()).await?;
        // Nobody waits for it only where the conversation is over.
        let _ = came_in.send((agent.id.clone(), caller));
        Ok(agent)
    };
    let plan = LinePlan { place: hello.server, patience: PATIENCE };
    let ends = (thrown_out, behind.stop);
    Gateway::lines(behind.router, plan, admitted, (lines, write), ends).await;
}

/// Resolves with the last line when the program that came in may no longer be here.
async fn thrown_out(
    delegation: Delegation,
    is_in: oneshot::Receiver<(AgentId, Caller)>,
) -> Vec<u8> {
    let mut changes = delegation.changes();
    let Ok((agent, caller)) = is_in.await else { return std::future::pending().await };
    loop {
        if let Some(refusal) = delegation.out_again(&agent, &caller) {
            return serde_json::to_vec(&Cut { prokura: 1, cut: refusal.message })
                .unwrap_or_default();
        }
        loop {
            match changes.recv().await {
                Ok(Change::Agents) | Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

async fn hello<R: tokio::io::AsyncRead + Unpin>(lines: &mut BufReader<R>) -> Option<Hello> {
    let mut line = Vec::new();
    let mut bounded = lines.take(HELLO_SIZE);
    let read = tokio::time::timeout(HELLO_TIME, bounded.read_until(b'\n', &mut line)).await;
    read.ok()?.ok()?;
    let hello: Hello = serde_json::from_slice(&line).ok()?;
    (hello.prokura == 1).then_some(hello)
}

/// Who is on the other end, as the system shows it. The process is remembered before anything is asked about it, so
/// that it cannot answer for itself.
fn known(guard: &Guard, pid: Option<u32>, name: &str) -> Result<Caller, Refusal> {
    let processes = guard.processes();
    let chain = pid.map(|pid| chain(processes, pid)).unwrap_or_default();
    let Some(bridge) = chain.first() else {
        let text = "Prokura cannot see which process this is, so it does not let it in.";
        return Err(Refusal::new(RefusalCode::Denied, text));
    };
    if !guard.ours().include(processes, bridge.pid) {
        let text = "This is not the `prokura` program that belongs to the running Prokura. Use the one installed with \
                    it; after an update, start Prokura anew.";
        return Err(Refusal::new(RefusalCode::Denied, text));
    }
    let above = chain.iter().find(|seen| !guard.ours().include(processes, seen.pid));
    let agent = above.filter(|seen| !started_everything(processes, seen));
    if let Some(agent) = agent {
        guard.kin().came(agent, name);
        guard.watch();
    }
    let program = agent.and_then(|seen| program::of(processes, guard.digests(), seen.pid));
    // Looked at again: a number that was given to another process meanwhile proves nothing.
    let same = agent
        .is_some_and(|seen| processes.seen(seen.pid).is_some_and(|now| now.key() == seen.key()));
    let told = chain.iter().map(|seen| Process {
        pid: seen.pid,
        name: seen.name.clone(),
        executable: processes
            .executable(seen.pid)
            .and_then(|path| path.to_str().map(str::to_owned)),
    });
    Ok(Caller { name: name.to_owned(), program: program.filter(|_| same), chain: told.collect() })
}

/// Programs that adopt every orphan: whatever has one for a parent has lost its own. By their whole paths, which only
/// the system's owner can write: a program that merely calls itself so is an agent like any other.
const ADOPTING: [&str; 6] = [
    "/usr/lib/systemd/systemd",
    "/lib/systemd/systemd",
    "/sbin/init",
    "/usr/sbin/init",
    "/usr/bin/init",
    "/sbin/launchd",
];

fn started_everything(processes: &dyn Processes, seen: &Seen) -> bool {
    let path = processes.executable(seen.pid);
    seen.pid <= 1
        || path.as_deref().and_then(Path::to_str).is_some_and(|path| ADOPTING.contains(&path))
}
