//! What came of a tool that the person called.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Piece;

/// One part of a result. What is no text is named and never drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ContentPartView {
    /// `text`, `image`, `audio`, `resource`, `resource_link`, or what the server calls it.
    pub kind: String,
    /// What it is, such as `image/png, 12 KiB`; empty for plain text.
    pub about: String,
    /// The text, in pieces; empty where it is none.
    pub text: Vec<Piece>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct RunView {
    /// `done`, `failed` (the tool, or Prokura in its place, says why), `refused` (an error came instead of a result), `asks` (the server wants to
    /// know something first) or `stopped`.
    pub outcome: String,
    /// The W3C trace id, by which its records are found.
    pub trace: String,
    /// How long it took in milliseconds, waiting for approval included.
    #[ts(type = "number")]
    pub took_ms: i64,
    /// The code of the error.
    #[ts(type = "number | null")]
    pub code: Option<i64>,
    /// The error's message, or why it stopped, in pieces.
    pub message: Vec<Piece>,
    /// The parts of the result.
    pub parts: Vec<ContentPartView>,
    /// The structured result as indented JSON, in pieces; empty where there is none.
    pub structured: Vec<Piece>,
    /// The whole answer as indented JSON, in pieces.
    pub raw: Vec<Piece>,
    /// Whether something was too long to be shown here.
    pub cut: bool,
}
