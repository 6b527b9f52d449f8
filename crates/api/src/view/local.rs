//! Servers that are programs of this machine, as they are shown: every part of what is started, in full.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Piece;

/// A variable of the environment of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct VariableView {
    /// Its name.
    pub name: String,
    /// Its value, in pieces; `null` where it is a secret in the vault.
    pub value: Option<Vec<Piece>>,
    /// Whether a secret was given for it.
    pub given: bool,
}

/// What a confined program can reach besides the folders of the system, which it can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ConfinementView {
    /// What it can read, in pieces.
    pub read: Vec<Vec<Piece>>,
    /// What it can read and change, in pieces.
    pub write: Vec<Vec<Piece>>,
    /// Whether it can use the network.
    pub network: bool,
    /// The program that confines it, in pieces.
    pub by: Vec<Piece>,
}

/// What would be started, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct LaunchView {
    /// The whole command line as a person would type it, in pieces.
    pub line: Vec<Piece>,
    /// The file that is started, in pieces.
    pub program: Vec<Piece>,
    /// The same file without links on its way, in pieces, where that is another path.
    pub file: Option<Vec<Piece>>,
    /// Each argument, in pieces.
    pub arguments: Vec<Vec<Piece>>,
    /// The folder it works in, in pieces; `null` is the person's home.
    pub folder: Option<Vec<Piece>>,
    /// The variables it is given besides the few that every program gets.
    pub environment: Vec<VariableView>,
    /// What it can reach; `null` is everything the person can.
    pub confinement: Option<ConfinementView>,
    /// What to look at twice, one sentence each.
    pub dangers: Vec<String>,
}

/// A program that wants to be started as a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct StartView {
    /// `first`, `changed`, or `moved`: the same command means another program now.
    pub reason: String,
    /// What would be started.
    pub launch: LaunchView,
    /// What was approved before, where it is known.
    pub before: Option<LaunchView>,
}

/// What was entered to start a server, as it can be entered again. Secrets have names only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct EnteredView {
    /// The command.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder it works in.
    pub folder: Option<String>,
    /// `NAME=VALUE` for each variable.
    pub environment: Vec<String>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
    /// Whether it is confined.
    pub confined: bool,
    /// What it can read then.
    pub read: Vec<String>,
    /// What it can change then.
    pub write: Vec<String>,
    /// Whether it can use the network then.
    pub network: bool,
}

/// A server that is a program of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct LocalView {
    /// `unapproved`, `missing` (it cannot be started as things are), `running`, `stopped`, `crashed` (it is started
    /// again when it is used) or `given_up` (it is not).
    pub state: String,
    /// Why, where there is more to say.
    pub why: Option<String>,
    /// Its processes.
    pub pids: Vec<u32>,
    /// What would be started now; `null` where it cannot be.
    pub launch: Option<LaunchView>,
    /// What was entered.
    pub entered: EnteredView,
    /// The question that waits, where it is not approved.
    pub question: Option<String>,
}

/// What a program wrote to its standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct LogView {
    /// The newest of it, in pieces; what looks like a secret is masked.
    pub text: Vec<Piece>,
}
