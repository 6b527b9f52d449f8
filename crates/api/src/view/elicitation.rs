//! What a server asks of the person, as it is shown. All texts are the server's words, in pieces.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Piece;

/// A question of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ElicitationView {
    /// `form`, `url`, or `done`: whether a visit is over.
    pub mode: String,
    /// What the server says.
    pub message: Vec<Piece>,
    /// What it wants to know; empty unless it is a form.
    pub fields: Vec<FieldView>,
    /// The page it wants to be visited.
    pub page: Option<PageView>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct FieldView {
    /// Its name, to be handed back as it is.
    pub name: String,
    /// What it is called.
    pub label: Vec<Piece>,
    /// What it is for.
    pub description: Option<Vec<Piece>>,
    /// Whether there is no answer without it.
    pub required: bool,
    /// `text`, `number`, `switch`, `one` or `many`.
    pub input: String,
    /// Of a text: `email`, `uri`, `date` or `date-time`.
    pub format: Option<String>,
    /// What it takes, in Prokura's words.
    pub rule: Option<String>,
    /// What there is to choose from.
    pub offers: Vec<OfferView>,
    /// What stands in it at first.
    pub default: Vec<String>,
    /// Whether it looks as if it asked for a password or a key, which no form may do.
    pub secret: bool,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct OfferView {
    /// What is sent, to be handed back as it is.
    pub value: String,
    /// What it is called.
    pub label: Vec<Piece>,
    /// What is sent, where it is called otherwise.
    pub sent: Option<Vec<Piece>>,
}

/// A page to be visited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct PageView {
    /// The whole address, as it would be opened.
    pub url: Vec<Piece>,
    /// The same as text, where it may be opened.
    pub opens: Option<String>,
    /// The real host, as the network knows it.
    pub host: Vec<Piece>,
    /// Why to look twice.
    pub warning: Option<String>,
    /// Why it is not opened.
    pub refused: Option<String>,
}
