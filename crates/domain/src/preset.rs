//! Presets: sets of Grants that people want often, by one name.

use crate::grant::{Effect, TargetPattern};
use crate::tool::ToolClass;

/// A set of Grants for one Agent at one Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// What reads goes; nothing else exists.
    ReadOnly,
    /// What reads goes; a person is asked about everything else.
    ReadsAllowedWritesAsk,
    /// A person is asked about everything.
    AskForEverything,
}

impl Preset {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 3] =
        [Self::ReadOnly, Self::AskForEverything, Self::ReadsAllowedWritesAsk];

    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::ReadsAllowedWritesAsk => "reads_allowed_writes_ask",
            Self::AskForEverything => "ask_for_everything",
        }
    }

    /// Reads the word; `-` is as good as `_`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.replace('-', "_");
        Self::ALL.into_iter().find(|preset| preset.as_str() == text)
    }

    /// What it grants. Tools that nobody classified are never read tools.
    #[must_use]
    pub fn rules(self) -> Vec<(TargetPattern, Effect)> {
        let every = || "*".to_owned();
        let reads = [
            (TargetPattern::Class(ToolClass::Read), Effect::Allow),
            (TargetPattern::Resources(every()), Effect::Allow),
            (TargetPattern::Prompts(every()), Effect::Allow),
        ];
        match self {
            Self::ReadOnly => reads.to_vec(),
            Self::ReadsAllowedWritesAsk => {
                let rest = (TargetPattern::Tools(every()), Effect::Ask);
                reads.into_iter().chain([rest]).collect()
            }
            Self::AskForEverything => vec![
                (TargetPattern::Tools(every()), Effect::Ask),
                (TargetPattern::Resources(every()), Effect::Ask),
                (TargetPattern::Prompts(every()), Effect::Ask),
            ],
        }
    }
}
