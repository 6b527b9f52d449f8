//! Wishes about many rules at once: presets, copies, changes of several grants, rules as a file, and signed bundles.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What can be done with many grants at once, and with rules as a file. Where there is a `digest`, leaving it out only shows what
/// would happen; with the digest that was shown it happens, unless it would be something else by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "act")]
#[ts(export_to = "Request.ts")]
pub enum RulesWish {
    /// Take several grants back.
    Revoke {
        /// Their ids.
        grants: Vec<String>,
    },
    /// Change the effect or the end of several grants.
    Change {
        /// Their ids.
        grants: Vec<String>,
        /// `allow`, `ask` or `deny`; omitted leaves it.
        effect: Option<String>,
        /// Until when: RFC 3339, a time from now such as `8h`, or `never`; omitted leaves it.
        until: Option<String>,
    },
    /// Make the grants of a preset.
    Preset {
        /// The agent's name or id.
        agent: String,
        /// The server's name or id.
        server: String,
        /// The account's name or id; omitted means every account.
        account: Option<String>,
        /// `read_only`, `reads_allowed_writes_ask` or `ask_for_everything`.
        preset: String,
        /// Until when; omitted means until revoked.
        until: Option<String>,
        /// What was shown.
        digest: Option<String>,
    },
    /// Give an agent what another one has.
    Copy {
        /// The name or id of the agent that has them.
        from: String,
        /// The name or id of the agent that gets them.
        to: String,
        /// Only at this server.
        server: Option<String>,
        /// What was shown.
        digest: Option<String>,
    },
    /// All grants in force and the person's own guardrails, as the text of a file.
    Export,
    /// Take the rules of a file.
    Import {
        /// Its text.
        text: String,
        /// Whether what cannot be taken is left out; otherwise nothing is taken then.
        #[serde(default)]
        partly: bool,
        /// What was shown.
        digest: Option<String>,
    },
}

/// What can be asked about bundles of guardrails that an organisation signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "act")]
#[ts(export_to = "Request.ts")]
pub enum BundleWish {
    /// Those that are required.
    List,
    /// What one says, without taking it.
    Look {
        /// Its text.
        text: String,
        /// The key of who signs it, in hexadecimal digits; omitted means one of a bundle that is required.
        key: Option<String>,
    },
    /// Require one, or take a newer form of one that is required.
    Take {
        /// Its text.
        text: String,
        /// The key of who signs it, in hexadecimal digits; omitted means one of a bundle that is required.
        key: Option<String>,
    },
    /// Require one no longer.
    Release {
        /// Its name.
        name: String,
    },
}
