//! How a local Server is started: a program of this machine that speaks MCP on standard input and output. Values only;
//! nothing here looks at a disk or starts anything. A secret is never in it: only the name of the variable it goes into.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json::Json;

mod dangers;

/// The most words a command line can have.
const MOST_WORDS: usize = 256;
/// The longest word.
const LONGEST: usize = 8 * 1024;
/// The most variables of the environment.
const MOST_VARIABLES: usize = 128;
/// Variables that are always there and cannot be given: they decide which program is found.
const TAKEN: [&str; 2] = ["PATH", "HOME"];
/// Variables that the system's loader and library take code or files from. What confines a program is itself a program
/// that sees them, so they would act outside of the confinement.
const OUTSIDE: [&str; 8] = [
    "LD_*",
    "DYLD_*",
    "MALLOC_*",
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "GETCONF_DIR",
];

/// What a person entered to start a local Server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// A program's name, looked for in the folders of `PATH`, or an absolute path.
    pub command: String,
    /// Its arguments, as they are handed over: no shell reads them.
    pub arguments: Vec<String>,
    /// The folder it works in; the person's home where there is none.
    pub folder: Option<String>,
    /// Variables of its environment with their values, which are shown.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Variables whose values are in the Vault.
    #[serde(default)]
    pub secrets: BTreeSet<String>,
    /// What it can reach, where that is less than everything.
    #[serde(default)]
    pub confinement: Option<Confinement>,
}

/// What a confined program can reach besides the folders of the system, which it can read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Folders and files it can read.
    pub read: Vec<String>,
    /// Folders and files it can read and change.
    pub write: Vec<String>,
    /// Whether it can use the network.
    pub network: bool,
}

/// What would be started now: the entered command with the program that was found for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What was entered.
    pub launch: Launch,
    /// The file that is started.
    pub program: String,
    /// The same file without links on its way.
    pub file: String,
    /// The program that confines it, where it is confined.
    pub confiner: Option<String>,
}

/// Why the person is asked whether a local Server may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartReason {
    /// It was never allowed.
    First,
    /// It is another command than the one that was allowed.
    Changed,
    /// The same command, but another program is found for it.
    Moved,
}

impl StartReason {
    /// The word in views.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }
}

/// Where a local Server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    /// Not started, or stopped because nobody used it.
    Stopped,
    /// Its processes.
    Up(Vec<u32>),
    /// It ended by itself, and is started again after a while; why.
    Crashed(String),
    /// It ended by itself too often, and is not started any more; why.
    GivenUp(String),
}

/// Something that happened to a process of a local Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// It was started.
    Started {
        /// The process.
        pid: u32,
        /// The file.
        program: String,
    },
    /// It was stopped by Prokura.
    Stopped {
        /// The process.
        pid: u32,
        /// Why.
        why: String,
    },
    /// It ended by itself.
    Crashed {
        /// The process.
        pid: u32,
        /// How.
        why: String,
        /// Whether it is not started any more.
        given_up: bool,
    },
    /// It could not be started.
    Failed {
        /// Why.
        why: String,
    },
}

/// Why a command cannot be one; a sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LaunchFault(pub String);

impl Launch {
    /// Checks what can be checked without looking at the machine.
    ///
    /// # Errors
    /// [`LaunchFault`] says what is wrong.
    pub fn check(&self) -> Result<(), LaunchFault> {
        let bad = |text: String| Err(LaunchFault(text));
        if self.command.trim().is_empty() {
            return bad("there is no command".to_owned());
        }
        if self.command.contains('/') && !self.command.starts_with('/') {
            return bad(format!(
                "\"{}\" is neither a program's name nor a full path",
                self.command
            ));
        }
        let confined = self.confinement.iter();
        let paths = confined.flat_map(|limits| limits.read.iter().chain(&limits.write));
        let paths: Vec<&String> = paths.chain(&self.folder).collect();
        if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
            return bad(format!("\"{path}\" is not a full path"));
        }
        let names = || self.environment.keys().chain(&self.secrets);
        if self.arguments.len() > MOST_WORDS || names().count() > MOST_VARIABLES {
            return bad("that is too long for a command".to_owned());
        }
        let words = || {
            let own = std::iter::once(&self.command).chain(&self.arguments);
            own.chain(self.environment.values()).chain(paths.iter().copied())
        };
        if words().any(|word| word.contains('\0') || word.len() > LONGEST) {
            return bad("a word of the command is too long, or holds a NUL".to_owned());
        }
        let fits = |name: &str| {
            !name.starts_with(|c: char| c.is_ascii_digit())
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if let Some(name) = names().find(|name| !fits(name) || TAKEN.contains(&name.as_str())) {
            return bad(format!("\"{name}\" cannot be set as a variable of the environment"));
        }
        let outside = |name: &str| {
            OUTSIDE.iter().any(|known| match known.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *known,
            })
        };
        if let Some(name) = names().find(|name| self.confinement.is_some() && outside(name)) {
            return bad(format!(
                "{name} would act on the program that confines it too, and so outside of the confinement; leave it out, or set it inside with a script of your own"
            ));
        }
        match self.secrets.iter().find(|name| self.environment.contains_key(*name)) {
            Some(name) => bad(format!("{name} is given twice, in the open and as a secret")),
            None => Ok(()),
        }
    }

    /// The command line as a person would type it.
    #[must_use]
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.command).chain(&self.arguments);
        words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// What to look at twice before it is started; empty where nothing stands out.
    #[must_use]
    pub fn dangers(&self, home: Option<&str>) -> Vec<String> {
        dangers::of(self, home)
    }

    fn json(&self) -> Json {
        let texts = |all: &[String]| Json::Array(all.iter().map(Json::text).collect());
        let names = self.secrets.iter().map(Json::text).collect();
        let environment =
            self.environment.iter().map(|(name, value)| (name.clone(), Json::text(value)));
        let confinement = self.confinement.as_ref().map(|limits| {
            Json::object([
                ("read", texts(&limits.read)),
                ("write", texts(&limits.write)),
                ("network", Json::Bool(limits.network)),
            ])
        });
        Json::object([
            ("command", Json::text(&self.command)),
            ("arguments", texts(&self.arguments)),
            ("folder", Json::from(self.folder.as_deref())),
            ("environment", Json::Object(environment.collect())),
            ("secrets", Json::Array(names)),
            ("confinement", confinement.unwrap_or(Json::Null)),
        ])
    }
}

impl Plan {
    /// What an approval is bound to: everything that decides what is started and what it can reach, but no secret.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&[b"prokura-local-start-v1\0", self.json().to_canonical().as_bytes()])
    }

    /// The same as the audit log keeps it.
    #[must_use]
    pub fn json(&self) -> Json {
        Json::object([
            ("launch", self.launch.json()),
            ("program", Json::text(&self.program)),
            ("file", Json::text(&self.file)),
            ("confiner", Json::from(self.confiner.as_deref())),
        ])
    }
}

/// A word as a shell would have to be given it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
