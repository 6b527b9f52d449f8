//! Programs and processes as the operating system shows them: what an Agent that comes over the local socket is paired
//! with. What a process can set itself (its name, its command line) is a claim; where its file lies and what that file
//! holds is looked at by us.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::id::{AgentId, PairingId};

/// A file and what it held when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// Where it lies; of code that was given on the command line, what it was called there.
    pub path: String,
    /// The digest of what it held.
    pub digest: Digest,
}

/// What a pairing is with: an executable, and for an interpreter the script it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The executable.
    pub executable: SeenFile,
    /// The script, where the executable is an interpreter.
    pub script: Option<SeenFile>,
}

impl Program {
    /// One digest over all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let none = SeenFile { path: String::new(), digest: Digest([0; 32]) };
        let script = self.script.as_ref().unwrap_or(&none);
        let lengths =
            [&self.executable.path, &script.path].map(|path| (path.len() as u64).to_be_bytes());
        Digest::of(&[
            b"prokura-program-v1",
            &lengths[0],
            self.executable.path.as_bytes(),
            &self.executable.digest.0,
            &lengths[1],
            script.path.as_bytes(),
            &script.digest.0,
        ])
    }
}

/// One process of a chain, nearest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// What it calls itself: a claim.
    pub name: String,
    /// Where its executable lies, where the system says so.
    pub executable: Option<String>,
}

/// Why a process has to be paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairingReason {
    /// Nothing was ever paired under this name.
    First,
    /// The file at the same place holds something else than when it was paired.
    Changed,
    /// Another program than those that were paired under this name.
    Another,
    /// It cannot be told which program it is, so it is asked about every time.
    Untold,
}

impl PairingReason {
    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Changed => "changed",
            Self::Another => "another",
            Self::Untold => "untold",
        }
    }
}

/// A process that wants to be an Agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The name it was started under: a claim.
    pub name: String,
    /// The program it is; `None` where that cannot be told for sure.
    pub program: Option<Program>,
    /// Itself and its ancestors, nearest first.
    pub chain: Vec<Process>,
}

/// A program that may come in as an Agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// Its identity.
    pub id: PairingId,
    /// As which Agent.
    pub agent: AgentId,
    /// Which program.
    pub program: Program,
    /// When the person allowed it.
    pub added_at: Timestamp,
    /// When it last came in.
    pub seen_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, byte: u8) -> SeenFile {
        SeenFile { path: path.to_owned(), digest: Digest([byte; 32]) }
    }

    #[test]
    fn every_part_of_a_program_counts_in_its_digest() {
        let program = |path, byte, script| Program { executable: file(path, byte), script };
        let all = [
            program("/bin/a", 1, None),
            program("/bin/b", 1, None),
            program("/bin/a", 2, None),
            program("/bin/a", 1, Some(file("/x.js", 1))),
            program("/bin/a", 1, Some(file("/x.js", 2))),
            program("/bin/a", 1, Some(file("/y.js", 1))),
        ];
        let mut digests: Vec<Digest> = all.iter().map(Program::digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), all.len());
    }
}
