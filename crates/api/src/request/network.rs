//! The wishes about how servers are reached.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How servers are reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "network")]
#[ts(export_to = "Request.ts")]
pub enum NetworkWish {
    /// As it stands.
    Show,
    /// Set the proxy; none goes out directly.
    Proxy {
        /// Its URL.
        url: Option<String>,
    },
    /// Trust a certificate authority beside the system's.
    Trust {
        /// What to call it.
        name: String,
        /// Its certificates in PEM.
        pem: String,
    },
    /// Say whether the documents by which programs of agents name themselves are read from the internet.
    Documents {
        /// Whether they are; else programs register themselves.
        on: bool,
    },
    /// Trust it no more.
    Distrust {
        /// What it is called.
        name: String,
    },
}
