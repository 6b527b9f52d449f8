//! The wishes about servers that are programs of this machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a program can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "Request.ts", optional_fields)]
pub struct ConfineWish {
    /// Folders and files it can read.
    pub read: Vec<String>,
    /// Folders and files it can read and change.
    pub write: Vec<String>,
    /// Whether it can use the network.
    pub network: bool,
}

/// How a program is started.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "Request.ts", optional_fields)]
pub struct LaunchWish {
    /// A program's name or full path.
    pub command: String,
    /// Its arguments, as they are: no shell reads them.
    pub arguments: Vec<String>,
    /// The folder it works in; omitted means the home folder.
    pub folder: Option<String>,
    /// Variables of its environment that are shown.
    pub environment: BTreeMap<String, String>,
    /// Variables that are kept in the vault, with their values; `null` keeps the value that is there.
    pub secrets: BTreeMap<String, Option<String>>,
    /// What it can reach; omitted means everything the person can.
    pub confine: Option<ConfineWish>,
}

/// Something about a server that is a program of this machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "local")]
#[ts(export_to = "Request.ts")]
pub enum LocalWish {
    /// What would be started.
    Preview {
        /// How.
        launch: LaunchWish,
    },
    /// Add one; the person is asked before it is started.
    Add {
        /// Its name.
        name: String,
        /// How it is started.
        launch: LaunchWish,
    },
    /// Start one in another way; the person is asked again.
    Change {
        /// Its name or id.
        server: String,
        /// How it is started.
        launch: LaunchWish,
    },
    /// Ask the person again whether it may start.
    Ask {
        /// Its name or id.
        server: String,
    },
    /// Stop it, and forget that it crashed; it starts again when it is used.
    Stop {
        /// Its name or id.
        server: String,
    },
    /// What it wrote to standard error.
    Log {
        /// Its name or id.
        server: String,
    },
}

impl std::fmt::Debug for LaunchWish {
    /// Not its members: they hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LaunchWish")
    }
}

impl std::fmt::Debug for LocalWish {
    /// Only the wish: its members hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalWish")
    }
}
