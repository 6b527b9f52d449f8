//! The wishes about accounts and signing in.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the person chose for a sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "Request.ts", optional_fields)]
pub struct SignInChoice {
    /// A further account, beside the one that is there.
    pub another: bool,
    /// Of the planned scopes those to ask for; omitted means all.
    pub scopes: Option<Vec<String>>,
    /// Which authorization server, where there are several.
    pub issuer: Option<String>,
    /// With a browser anywhere, by a code.
    pub device: bool,
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

/// What can be wished for accounts and signing in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "what")]
#[ts(export_to = "Request.ts")]
pub enum AccountWish {
    /// What a sign-in would ask for.
    Plan {
        /// The server's name or id.
        server: String,
        /// The account to sign in again; omitted means the server's only one, or a new one.
        account: Option<String>,
        /// What the person chose.
        #[serde(default)]
        choice: SignInChoice,
    },
    /// The address that a browser elsewhere ended at.
    Paste {
        /// The sign-in.
        sign_in: String,
        /// The address.
        address: String,
    },
    /// Call an account by another name.
    Rename {
        /// The server's name or id.
        server: String,
        /// The account's name or id.
        account: String,
        /// Its new name.
        name: String,
    },
    /// Choose the account that an agent uses at a server.
    Use {
        /// The server's name or id.
        server: String,
        /// The account's name or id.
        account: String,
        /// The agent's name or id.
        agent: String,
    },
    /// Excuse something of a server's authorization server, or take that back.
    Except {
        /// The server's name or id.
        server: String,
        /// `no-pkce` or `other-issuer`.
        exception: String,
        /// Whether it holds from now on.
        holds: bool,
    },
    /// The address to enter where a client is made by hand.
    Redirect {
        /// The server's name or id.
        server: String,
        /// The port it should have from now on; omitted leaves it.
        port: Option<u16>,
    },
    /// Start the sign-in that gives an account what a question asks for; answers with the page to open.
    Give {
        /// The id of the question.
        approval: String,
    },
    /// Let the person be asked again for scopes that were declined.
    AskAgain {
        /// The server's name or id.
        server: String,
        /// The account's name or id.
        account: String,
    },
    /// Forget the client that was entered.
    ForgetClient {
        /// The server's name or id.
        server: String,
    },
}

impl std::fmt::Debug for ClientWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientWish")
    }
}

impl std::fmt::Debug for AccountWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountWish")
    }
}

impl std::fmt::Debug for MachineWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MachineWish")
    }
}
