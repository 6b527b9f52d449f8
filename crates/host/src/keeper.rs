//! `prokura keep PROGRAM ARG…`: stands between a Host and the process of a local Server, and ends that process with
//! everything it started when the Host closes its end of the pipe, also when it was killed. What the Host says to the
//! process and back does not come through here: the process has the pipes of its own.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How long a process may take to end after its input was closed.
const AFTER_CLOSE: Duration = Duration::from_secs(2);
/// And after it was asked to.
const AFTER_TERMINATE: Duration = Duration::from_secs(3);

enum Event {
    /// The Host closed its end.
    Closed,
    /// The process has ended.
    Ended,
}

/// Runs a program until it ends or the Host is gone; its exit code, or 128 and the signal that ended it.
#[must_use]
pub fn keep(words: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = words.split_first() else { return ExitCode::from(127) };
    // What loses its parent comes here, where it is found again in the end.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let spawned = Command::new(program).args(arguments).process_group(0).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(io::stderr(), "prokura: it cannot be started: {error}");
            return ExitCode::from(127);
        }
    };
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return ExitCode::from(127);
    };
    let (sender, events) = mpsc::channel();
    let closed = sender.clone();
    std::thread::spawn(move || {
        wait_for_close();
        let _ = closed.send(Event::Closed);
    });
    std::thread::spawn(move || {
        // Not taken from the table of processes yet: its number stays its own until its group was ended.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), options), Err(error) if error == rustix::io::Errno::INTR)
        {
        }
        let _ = sender.send(Event::Ended);
    });
    attend(&events, pid);
    finish(&mut child, pid)
}

/// Waits until the other end of standard input is closed. It reads nothing: what is in the pipe is for the process.
fn wait_for_close() {
    let stdin = io::stdin();
    loop {
        let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) if watched.iter().all(|one| one.revents().is_empty()) => {}
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// CT-14: closed, then terminated, then killed.
fn attend(events: &Receiver<Event>, group: Pid) {
    match events.recv() {
        Ok(Event::Closed) => {}
        Ok(Event::Ended) | Err(_) => return,
    }
    for (patience, signal) in [(AFTER_CLOSE, Signal::TERM), (AFTER_TERMINATE, Signal::KILL)] {
        match events.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => {
                let _ = kill_process_group(group, signal);
            }
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    // Nothing survives that signal.
    let _ = events.recv();
}

/// Ends what the process left behind.
fn finish(child: &mut Child, group: Pid) -> ExitCode {
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait();
    #[cfg(target_os = "linux")]
    end_orphans();
    let Ok(status) = status else { return ExitCode::FAILURE };
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Ends what left the group: it came here when its parent ended.
#[cfg(target_os = "linux")]
fn end_orphans() {
    // Each round can bring what the one before started.
    for _ in 0..16 {
        let children: Vec<Pid> = children();
        if children.is_empty() {
            return;
        }
        for child in children {
            let _ = rustix::process::kill_process(child, Signal::KILL);
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED);
        }
    }
}

#[cfg(target_os = "linux")]
fn children() -> Vec<Pid> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let pids = lists.flat_map(|list| {
        list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>()
    });
    pids.filter_map(Pid::from_raw).collect()
}
