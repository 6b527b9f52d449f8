//! Which Grants apply to a Call, and which of them is the most specific.

use prokura_domain::{Grant, Pin, Target, TargetPattern, Timestamp};
use wildmatch::WildMatch;

use crate::decide::ToolFacts;

/// How narrowly a Grant was made; the greater, the narrower. Agent and Server are always named, so the order is:
/// Account, target (name, longer glob literal, class, all), conditions; the very same arguments are the narrowest of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    account: bool,
    target: (u8, usize),
    arguments: u8,
}

impl Specificity {
    /// The specificity of `grant`.
    #[must_use]
    pub fn of(grant: &Grant) -> Self {
        Self {
            account: grant.account.is_some(),
            target: target_rank(&grant.target),
            arguments: match (&grant.arguments, grant.conditions.is_empty()) {
                (Some(_), _) => 2,
                (None, false) => 1,
                (None, true) => 0,
            },
        }
    }
}

fn target_rank(pattern: &TargetPattern) -> (u8, usize) {
    match pattern {
        TargetPattern::Tool(_) => (3, 0),
        TargetPattern::Tools(glob)
        | TargetPattern::Resources(glob)
        | TargetPattern::Prompts(glob)
        | TargetPattern::Methods(glob) => {
            let literal = glob.chars().filter(|c| !matches!(c, '*' | '?')).count();
            if !glob.contains(['*', '?']) {
                (3, 0)
            } else if literal == 0 {
                (0, 0)
            } else {
                (2, literal)
            }
        }
        TargetPattern::Class(_) => (1, 0),
    }
}

/// Whether `pattern` covers `target`. A glob or class covers only accepted tools, a class only classified ones; a name
/// covers its tool whatever its pin, so that a quarantined tool is refused with a reason instead of being unknown.
#[must_use]
pub fn covers(pattern: &TargetPattern, target: &Target, tool: Option<&ToolFacts>) -> bool {
    let glob = |glob: &str, name: &str| WildMatch::new(glob).matches(name);
    match (pattern, target) {
        (TargetPattern::Tool(name), Target::Tool(called)) => name == called,
        (TargetPattern::Tools(pattern), Target::Tool(called)) => {
            tool.is_some_and(|tool| tool.pin != Pin::New) && glob(pattern, called)
        }
        (TargetPattern::Class(class), Target::Tool(_)) => {
            tool.is_some_and(|tool| tool.pin != Pin::New && tool.class == Some(*class))
        }
        (TargetPattern::Resources(pattern), Target::Resource(name))
        | (TargetPattern::Prompts(pattern), Target::Prompt(name))
        | (TargetPattern::Methods(pattern), Target::Method(name)) => glob(pattern, name),
        (
            TargetPattern::Tool(_) | TargetPattern::Tools(_) | TargetPattern::Class(_),
            Target::Resource(_) | Target::Prompt(_) | Target::Method(_),
        )
        | (TargetPattern::Resources(_), Target::Tool(_) | Target::Prompt(_) | Target::Method(_))
        | (TargetPattern::Prompts(_), Target::Tool(_) | Target::Resource(_) | Target::Method(_))
        | (TargetPattern::Methods(_), Target::Tool(_) | Target::Resource(_) | Target::Prompt(_)) => {
            false
        }
    }
}

/// Whether `grant` is in force at `now`.
pub(crate) fn in_force(grant: &Grant, now: Timestamp) -> bool {
    grant.revoked_at.is_none() && grant.until.is_none_or(|until| now < until)
}
