//! Rules as a file: grants and guardrails by names, so that they can be carried to another machine. The form is told in
//! `docs/rules-file.md`. It must never take what it does not understand, and holds no secret.

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureCode};

/// The form that is written, and the only one that is read.
pub const VERSION: u32 = 1;
const KIND: &str = "rules";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// `rules`.
    pub prokura: String,
    /// The form.
    pub version: u32,
    /// When it was written, RFC 3339.
    #[serde(default)]
    pub exported_at: Option<String>,
    /// The servers that are named, with the addresses they had: another server under the same name gets nothing.
    #[serde(default)]
    pub servers: Vec<FileServer>,
    /// Grants.
    #[serde(default)]
    pub grants: Vec<FileGrant>,
    /// Guardrails.
    #[serde(default)]
    pub guardrails: Vec<FileGuardrail>,
}

/// A server that is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileServer {
    /// Its name.
    pub name: String,
    /// The URL of its MCP endpoint.
    pub url: String,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileGrant {
    /// The agent's name.
    pub agent: String,
    /// The server's name.
    pub server: String,
    /// The account's name; `null` is every account.
    #[serde(default)]
    pub account: Option<String>,
    /// What, such as `tool:send_payment`, `tools:get_*`, `class:read`, `resource:*`.
    pub target: String,
    /// `allow`, `ask` or `deny`.
    pub effect: String,
    /// The digest of the very parameters it holds for, where it holds for those only.
    #[serde(default)]
    pub same_arguments: Option<String>,
    /// Conditions on the arguments.
    #[serde(default, rename = "where")]
    pub conditions: Vec<String>,
    /// A budget.
    #[serde(default)]
    pub budget: Option<String>,
    /// What a yes takes where it asks: `passphrase` or `presence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Until when, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// A note.
    #[serde(default)]
    pub note: Option<String>,
}

/// A guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileGuardrail {
    /// Its name.
    pub name: String,
    /// Its Cedar policies.
    pub text: String,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// What tells whether the rest can be read at all.
#[derive(Deserialize)]
struct Head {
    prokura: Option<String>,
    version: Option<u32>,
}

impl RulesFile {
    /// A file with these.
    #[must_use]
    pub fn new(
        exported_at: String,
        servers: Vec<FileServer>,
        grants: Vec<FileGrant>,
        guardrails: Vec<FileGuardrail>,
    ) -> Self {
        let exported_at = Some(exported_at);
        Self {
            prokura: KIND.to_owned(),
            version: VERSION,
            exported_at,
            servers,
            grants,
            guardrails,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Failure`] where it is no such file, of another version, or says something that would be passed over.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let bad =
            |message: String, hint: &str| Failure::new(FailureCode::BadRequest, message, hint);
        let again = "Nothing was changed. Write the file anew with `prokura rules export`.";
        let head: Head = serde_json::from_str(text)
            .map_err(|fault| bad(format!("This is no file of rules: {fault}."), again))?;
        if head.prokura.as_deref() != Some(KIND) {
            return Err(bad("This is no file of rules: it does not say so.".to_owned(), again));
        }
        match head.version {
            Some(VERSION) => {}
            Some(other) => {
                return Err(bad(
                    format!(
                        "This file is of version {other}, and this Prokura reads version {VERSION}."
                    ),
                    "Nothing was changed. Update Prokura, or write the file with this version.",
                ));
            }
            None => return Err(bad("This file does not say its version.".to_owned(), again)),
        }
        serde_json::from_str(text).map_err(|fault| {
            bad(
                format!("This file says something that cannot be taken: {fault}."),
                "Nothing was changed. What a file can say is in docs/rules-file.md.",
            )
        })
    }

    /// The text of the file.
    ///
    /// # Errors
    /// [`Failure`]: a fault of Prokura.
    pub fn to_text(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|fault| {
            Failure::new(FailureCode::Internal, fault.to_string(), "Report this as a bug.")
        })?;
        Ok(text + "\n")
    }
}
