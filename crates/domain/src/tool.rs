//! A Tool: its pinned definition, class and flow labels. What a Server says of it only makes us stricter.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::id::ServerId;

/// What a Tool can do to the world. The person's word; annotations and names only suggest it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolClass {
    /// Looks, changes nothing.
    Read,
    /// Changes something that can be changed back.
    Write,
    /// Changes something that cannot be changed back.
    Destructive,
    /// Changes who may do what.
    Admin,
}

impl ToolClass {
    /// All classes, mildest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Destructive, Self::Admin];

    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
            Self::Admin => "admin",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

/// The flow labels a person accepted for a Tool. All false is a statement too: `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Labels {
    /// Its results can hold private data.
    pub reads_private: bool,
    /// Its results can hold text from strangers.
    pub reads_untrusted: bool,
    /// Its arguments leave for somebody else to read.
    pub sends_out: bool,
}

impl Labels {
    /// What a Tool counts as while nobody has looked at it.
    pub const ALL: Self = Self { reads_private: true, reads_untrusted: true, sends_out: true };

    /// Reads `reads_private,sends_out` or `none`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut labels = Self::default();
        if text == "none" {
            return Some(labels);
        }
        for word in text.split(',') {
            match word.trim() {
                "reads_private" => labels.reads_private = true,
                "reads_untrusted" => labels.reads_untrusted = true,
                "sends_out" => labels.sends_out = true,
                _ => return None,
            }
        }
        Some(labels)
    }

    /// The stored text form; what [`Self::from_text`] reads.
    #[must_use]
    pub fn to_text(self) -> String {
        let words = self.words();
        if words.is_empty() { "none".to_owned() } else { words.join(",") }
    }

    /// The words that apply.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let named = [
            (self.reads_private, "reads_private"),
            (self.reads_untrusted, "reads_untrusted"),
            (self.sends_out, "sends_out"),
        ];
        named.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect()
    }
}

/// Where a Tool stands against what the person has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// The definition is the accepted one.
    Accepted,
    /// It appeared after the Server was first seen; nobody has accepted it yet.
    New,
    /// The Server now offers another definition than the accepted one.
    Changed,
    /// The Server no longer offers it.
    Gone,
}

impl Pin {
    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Accepted, Self::New, Self::Changed, Self::Gone]
            .into_iter()
            .find(|pin| pin.as_str() == text)
    }
}

/// A tool of a Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The Server that offers it.
    pub server: ServerId,
    /// Its name there.
    pub name: String,
    /// The accepted definition, as canonical JSON; of a new Tool, the offered one.
    pub definition: String,
    /// The digest of `definition`.
    pub digest: Digest,
    /// The definition offered now, where it is another one.
    pub offered: Option<String>,
    /// Where it stands.
    pub pin: Pin,
    /// The person's class; `None` is unclassified.
    pub class: Option<ToolClass>,
    /// What annotations and name suggest.
    pub suggested: ToolClass,
    /// The accepted flow labels; `None` counts as all three.
    pub labels: Option<Labels>,
    /// When it was first seen.
    pub seen_at: Timestamp,
}
