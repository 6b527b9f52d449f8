//! Names on the aggregate endpoint: `server__tool`, at most 64 of `[A-Za-z0-9_-]` (P-08, P-21). A name that does not
//! fit is cut and ends in a digest; such a name is found again through what was listed before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prokura_domain::Digest;

/// The longest name.
const LIMIT: usize = 64;
/// Hexadecimal digits of a digest.
const DIGITS: usize = 10;
/// How many cut names are remembered.
const REMEMBERED: usize = 20_000;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    Tool,
    Prompt,
    Resource,
    Template,
}

impl Sort {
    /// What a list lists.
    pub fn listed_by(method: &str) -> Option<Self> {
        let all = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];
        all.into_iter().find(|sort| sort.method() == method)
    }

    pub fn method(self) -> &'static str {
        match self {
            Self::Tool => "tools/list",
            Self::Prompt => "prompts/list",
            Self::Resource => "resources/list",
            Self::Template => "resources/templates/list",
        }
    }

    /// The member of the result that holds the entries.
    pub fn member(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Template => "resourceTemplates",
        }
    }

    /// The capability of a Server that has such things.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource | Self::Template => "resources",
        }
    }

    /// What is told when the list changes.
    pub fn changed(self) -> &'static str {
        match self {
            Self::Tool => "notifications/tools/list_changed",
            Self::Prompt => "notifications/prompts/list_changed",
            Self::Resource | Self::Template => "notifications/resources/list_changed",
        }
    }
}

/// The cut names, and what they stand for. What they stand for is nobody's secret and gives nobody a right.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<(Sort, String), (String, String)>>);

/// What a name on the aggregate endpoint says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// This name at this server.
    Name {
        server: String,
        name: String,
    },
    /// A cut name at this server that was not listed since the start.
    Cut {
        server: String,
    },
    Nothing,
}

/// The name of `name` at `server` on the aggregate endpoint: always the same, and never the name of something else.
pub(crate) fn joined(server: &str, name: &str) -> String {
    let plain = format!("{server}__{name}");
    let fits = plain.len() <= LIMIT && plain.bytes().all(is_plain) && !name.is_empty();
    if fits && !is_cut(&plain) {
        return plain;
    }
    let digest = Digest::of(&[server.as_bytes(), b"\0", name.as_bytes()]).to_string();
    let tail: String = digest.chars().take(DIGITS).collect();
    let room = LIMIT.saturating_sub(server.len() + 4 + DIGITS);
    let cut: String = name
        .chars()
        .take(room)
        .map(|c| if c.is_ascii() && is_plain(c as u8) { c } else { '_' })
        .collect();
    format!("{server}__{cut}__{tail}")
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Whether a name ends like a cut one. No plain name does: such a name would have been cut too.
fn is_cut(name: &str) -> bool {
    let Some(at) = name.len().checked_sub(DIGITS + 2) else { return false };
    name.get(at..).and_then(|tail| tail.strip_prefix("__")).is_some_and(|digits| {
        digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

impl Names {
    /// The joined name; remembered where it cannot be taken apart again.
    pub fn join(&self, sort: Sort, server: &str, name: &str) -> String {
        let joined = joined(server, name);
        if is_cut(&joined) {
            let mut cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if cut.len() >= REMEMBERED {
                cut.clear();
            }
            cut.insert((sort, joined.clone()), (server.to_owned(), name.to_owned()));
        }
        joined
    }

    /// What a joined name stands for.
    pub fn meaning(&self, sort: Sort, joined: &str) -> Meaning {
        let Some((server, name)) = joined.split_once("__") else { return Meaning::Nothing };
        if !is_cut(joined) {
            return Meaning::Name { server: server.to_owned(), name: name.to_owned() };
        }
        let cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match cut.get(&(sort, joined.to_owned())) {
            Some((server, name)) => Meaning::Name { server: server.clone(), name: name.clone() },
            None => Meaning::Cut { server: server.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_fits_is_joined_and_taken_apart_again() {
        let names = Names::default();
        assert_eq!(names.join(Sort::Tool, "git-hub", "get_repository"), "git-hub__get_repository");
        let meaning = names.meaning(Sort::Tool, "git-hub__get__it");
        let name = "get__it".to_owned();
        assert_eq!(meaning, Meaning::Name { server: "git-hub".to_owned(), name });
    }

    #[test]
    fn a_tool_cannot_take_the_name_another_tool_is_cut_to() {
        let cut = joined("s", "a.b");
        let forged = cut.strip_prefix("s__").unwrap_or_default();
        assert_ne!(joined("s", forged), cut);
        let names = Names::default();
        assert_eq!(names.meaning(Sort::Tool, &cut), Meaning::Cut { server: "s".to_owned() });
        names.join(Sort::Prompt, "s", "a.b");
        assert_eq!(names.meaning(Sort::Tool, &cut), Meaning::Cut { server: "s".to_owned() });
        names.join(Sort::Tool, "s", "a.b");
        let meaning = Meaning::Name { server: "s".to_owned(), name: "a.b".to_owned() };
        assert_eq!(names.meaning(Sort::Tool, &cut), meaning);
    }

    proptest! {
        // P-21
        #[test]
        fn every_name_is_short_plain_and_comes_back(
            server in "[a-z][a-z0-9-]{0,31}",
            name in "\\PC{0,120}",
        ) {
            let names = Names::default();
            let joined = names.join(Sort::Tool, &server, &name);
            prop_assert!(joined.len() <= LIMIT && joined.bytes().all(is_plain), "{}", joined);
            prop_assert_eq!(names.meaning(Sort::Tool, &joined), Meaning::Name { server, name });
        }

        #[test]
        fn two_tools_never_share_a_name(
            server in "[a-z][a-z0-9-]{0,31}",
            one in "[a-c._]{0,90}",
            other in "[a-c._]{0,90}",
        ) {
            prop_assume!(one != other);
            prop_assert_ne!(joined(&server, &one), joined(&server, &other));
        }
    }
}
