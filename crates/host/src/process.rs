//! Processes of this machine as the operating system shows them: who is on the other end of a socket, and who started
//! it. One implementation for each kind of system; where a system says less, less is known, never more.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

use std::fs::File;
use std::io;
use std::path::PathBuf;

/// The longest chain that is followed.
const LONGEST: usize = 64;

/// One process, as it was at one moment. Number and start together name it: numbers are used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub pid: u32,
    /// When it started, in a unit of the system: only compared.
    pub started: u64,
    pub parent: u32,
    /// Its process group and session, where the system has them.
    pub group: Option<u32>,
    pub session: Option<u32>,
    /// What it calls itself: a claim.
    pub name: String,
}

impl Seen {
    /// What names it.
    pub fn key(&self) -> (u32, u64) {
        (self.pid, self.started)
    }
}

/// What can be asked of the operating system.
pub(crate) trait Processes: Send + Sync {
    /// One process.
    fn seen(&self, pid: u32) -> Option<Seen>;

    /// All processes that can be seen.
    fn all(&self) -> Vec<Seen>;

    /// Where its executable lies, as the system says.
    fn executable(&self, pid: u32) -> Option<PathBuf>;

    /// The file that it runs: this very file, where the system can hand it out, whatever lies at its path by now.
    ///
    /// # Errors
    /// When it may not be read.
    fn open_executable(&self, pid: u32) -> io::Result<File>;

    /// Its command line: a claim.
    fn command(&self, pid: u32) -> Vec<String>;

    /// The folder it works in.
    fn folder(&self, pid: u32) -> Option<PathBuf>;
}

/// The processes of this machine.
pub(crate) fn of_this_machine() -> Box<dyn Processes> {
    #[cfg(target_os = "linux")]
    return Box::new(linux::Proc);
    #[cfg(not(target_os = "linux"))]
    return Box::new(portable::Portable);
}

/// A process and its ancestors, nearest first, up to the one that has no parent to be seen. A parent that is younger
/// than its child is another process under a number that was used again: there the chain ends.
pub(crate) fn chain(processes: &dyn Processes, pid: u32) -> Vec<Seen> {
    let mut found: Vec<Seen> = Vec::new();
    let mut next = pid;
    while next != 0 && found.len() < LONGEST {
        let Some(seen) = processes.seen(next) else { break };
        let used_again = found.last().is_some_and(|child| seen.started > child.started);
        if used_again {
            break;
        }
        next = seen.parent;
        found.push(seen);
    }
    found
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_child_of_this_process_is_seen_with_its_ancestors() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let own = std::process::id();
        for processes in [&linux::Proc as &dyn Processes, &portable::Portable] {
            let chain = chain(processes, child.id());
            let pids: Vec<u32> = chain.iter().map(|seen| seen.pid).take(2).collect();
            assert_eq!(pids, [child.id(), own]);
            let path = processes.executable(own).unwrap();
            assert_eq!(path, std::env::current_exe().unwrap());
            assert!(processes.all().iter().any(|seen| seen.pid == child.id()));
            // Between the child's start and its first step the kernel shows no command line yet.
            while processes.command(child.id()).is_empty() {
                std::thread::yield_now();
            }
            assert_eq!(processes.command(child.id()), ["sleep", "60"]);
            assert_eq!(processes.folder(own).unwrap(), std::env::current_dir().unwrap());
            processes.open_executable(own).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(chain(&linux::Proc, child.id()).is_empty());
    }

    struct Reused;

    impl Processes for Reused {
        fn seen(&self, pid: u32) -> Option<Seen> {
            let parent = [(7, 5), (5, 3)].into_iter().find(|(child, _)| *child == pid)?.1;
            // The parent's number was given to a process that started later.
            let started = if pid == 5 { 90 } else { 50 };
            let name = String::new();
            Some(Seen { pid, started, parent, group: None, session: None, name })
        }

        fn all(&self) -> Vec<Seen> {
            Vec::new()
        }

        fn executable(&self, _: u32) -> Option<PathBuf> {
            None
        }

        fn open_executable(&self, _: u32) -> io::Result<File> {
            Err(io::ErrorKind::NotFound.into())
        }

        fn command(&self, _: u32) -> Vec<String> {
            Vec::new()
        }

        fn folder(&self, _: u32) -> Option<PathBuf> {
            None
        }
    }

    #[test]
    fn a_number_that_was_used_again_is_no_parent() {
        let chain = chain(&Reused, 7);
        assert_eq!(chain.iter().map(|seen| seen.pid).collect::<Vec<_>>(), [7]);
    }
}
