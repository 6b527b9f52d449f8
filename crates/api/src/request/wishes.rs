//! What is wished for in more than a word: programs, clients, and what stands in for a person. They must never be printed:
//! some hold secrets.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a program should be connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "Request.ts")]
pub struct WireWish {
    /// The program's id, such as `claude-code`.
    pub program: String,
    /// The name it gets as an agent.
    pub agent: String,
    /// `command`: it starts `prokura stdio`. `sign_in`: it is given the URL and signs in.
    pub way: String,
    /// Servers of the program that Prokura takes over; they leave its settings.
    #[serde(default)]
    pub take: Vec<String>,
}

/// What a client proves itself with.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "Request.ts")]
pub enum ClientWish {
    /// Nothing.
    #[default]
    Nothing,
    /// A secret.
    Secret(String),
    /// A private key that is imported.
    Key {
        /// As unencrypted PEM.
        pem: String,
        /// `ES256`, `ES384`, `EdDSA`, `PS256` or `RS256`; omitted means what the key is made for.
        algorithm: Option<String>,
        /// Its id at the authorization server.
        kid: Option<String>,
    },
    /// A private key that is made here, and stays here.
    NewKey,
}

/// What stands in for a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "Request.ts")]
pub enum MachineWish {
    /// The entered client itself.
    Client,
    /// A token that the platform keeps fresh in a file.
    Workload {
        /// The file.
        token_file: String,
    },
    /// An ID token of the enterprise's identity provider, kept fresh in a file.
    Enterprise {
        /// The identity provider.
        issuer: String,
        /// Prokura's client there.
        client_id: String,
        /// The client's secret there, if it has one.
        client_secret: Option<String>,
        /// The file.
        id_token_file: String,
    },
}
