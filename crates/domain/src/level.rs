//! How a yes has to be given: a click, the approval passphrase, or proof that the person is there. A level only makes an
//! answer harder; it must never answer anything.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::call::Target;
use crate::id::{GrantId, ServerId};
use crate::json::Json;
use crate::tool::ToolClass;

/// How a yes has to be given; the greater, the more demanding.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A click, or a command.
    #[default]
    Click,
    /// The approval passphrase.
    Passphrase,
    /// The system says that the person is there, each time anew.
    Presence,
}

impl Level {
    /// All of them, the mildest first.
    pub const ALL: [Self; 3] = [Self::Click, Self::Passphrase, Self::Presence];

    /// The word used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Passphrase => "passphrase",
            Self::Presence => "presence",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// What a level is set for. Text forms: `class:read`, `server:ID`, `tool:ID/NAME`, `grant:ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LevelScope {
    /// Every tool of a class; a tool without one counts as each of them.
    Class(ToolClass),
    /// Everything at a Server.
    Server(ServerId),
    /// One tool.
    Tool(ServerId, String),
    /// What one Grant asks about.
    Grant(GrantId),
}

impl LevelScope {
    /// The stored text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Class(class) => format!("class:{}", class.as_str()),
            Self::Server(server) => format!("server:{server}"),
            Self::Tool(server, name) => format!("tool:{server}/{name}"),
            Self::Grant(grant) => format!("grant:{grant}"),
        }
    }

    /// Reads the stored text form.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "class" => ToolClass::from_text(rest).map(Self::Class),
            "server" => Some(Self::Server(ServerId::from_text(rest))),
            "tool" => {
                let (server, name) = rest.split_once('/')?;
                Some(Self::Tool(ServerId::from_text(server), name.to_owned()))
            }
            "grant" => Some(Self::Grant(GrantId::from_text(rest))),
            _ => None,
        }
    }
}

/// The levels that the person set. The most demanding of those that fit counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    rules: Vec<(LevelScope, Level)>,
    /// What counts everywhere; only where the stored form cannot be read.
    floor: Level,
}

impl Levels {
    /// What was set, in the order of the scopes.
    #[must_use]
    pub fn rules(&self) -> &[(LevelScope, Level)] {
        &self.rules
    }

    /// What is set for this very scope.
    #[must_use]
    pub fn of(&self, scope: &LevelScope) -> Level {
        let found = self.rules.iter().find(|(own, _)| own == scope);
        found.map_or(Level::Click, |(_, level)| *level)
    }

    /// The same with another level for one scope.
    #[must_use]
    pub fn with(&self, scope: LevelScope, level: Level) -> Self {
        let mut rules = self.rules.clone();
        rules.retain(|(own, _)| *own != scope);
        if level != Level::Click {
            rules.push((scope, level));
        }
        rules.sort();
        Self { rules, floor: self.floor }
    }

    /// What a yes about this has to be given with, where these Grants ask.
    #[must_use]
    pub fn wanted(
        &self,
        server: &ServerId,
        target: &Target,
        class: Option<ToolClass>,
        grants: &[GrantId],
    ) -> Level {
        let fits = |scope: &LevelScope| match (scope, target) {
            (LevelScope::Class(wanted), Target::Tool(_)) => class.is_none_or(|own| own == *wanted),
            (LevelScope::Tool(at, name), Target::Tool(called)) => at == server && name == called,
            (LevelScope::Server(at), _) => at == server,
            (LevelScope::Grant(grant), _) => grants.contains(grant),
            (
                LevelScope::Class(_) | LevelScope::Tool(..),
                Target::Resource(_) | Target::Prompt(_) | Target::Method(_),
            ) => false,
        };
        let fitting = self.rules.iter().filter(|(scope, _)| fits(scope));
        fitting.map(|(_, level)| *level).max().unwrap_or_default().max(self.floor)
    }

    /// The stored form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let one = |(scope, level): &(LevelScope, Level)| {
            Json::object([
                ("scope", Json::text(scope.to_text())),
                ("level", Json::text(level.as_str())),
            ])
        };
        Json::Array(self.rules.iter().map(one).collect()).to_text()
    }

    /// Reads the stored form. Nobody knows what an unreadable one wanted, so then everything wants the most.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let one = |rule: &Json| {
            let scope = LevelScope::from_text(rule.member("scope")?.as_str()?)?;
            Some((scope, Level::from_text(rule.member("level")?.as_str()?)?))
        };
        let read = || Json::read(text.as_bytes()).ok()?.items()?.iter().map(one).collect();
        match read() {
            Some(rules) => Self { rules, floor: Level::Click },
            None => Self { rules: Vec::new(), floor: Level::Presence },
        }
    }
}

/// A passphrase on its way to be checked. Its memory is wiped, and nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that stretches it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Target {
        Target::Tool(name.to_owned())
    }

    #[test]
    fn the_most_demanding_level_counts_and_what_has_no_class_counts_as_every_class() {
        let (bank, shop) = (ServerId::from_text("srv_1"), ServerId::from_text("srv_2"));
        let grant = GrantId::from_text("grt_1");
        let levels = Levels::default()
            .with(LevelScope::Class(ToolClass::Destructive), Level::Passphrase)
            .with(LevelScope::Tool(bank.clone(), "pay".to_owned()), Level::Presence)
            .with(LevelScope::Grant(grant.clone()), Level::Passphrase);
        let levels = Levels::from_text(&levels.to_text());
        let destructive = Some(ToolClass::Destructive);
        assert_eq!(levels.wanted(&bank, &tool("pay"), destructive, &[]), Level::Presence);
        assert_eq!(levels.wanted(&shop, &tool("pay"), destructive, &[]), Level::Passphrase);
        assert_eq!(levels.wanted(&shop, &tool("pay"), Some(ToolClass::Read), &[]), Level::Click);
        assert_eq!(levels.wanted(&shop, &tool("pay"), None, &[]), Level::Passphrase);
        let read = Some(ToolClass::Read);
        assert_eq!(levels.wanted(&shop, &tool("x"), read, &[grant]), Level::Passphrase);
        let resource = Target::Resource("file:///x".to_owned());
        assert_eq!(levels.wanted(&bank, &resource, None, &[]), Level::Click);
        let whole = levels.with(LevelScope::Server(bank.clone()), Level::Presence);
        assert_eq!(whole.wanted(&bank, &resource, None, &[]), Level::Presence);
        let less = whole.with(LevelScope::Server(bank.clone()), Level::Click);
        assert_eq!(less, levels);
    }

    #[test]
    fn what_cannot_be_read_wants_the_most() {
        let server = ServerId::from_text("srv_1");
        for text in ["", "{}", r#"[{"scope":"moon:1","level":"click"}]"#, "[1]"] {
            let levels = Levels::from_text(text);
            assert_eq!(levels.wanted(&server, &tool("x"), None, &[]), Level::Presence, "{text}");
        }
    }

    #[test]
    fn a_passphrase_is_redacted_when_it_is_debugged() {
        let passphrase = Some(Passphrase::new("hunter2".to_owned()));
        assert_eq!(format!("{passphrase:?}"), "Some(<redacted>)");
    }
}
