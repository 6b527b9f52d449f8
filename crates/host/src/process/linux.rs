//! Linux: `/proc`. The files are read by number, so whoever compares has to compare the start too.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::{Processes, Seen};

/// See [`Processes`].
#[derive(Debug)]
pub(crate) struct Proc;

/// proc_pid_stat(5): the name stands in parentheses and may hold anything, also parentheses.
fn read(pid: u32, stat: &str) -> Option<Seen> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let small = |at: usize| number(at).and_then(|value| u32::try_from(value).ok());
    Some(Seen {
        pid,
        started: number(19)?,
        parent: small(1)?,
        group: small(2),
        session: small(3),
        name: name.to_owned(),
    })
}

impl Processes for Proc {
    fn seen(&self, pid: u32) -> Option<Seen> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        read(pid, &String::from_utf8_lossy(&stat))
    }

    fn all(&self) -> Vec<Seen> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| self.seen(pid))
            .collect()
    }

    fn executable(&self, pid: u32) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{pid}/exe")).ok()
    }

    fn open_executable(&self, pid: u32) -> io::Result<File> {
        // Through the link of the kernel: the file that runs, also where another lies at its path by now.
        File::open(format!("/proc/{pid}/exe"))
    }

    fn command(&self, pid: u32) -> Vec<String> {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        bytes
            .split(|byte| *byte == 0)
            .map(|one| String::from_utf8_lossy(one).into_owned())
            .collect()
    }

    fn folder(&self, pid: u32) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{pid}/cwd")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_moves_no_field() {
        let stat = "7 (a) 1 (b) S 3 4 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
        let seen = read(7, stat);
        let seen =
            seen.map(|seen| (seen.name, seen.parent, seen.group, seen.session, seen.started));
        assert_eq!(seen, Some(("a) 1 (b".to_owned(), 3, Some(4), Some(5), 777)));
    }
}
