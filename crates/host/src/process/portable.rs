//! Every other system: what the `sysinfo` crate knows. It has no process groups, and hands out no running file, so the
//! file at the executable's path stands for it.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::{Processes, Seen};

/// See [`Processes`].
#[derive(Debug)]
pub(crate) struct Portable;

fn look(only: Option<u32>) -> Option<System> {
    let mut system = System::new().ok()?;
    let pids = only.map(|pid| [Pid::from_u32(pid)]);
    let update = pids.as_ref().map_or(ProcessesToUpdate::All, |pids| ProcessesToUpdate::Some(pids));
    let kind = ProcessRefreshKind::nothing()
        .with_exe(UpdateKind::Always)
        .with_cmd(UpdateKind::Always)
        .with_cwd(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(update, true, kind);
    Some(system)
}

fn seen(process: &sysinfo::Process) -> Seen {
    Seen {
        pid: process.pid().as_u32(),
        started: process.start_time(),
        parent: process.parent().map_or(0, Pid::as_u32),
        group: None,
        session: process.session_id().map(Pid::as_u32),
        name: process.name().to_string_lossy().into_owned(),
    }
}

impl Processes for Portable {
    fn seen(&self, pid: u32) -> Option<Seen> {
        look(Some(pid))?.process(Pid::from_u32(pid)).map(seen)
    }

    fn all(&self) -> Vec<Seen> {
        look(None).map_or_else(Vec::new, |system| system.processes().values().map(seen).collect())
    }

    fn executable(&self, pid: u32) -> Option<PathBuf> {
        look(Some(pid))?.process(Pid::from_u32(pid))?.exe().map(PathBuf::from)
    }

    fn open_executable(&self, pid: u32) -> io::Result<File> {
        File::open(self.executable(pid).ok_or(io::ErrorKind::NotFound)?)
    }

    fn command(&self, pid: u32) -> Vec<String> {
        let Some(system) = look(Some(pid)) else { return Vec::new() };
        let Some(process) = system.process(Pid::from_u32(pid)) else { return Vec::new() };
        process.cmd().iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    fn folder(&self, pid: u32) -> Option<PathBuf> {
        look(Some(pid))?.process(Pid::from_u32(pid))?.cwd().map(PathBuf::from)
    }
}
